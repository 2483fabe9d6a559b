// The README is run as a reader would run it, in the folder of the repository and against the built
// package: its JavaScript, and its commands save those of npm, which set up and build.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

/** The blocks of code in one language. */
function blocks(language: string): string[] {
  const fences = readme.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return Array.from(fences, ([, name, text]) => ({ name, text }))
    .filter(({ name }) => name === language)
    .map(({ text }) => text);
}

const commands = blocks("sh")
  .flatMap((text) => text.trim().split("\n"))
  .filter((line) => !line.startsWith("npm "));

/** The only block that says this. */
function scriptWith(text: string): string {
  const found = blocks("js").filter((block) => block.includes(text));
  expect(found).toHaveLength(1);
  return found[0];
}

/** Lines that a script writes; it has to end well. */
function linesOf(script: string, ...options: string[]): string[] {
  const words = [...options, "--input-type=module", "-"];
  const result = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8", input: script });
  expect(result).toMatchObject({ status: 0, stderr: "" });
  return result.stdout.trimEnd().split("\n");
}

/** What coreutils would count. */
function counted(text: string): number[] {
  const words = text.split(/[ \t-\r]+/).filter((word) => word !== "");
  return [text.split("\n").length - 1, words.length, Buffer.byteLength(text)];
}

describe("the README's JavaScript", () => {
  it("calls, bills and suspends", () => {
    const script = scriptWith("new Store({ fuel: 5_000_000, limits");
    const [answer, bill, outcome] = linesOf(script);
    // OEIS A006877, A006878: 871 has 178 steps, the most below 1000.
    expect(answer).toBe("[ 871, 178 ]");
    expect(script).toContain(`the bill: ${bill} instructions`);
    expect(outcome).toBe("{ kind: 'suspended', reason: 'slice' }");
  });

  it("bills the same in both tiers", () => {
    const [, bill] = linesOf(scriptWith("new Store({ fuel: 5_000_000, limits"));
    expect(linesOf(scriptWith("fuel: 5_000_000, tier"))).toEqual(
      ["interpreter", "compiled"].map((tier) => `${tier} [ 871, 178 ] ${bill}`),
    );
  });

  it("goes on with a guest that was bytes", () => {
    expect(linesOf(scriptWith("store.snapshot("))).toEqual(["[ 871, 178 ] 3869898"]);
  });

  it("runs a package on the polyfill", () => {
    const command = commands.filter((line) => line.endsWith(" app.mjs"));
    expect(command).toHaveLength(1);
    const options = command[0].split(" ").slice(1, -1);
    expect(linesOf(scriptWith("// app.mjs"), ...options)).toEqual(["[ [ 42 ] ]"]);
  });

  it("stops a guest of a namespace", () => {
    // 100,000 units, and five instructions in each round that cost something.
    expect(linesOf(scriptWith("createNamespace"))).toEqual(["true fuel", "20000n"]);
  });

  it("runs a program for WASI", () => {
    const script = scriptWith("memoryFileSystem");
    const source = readFileSync(`${root}fixtures/wasi/wc.c`, "utf8");
    const [first, second] = linesOf(script);
    expect(first).toBe(`0 ${counted("write less\n").join(" ")} /notes/todo.txt`);
    expect(second).toBe(`${counted(source).join(" ")} /src/wc.c`);
  });

  it("is all tried here", () => {
    expect(blocks("js")).toHaveLength(6);
  });
});

describe("the README's commands", () => {
  /** What each must give: exit code, and what it writes. */
  const expected: readonly (readonly [RegExp, number, RegExp])[] = [
    [/--invoke loop/, 2, /out of fuel.*fuel 1000000,/s],
    [/^cat README\.md \|/, 0, new RegExp(`^${counted(readme).join(" ")}$`, "m")],
    [/--dir \.::\/:ro/, 0, new RegExp(`^${counted(readme).join(" ")} README\\.md$`, "m")],
  ];

  it.each(expected)("%s", (pattern, status, output) => {
    const found = commands.filter((command) => pattern.test(command));
    expect(found).toHaveLength(1);
    const result = spawnSync(found[0], { cwd: root, encoding: "utf8", shell: true });
    expect(result.stdout + result.stderr).toMatch(output);
    expect(result.status).toBe(status);
  });

  it("are all tried here", () => {
    // The one with the polyfill is tried with its script.
    expect(commands).toHaveLength(expected.length + 1);
  });
});
