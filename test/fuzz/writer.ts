// Writes modules in the binary format (spec: 5): LEB128 integers, types, opcodes, sections. It is
// the tests' own encoder, written from the specification and sharing nothing with src/binary. It
// checks nothing: whether the result is a valid module is the caller's affair.

import { PREFIX_BASE, prefixOf } from "../../src/isa/instruction.ts";
import {
  type HeapType,
  heapOf,
  isNullable,
  isReference,
  type ValType,
} from "../../src/isa/types.ts";

/** Section ids. */
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

/** Magic number and version. */
export const HEADER: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Codes of the types that are one byte: i32 … v128, i8, i16, by their integer in isa/types.ts. */
const PLAIN_TYPE_CODES = [0, 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x78, 0x77];

const utf8 = new TextEncoder();

/** A growing string of bytes. */
export class ByteWriter {
  private buffer = new Uint8Array(64);
  length = 0;

  byte(value: number): this {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
    return this;
  }

  bytes(values: ArrayLike<number>): this {
    if (this.length + values.length > this.buffer.length) this.grow(values.length);
    this.buffer.set(values, this.length);
    this.length += values.length;
    return this;
  }

  private grow(more: number): void {
    const buffer = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    buffer.set(this.buffer.subarray(0, this.length));
    this.buffer = buffer;
  }

  /** An unsigned integer below 2^53; with `width`, padded to that many bytes. */
  u32(value: number, width = 1): this {
    let rest = value;
    for (let count = 1; ; count++) {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      if (rest === 0 && count >= width) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  u64(value: bigint): this {
    let rest = value;
    for (; rest > 127n; rest >>= 7n) this.byte(Number(rest & 127n) | 0x80);
    return this.byte(Number(rest));
  }

  /** A signed integer of any width. */
  signed(value: bigint | number): this {
    let rest = BigInt(value);
    for (;;) {
      const low = Number(rest & 127n);
      rest >>= 7n;
      if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  name(text: string): this {
    const encoded = utf8.encode(text);
    return this.u32(encoded.length).bytes(encoded);
  }

  /** A vector: its length and its elements. */
  vector<T>(items: readonly T[], write: (item: T, index: number) => void): this {
    this.u32(items.length);
    items.forEach(write);
    return this;
  }

  /** What `write` writes, after its size in bytes. */
  sized(write: (content: ByteWriter) => void): this {
    const content = new ByteWriter();
    write(content);
    return this.u32(content.length).bytes(content.view());
  }

  heapType(heap: HeapType): this {
    return this.signed(heap);
  }

  /** A value or storage type; nullable references to abstract heap types in the short form. */
  valType(type: ValType): this {
    if (!isReference(type)) return this.byte(PLAIN_TYPE_CODES[type]);
    if (isNullable(type) && heapOf(type) < 0) return this.heapType(heapOf(type));
    return this.longRefType(type);
  }

  /** A reference type as `(ref null? heaptype)`. */
  longRefType(type: ValType): this {
    return this.byte(isNullable(type) ? 0x63 : 0x64).heapType(heapOf(type));
  }

  /** An opcode, given by its dense number. */
  opcode(opcode: number): this {
    const prefix = prefixOf(opcode);
    if (prefix === 0) return this.byte(opcode);
    return this.byte(prefix).u32(opcode - PREFIX_BASE[prefix]);
  }

  /** The bytes so far, not copied. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** A copy of the bytes so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
}

/** Writes a module section by section, in the order in which they are given. */
export class ModuleWriter {
  private readonly out = new ByteWriter().bytes(HEADER);

  /** A section with whatever payload. */
  section(id: number, write: (payload: ByteWriter) => void): this {
    this.out.byte(id).sized(write);
    return this;
  }

  /** A section that is one vector; left out if it would be empty. */
  vectorSection<T>(
    id: number,
    items: readonly T[],
    write: (payload: ByteWriter, item: T, index: number) => void,
  ): this {
    if (items.length === 0) return this;
    return this.section(id, (w) => w.vector(items, (item, index) => write(w, item, index)));
  }

  custom(name: string, content: ArrayLike<number>): this {
    return this.section(SECTION.custom, (w) => w.name(name).bytes(content));
  }

  /** The code section; a body is its locals and code, the final `end` included. */
  code(bodies: readonly Uint8Array[]): this {
    return this.vectorSection(SECTION.code, bodies, (w, body) => {
      w.u32(body.length).bytes(body);
    });
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.out.finish();
  }
}
