// Known failures of conformance scripts: a file that lists them by script, reason and line, and the
// comparison of a run with it. A listed command that does not fail any more is as wrong as a
// failure that is not listed, so that the list can only shrink.

import { readFileSync } from "node:fs";
import { HostError } from "../command.ts";
import { reason as reasonOf } from "../input.ts";
import type { CommandResult, ScriptResult } from "./runner.ts";

/** First and last line of commands that all fail; the same line for a single one. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** Known failures. */
export interface Expectations {
  /** Why something fails, by a short name. */
  readonly reasons: ReadonlyMap<string, string>;
  /** By script (`group/name`), by the reason's short name. */
  readonly failures: ReadonlyMap<string, ReadonlyMap<string, readonly Range[]>>;
}

/** How a run differs from what was expected. */
export interface Comparison {
  /** Listed failures that did occur. */
  readonly expected: number;
  /** Failures that are not listed. */
  readonly unlisted: readonly string[];
  /** Listed places where nothing fails. */
  readonly passing: readonly string[];
}

/**
 * Reads a file `{"reasons": {"short": "why …"}, "failures": {"group/name": {"short": "7 12-40"}}}`.
 * A range of lines stands for all commands from its first to its last line.
 * @throws HostError if it cannot be read or is no such file
 */
export function readExpectations(path: string): Expectations {
  try {
    return parseExpectations(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new HostError(`cannot read the expectations in ${path}: ${reasonOf(error)}`);
  }
}

export function parseExpectations(json: unknown): Expectations {
  const { failures, reasons } = objectOf(json, "the file");
  const known = new Map(Object.entries(objectOf(reasons, "reasons")).map(parseReason));
  const scripts = Object.entries(objectOf(failures, "failures")).map(([script, lists]) => {
    const parsed = Object.entries(objectOf(lists, script)).map(([name, lines]) => {
      if (!known.has(name)) throw new TypeError(`${script}: there is no reason "${name}"`);
      return [name, parseRanges(lines, script)] as const;
    });
    return [script, new Map(parsed)] as const;
  });
  return { reasons: known, failures: new Map(scripts) };
}

function objectOf(json: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw new TypeError(`${what} must be an object`);
}

function parseReason([name, text]: [string, unknown]): [string, string] {
  if (typeof text === "string" && text !== "") return [name, text];
  throw new TypeError(`the reason "${name}" says nothing`);
}

function parseRanges(lines: unknown, script: string): Range[] {
  if (typeof lines !== "string") throw new TypeError(`${script}: lines must be a string`);
  return lines.split(" ").map((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match !== null && first <= last) return { first, last };
    throw new TypeError(`${script}: "${part}" is no line and no range of lines`);
  });
}

/** The reason for which a line is listed; undefined if it is not. */
function reasonAt(expectations: Expectations, script: string, line: number): string | undefined {
  for (const [name, ranges] of expectations.failures.get(script) ?? []) {
    if (ranges.some(({ first, last }) => first <= line && line <= last)) return name;
  }
  return undefined;
}

function hasFailed({ verdict }: CommandResult): boolean {
  return verdict.outcome === "failed";
}

/** Compares a run with the list. Scripts that did not run are not compared. */
export function compare(scripts: readonly ScriptResult[], expectations: Expectations): Comparison {
  const unlisted: string[] = [];
  const passing: string[] = [];
  let expected = 0;
  for (const { group, name, results } of scripts) {
    const script = `${group}/${name}`;
    for (const result of results) {
      const { line } = result.command;
      const isListed = reasonAt(expectations, script, line) !== undefined;
      if (isListed && hasFailed(result)) expected += 1;
      else if (isListed) passing.push(`${script}:${line}`);
      else if (hasFailed(result)) unlisted.push(`${script}:${line}`);
    }
    passing.push(...absentLines(expectations, script, results));
  }
  return { expected, unlisted, passing };
}

/** Where a range begins or ends without there being a command. */
function absentLines(
  expectations: Expectations,
  script: string,
  results: readonly CommandResult[],
): string[] {
  const lines = new Set(results.map(({ command }) => command.line));
  const ranges = [...(expectations.failures.get(script)?.values() ?? [])].flat();
  const ends = ranges.flatMap(({ first, last }) => (first === last ? [first] : [first, last]));
  return ends.filter((line) => !lines.has(line)).map((line) => `${script}:${line}`);
}

/** The lines of the commands that `holds` is true of, as ranges: `7 12-40`. */
export function formatLines(
  results: readonly CommandResult[],
  holds: (result: CommandResult) => boolean,
): string {
  const ranges: Range[] = [];
  let first = 0;
  results.forEach((result, i) => {
    if (!holds(result)) return;
    const { line } = result.command;
    const [before, after] = [results[i - 1], results[i + 1]];
    if (before === undefined || !holds(before)) first = line;
    if (after === undefined || !holds(after)) ranges.push({ first, last: line });
  });
  return formatRanges(ranges);
}

function formatRanges(ranges: readonly Range[]): string {
  const parts = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return parts.join(" ");
}

/**
 * The list without what did not fail in this run, as the text of a file. Nothing is ever added;
 * scripts that did not run stay as they are.
 */
export function shrunk(scripts: readonly ScriptResult[], expectations: Expectations): string {
  const ran = new Map(scripts.map((item) => [`${item.group}/${item.name}`, item.results]));
  const failures: Record<string, Record<string, string>> = {};
  for (const [script, lists] of expectations.failures) {
    const left = [...lists].map(([name, ranges]) => {
      const fails = (result: CommandResult) => {
        const listed = reasonAt(expectations, script, result.command.line);
        return listed === name && hasFailed(result);
      };
      const results = ran.get(script);
      const lines = results === undefined ? formatRanges(ranges) : formatLines(results, fails);
      return [name, lines] as const;
    });
    const needed = left.filter(([, lines]) => lines !== "");
    if (needed.length > 0) failures[script] = Object.fromEntries(needed);
  }
  const reasons = Object.fromEntries(expectations.reasons);
  return `${JSON.stringify({ reasons, failures }, null, 2)}\n`;
}
