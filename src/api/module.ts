// The embedder's Module: immutable, shareable, decoded and validated once (design: section 2).

import type { Decoder } from "../binary/decoder.ts";
import {
  type DecodeSettings,
  moduleDecoder,
  moduleExports,
  moduleImports,
} from "../embedding/module.ts";
import { type FeatureSwitches, featureSet } from "../isa/features.ts";
import { DECODING_LIMIT_OPTIONS, type DecodingLimits } from "../module/limits.ts";
import type { ModuleRecord } from "../module/module.ts";
import { checkedOptions, featureSwitches, nested, type OptionTable } from "../module/options.ts";
import { describeExtern, type ExternDescription } from "./types.ts";

/** Options of every way to make a `Module`. */
export interface ModuleOptions {
  /**
   * Proposals switched on or off by name, e.g. `{ simd: false, "wide-arithmetic": true }`. Default:
   * Wasm 3.0, threads and legacy exceptions are on; wide arithmetic and custom page sizes are off.
   */
  readonly features?: FeatureSwitches;
  /** Decoding limits that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<DecodingLimits>;
}

/** What a module wants from its surroundings. */
export type ImportDescription = {
  readonly module: string;
  readonly name: string;
} & ExternDescription;

/** What a module offers. */
export type ExportDescription = { readonly name: string } & ExternDescription;

/** Bytes as any of the shapes JavaScript has for them. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** A source of bytes: a web stream, a Node stream, an async generator. */
export type ByteStream = AsyncIterable<Bytes> | { getReader(): ByteReader };

/** The reader of a web stream, as far as it is used. */
export interface ByteReader {
  read(): Promise<{ done: boolean; value?: Bytes }>;
  /** Says that the rest is not wanted. */
  cancel(): Promise<unknown>;
  releaseLock(): void;
}

const MODULE_OPTIONS: OptionTable<ModuleOptions> = {
  features: featureSwitches,
  limits: nested(DECODING_LIMIT_OPTIONS),
};

/** @throws TypeError, RangeError for options that there are not or that are wrong */
function settingsOf(options: ModuleOptions): DecodeSettings {
  const { features, limits } = checkedOptions("Module", options, MODULE_OPTIONS);
  return { features: featureSet(features), ...(limits && { limits }) };
}

/** A view of the same bytes as Uint8Array. */
function toBytes(source: Bytes): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  const tag = Object.prototype.toString.call(source);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") {
    return new Uint8Array(source);
  }
  throw new TypeError(
    `expected bytes (an ArrayBuffer or a view of one), found ${describe(source)}`,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return "a string; .wat text must be assembled first";
  return value === null ? "null" : typeof value;
}

/**
 * A decoded and validated WebAssembly module.
 *
 * ```ts
 * const module = Module.from(readFileSync("plugin.wasm"));
 * module.exports; // [{ name: "render", kind: "func", params: ["i32", "i64"], results: [] }]
 * ```
 */
export class Module {
  /** The decoded module, for the layers below and for tools. */
  readonly record: ModuleRecord;

  private constructor(record: ModuleRecord) {
    this.record = record;
  }

  /**
   * Decodes and validates a module; the bytes are copied.
   * @throws MalformedError if the bytes are not a module or exceed a decoding limit
   * @throws InvalidError if the module breaks a validation rule
   */
  static from(bytes: Bytes, options: ModuleOptions = {}): Module {
    const decoder = new ModuleDecoder(options);
    decoder.push(bytes);
    return decoder.end();
  }

  /**
   * Decodes and validates a module while its bytes arrive: each function body is checked as soon as
   * it is complete, so that almost nothing is left to do after the last byte. An error is raised at
   * once; the rest of the stream is not read.
   * @throws MalformedError, InvalidError, and whatever the stream raises
   */
  static async fromStream(stream: ByteStream, options: ModuleOptions = {}): Promise<Module> {
    const decoder = new ModuleDecoder(options);
    for await (const chunk of chunksOf(stream)) decoder.push(chunk);
    return decoder.end();
  }

  /** What the module imports, in order. */
  get imports(): ImportDescription[] {
    return moduleImports(this.record).map(([module, name, type]) => {
      return { module, name, ...describeExtern(this.record, type) };
    });
  }

  /** What the module exports, in order. */
  get exports(): ExportDescription[] {
    return moduleExports(this.record).map(([name, type]) => {
      return { name, ...describeExtern(this.record, type) };
    });
  }

  /** Copies of the payloads of all custom sections with this name, in order. */
  customSections(name: string): Uint8Array[] {
    const { bytes, customs } = this.record;
    return customs.filter((item) => item.name === name).map((s) => bytes.slice(s.start, s.end));
  }
}

/**
 * Decodes and validates a module from chunks that come one by one, of any sizes.
 *
 * ```ts
 * const decoder = new ModuleDecoder();
 * socket.on("data", (chunk) => decoder.push(chunk));
 * socket.on("end", () => start(decoder.end()));
 * ```
 */
export class ModuleDecoder {
  private readonly decoder: Decoder;

  constructor(options: ModuleOptions = {}) {
    this.decoder = moduleDecoder(settingsOf(options));
  }

  /**
   * Takes the next bytes; they are copied. After an error every call raises the same error.
   * @throws MalformedError, InvalidError as soon as the bytes so far show it
   */
  push(chunk: Bytes): void {
    this.decoder.push(toBytes(chunk));
  }

  /**
   * Says that no bytes follow; the module.
   * @throws MalformedError if the module is not complete
   */
  end(): Module {
    const record = this.decoder.end();
    const Constructor = Module as unknown as new (record: ModuleRecord) => Module;
    return new Constructor(record);
  }
}

async function* chunksOf(stream: ByteStream): AsyncIterable<Bytes> {
  if (Symbol.asyncIterator in stream) {
    yield* stream;
    return;
  }
  // Browsers whose ReadableStream is not iterable yet.
  const reader = stream.getReader();
  let finished = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value !== undefined) yield part.value;
    }
    finished = true;
  } finally {
    if (!finished) await reader.cancel();
    reader.releaseLock();
  }
}
