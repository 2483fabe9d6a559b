// The assemblers that judge the printer: wabt, and wasm-tools where it is there. wabt knows next to
// nothing of GC and typed function references; wasm-tools knows all of Wasm 3.0, but its npm
// package (@bytecodealliance/jco-transpile) brings 100 MB along, so it is no dependency of this
// repository. WASMETER_WASM_TOOLS names the module `vendor/wasm-tools.js` of an installation
// elsewhere.

import { pathToFileURL } from "node:url";
import load from "wabt";

/** Bytes of the module that `text` describes; throws if the text is refused. */
export type Assemble = (text: string) => Uint8Array;

const FEATURES = [
  "exceptions",
  "mutable_globals",
  "sat_float_to_int",
  "sign_extension",
  "simd",
  "threads",
  "function_references",
  "multi_value",
  "tail_call",
  "bulk_memory",
  "reference_types",
  "annotations",
  "code_metadata",
  "gc",
  "memory64",
  "multi_memory",
  "extended_const",
  "relaxed_simd",
  "custom_page_sizes",
  "wide_arithmetic",
] as const;

const ALL = Object.fromEntries(FEATURES.map((name) => [name, true]));

const wabt = await load();
const encoder = new TextEncoder();

/** Through wabt. The text goes in as bytes: wabt mangles what is not ASCII in a string. */
export function assembleWithWabt(text: string): Uint8Array {
  const parsed = wabt.parseWat("printed.wat", encoder.encode(text), ALL);
  try {
    return parsed.toBinary({ write_debug_names: true }).buffer;
  } finally {
    parsed.destroy();
  }
}

/** Whether wabt reads the binary: then it must be able to assemble its text, too. */
export function wabtReads(bytes: Uint8Array): boolean {
  try {
    // A copy: wabt reads past a Buffer that is a part of a pool.
    wabt.readWasm(Uint8Array.from(bytes), { readDebugNames: true, ...ALL }).destroy();
    return true;
  } catch {
    return false;
  }
}

interface WasmTools {
  readonly $init: Promise<unknown>;
  readonly tools: { parse(text: string): Uint8Array };
}

/** Through wasm-tools; null, after one loud line, if it is not there. */
export async function loadWasmTools(): Promise<Assemble | null> {
  const path = process.env.WASMETER_WASM_TOOLS;
  if (path === undefined) {
    console.warn("SKIPPED: GC round trips need wasm-tools; WASMETER_WASM_TOOLS is not set");
    return null;
  }
  const { $init, tools } = (await import(pathToFileURL(path).href)) as WasmTools;
  await $init;
  return (text) => tools.parse(text);
}
