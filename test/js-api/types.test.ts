// The namespace's types are those of `globalThis.WebAssembly`: the compiler says so, with the DOM's
// library, which the rest of the repository is compiled without.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wasmeter-types-"));

/** What the compiler says about a program. */
async function complaints(program: string): Promise<string> {
  const header = `import { createNamespace, WebAssembly as Ours } from "${ROOT}src/js-api/index.ts";`;
  writeFileSync(join(folder, "program.ts"), `${header}\n${program}`);
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    lib: ["ES2023", "DOM"],
    types: ["node"],
    typeRoots: [`${ROOT}node_modules/@types`],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const config = JSON.stringify({ compilerOptions, files: ["program.ts"] });
  writeFileSync(join(folder, "tsconfig.json"), config);
  const tsc = `${ROOT}node_modules/typescript/bin/tsc`;
  try {
    await promisify(execFile)(process.execPath, [tsc, "-p", folder], { timeout: 100_000 });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

afterAll(() => rmSync(folder, { recursive: true }));

describe("the types of the namespace", () => {
  it("can stand for those of the global", async () => {
    const program = `
      export const a: typeof globalThis.WebAssembly = Ours;
      export const b: typeof globalThis.WebAssembly = createNamespace({ fuel: 1 });
      export async function load(bytes: Uint8Array<ArrayBuffer>) {
        const { instance } = await Ours.instantiate(bytes, { m: { f() {} } });
        const memory: WebAssembly.Memory = instance.exports.memory as WebAssembly.Memory;
        return memory.buffer.byteLength;
      }`;
    expect(await complaints(program)).toBe("");
  });

  it("refuse what is none", async () => {
    const found = await complaints(`new Ours.Memory({ maximum: 1 }); Ours.nonsense();`);
    expect(found).toContain("initial");
    expect(found).toContain("nonsense");
  });
});
