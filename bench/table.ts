// Writes the kept benchmark results into a Markdown file, between the lines `<!-- bench:begin -->`
// and `<!-- bench:end -->`: `tsx bench/table.ts README.md [bench…]`. Measures nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { markdownTable, type StoredReport } from "./format.ts";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";
const RESULTS = new URL("results/front.json", import.meta.url);
const USAGE = "usage: tsx bench/table.ts FILE.md [bench…]";

/** `text` with everything between the markers replaced by `tables`. */
function replaceBetween(text: string, tables: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`found no ${BEGIN} followed by ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${text.slice(end)}`;
}

/** The reports asked for, in the order asked for; all of them if none is named. */
function selected(reports: readonly StoredReport[], names: readonly string[]): StoredReport[] {
  if (names.length === 0) return [...reports];
  return names.map((name) => {
    const report = reports.find(({ bench }) => bench === name);
    if (report !== undefined) return report;
    const known = reports.map(({ bench }) => bench).join(", ");
    throw new RangeError(`no results of "${name}"; kept: ${known}`);
  });
}

const [file, ...names] = process.argv.slice(2);
if (file === undefined) {
  console.error(USAGE);
  process.exitCode = 64;
} else {
  const { reports } = JSON.parse(readFileSync(RESULTS, "utf8")) as { reports: StoredReport[] };
  const tables = selected(reports, names).map(markdownTable).join("\n\n");
  const text = readFileSync(file, "utf8");
  const renewed = replaceBetween(text, tables);
  if (renewed !== text) writeFileSync(file, renewed);
}
