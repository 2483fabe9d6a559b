// Values as bytes, and back from bytes that anybody may have written: a codec for each form of
// data, made of those of its parts. What a format is, is said once (store-codec.ts), for both ways.

import { SnapshotError } from "./errors.ts";

/** Bytes that grow at their end. */
export class Writer {
  private buffer: Uint8Array;
  private view: DataView;
  length = 0;

  /** `capacity`: bytes that there is room for at first. */
  constructor(capacity = 1_024) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  /** Makes room for `count` more bytes: where they begin. */
  private grow(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.buffer.length) {
      const buffer = new Uint8Array(Math.max(this.length, 2 * this.buffer.length));
      buffer.set(this.buffer.subarray(0, at));
      this.buffer = buffer;
      this.view = new DataView(buffer.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.grow(1);
    this.buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.grow(4);
    this.view.setUint32(at, value, true);
  }

  f64(value: number): void {
    const at = this.grow(8);
    this.view.setFloat64(at, value, true);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.grow(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** All that was written. */
  get written(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** A place in bytes that somebody has written. */
export class Reader {
  private readonly source: Uint8Array;
  private readonly view: DataView;
  private at: number;
  private readonly end: number;

  constructor(source: Uint8Array, start = 0, end = source.length) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.length);
    this.at = start;
    this.end = end;
  }

  error(what: string): SnapshotError {
    return new SnapshotError(`${what}, at offset ${this.at} of the snapshot`);
  }

  /** Passes `count` bytes: where they begin. */
  private take(count: number): number {
    const { at } = this;
    if (count > this.end - at) throw this.error("it ends too early");
    this.at += count;
    return at;
  }

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    const at = this.take(1);
    return this.source[at];
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** The next bytes, where they are. */
  bytes(count: number): Uint8Array {
    const at = this.take(count);
    return this.source.subarray(at, at + count);
  }

  /** The next so many bytes as a place of their own. */
  part(count: number): Reader {
    const at = this.take(count);
    return new Reader(this.source, at, at + count);
  }
}

/** How a form of data is written and read. */
export interface Codec<T> {
  readonly write: (out: Writer, value: T) => void;
  /** @throws SnapshotError for bytes that `write` does not give */
  readonly read: (input: Reader) => T;
}

/** Whole numbers below 2^53: seven bits in a byte, the low ones first, all but the last + 128. */
export const count: Codec<number> = {
  write(out, value) {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.u8((rest % 0x80) + 0x80);
    out.u8(rest);
  },
  read(input) {
    let value = 0;
    let unit = 1;
    for (let byte = input.u8(); ; byte = input.u8(), unit *= 0x80) {
      value += (byte & 0x7f) * unit;
      if (value > Number.MAX_SAFE_INTEGER) throw input.error("a number is too large");
      if (byte < 0x80) {
        if (byte === 0 && unit > 1) throw input.error("a number is longer than it need be");
        return value;
      }
    }
  },
};

/** 64 bits, as IEEE 754 has them, the low byte first. */
export const double: Codec<number> = {
  write: (out, value) => out.f64(value),
  read: (input) => input.f64(),
};

/** A byte, 0 or 1. */
export const flag: Codec<boolean> = {
  write: (out, value) => out.u8(value ? 1 : 0),
  read(input) {
    const byte = input.u8();
    if (byte > 1) throw input.error(`${byte} is neither 0 nor 1`);
    return byte === 1;
  },
};

/** How many there are, then each of them. */
export function list<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    write(out, values) {
      count.write(out, values.length);
      for (const value of values) item.write(out, value);
    },
    read(input) {
      const length = count.read(input);
      // Each takes a byte at least: no list is longer than what there is of it.
      if (length > input.left) throw input.error(`a list of ${length} is too long`);
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(item.read(input));
      return values;
    },
  };
}

/** Another form of the same data. */
export function as<T, S>(
  codec: Codec<S>,
  to: (value: T) => S,
  from: (value: S, input: Reader) => T,
): Codec<T> {
  return {
    write: (out, value) => codec.write(out, to(value)),
    read: (input) => from(codec.read(input), input),
  };
}

/** A text: its units of UTF-16. */
export const text: Codec<string> = as(
  list(count),
  (value) => Array.from({ length: value.length }, (_, i) => value.charCodeAt(i)),
  (units, input) => {
    if (units.some((unit) => unit > 0xffff)) throw input.error("a text has no such unit");
    let value = "";
    for (const unit of units) value += String.fromCharCode(unit);
    return value;
  },
);

/** A byte 0 for null; or 1, and what there is. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write(out, value) {
      flag.write(out, value !== null);
      if (value !== null) codec.write(out, value);
    },
    read: (input) => (flag.read(input) ? codec.read(input) : null),
  };
}

/** One after the other. */
export function record<T extends object>(
  fields: {
    readonly [K in keyof T]-?: Codec<T[K]>;
  },
): Codec<T> {
  const names = Object.keys(fields) as (keyof T)[];
  return {
    write(out, value) {
      for (const name of names) fields[name].write(out, value[name]);
    },
    read(input) {
      const value: Partial<T> = {};
      for (const name of names) value[name] = fields[name].read(input);
      return value as T;
    },
  };
}

/** Two, one after the other. */
export function pair<A, B>(first: Codec<A>, second: Codec<B>): Codec<readonly [A, B]> {
  return {
    write(out, [a, b]) {
      first.write(out, a);
      second.write(out, b);
    },
    read: (input) => [first.read(input), second.read(input)],
  };
}

/** One of these: its number among them in a byte. */
export function choice<T extends string>(...values: readonly T[]): Codec<T> {
  return {
    write: (out, value) => out.u8(values.indexOf(value)),
    read(input) {
      const number = input.u8();
      if (number >= values.length) throw input.error(`there is no case ${number}`);
      return values[number];
    },
  };
}

/** What there is of each kind: its number among these in a byte, then the rest. */
export function byKind<T extends { readonly kind: string }>(
  cases: {
    readonly [K in T["kind"]]: Codec<Omit<Extract<T, { readonly kind: K }>, "kind">>;
  },
): Codec<T> {
  const kinds = Object.keys(cases) as T["kind"][];
  const kind = choice(...kinds);
  const codecs = cases as Readonly<Record<string, Codec<object>>>;
  return {
    write(out, value) {
      kind.write(out, value.kind);
      codecs[value.kind].write(out, value);
    },
    read(input) {
      const found = kind.read(input);
      return { kind: found, ...codecs[found].read(input) } as unknown as T;
    },
  };
}
