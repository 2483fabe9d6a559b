// The generated page of all instructions is the one that is committed, and says what the table
// says.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { instructionsPage } from "../../tools/instructions-page.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

describe("docs/instructions.md", () => {
  const committed = readFileSync(`${ROOT}/docs/instructions.md`, "utf8");

  it("is current: else run `npm run docs` and commit it", () => {
    expect(committed).toBe(instructionsPage());
  });

  it("has a row of seven cells for every instruction", () => {
    const rows = committed.split("\n").filter((line) => line.startsWith("| <a id="));
    expect(rows).toHaveLength(INSTRUCTIONS.length);
    for (const row of rows) expect(row.split(/(?<!\\)\|/), row).toHaveLength(9);
  });

  it("has a different anchor in every row, and the chapters it links to", () => {
    const anchors = [...committed.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]);
    expect(new Set(anchors).size).toBe(INSTRUCTIONS.length);
    for (const anchor of anchors) expect(anchor).toMatch(/^[a-z0-9._-]+$/);
    const links = [...committed.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
    const headings = [...committed.matchAll(/^## (.+)$/gm)].map(([, title]) => {
      return title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-");
    });
    expect(links).toEqual(headings);
    expect(links.length).toBeGreaterThan(4);
  });

  it("says of some instructions what the specification says", () => {
    const cells = (name: string) => {
      const line = committed.split("\n").find((row) => row.includes(`<a id="${name}">`));
      return line?.split(/ (?<!\\)\| /).slice(1) ?? [];
    };
    expect(cells("i32.add").slice(0, 5)).toEqual(["0x6A", "", "i32 i32 → i32", "1.0", "1"]);
    expect(cells("i64.load8_s").slice(0, 3)).toEqual(["0x30", "memarg", "addr → i64"]);
    expect(cells("i64.load8_s")[5]).toContain("1 byte, sign-extended");
    expect(cells("v128.load").slice(0, 2)).toEqual(["0xFD 0", "memarg"]);
    expect(cells("memory.fill").slice(3, 5)).toEqual(["bulk-memory", "1 + bytes / 64"]);
    expect(cells("i32.div_u")[5]).toContain("integer divide by zero");
    expect(cells("select-valtypes")[0]).toBe("0x1C");
  });

  it("is what the command with --check checks", () => {
    const tsx = `${ROOT}/node_modules/tsx/dist/cli.mjs`;
    const args = [tsx, `${ROOT}/tools/instructions-page.ts`, "--check"];
    expect(spawnSync(process.execPath, args).status).toBe(0);
  });
});
