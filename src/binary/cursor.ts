// A read position in a module's bytes: LEB128 integers, floats' bytes and names (spec: 5.2 Values).
// Everything in here is about one value at a time and raises MalformedError; what the values mean
// is for the readers built on it.

import { MalformedError } from "../module/errors.ts";
import { decodeUtf8 } from "./utf8.ts";

const TOO_LONG = "integer representation too long";
const TOO_LARGE = "integer too large";

/** A number as error messages write it. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A position in `bytes` that cannot move past `end`. */
export class Cursor {
  bytes: Uint8Array;
  /** Offset of the next byte, from the start of the module. */
  pos: number;
  /** First offset that must not be read. */
  end: number;
  /** High half of the last 64-bit integer read; the low half is the result. Signed 32-bit. */
  high = 0;

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  /** Moves to another range of the same or other bytes. */
  reset(bytes: Uint8Array, pos: number, end: number): void {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.pos >= this.end;
  }

  error(phrase: string, detail = "", offset = this.pos): MalformedError {
    return new MalformedError(phrase, detail, { offset });
  }

  private endOfInput(what: string): MalformedError {
    const detail = `${what} goes beyond offset ${hex(this.end)}`;
    return this.error("unexpected end of section or function", detail, this.pos);
  }

  /** A byte that must be zero. */
  zero(): void {
    const found = this.u8();
    if (found !== 0) throw this.error("zero byte expected", hex(found), this.pos - 1);
  }

  u8(): number {
    if (this.pos >= this.end) throw this.endOfInput("a byte");
    return this.bytes[this.pos++];
  }

  /** Skips `count` bytes. */
  skip(count: number, what = "a value"): void {
    if (count > this.end - this.pos) throw this.endOfInput(what);
    this.pos += count;
  }

  /** An unsigned 32-bit LEB128 integer (spec: 5.2.2): at most 5 bytes, unused bits zero. */
  u32(): number {
    const pos = this.pos;
    if (pos < this.end) {
      const byte = this.bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return byte;
      }
    }
    return this.u32Slow();
  }

  private u32Slow(): number {
    const start = this.pos;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    const last = this.u8();
    if (last >= 0x80) throw this.error(TOO_LONG, "u32", start);
    if (last > 0x0f) throw this.error(TOO_LARGE, "u32", start);
    return (result | (last << 28)) >>> 0;
  }

  /** A signed 32-bit LEB128 integer. */
  s32(): number {
    const pos = this.pos;
    if (pos < this.end) {
      const byte = this.bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return (byte << 25) >> 25;
      }
    }
    const start = pos;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (result << (25 - shift)) >> (25 - shift);
    }
    const last = this.u8();
    if (last >= 0x80) throw this.error(TOO_LONG, "s32", start);
    // Bits 4 … 6 of the last byte must repeat the sign bit.
    if (last > 0x07 && last < 0x78) throw this.error(TOO_LARGE, "s32", start);
    return result | (last << 28);
  }

  /** A signed 33-bit LEB128 integer, as block types and heap types use it. */
  s33(): number {
    const start = this.pos;
    let result = 0;
    let unit = 1;
    for (let count = 0; count < 4; count++) {
      const byte = this.u8();
      result += (byte & 0x7f) * unit;
      unit *= 128;
      if (byte < 0x80) return (byte & 0x40) !== 0 ? result - unit : result;
    }
    const last = this.u8();
    if (last >= 0x80) throw this.error(TOO_LONG, "s33", start);
    if (last > 0x0f && last < 0x70) throw this.error(TOO_LARGE, "s33", start);
    result += (last & 0x1f) * unit;
    return (last & 0x10) !== 0 ? result - unit * 32 : result;
  }

  /** An unsigned 64-bit integer; returns its low half (signed), leaves the high half in `high`. */
  u64(): number {
    return this.int64(false);
  }

  /** A signed 64-bit integer; returns its low half (signed), leaves the high half in `high`. */
  s64(): number {
    return this.int64(true);
  }

  private int64(signed: boolean): number {
    const start = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.u8();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        if (signed && (byte & 0x40) !== 0) {
          // Fill the bits above the last group with the sign.
          const next = shift + 7;
          if (next < 32) {
            low |= -1 << next;
            high = -1;
          } else high |= -1 << (next - 32);
        }
        this.high = high;
        return low;
      }
    }
    const last = this.u8();
    const name = signed ? "s64" : "u64";
    if (last >= 0x80) throw this.error(TOO_LONG, name, start);
    if (signed ? last !== 0 && last !== 0x7f : last > 1) throw this.error(TOO_LARGE, name, start);
    this.high = high | (last << 31);
    return low;
  }

  /** A `u64` as bigint. */
  u64AsBigInt(): bigint {
    const low = this.u64();
    return (BigInt(this.high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  /** Four bytes, little-endian, as a signed 32-bit integer: the bits of an f32. */
  bits32(): number {
    const at = this.pos;
    this.skip(4, "a 4-byte value");
    return this.wordAt(at);
  }

  /** The four bytes at `at`, which are there. */
  protected wordAt(at: number): number {
    const { bytes } = this;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  /** A name: a length and that many bytes of UTF-8 (spec: 5.2.4). */
  name(maxBytes: number): string {
    const start = this.pos;
    const length = this.u32();
    if (length > this.end - this.pos) {
      const detail = `a name of ${length} bytes, ${this.end - this.pos} are left`;
      throw this.error("length out of bounds", detail, start);
    }
    const text = decodeUtf8(this.bytes, this.pos, this.pos + length);
    if (text === null) throw this.error("malformed UTF-8 encoding", "in a name", this.pos);
    if (length > maxBytes) {
      const detail = `${length} bytes, at most ${maxBytes} are allowed`;
      throw new MalformedError("name too long", detail, { offset: start, limit: "nameBytes" });
    }
    this.pos += length;
    return text;
  }
}
