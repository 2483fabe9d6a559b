// The examples are run as a user would run them, against the built package.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { staleFixtures } from "../../tools/assemble-fixtures.ts";

const folder = new URL("../../examples/", import.meta.url);

function run(name: string): string {
  return execFileSync(process.execPath, [fileURLToPath(new URL(name, folder))], {
    encoding: "utf8",
  });
}

/** What each example must say, from its own description. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "inspect.mjs": [/import {2}func env\.progress \(i32\)/, /export {2}func longest/],
  "stream.mjs": [/^valid, 1 import, 1 export$/m, /refused after \d+ bytes: type mismatch/],
  "async.mjs": [
    /^totals: 600,1000,1500$/m,
    /at the same time: 3$/m,
    /^TypeError: host\.fetch returned a promise, but the call is synchronous/m,
  ],
  "deadline.mjs": [
    /^deadline exceeded \(function 1 "loop"/m,
    /it had come to round [1-9]\d*$/m,
    /^AbortError with the event loop turning$/m,
  ],
  "epoch.mjs": [/^epoch: epoch deadline exceeded/m, /^still there: true$/m],
  "fuel.mjs": [
    // The longest chain below 1000 is known (OEIS A006877, A006878).
    /starts at 871 and has 178 steps$/m,
    /^fuel: out of fuel/m,
    /^refuelled: 871,178, 0 units left$/m,
  ],
  "limits.mjs": [
    /^memory: 16 pages/m,
    /^table: 100 elements/m,
    /^callDepth: call stack exhausted/m,
    /^tableElements: table limit exceeded/m,
    /^the guest still answers: 0 rounds$/m,
  ],
  "promising.mjs": [
    // Of both calls together: 14 instructions per round and 5 at the end.
    /^totals: 600,1000, 892 units left$/m,
    /^SuspendError: trying to suspend without WebAssembly.promising$/m,
    /^RuntimeError: out of fuel$/m,
  ],
  "suspend.mjs": [
    /^out of fuel after \d+ units/m,
    // OEIS A006877, A006878: 231 has 127 steps, the most below 300.
    /^returned 231,127 after [1-9]\d* pauses; at once: 231,127$/m,
    /units, the same as at once$/m,
  ],
  "tenants.mjs": [
    /^fair: true/m,
    /^good: returned 871,178,/m,
    /^bad: suspended: fuel, 0 units left$/m,
  ],
  "threads.mjs": [
    /^deadline: deadline exceeded \(function 2 "primes"/m,
    // So many there are.
    /^2262 primes below 20000$/m,
    // Each number is taken once.
    /^4 workers took 20000 numbers and [1-9]\d{6} units of fuel$/m,
  ],
  "tour.mjs": [
    / {2}\.\.\.\.\.@@@@@@@@/,
    /^Answer: \d+ of 1872 points never escape\.$/m,
    /26 calls of the host\.$/m,
    /stopped after \d+ ms: deadline exceeded/,
    /still answers: [1-9][\d,]* rounds$/m,
  ],
  "wasi.mjs": [
    /^nothing: {2}exit code 2, "kv: \/db\/log: /m,
    /^get: {6}exit code 0, "green\\n"$/m,
    /^snapshot: exit code 0, "colour\\tgreen\\n"$/m,
    /^read: {5}exit code 0, "\d+ \d+ \d+ \/src\/wc\.c\\n"$/m,
    /^change: {3}exit code 2, ".*Read-only file system/m,
    /^leave: {4}exit code 1, ".*Capabilities insufficient/m,
    /^input: {4}2 3 14$/m,
    /^stopped: {2}deadline exceeded/m,
  ],
};

test("every example is tested", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  expect(files.sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.entries(EXPECTED))("%s", (name, patterns) => {
  const output = run(name);
  for (const pattern of patterns) expect(output).toMatch(pattern);
});

test("the fixtures are what their sources assemble to", async () => {
  expect(await staleFixtures()).toEqual([]);
});
