// Writes WebAssembly modules byte by byte (spec: 5.2 Values, 5.5 Modules), for the benchmark
// shapes. It knows framing and LEB128 and nothing of validity: what it is told to write, it writes.

/** Section ids of the binary format, by name. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Type codes of the binary format. */
export const TYPE = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  empty: 0x40,
  func: 0x60,
  struct: 0x5f,
  rec: 0x4e,
  sub: 0x50,
  ref: 0x64,
  refNull: 0x63,
  funcref: 0x70,
} as const;

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A growing run of bytes; every method returns the writer. */
export class ByteWriter {
  private bytes = new Uint8Array(1024);
  private length = 0;

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes);
    this.bytes = grown;
  }

  u8(...values: readonly number[]): this {
    this.reserve(values.length);
    for (const value of values) this.bytes[this.length++] = value;
    return this;
  }

  /** An unsigned LEB128 integer below 2^32. */
  u32(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.u8(rest);
  }

  /** A signed LEB128 integer of at most 32 bits; a non-negative one is an s33 as well. */
  s32(value: number): this {
    let rest = value;
    while (rest < -64 || rest > 63) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    return this.u8(rest & 0x7f);
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** `count` zero bytes. */
  zeros(count: number): this {
    this.reserve(count);
    this.length += count;
    return this;
  }

  /** A name of ASCII characters. */
  name(text: string): this {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    return this;
  }

  /** Runs `write` for 0 … count - 1. */
  times(count: number, write: (writer: this, index: number) => void): this {
    for (let i = 0; i < count; i++) write(this, i);
    return this;
  }

  /** A vector: its length, then the entries. */
  vec(count: number, write: (writer: this, index: number) => void): this {
    return this.u32(count).times(count, write);
  }

  /** What `write` writes, preceded by its size in bytes. */
  sized(write: (writer: ByteWriter) => void): this {
    const inner = new ByteWriter();
    write(inner);
    return this.u32(inner.length).raw(inner.finish());
  }

  /** The bytes so far; later writes do not show in them. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** A function type from type codes. */
export function funcType(
  writer: ByteWriter,
  params: readonly number[],
  results: readonly number[],
): void {
  writer.u8(TYPE.func);
  writer.vec(params.length, (w, i) => w.u8(params[i]));
  writer.vec(results.length, (w, i) => w.u8(results[i]));
}

type SectionName = keyof typeof SECTION;

/** Sections of a module by name, written in the order they are given in. */
export type SectionWriters = {
  readonly [name in SectionName]?: (writer: ByteWriter) => unknown;
};

/** A module of these sections. */
export function moduleOf(sections: SectionWriters): Uint8Array {
  const writer = new ByteWriter().u8(...HEADER);
  for (const [name, write] of Object.entries(sections)) {
    writer.u8(SECTION[name as SectionName]);
    writer.sized((inner) => write(inner));
  }
  return writer.finish();
}

/** A module whose only function has the type [] -> [] and this body (`end` is added). */
export function moduleOfBody(write: (writer: ByteWriter) => unknown): Uint8Array {
  return moduleOf({
    type: (w) => w.vec(1, () => funcType(w, [], [])),
    function: (w) => w.vec(1, () => w.u32(0)),
    code: (w) => w.vec(1, () => body(w, write)),
  });
}

/** A body without locals. */
export function body(writer: ByteWriter, write: (writer: ByteWriter) => unknown): void {
  writer.sized((inner) => {
    inner.u32(0);
    write(inner);
    inner.u8(0x0b);
  });
}
