// Standard input and output: what embedders give for them, and what the descriptors 0, 1 and 2
// make of it. Bytes only; nothing here knows the host's own streams (node.ts does).

import { decodeUtf8 } from "../binary/utf8.ts";
import { amount, checkedOptions, type OptionTable } from "../module/options.ts";
import { fail } from "./errno.ts";
import { ChunkedBytes } from "./memory-bytes.ts";

/** Where standard input comes from. */
export interface InputStream {
  /**
   * At most about `max` bytes; none at the end. A promise suspends a guest that runs under
   * `callAsync` or an Execution.
   */
  read(max: number): Uint8Array | Promise<Uint8Array>;
  /** The same for a guest that cannot be suspended: blocks until there is something. */
  readSync?(max: number): Uint8Array;
  /** Whether guests see a terminal. Default false. */
  readonly isTerminal?: boolean;
}

/** Standard input: all of it, in pieces, or as a stream. */
export type InputSource =
  | string
  | Uint8Array
  | InputStream
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Where standard output and standard error go. */
export interface OutputStream {
  /** Takes bytes, which are its own. A promise suspends the guest until there is room for more. */
  write(bytes: Uint8Array): unknown;
  /** The same for a guest that cannot be suspended. */
  writeSync?(bytes: Uint8Array): void;
  /** Whether guests see a terminal. Default false. */
  readonly isTerminal?: boolean;
}

/** Standard output: a stream, or a function that takes the bytes. */
export type OutputSink = OutputStream | ((bytes: Uint8Array) => unknown);

/** Most bytes that wait for a stream which gives promises, where the guest cannot wait for it. */
export const MOST_WAITING = 16 * 2 ** 20;
/** Bytes asked for at a time. */
const CHUNK_BYTES = 65_536;
const NOTHING = new Uint8Array(0);

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** Also for arrays of other realms. */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** The bytes of a text in UTF-8; unpaired surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length);
  let at = 0;
  for (const character of text) {
    let point = character.codePointAt(0) as number;
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    if (point < 0x80) bytes[at++] = point;
    else {
      if (point < 0x800) bytes[at++] = 0xc0 | (point >> 6);
      else {
        if (point < 0x10000) bytes[at++] = 0xe0 | (point >> 12);
        else {
          bytes[at++] = 0xf0 | (point >> 18);
          bytes[at++] = 0x80 | ((point >> 12) & 63);
        }
        bytes[at++] = 0x80 | ((point >> 6) & 63);
      }
      bytes[at++] = 0x80 | (point & 63);
    }
  }
  return bytes.slice(0, at);
}

/** The streams of iterators: a generator is always the same one. */
const streams = new WeakMap<object, InputStream>();

function pieces(iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array>): InputStream {
  const known = streams.get(iterator);
  if (known !== undefined) return known;
  const bytesOf = ({ done, value }: IteratorResult<Uint8Array>) => (done ? NOTHING : value);
  const next = (): Uint8Array | Promise<Uint8Array> => {
    const result = iterator.next();
    if (isPromise(result)) return result.then(skipEmpty);
    return skipEmpty(result);
  };
  // An empty piece is no end.
  const skipEmpty = (result: IteratorResult<Uint8Array>) => {
    return result.done || result.value.length > 0 ? bytesOf(result) : next();
  };
  const stream = { read: next };
  streams.set(iterator, stream);
  return stream;
}

function inputStream(source: InputSource): InputStream {
  if (typeof source === "string") return pieces([encodeUtf8(source)].values());
  if (source instanceof Uint8Array) return pieces([source].values());
  if ("read" in source && typeof source.read === "function") return source;
  if (Symbol.asyncIterator in source) return pieces(source[Symbol.asyncIterator]());
  if (Symbol.iterator in source) return pieces(source[Symbol.iterator]());
  throw new TypeError("stdin must be text, bytes, pieces of bytes, or have a method read");
}

/**
 * The inputs of streams. Several guests that read from one stream share it, so that what comes
 * after one of them has been stopped is there for the next.
 */
const inputs = new WeakMap<InputStream, Input>();

/** Standard input as a guest reads it: one piece of the source is kept until it is used up. */
export class Input {
  readonly isTerminal: boolean;
  private readonly source: InputStream;
  private chunk: Uint8Array = NOTHING;
  private at = 0;
  private ended = false;
  private waiting: Promise<void> | null = null;
  private failure: { error: unknown } | null = null;
  /** Called when something has come, as often as that happens, until they are taken away. */
  readonly arrivals = new Set<() => void>();

  constructor(source: InputStream) {
    this.source = source;
    this.isTerminal = source.isTerminal ?? false;
  }

  /** The input from a source; the same one for the same stream. */
  static from(source: InputSource): Input {
    const stream = inputStream(source);
    let input = inputs.get(stream);
    if (input === undefined) {
      input = new Input(stream);
      inputs.set(stream, input);
    }
    return input;
  }

  /** Bytes that are there. */
  get available(): number {
    return this.chunk.length - this.at;
  }

  /** Whether a read would give something, or the end, or an error, without asking the source. */
  get ready(): boolean {
    return this.available > 0 || this.ended || this.failure !== null;
  }

  /**
   * Asks the source unless a read would succeed already. A promise fulfils when there is
   * something, and never rejects; null: there is something now.
   */
  fetch(mayAwait: boolean): Promise<void> | null {
    if (this.ready) return null;
    if (this.waiting !== null) return this.waiting;
    const { source } = this;
    const bytes =
      !mayAwait && source.readSync !== undefined
        ? source.readSync(CHUNK_BYTES)
        : source.read(CHUNK_BYTES);
    if (!isPromise(bytes)) {
      this.accept(bytes);
      return null;
    }
    this.waiting = Promise.resolve(bytes)
      .then((arrived) => this.accept(arrived))
      .catch((error: unknown) => {
        this.waiting = null;
        this.failure = { error };
        this.announce();
      });
    return this.waiting;
  }

  private accept(bytes: unknown): void {
    if (!isBytes(bytes)) throw new TypeError("what a stdin gives must be a Uint8Array");
    this.waiting = null;
    this.chunk = bytes;
    this.at = 0;
    this.ended = bytes.length === 0;
    this.announce();
  }

  private announce(): void {
    for (const arrival of [...this.arrivals]) arrival();
  }

  /** Moves bytes that are there into `target`; how many. @throws what the source has thrown */
  take(target: Uint8Array): number {
    const { failure } = this;
    if (failure !== null) {
      this.failure = null;
      throw failure.error;
    }
    const length = Math.min(target.length, this.available);
    target.set(this.chunk.subarray(this.at, this.at + length));
    this.at += length;
    if (this.at === this.chunk.length) {
      this.chunk = NOTHING;
      this.at = 0;
    }
    return length;
  }
}

/** Bytes that standard output and standard error may still take together. */
export interface OutputQuota {
  left: number;
}

/** Standard output or standard error as a guest writes to it. */
export class Output {
  readonly isTerminal: boolean;
  private readonly stream: OutputStream;
  private readonly quota: OutputQuota;
  private failure: { error: unknown } | null = null;
  /** Bytes that nobody waits for and that have not been taken yet. */
  private onTheirWay = 0;

  constructor(sink: OutputSink, quota: OutputQuota) {
    this.stream = typeof sink === "function" ? { write: sink } : sink;
    this.quota = quota;
    this.isTerminal = this.stream.isTerminal ?? false;
  }

  /** How many of `wanted` bytes may be written. @throws WasiError "nospc" if none */
  allowance(wanted: number): number {
    const { left } = this.quota;
    if (left <= 0 && wanted > 0) fail("nospc", "the limit of output is reached");
    return Math.min(wanted, left);
  }

  /** A promise if the stream gave one and the guest can be suspended. */
  write(bytes: Uint8Array, mayAwait: boolean): Promise<void> | null {
    const { failure, stream } = this;
    if (failure !== null) {
      this.failure = null;
      throw failure.error;
    }
    if (this.onTheirWay > MOST_WAITING) fail("nobufs", "output that nobody takes");
    this.quota.left -= bytes.length;
    if (!mayAwait && stream.writeSync !== undefined) {
      stream.writeSync(bytes);
      return null;
    }
    const result = stream.write(bytes);
    if (!isPromise(result)) return null;
    const done = Promise.resolve(result).then(() => undefined);
    if (mayAwait) return done;
    // The bytes are on their way; what becomes of them is told to the next write.
    this.onTheirWay += bytes.length;
    done
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .then(() => {
        this.onTheirWay -= bytes.length;
      });
    return null;
  }
}

/** Keeps what is written to it; see `captureOutput`. */
export interface CapturedOutput extends OutputStream {
  /** A copy of everything so far. */
  readonly bytes: Uint8Array;
  /** The same as text; what is no UTF-8 becomes U+FFFD. */
  readonly text: string;
}

interface CaptureOptions {
  readonly limit?: number;
}

const CAPTURE_OPTIONS: OptionTable<CaptureOptions> = { limit: amount() };

/**
 * An output that keeps what is written to it, at most `limit` bytes (default 16 MiB); then the
 * guest gets the error `nospc`.
 *
 * ```ts
 * const stdout = captureOutput();
 * const program = wasi({ stdout });
 * ```
 */
export function captureOutput(options: CaptureOptions = {}): CapturedOutput {
  const { limit = 16 * 2 ** 20 } = checkedOptions("captureOutput", options, CAPTURE_OPTIONS);
  const kept = new ChunkedBytes();
  return {
    write(bytes) {
      if (kept.length + bytes.length > limit) fail("nospc", `more than ${limit} bytes of output`);
      kept.write(bytes, kept.length);
    },
    get bytes() {
      return kept.all;
    },
    get text() {
      const { all } = kept;
      // Engines without TextDecoder can still look at text that is in order.
      const lax = () => new TextDecoder("utf-8", { ignoreBOM: true }).decode(all);
      return decodeUtf8(all, 0, all.length) ?? lax();
    },
  };
}
