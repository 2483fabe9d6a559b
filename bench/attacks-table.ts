// Writes the kept results of the attacks into a Markdown file, between `<!-- attacks:begin -->` and
// `<!-- attacks:end -->`: `tsx bench/attacks-table.ts docs/limits.md`. Measures nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { circumstances, markdownTable, replaceBetween, type StoredReport } from "./format.ts";

const RESULTS = new URL("results/results.json", import.meta.url);

const [file] = process.argv.slice(2);
const { reports } = JSON.parse(readFileSync(RESULTS, "utf8")) as { reports: StoredReport[] };
const report = reports.find(({ bench }) => bench === "attacks");
if (file === undefined || report === undefined) {
  console.error("usage: tsx bench/attacks-table.ts FILE.md, after npm run bench -- attacks --save");
  process.exitCode = 64;
} else {
  const table = markdownTable(report.columns, report.rows);
  const text = readFileSync(file, "utf8");
  const parts = `${table}\n\n*${circumstances(report.environment)}*`;
  writeFileSync(file, replaceBetween(text, "attacks", parts));
}
