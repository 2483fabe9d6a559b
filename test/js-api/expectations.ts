// What is known about the official tests of the JavaScript API, and the judgement of a run by it.
// expectations.json holds the number of subtests of each file, as V8 14 (Node 26) runs them, and the
// subtests that fail with the reason why. It may only shrink: a listed subtest that passes is a
// problem, like one that fails unlisted.

import { readFileSync } from "node:fs";
import type { FileResult } from "./harness.ts";

/** Reasons of known failures, by file and by `position name` of the subtest, counted from 0. */
export type KnownFailures = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The contents of expectations.json. */
export interface Expectations {
  /** Subtests by file. */
  readonly subtests: Readonly<Record<string, number>>;
  /** What fails with our namespace. */
  readonly wasmeter: KnownFailures;
  /** What fails besides with our namespace under `node --jitless`. */
  readonly jitless: KnownFailures;
  /** What fails with V8 14: the proof that the harness judges rightly. */
  readonly v8: KnownFailures;
}

export function readExpectations(): Expectations {
  const file = new URL("expectations.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Expectations;
}

/** Listed as if it were a subtest where a file's script throws and registers too few subtests. */
export const HARNESS_ERROR = "harness error";

/** Names a subtest: names alone are not unique. */
export function subtestKey(position: number, name: string): string {
  return `${position} ${name}`;
}

/** How the subtests of a file went. */
export interface Verdict {
  readonly passed: number;
  /** Failures that are listed. */
  readonly expected: number;
  /** What must not be, one line each (the first line of an error only). */
  readonly problems: readonly string[];
}

const firstLine = (text: string) => text.split("\n", 1)[0];

/** Judges a file's outcome. `count` is undefined for a file that the expectations do not know. */
export function judge(
  { subtests, harnessError }: FileResult,
  count: number | undefined,
  known: Readonly<Record<string, string>> = {},
): Verdict {
  const problems: string[] = [];
  let passed = 0;
  let expected = 0;
  const unused = new Set(Object.keys(known));
  if (harnessError !== null && unused.delete(HARNESS_ERROR)) {
    // What was not registered has failed with the rest of the script.
    expected += (count ?? 0) - subtests.length;
  } else {
    if (harnessError !== null) problems.push(`${HARNESS_ERROR}: ${harnessError}`);
    if (subtests.length !== count) {
      problems.push(`has ${subtests.length} subtests, expected ${count ?? "to know of the file"}`);
    }
  }
  subtests.forEach(({ name, error }, position) => {
    const key = subtestKey(position, name);
    const listed = unused.delete(key);
    if (error === null) {
      passed++;
      if (listed) problems.push(`passes, take it off the list: ${key}`);
    } else if (listed) {
      expected++;
    } else {
      problems.push(`fails: ${key}: ${firstLine(error ?? "did not come to an end")}`);
    }
  });
  for (const key of unused) problems.push(`is listed, but has not happened: ${key}`);
  return { passed, expected, problems };
}
