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
  "tour.mjs": [/: valid$/m, /after the last byte/, /(InvalidError|MalformedError): /],
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
