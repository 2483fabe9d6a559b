// The valid binary modules of the specification suite, which lies beside the checkout.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SUITE = process.env.WASMETER_SPEC_SUITE ?? join(HERE, "../../../shared/spec");

/** Commands whose module decodes and validates. */
const VALID = new Set([
  "module",
  "module_definition",
  "assert_unlinkable",
  "assert_uninstantiable",
]);

interface Script {
  readonly group: string;
  readonly json: string;
}

interface SuiteCommand {
  readonly type: string;
  readonly module_type?: string;
  readonly filename?: string;
}

/** A module and what the tests call it: `group/file`. */
export interface SuiteModule {
  readonly group: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

function parse<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** All valid modules; none, after one loud line, if the suite is not there. */
export function validSuiteModules(): SuiteModule[] {
  const manifest = join(SUITE, "json/manifest.json");
  if (!existsSync(manifest)) {
    console.warn(`SKIPPED: no specification suite; WASMETER_SPEC_SUITE says where it is`);
    return [];
  }
  const modules: SuiteModule[] = [];
  for (const { group, json } of parse<Script[]>(manifest)) {
    const path = join(SUITE, json);
    for (const command of parse<{ commands: SuiteCommand[] }>(path).commands) {
      const { type, module_type, filename } = command;
      if (!VALID.has(type) || module_type !== "binary" || filename === undefined) continue;
      const bytes = Uint8Array.from(readFileSync(join(dirname(path), filename)));
      modules.push({ group, name: `${group}/${filename}`, bytes });
    }
  }
  return modules;
}
