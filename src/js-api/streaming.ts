// compileStreaming and instantiateStreaming (Web API: 3 Streaming Module Compilation): a module
// from a Response, decoded and validated as its bytes arrive. Knows of a Response only what it
// reads.

import { inTurns } from "../embedding/turns.ts";
import type { Context } from "./context.ts";
import { Compilation, type CompileOptions, type ModuleSource } from "./source.ts";
import { get, isObject } from "./webidl.ts";

/** A Response, as far as it is looked at. */
interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly type?: string;
  readonly bodyUsed: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): StreamReader } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface StreamReader {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
  cancel(): Promise<unknown>;
}

/** The error of a response that cannot be a module; `code` is Node's. */
function responseError(message: string): TypeError {
  const error = new TypeError(`WebAssembly response ${message}`);
  Object.defineProperty(error, "code", { value: "ERR_WEBASSEMBLY_RESPONSE", configurable: true });
  return error;
}

function asResponse(value: unknown, where: string): ResponseLike {
  const isResponse =
    isObject(value) &&
    typeof get(value, "arrayBuffer") === "function" &&
    isObject(get(value, "headers"));
  if (isResponse) return value as ResponseLike;
  const what = "must be a Response or a promise of one";
  throw new TypeError(`${where}: Argument 0 ${what}`);
}

/** Step 2 and following of "compile a potential WebAssembly response". */
function checkResponse(response: ResponseLike): void {
  const mime = response.headers.get("Content-Type")?.trim() ?? "";
  if (mime.toLowerCase() !== "application/wasm") {
    throw responseError(`has unsupported MIME type '${mime}'`);
  }
  if (response.type === "opaque" || response.type === "opaqueredirect") {
    throw responseError(`has unsupported type '${response.type}'`);
  }
  if (!response.ok) throw responseError(`has status code ${response.status}`);
  if (response.bodyUsed) throw responseError("body has already been used");
}

/**
 * The module in a response or a promise of one.
 * @throws TypeError for a response that is none or fails, CompileError for its bytes
 */
export async function compileResponse(
  context: Context,
  source: unknown,
  options: CompileOptions,
  where: string,
): Promise<ModuleSource> {
  const response = asResponse(await source, where);
  checkResponse(response);
  const compilation = new Compilation(context, options, where);
  if (response.body === null) {
    compilation.feed(new Uint8Array(await response.arrayBuffer()));
    await inTurns(() => compilation.work());
    return compilation.end();
  }
  const reader = response.body.getReader();
  let finished = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (!(part.value instanceof Uint8Array)) throw responseError("body must consist of bytes");
      compilation.feed(part.value);
      await inTurns(() => compilation.work());
    }
    finished = true;
  } finally {
    // Nobody wants the rest; that it cannot be cancelled is no news then.
    if (!finished) reader.cancel().catch(() => {});
  }
  return compilation.end();
}
