// Writes reports as tables: plain text for a terminal, Markdown for the README.

import type { Column, Environment, Report, Row } from "./harness.ts";

/** A report with the circumstances it was measured under. */
export interface StoredReport extends Report {
  readonly environment: Environment;
}

const NOTHING = "–";

function cell(row: Row, { key, digits = 0 }: Column): string {
  const value = row[key] ?? null;
  if (value === null) return NOTHING;
  return typeof value === "number" ? value.toFixed(digits) : value;
}

function isNumeric(rows: readonly Row[], { key }: Column): boolean {
  return rows.some((row) => typeof row[key] === "number");
}

/** Breaks text at spaces so that lines have at most `width` characters. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.join("\n");
}

/** The report for a terminal, columns aligned. */
export function textTable(report: Report): string {
  const { bench, about, columns, rows } = report;
  const widths = columns.map((column) =>
    Math.max(column.title.length, ...rows.map((row) => cell(row, column).length)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) =>
        isNumeric(rows, columns[i]) ? text.padStart(widths[i]) : text.padEnd(widths[i]),
      )
      .join("  ")
      .trimEnd();
  const body = rows.map((row) => line(columns.map((column) => cell(row, column))));
  const head = line(columns.map(({ title }) => title));
  return `\n${bench}\n${wrapped(about, 100)}\n\n${[head, ...body].join("\n")}`;
}

/** The rows as a Markdown table of these columns. */
export function markdownTable(columns: readonly Column[], rows: readonly Row[]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;
  const rule = columns.map((column) => (isNumeric(rows, column) ? "---:" : "---"));
  const body = rows.map((row) => line(columns.map((column) => cell(row, column))));
  return [line(columns.map(({ title }) => title)), line(rule), ...body].join("\n");
}

/** Date, machine and engine of a run. */
export function circumstances({ date, cpu, cores, node, v8 }: Environment): string {
  return `${date}, ${cpu}, ${cores} cores, Node ${node} (V8 ${v8})`;
}

/** `text` with everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` replaced. */
export function replaceBetween(text: string, name: string, parts: string): string {
  const [first, last] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const begin = text.indexOf(first);
  const end = text.indexOf(last);
  if (begin < 0 || end < begin) throw new Error(`found no ${first} followed by ${last}`);
  return `${text.slice(0, begin + first.length)}\n\n${parts}\n\n${text.slice(end)}`;
}
