// Small WASI programs in the text format, each for one question about the command line, and a
// command line that runs them as a process of its own.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

const IMPORTS: Readonly<Record<string, string>> = {
  fd_read: "(param i32 i32 i32 i32) (result i32)",
  fd_write: "(param i32 i32 i32 i32) (result i32)",
  fd_fdstat_get: "(param i32 i32) (result i32)",
  path_open: "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
  poll_oneoff: "(param i32 i32 i32 i32) (result i32)",
  clock_time_get: "(param i32 i64 i32) (result i32)",
  random_get: "(param i32 i32) (result i32)",
  proc_exit: "(param i32)",
};

/** A module that imports what `body` calls; memory has one page. */
function program(body: string): string {
  const used = Object.entries(IMPORTS).filter(([name]) => body.includes(`$${name}`));
  const imports = used.map(([name, type]) => {
    return `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
  });
  return `(module\n${imports.join("\n")}\n(memory (export "memory") 2)\n${body})`;
}

/** A function that writes `length` bytes at `address` to standard error. */
const COMPLAIN = `
  (data (i32.const 512) "no\\n")
  (func $complain
    (i32.store (i32.const 0) (i32.const 512))
    (i32.store (i32.const 4) (i32.const 3))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))))`;

/** A subscription to the monotonic clock at 64: `nanoseconds` from now. */
const SLEEP = (nanoseconds: string) => `
  (i32.store8 (i32.const 72) (i32.const 0))
  (i32.store (i32.const 80) (i32.const 1))
  (i64.store (i32.const 88) (i64.const ${nanoseconds}))
  (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 12)))`;

/** Text format by name. */
export const PROGRAMS = {
  /** Copies standard input to standard output, 64 KiB at a time; errors are the exit code. */
  cat: program(`
    (func (export "_start") (local $errno i32) (local $at i32) (local $left i32)
      (loop $next
        (i32.store (i32.const 0) (i32.const 65536))
        (i32.store (i32.const 4) (i32.const 65536))
        (local.set $errno (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (if (local.get $errno) (then (call $proc_exit (local.get $errno))))
        (local.set $left (i32.load (i32.const 8)))
        (if (i32.eqz (local.get $left)) (then (return)))
        (local.set $at (i32.const 65536))
        (loop $write
          (i32.store (i32.const 0) (local.get $at))
          (i32.store (i32.const 4) (local.get $left))
          (local.set $errno
            (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (if (local.get $errno) (then (call $proc_exit (local.get $errno))))
          (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
          (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
          (br_if $write (local.get $left)))
        (br $next)))`),
  /** Writes 64 KiB again and again; an error is the exit code. */
  flood: program(`
    (func (export "_start") (local $errno i32)
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (loop $next
        (local.set $errno (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br_if $next (i32.eqz (local.get $errno))))
      (call $proc_exit (local.get $errno)))`),
  /** Asks for random numbers for ever. */
  dice: program(`
    (func (export "_start")
      (loop $next (drop (call $random_get (i32.const 0) (i32.const 65536))) (br $next)))`),
  /** Sleeps for an hour. */
  sleeper: program(`(func (export "_start") ${SLEEP("3600000000000")})`),
  /** Sleeps for 50 ms. */
  nap: program(`(func (export "_start") ${SLEEP("50000000")})`),
  three: program(`(func (export "_start") (call $proc_exit (i32.const 3)))`),
  many: program(`(func (export "_start") (call $proc_exit (i32.const 256)))`),
  /** Exits with the type of file that standard output is. */
  filetype: program(`
    (func (export "_start")
      (drop (call $fd_fdstat_get (i32.const 1) (i32.const 0)))
      (call $proc_exit (i32.load8_u (i32.const 0))))`),
  /** Says "no" and traps; would open files. */
  trapped: program(`${COMPLAIN}
    (func (export "_start") (call $complain) (unreachable))
    (export "unused" (func $path_open))`),
  /** Says "no" and exits with 1, but would open no files. */
  grumbler: program(`${COMPLAIN}
    (func (export "_start") (call $complain) (call $proc_exit (i32.const 1)))`),
  /** Exits with 1 without a word; would open files. */
  silent: program(`
    (func (export "_start") (call $proc_exit (i32.const 1)))
    (export "unused" (func $path_open))`),
  /** A reactor: functions to be called after `_initialize`. */
  reactor: program(`
    (global $ready (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $ready (i32.const 7)))
    (func (export "ready") (result i32) (global.get $ready))
    (func (export "now") (result i64)
      (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 0)))
      (i64.load (i32.const 0)))
    (func (export "random") (result i64)
      (drop (call $random_get (i32.const 0) (i32.const 8)))
      (i64.load (i32.const 0)))
    (func (export "leave") (call $proc_exit (i32.const 42)))`),
  needy: `(module
    (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
    (import "env" "log" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")))`,
  mistaken: `(module
    (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")))`,
} as const;

/** How a process has ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: Buffer;
  readonly err: string;
}

/** A process that runs, and its ending. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ending>;
}

/** Longer than any of these takes on a busy machine: a process that hangs is killed. */
const TIMEOUT = 60_000;

/** Starts `node ARGS`; what it writes is kept unless `keep` is false. */
export function start(args: readonly string[], { cwd = ".", keep = true } = {}): Running {
  const options = { cwd, timeout: TIMEOUT, killSignal: "SIGKILL" } as const;
  const child = spawn(process.execPath, args, { ...options, stdio: "pipe" });
  const out: Buffer[] = [];
  let err = "";
  if (keep) child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  // The program may end before it has read everything.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out: Buffer.concat(out), err }));
  });
  return { child, ended };
}
