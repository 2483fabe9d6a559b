// A vitest reporter that closes a run with one plain line that any CI can read.

import type { Reporter, TestModule } from "vitest/node";

/** Prints `N passed, N failed, N skipped` as the last line. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++;
      // A file that does not even load has no tests to count.
      if (module.state() === "failed" && module.errors().length > 0) counts.failed++;
    }
    const skipped = counts.skipped + counts.pending;
    // After the default reporter's own summary.
    process.on("exit", () => {
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped`);
    });
  }
}
