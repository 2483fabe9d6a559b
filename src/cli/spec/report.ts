// The report of a conformance run, for people and as JSON. Its last line for people is always
// `N passed, N failed, N skipped`.

import { UNKNOWN_COMMAND } from "./commands.ts";
import type { Comparison } from "./expectations.ts";
import type { Finding, GroupTally, Summary } from "./runner.ts";

const COLUMNS = ["scripts", "passed", "failed", "skipped"] as const;

/** The report as text; with `comparison` of failures that were not expected only. */
export function formatText(
  summary: Summary,
  verbose: boolean,
  comparison: Comparison | null = null,
): string {
  const { passed, failed, skipped, scripts } = summary;
  const rows: GroupTally[] = [...summary.groups];
  if (rows.length > 1) rows.push({ group: "total", scripts, passed, failed, skipped });
  const parts = [table(rows)];
  if (comparison !== null) parts.push(comparisonLines(comparison));
  const failures = failureLines(summary, comparison);
  if (failures.length > 0) parts.push(["failures:", ...failures]);
  const unknown = [...summary.skips].filter(([reason]) => reason.startsWith(UNKNOWN_COMMAND));
  if (unknown.length > 0) parts.push(unknown.map(([reason, count]) => `${reason}: ${count} times`));
  if (verbose) parts.push(skipLines(summary), phraseLines(summary));
  parts.push([`${passed} passed, ${failed} failed, ${skipped} skipped`]);
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function table(rows: readonly GroupTally[]): string[] {
  const width = Math.max("group".length, ...rows.map((row) => row.group.length));
  const widths = COLUMNS.map((column) =>
    Math.max(column.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (first: string, cells: readonly string[]) =>
    [first.padEnd(width), ...cells.map((cell, index) => cell.padStart(widths[index]))].join("  ");
  const body = rows.map((row) =>
    line(
      row.group,
      COLUMNS.map((column) => String(row[column])),
    ),
  );
  return [line("group", COLUMNS), ...body];
}

/** Failures, of a comparison those that are not listed, one by one. */
function failureLines({ failures }: Summary, comparison: Comparison | null): string[] {
  if (comparison === null) return failures.map(findingLine);
  const unlisted = new Set(comparison.unlisted);
  const isUnlisted = ({ group, line, name }: Finding) => unlisted.has(`${group}/${name}:${line}`);
  return failures.filter(isUnlisted).map(findingLine);
}

function comparisonLines({ expected, passing, unlisted }: Comparison): string[] {
  const places = passing.map((place) => `  ${place}`);
  return [
    `${expected} failures are expected, ${unlisted.length} are not`,
    ...(places.length > 0 ? ["listed as failures, but they do not fail:", ...places] : []),
  ];
}

function findingLine({ group, name, line, type, text, reason }: Finding): string {
  const expected = text === "" ? "" : ` ${JSON.stringify(text)}`;
  return `  ${group}/${name}:${line} ${type}${expected}: ${reason}`;
}

function skipLines({ skips }: Summary): string[] {
  if (skips.size === 0) return ["skipped: nothing"];
  const rows = [...skips].sort(([, a], [, b]) => b - a);
  return ["skipped:", ...rows.map(([reason, count]) => `  ${count} ${reason}`)];
}

function phraseLines({ disagreements, phrases }: Summary): string[] {
  const agree = phrases - disagreements.length;
  return [`phrases: ${agree} of ${phrases} agree`, ...disagreements.map(findingLine)];
}

/** The report as one JSON object on one line. */
export function formatJson(
  summary: Summary,
  verbose: boolean,
  comparison: Comparison | null = null,
): string {
  const { skips, disagreements, phrases, ...rest } = summary;
  const agreement = { of: phrases, agree: phrases - disagreements.length };
  const details = verbose ? { disagreements, skips: Object.fromEntries(skips) } : {};
  const compared = comparison === null ? {} : { comparison };
  return `${JSON.stringify({ ...rest, phrases: agreement, ...compared, ...details })}\n`;
}
