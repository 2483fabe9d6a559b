// Attacks that the package does not withstand yet. Each has its item in issue 11; one that is
// withstood must leave this list, or the test fails.

/** Names of attacks in list.ts. */
export const PENDING: ReadonlySet<string> = new Set<string>([
  "growth of 256 MiB page by page", // 1
  "an AbortSignal while a program of WASI runs under runAsync", // 5
  "instances of 5,000 empty tables", // 13
  "instances of 90 empty memories", // 13
  "200,000 i32.eqz and br_if", // 15
  "a deep execution resumed inside the host function of another deep one", // 17
  "messages: a function with a long name", // not listed
  "js-string: charCodeAt of a string of 2^28 characters", // not listed
]);
