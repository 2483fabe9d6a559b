// Attacks that the package does not withstand yet. Each has its item in issue 11; one that is
// withstood must leave this list, or the test fails.

/** Names of attacks in list.ts. */
export const PENDING: ReadonlySet<string> = new Set<string>([
  "100,000 nested blocks", // 0
  "br_table of 60,000 targets, many times", // 0
  "1,000 results carried through nested blocks", // 0
  "3000 memory.fill in a row", // 1
  "2000 memory.copy in a row", // 1
  "20000 memory.grow 0 in a row", // 1
  "20000 table.grow by one in a row", // 1
  "growth of 256 MiB page by page", // 1
  "namespace: 3,000 memory.fill in a row", // 1
  "namespace: a function of a million instructions", // 1
  "try_table of 10,000 clauses", // 2
  "throw past 20,000 handlers in 100 frames", // 2
  "a function of a million instructions", // 3
  "a function of 200,000 drops", // 3
  "functions that push each other out", // 3
  "straight-line code of 300,000 instructions", // 3
  "50,000 references zeroed", // 4
  "deep stacks of references that take turns", // 4
  "many suspended executions with deep stacks", // 4
  "host calls of a millisecond under callAsync: the event loop turns", // 5
  "an AbortSignal while a program of WASI runs under runAsync", // 5
  "an AbortSignal among host calls of a millisecond", // 5
  "a recursion group of 100,000 types", // 6
  "100,000 br_if that carry 1,000 results", // 6
  "20,000 types of one import", // 6
  "locals in 20,000 runs, 40 functions", // 6
  "a type section of 200,000 types with 24 parameters", // 6
  "50,000 custom sections", // 6
  "types that mention a hundred others", // 6
  "an element segment of 2 million expressions", // 6
  "a million functions without code of note", // 6
  "wasmeter run --timeout while a module is validated", // 6
  "200,000 names of 20 bytes", // 7
  "100 names of 90,000 bytes", // 7
  "exceptions that hold each other", // 10
  "exceptions in a table", // 10
  "a thousand reloads while a tenant waits", // 11
  "ten thousand dropped executions", // 11
  "a thousand modules of different types", // 12
  "100,000 empty data segments", // 13
  "instances of 50,000 functions", // 13
  "instances of 5,000 empty tables", // 13
  "instances of 20,000 exports", // 13
  "passive segments of many instances", // 13
  "instances of 20,000 tags", // 13
  "instances of 90 empty memories", // 13
  "100,000 extensions and br_if", // 15
  "200,000 i32.eqz and br_if", // 15
  "20,000 selects of comparisons", // 15
  "a deep execution resumed inside the host function of another deep one", // 17
  "control characters in names reach the terminal", // 20
  "memory.buffer is transferred", // 21
]);
