// The embedder's Module: immutable, shareable, decoded and validated once (design: section 2).

import type { Decoder } from "../binary/decoder.ts";
import {
  type DecodeSettings,
  moduleDecoder,
  moduleExports,
  moduleImports,
} from "../embedding/module.ts";
import { inTurns } from "../embedding/turns.ts";
import { type FeatureSwitches, featureSet } from "../isa/features.ts";
import { DECODING_LIMIT_OPTIONS, type DecodingLimits } from "../module/limits.ts";
import type { ModuleRecord } from "../module/module.ts";
import {
  amount,
  checkedOptions,
  featureSwitches,
  nested,
  type OptionTable,
  objectWith,
} from "../module/options.ts";
import { deadlineIn, isOver } from "../runtime/clock.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { type AbortSignalLike, stopOrSettled } from "./host-loop.ts";
import { describeExtern, type ExternDescription } from "./types.ts";

/** Options of every way to make a `Module`. */
export interface ModuleOptions {
  /**
   * Proposals switched on or off by name, e.g. `{ simd: false, "wide-arithmetic": true }`. Default:
   * Wasm 3.0, threads, legacy exceptions, wide arithmetic and compact import sections are on,
   * custom page sizes off.
   */
  readonly features?: FeatureSwitches;
  /** Decoding limits that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<DecodingLimits>;
}

/** Options of the ways that do all at one call. */
export interface LoadOptions extends ModuleOptions {
  /** Milliseconds that decoding and validation may take. Default Infinity. */
  readonly timeout?: number;
}

/** Options of the ways that let the event loop turn. */
export interface AsyncLoadOptions extends LoadOptions {
  /** Ends decoding when it is given; its reason is thrown. */
  readonly signal?: AbortSignalLike;
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

const LOAD_OPTIONS: OptionTable<LoadOptions> = { ...MODULE_OPTIONS, timeout: amount() };

const ASYNC_LOAD_OPTIONS: OptionTable<AsyncLoadOptions> = {
  ...LOAD_OPTIONS,
  signal: objectWith("an AbortSignal", "addEventListener", "removeEventListener"),
};

function settingsOf({ features, limits }: ModuleOptions): DecodeSettings {
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
  if (value instanceof Module) return "a Module";
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
   * @throws Exhaustion `deadline` if the timeout is over before that
   */
  static from(bytes: Bytes, options: LoadOptions = {}): Module {
    const loading = new Loading(checkedOptions("Module", options, LOAD_OPTIONS));
    loading.feed(bytes);
    while (loading.step()) {}
    return loading.end();
  }

  /**
   * Decodes and validates a module like `from`, but every few milliseconds the event loop turns.
   * The bytes are copied at once.
   * @throws MalformedError, InvalidError, Exhaustion `deadline`, and the reason of the signal
   */
  static async fromAsync(bytes: Bytes, options: AsyncLoadOptions = {}): Promise<Module> {
    const loading = new Loading(checkedOptions("Module", options, ASYNC_LOAD_OPTIONS));
    loading.feed(bytes);
    await inTurns(() => loading.step());
    return loading.end();
  }

  /**
   * Decodes and validates a module while its bytes arrive: each function body is checked as soon as
   * it is complete, so that almost nothing is left to do after the last byte. An error is raised at
   * once; the rest of the stream is not read. Every few milliseconds the event loop turns; timeout
   * and signal end the wait for bytes, too.
   * @throws MalformedError, InvalidError, Exhaustion `deadline`, the reason of the signal, and
   * whatever the stream raises
   */
  static async fromStream(stream: ByteStream, options: AsyncLoadOptions = {}): Promise<Module> {
    const loading = new Loading(checkedOptions("Module", options, ASYNC_LOAD_OPTIONS));
    await loading.readAll(chunksOf(stream));
    return loading.end();
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

/** A module on its way in, as long as deadline and signal allow. */
class Loading {
  readonly deadline: number;
  readonly signal: AbortSignalLike | undefined;
  private readonly decoder: Decoder;

  constructor(options: AsyncLoadOptions) {
    const { signal, timeout = Number.POSITIVE_INFINITY } = options;
    this.decoder = moduleDecoder(settingsOf(options));
    this.deadline = deadlineIn(timeout);
    this.signal = signal;
    this.look();
  }

  feed(chunk: Bytes): void {
    this.decoder.feed(toBytes(chunk));
  }

  /** Does a piece of the work; whether there is more. */
  step(): boolean {
    const more = this.decoder.work();
    if (more) this.look();
    return more;
  }

  end(): Module {
    return moduleOf(this.decoder.end());
  }

  /** Decodes the chunks as they come, unless one does not come before deadline or signal. */
  async readAll(chunks: Chunks): Promise<void> {
    let finished = false;
    try {
      for (;;) {
        const next = chunks.next();
        await this.untilSettled(next);
        const { done, value } = await next;
        finished = done === true;
        if (finished) return;
        if (value !== undefined) this.feed(value);
        await inTurns(() => this.step());
      }
    } finally {
      // Nobody wants the rest, and a source that does not answer cannot be waited for.
      if (!finished) chunks.stop().catch(ignore);
    }
  }

  /** Waits for a promise. @throws Exhaustion `deadline`, or what the signal says, before that */
  private async untilSettled(promise: Promise<unknown>): Promise<void> {
    let settled = false;
    const arrived = promise.then(ignore, ignore).then(() => {
      settled = true;
    });
    // Timers may fire too early: who then waited for the promise alone could wait for ever.
    while (!settled) {
      await stopOrSettled(arrived, this);
      this.look();
    }
  }

  /** @throws Exhaustion `deadline`, or what the signal says */
  private look(): void {
    const { deadline, signal } = this;
    if (signal?.aborted) throw signal.reason ?? new Error("decoding was aborted");
    if (isOver(deadline)) {
      throw new Exhaustion("deadline", "while a module was decoded");
    }
  }
}

function ignore(): void {}

function moduleOf(record: ModuleRecord): Module {
  const Constructor = Module as unknown as new (record: ModuleRecord) => Module;
  return new Constructor(record);
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
    const checked = checkedOptions("Module", options, MODULE_OPTIONS);
    this.decoder = moduleDecoder(settingsOf(checked));
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
    return moduleOf(this.decoder.end());
  }
}

/** Where chunks come from. */
interface Chunks {
  next(): Promise<{ done?: boolean; value?: Bytes }>;
  /** Says that the rest is not wanted. */
  stop(): Promise<unknown>;
}

function chunksOf(stream: ByteStream): Chunks {
  const isObject = typeof stream === "object" && stream !== null;
  if (!isObject || !("getReader" in stream || Symbol.asyncIterator in stream)) {
    throw new TypeError(
      `expected a stream or an async iterable of bytes, found ${describe(stream)}`,
    );
  }
  if ("getReader" in stream) {
    const reader = stream.getReader();
    return {
      next: async () => {
        const part = await reader.read();
        if (part.done) reader.releaseLock();
        return part;
      },
      stop: () => reader.cancel().finally(() => reader.releaseLock()),
    };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: async () => iterator.next(),
    stop: async () => iterator.return?.(),
  };
}
