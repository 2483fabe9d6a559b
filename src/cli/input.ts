// Reads what the command line names: a file, `-` for standard input, binary or text format. Text is
// assembled by wabt, an optional peer dependency.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { HostError, type Io } from "./command.ts";

/** The chunks of a file or of standard input; a HostError says what could not be read. */
export async function* readChunks(name: string, io: Io): AsyncIterable<Uint8Array> {
  try {
    yield* name === "-" ? io.stdin : createReadStream(name, { highWaterMark: 1 << 20 });
  } catch (error) {
    throw new HostError(`cannot read ${name}: ${reason(error)}`);
  }
}

/** All bytes of a module; a `.wat` file is assembled. */
export async function readModuleBytes(name: string, io: Io): Promise<Uint8Array> {
  if (isText(name)) return assemble(name);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readChunks(name, io)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Whether the name says that the file is in the text format. */
export function isText(name: string): boolean {
  return name.endsWith(".wat");
}

/** Assembles a `.wat` file through wabt. */
async function assemble(name: string): Promise<Uint8Array> {
  // Bytes, not a string: wabt would cut every character of a string to its low byte.
  let text: Uint8Array;
  try {
    text = await readFile(name);
  } catch (error) {
    throw new HostError(`cannot read ${name}: ${reason(error)}`);
  }
  const wabt = await loadWabt(name);
  const features = {
    exceptions: true,
    multi_value: true,
    sign_extension: true,
    sat_float_to_int: true,
    bulk_memory: true,
    reference_types: true,
    simd: true,
    relaxed_simd: true,
    tail_call: true,
    threads: true,
    extended_const: true,
    memory64: true,
    multi_memory: true,
    function_references: true,
    gc: true,
  };
  try {
    const parsed = wabt.parseWat(name, text, features);
    return parsed.toBinary({ write_debug_names: true }).buffer;
  } catch (error) {
    const message = reason(error).replace(/^parseWat failed:\s*/, "");
    throw new HostError(`cannot assemble ${name}: ${message}`);
  }
}

/** The part of wabt's interface that is used here. */
interface Wabt {
  parseWat(
    name: string,
    text: Uint8Array,
    features: Readonly<Record<string, boolean>>,
  ): { toBinary(options: { write_debug_names: boolean }): { buffer: Uint8Array } };
}

async function loadWabt(name: string): Promise<Wabt> {
  try {
    const { default: load } = await import("wabt");
    return (await load()) as unknown as Wabt;
  } catch {
    const hint = "install it with `npm install wabt`, or assemble the file first";
    throw new HostError(`${name} is text, which needs the package wabt: ${hint}`);
  }
}

/** Why a file could not be read, in a few words. */
export function reason(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === "ENOENT") return "no such file";
  if (code === "EISDIR") return "it is a directory";
  return error instanceof Error ? error.message.trim() : String(error);
}
