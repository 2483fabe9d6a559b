// A command line for tests: `main` with an Io that collects what is written, a folder for files,
// and small modules written out byte by byte.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Io } from "../../src/cli/command.ts";
import { main } from "../../src/cli/main.ts";

/** What a run of the command line gave. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const textOf = (text: string | Uint8Array) => Buffer.from(text).toString();

/**
 * Runs the command line in this process; `stdin` are the chunks on standard input, `more` is what
 * else there is around it.
 */
export async function wasmeter(
  args: readonly string[],
  stdin: Uint8Array[] = [],
  more: Partial<Io> = {},
): Promise<Run> {
  let out = "";
  let err = "";
  async function* chunks() {
    yield* stdin;
  }
  const code = await main(args, {
    stdin: chunks(),
    out: (text) => {
      out += textOf(text);
    },
    err: (text) => {
      err += textOf(text);
    },
    color: false,
    ...more,
  });
  return { code, out, err };
}

type Json = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];

function isBytes(content: readonly number[] | Json): content is readonly number[] {
  return Array.isArray(content) && content.every((item) => typeof item === "number");
}

/** A new folder for files of a test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "wasmeter-cli-"));

  /** Writes a file, also into a folder below; its path. */
  write(name: string, content: string | readonly number[] | Json): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string") writeFileSync(path, content);
    else if (isBytes(content)) writeFileSync(path, Uint8Array.from(content));
    else writeFileSync(path, JSON.stringify(content));
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module with one function [] -> [] whose body, without locals, is `code` and `end`. */
function withBody(code: readonly number[]): number[] {
  const types = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const size = code.length + 2;
  return [...HEADER, ...types, ...functions, 0x0a, size + 2, 0x01, size, 0x00, ...code, 0x0b];
}

/** The empty module: a header. */
export const EMPTY = HEADER;
/** `i32.add` without operands, at offset 0x17: invalid. */
export const INVALID = withBody([0x6a]);
/** A header that ends too early: malformed. */
export const MALFORMED = HEADER.slice(0, 7);
/** `i32.const 0  i32.extend8_s  drop`: valid since Wasm 2.0. */
export const SIGN_EXTENSION = withBody([0x41, 0x00, 0xc0, 0x1a]);
/** Four times `i64.const 0`, `i64.add128`, two times `drop`: needs wide-arithmetic. */
export const WIDE_ARITHMETIC = withBody([
  ...[0x42, 0x00, 0x42, 0x00, 0x42, 0x00, 0x42, 0x00],
  ...[0xfc, 0x13, 0x1a, 0x1a],
]);
