// Writes the conformance table into the README, between its markers: runs `wasmeter spec --json` over
// the suite. Usage: tsx tools/conformance-table.ts README.md SUITE

import { readFileSync, writeFileSync } from "node:fs";
import { main } from "../src/cli/main.ts";

const [file, suite] = process.argv.slice(2);
const BEGIN = "<!-- conformance:begin -->";
const END = "<!-- conformance:end -->";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

let output = "";
const expectations = new URL("../spec-tests/expectations.json", import.meta.url).pathname;
await main(["spec", "--json", "--expect", expectations, suite], {
  stdin: process.stdin,
  out: (text) => {
    output += text;
  },
  err: (text) => process.stderr.write(text),
  color: false,
});
const summary: Counts & { readonly groups: readonly (Counts & { readonly group: string })[] } =
  JSON.parse(output);

const row = (name: string, { passed, failed, skipped }: Counts) =>
  `| ${name} | ${passed} | ${failed} | ${skipped} |`;
const table = [
  "| group | passed | failed, all listed with their reason | skipped: text, annotations |",
  "|---|---:|---:|---:|",
  ...summary.groups.map((group) => row(group.group, group)),
  row("**all**", summary),
].join("\n");

const text = readFileSync(file, "utf8");
const before = text.slice(0, text.indexOf(BEGIN) + BEGIN.length);
const after = text.slice(text.indexOf(END));
writeFileSync(file, `${before}\n${table}\n${after}`);
