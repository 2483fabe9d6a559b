// Attacks that the package does not withstand yet. Each has its item in issue 11; one that is
// withstood must leave this list, or the test fails.

/** Names of attacks in list.ts. */
export const PENDING: ReadonlySet<string> = new Set<string>();
