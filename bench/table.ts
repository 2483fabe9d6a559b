// Writes the kept benchmark results into a Markdown file, between the lines `<!-- bench:begin -->`
// and `<!-- bench:end -->`: `tsx bench/table.ts README.md`. Tables for decoding, running and real
// packages, single figures for the rest; all of it is in bench/results. Measures nothing.

import { readFileSync, writeFileSync } from "node:fs";
import {
  circumstances,
  markdownTable,
  replaceBetween,
  type StoredReport,
  wrapped,
} from "./format.ts";
import type { Column, Row } from "./harness.ts";

const RESULTS = new URL("results/results.json", import.meta.url);
const USAGE = "usage: tsx bench/table.ts FILE.md";
const LINE_WIDTH = 100;

type Reports = readonly StoredReport[];

/** A piece of what is written: which results it needs, and its text. */
interface Part {
  readonly benches: readonly string[];
  write(...reports: Reports): string;
}

const DECODE_COLUMNS: readonly Column[] = [
  { key: "module", title: "decode and validate, MB/s" },
  { key: "megabytes", title: "code, MB", digits: 2 },
  { key: "wasmeter", title: "wasmeter", digits: 0 },
  { key: "v8", title: "V8", digits: 0 },
  { key: "wasmparser", title: "wasmparser", digits: 0 },
  { key: "cold", title: "wasmeter, cold", digits: 0 },
];

/** Behind the kernel; `compiled`: whether the host's engine can execute any of them for us. */
function executionColumns(compiled: boolean): readonly Column[] {
  const host: readonly Column[] = [
    { key: "compiled", title: "compiled", digits: 2 },
    { key: "compiled stopped", title: "stopped every ms", digits: 2 },
  ];
  return [
    { key: "fuel", title: "million instructions", digits: 0 },
    { key: "host", title: "host, ms", digits: 1 },
    ...(compiled ? host : []),
    { key: "interpreter", title: "interpreter", digits: 1 },
    { key: "interpreter stopped", title: "stopped every ms", digits: 1 },
    { key: "nanoseconds", title: "ns per instruction", digits: 2 },
  ];
}

/** A table below what it is about. */
function explained(about: string, columns: readonly Column[], rows: readonly Row[]): string {
  return `${wrapped(about, LINE_WIDTH)}\n\n${markdownTable(columns, rows)}`;
}

/** The table of kernels in its own words. */
function kernelTable(
  about: string,
  title: string,
  { rows }: StoredReport,
  compiled = true,
): string {
  const columns = [{ key: "kernel", title }, ...executionColumns(compiled)];
  return explained(about, columns, rows);
}

const PACKAGE_COLUMNS: readonly Column[] = [
  { key: "package", title: "npm package" },
  { key: "host job", title: "first job: host, ms", digits: 0 },
  { key: "auto job", title: "auto", digits: 1 },
  { key: "compiled job", title: "compiled", digits: 1 },
  { key: "interpreter job", title: "interpreter", digits: 1 },
  { key: "host warm", title: "warm: host, ms", digits: 0 },
  { key: "auto warm", title: "auto", digits: 1 },
  { key: "compiled warm", title: "compiled", digits: 1 },
  { key: "interpreter warm", title: "interpreter", digits: 1 },
  { key: "host peak", title: "peak: host, MiB", digits: 0 },
  { key: "auto peak", title: "auto", digits: 0 },
];

const QUICKJS_COLUMNS: readonly Column[] = [
  { key: "way", title: "QuickJS" },
  { key: "first", title: "first run, ms", digits: 0 },
  { key: "firstRatio", title: "ratio", digits: 2 },
  { key: "warm", title: "warm, ms", digits: 0 },
  { key: "warmRatio", title: "ratio", digits: 2 },
];

const STOP_COLUMNS: readonly Column[] = [
  { key: "frames", title: "frames" },
  { key: "compiled once", title: "compiled: stop and resume all, µs", digits: 1 },
  { key: "compiled often", title: "at the innermost, µs", digits: 1 },
  { key: "interpreter once", title: "interpreter: stop and resume all, µs", digits: 1 },
  { key: "interpreter often", title: "at the innermost, µs", digits: 1 },
  { key: "compiled bytes", title: "suspended, bytes", digits: 0 },
];

const TABLES: readonly Part[] = [
  {
    benches: ["decode", "cold"],
    write(decode, cold) {
      const about =
        "MB of code section per second of CPU time. V8 validates with its own decoder, the npm " +
        "package wasmparser reads all events and validates nothing; cold is the first module of " +
        "a process.";
      const rows = decode.rows.map((row) => {
        return { ...row, cold: number(rowWith(cold, "module", row.module), "wasmeter") };
      });
      return explained(about, DECODE_COLUMNS, rows);
    },
  },
  {
    benches: ["execution"],
    write(execution) {
      const about =
        "Kernels in C (`bench/kernels`), exact fuel on, beside the host's own optimised " +
        "WebAssembly in the same process, in each tier: CPU time as ratio to the host's, medians " +
        "over runs and processes that have run all of them before.";
      return kernelTable(about, "execution", execution);
    },
  },
  {
    benches: ["vectors"],
    write(vectors) {
      const about = "The same for kernels on vectors (`bench/kernels/vector`, C with `-msimd128`).";
      return kernelTable(about, "vectors", vectors);
    },
  },
  {
    benches: ["gc"],
    write(gc) {
      const about =
        "And for kernels on GC objects (`bench/kernels/gc`, text), both sides on Node " +
        `${gc.environment.node}: Node 20 knows none.`;
      return kernelTable(about, "objects", gc, false);
    },
  },
  {
    benches: ["packages"],
    write({ rows }) {
      const about =
        "npm packages (`test/packages`) with `wasmeter/polyfill` in each tier, as ratios to the " +
        "host's own WebAssembly: CPU time of a fresh process to do its job for the first time, and " +
        "warm, after five runs; and what the process had resident at most up to the end of the " +
        "first job; medians over processes; all results are equal.";
      return explained(about, PACKAGE_COLUMNS, rows);
    },
  },
  {
    benches: ["quickjs"],
    write({ rows }) {
      const about =
        "A script in QuickJS (`bench/quickjs.ts`), exact fuel on: the first run of a process, with " +
        "all that has to be compiled on the way, and later ones; stopped: about every millisecond.";
      return explained(about, QUICKJS_COLUMNS, rows);
    },
  },
  {
    benches: ["stops"],
    write({ rows }) {
      const about =
        "What stopping and going on takes, by the number of frames: once for all of them, and " +
        "again and again in the innermost; and the memory that such a suspended call holds.";
      return explained(about, STOP_COLUMNS, rows);
    },
  },
];

const FIGURES: readonly Part[] = [
  {
    benches: ["stream"],
    write(stream) {
      const share = Math.max(...stream.rows.map((row) => number(row, "share")));
      const text = `after the last byte at most ${share.toFixed(1)} % of the work is left.`;
      return `Streams: in chunks of 16 KiB, ${text}`;
    },
  },
  {
    benches: ["startup"],
    write(startup) {
      const over = (what: string) => number(rowWith(startup, "what", what), "over").toFixed(1);
      const [required, imported, plain] = [
        "first result, require",
        "first result, import",
        "import without code cache",
      ].map(over);
      const times = `\`require\` ${required} ms, \`import\` ${imported} ms (${plain} without code cache)`;
      return `Loading and first result of a tiny module, over an empty script: ${times}.`;
    },
  },
  {
    benches: ["writing"],
    write(writing) {
      const row = rowWith(writing, "module", "esbuild");
      const [rate, growth, ready] = ["rate", "growth", "ready"].map((key) => number(row, key));
      return (
        `Writing for the host's engine: esbuild's ${number(row, "megabytes").toFixed(1)} MB of code ` +
        `at ${rate.toFixed(0)} MB/s, ready in ${ready.toFixed(0)} ms, ` +
        `${growth.toFixed(1)} bytes out per byte in.`
      );
    },
  },
  {
    benches: ["control"],
    write(control) {
      const row = rowWith(control, "what", "later calls");
      const [time, longest] = ["median", "longest"].map((key) => number(row, key).toFixed(1));
      return `An endless loop under a deadline of 50 ms: stopped after ${time} ms, at most ${longest}.`;
    },
  },
  {
    benches: ["wasi"],
    write(wasi) {
      const whole = rowWith(wasi, "what", "whole process, by the clock");
      const warm = rowWith(wasi, "what", "warm, CPU");
      const text =
        `${number(whole, "ours").toFixed(0)} ms, ${number(whole, "ratio").toFixed(1)} times ` +
        `node:wasi on the host's WebAssembly; warm, without the start, ` +
        `${number(warm, "ratio").toFixed(1)} times.`;
      return `Word count over 4 MiB through \`wasmeter run\`: ${text}`;
    },
  },
  {
    benches: ["instances"],
    write({ rows: [row] }) {
      const [heap, rss] = ["heap", "rss"].map((key) => (number(row, key) / 1e3).toFixed(1));
      return `10,000 instances in one process: ${heap} KB of heap each, ${rss} KB resident.`;
    },
  },
];

function rowWith({ bench, rows }: StoredReport, key: string, value: unknown): Row {
  const row = rows.find((item) => item[key] === value);
  if (row !== undefined) return row;
  throw new Error(`the results of "${bench}" have no row of ${key} "${value}"`);
}

function number(row: Row, key: string): number {
  const value = row[key];
  if (typeof value === "number") return value;
  throw new TypeError(`"${key}" must be a number, found ${value}`);
}

/** The texts of the parts that there are results for; says which benchmarks are missing. */
function written(parts: readonly Part[], reports: Reports): string[] {
  return parts.flatMap(({ benches, write }) => {
    const found = benches.map((name) => reports.find(({ bench }) => bench === name));
    const present = found.filter((report) => report !== undefined);
    if (present.length === benches.length) return [write(...present)];
    const names = benches.join(" ");
    console.error(`no results, left out: ${names} (npm run bench -- ${names} --save)`);
    return [];
  });
}

/** Date, machine and engine; with the names of the benchmarks if they differ. */
function caption(reports: Reports): string {
  const texts = reports.map(({ environment }) => circumstances(environment));
  const distinct = [...new Set(texts)];
  const lines = distinct.map((text) => {
    const names = reports.filter((_, i) => texts[i] === text).map(({ bench }) => bench);
    return distinct.length === 1 ? text : `${names.join(", ")}: ${text}`;
  });
  return lines.map((line) => `*${line}*`).join("\\\n");
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error(USAGE);
  process.exitCode = 64;
} else {
  const kept = JSON.parse(readFileSync(RESULTS, "utf8")) as { reports: StoredReport[] };
  const shown = new Set([...TABLES, ...FIGURES].flatMap(({ benches }) => benches));
  const reports = kept.reports.filter(({ bench }) => shown.has(bench));
  const figures = written(FIGURES, reports).map((text) => `- ${text}`);
  const parts = [...written(TABLES, reports), figures.join("\n"), caption(reports)];
  const text = readFileSync(file, "utf8");
  const renewed = replaceBetween(text, "bench", parts.filter((part) => part !== "").join("\n\n"));
  if (renewed !== text) writeFileSync(file, renewed);
}
