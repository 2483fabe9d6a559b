// Attacks that the package does not withstand yet. Each has its item in issue 11; one that is
// withstood must leave this list, or the test fails.

/** Names of attacks in list.ts. */
export const PENDING: ReadonlySet<string> = new Set<string>([
  "br_table of 60,000 targets, many times", // 0
  "1,000 results carried through nested blocks", // 0
  "100,000 nested blocks", // 0
  "2000 memory.copy in a row", // 1
  "3000 memory.fill in a row", // 1
  "3000 memory.init in a row", // 1
  "1000 table.fill in a row", // 1
  "3000 table.init in a row", // 1
  "20000 table.grow by one in a row", // 1
  "growth of 256 MiB page by page", // 1
  "1000 table.copy in a row", // 1
  "20000 memory.grow 0 in a row", // 1
  "one memory.fill of 512 MiB", // 1
  "namespace: 3,000 memory.fill in a row", // 1
  "namespace: a function of a million instructions", // 1
  "try_table of 10,000 clauses", // 2
  "throw past 20,000 handlers in 100 frames", // 2
  "a function of a million instructions", // 3
  "functions that push each other out", // 3
  "a function of 200,000 drops", // 3
  "straight-line code of 300,000 instructions", // 3
  "50,000 references zeroed", // 4
  "50,000 locals zeroed again and again", // 4
  "many suspended executions with deep stacks", // 4
  "deep stacks of references that take turns", // 4
  "host calls of a millisecond under callAsync: the event loop turns", // 5
  "args_get of 100,000 arguments", // 5
  "host calls of a millisecond in a loop", // 5
  "an AbortSignal among host calls of a millisecond", // 5
  "environ_sizes_get of 100,000 variables", // 5
  "an AbortSignal while a program of WASI runs under runAsync", // 5
  "100,000 br_if that carry 1,000 results", // 6
  "a type section of 200,000 types with 24 parameters", // 6
  "100,000 calls with 1,000 arguments that are not there", // 6
  "a recursion group of 100,000 types", // 6
  "types that mention a hundred others", // 6
  "20,000 types of one import", // 6
  "an element segment of 2 million expressions", // 6
  "locals in 20,000 runs, 40 functions", // 6
  "a million functions without code of note", // 6
  "wasmeter run --timeout while a module is validated", // 6
  "100 names of 90,000 bytes", // 7
  "200,000 names of 20 bytes", // 7
  "exceptions in a table", // 10
  "exceptions that hold each other", // 10
  "ten thousand dropped executions", // 11
  "reloads while a tenant waits", // 11
  "a thousand modules of different types, instantiated", // 12
  "100,000 empty data segments", // 13
  "100,000 one-element segments", // 13
  "instances of 50,000 functions", // 13
  "instances of 5,000 empty tables", // 13
  "passive segments of many instances", // 13
  "instances of 20,000 exports", // 13
  "instances of 20,000 tags", // 13
  "instances of 90 empty memories", // 13
  "200,000 i32.eqz and br_if", // 15
  "20,000 selects of comparisons", // 15
  "8,000 i32.eqz and br_if", // 15
  "100,000 extensions and br_if", // 15
  "a start function that calls an asynchronous import under instantiate", // 16
  "thenables that throw, call back twice, or have a getter that throws", // 16
  "a deep execution resumed inside the host function of another deep one", // 17
  "prices of 65,535 in a long segment", // 18
  "a price table in which br costs nothing", // 18
  "control characters in names reach the terminal", // 20
  "memory.buffer is transferred", // 21
  "an exception of the host through a tail call", // 24
  "options that are misspelt or have a wrong value", // 27
]);
