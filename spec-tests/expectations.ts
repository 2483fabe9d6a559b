// The list of known failures, and the comparison with what a run gave. The list may only shrink: a
// listed failure that does not occur any more is as wrong as a failure that is not listed.

import { readFileSync } from "node:fs";

/** A command of the suite, named as in reports: `group/name:line`. */
export interface Place {
  readonly group: string;
  readonly name: string;
  readonly line: number;
}

/** A failure that is known, and why it is none of ours. */
export interface KnownFailure extends Place {
  readonly reason: string;
}

export function readExpectations(): KnownFailure[] {
  const text = readFileSync(new URL("expectations.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { failures: KnownFailure[] }).failures;
}

export function placeName({ group, name, line }: Place): string {
  return `${group}/${name}:${line}`;
}

/** Places that failed but are not listed, and places that are listed but did not fail. */
export function compare(failed: readonly Place[], known: readonly Place[]) {
  const failedNames = failed.map(placeName);
  const knownNames = known.map(placeName);
  return {
    unlisted: failedNames.filter((place) => !knownNames.includes(place)),
    passing: knownNames.filter((place) => !failedNames.includes(place)),
  };
}
