// Where the specification suite lies: beside the checkout, or where WASMETER_SPEC_SUITE says.
// Nothing of it is part of this repository; without it, tests that need it say so and are skipped.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const BESIDE = fileURLToPath(new URL("../../../shared/spec", import.meta.url));

/** The suite's folder; whether it exists is another question. */
export const SUITE = process.env.WASMETER_SPEC_SUITE ?? BESIDE;

/** Whether the suite is there. */
export const HAS_SUITE = existsSync(join(SUITE, "json", "manifest.json"));

if (!HAS_SUITE) {
  console.warn(
    `SKIPPED: no specification suite in ${SUITE}; set WASMETER_SPEC_SUITE to its folder`,
  );
}

/** Path of a file of the suite. */
export function suiteFile(path: string): string {
  return join(SUITE, path);
}

/** A binary module of the suite, with what the suite says about it. */
export interface SuiteModule {
  /** Group, script and line. */
  readonly label: string;
  readonly group: string;
  readonly expectation: "valid" | "invalid" | "malformed";
  readonly bytes: Uint8Array;
  /** The suite's message. */
  readonly text: string;
}

interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly module_type?: string;
  readonly text?: string;
}

const EXPECTATIONS: Readonly<Record<string, SuiteModule["expectation"]>> = {
  module: "valid",
  module_definition: "valid",
  assert_unlinkable: "valid",
  assert_uninstantiable: "valid",
  assert_invalid: "invalid",
  assert_malformed: "malformed",
};

/** All binary modules of the suite that are decoded, in order; none if there is no suite. */
export function* suiteModules(): Iterable<SuiteModule> {
  if (!HAS_SUITE) return;
  const manifest = JSON.parse(readFileSync(suiteFile("json/manifest.json"), "utf8"));
  for (const { group, name, json } of manifest as { group: string; name: string; json: string }[]) {
    const file = suiteFile(json);
    const { commands } = JSON.parse(readFileSync(file, "utf8")) as { commands: Command[] };
    for (const { type, line, filename, module_type, text } of commands) {
      const expectation = EXPECTATIONS[type];
      if (expectation === undefined || filename === undefined || module_type === "text") continue;
      const bytes = new Uint8Array(readFileSync(join(dirname(file), filename)));
      yield { label: `${group}/${name}:${line}`, group, expectation, bytes, text: text ?? "" };
    }
  }
}
