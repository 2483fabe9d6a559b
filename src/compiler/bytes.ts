// Writes the binary format (spec: 5.2 Values): bytes and LEB128 integers into a buffer that grows.

/** A growing run of bytes. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  /** @param room for so many bytes to begin with */
  constructor(room = 1024) {
    this.bytes = new Uint8Array(room);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, needed));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned integer below 2^32. */
  u32(value: number): void {
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.u8((rest & 0x7f) | 0x80);
    this.u8(rest);
  }

  /** A signed integer of 32 bits. */
  s32(value: number): void {
    let rest = value | 0;
    for (; rest < -64 || rest > 63; rest >>= 7) this.u8((rest & 0x7f) | 0x80);
    this.u8(rest & 0x7f);
  }

  /** An unsigned integer below 2^64. */
  u64(value: bigint): void {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) this.u8(Number(rest & 0x7fn) | 0x80);
    this.u8(Number(rest));
  }

  /** So many words of zeros. */
  u32Zeros(count: number): void {
    for (let i = 0; i < 4 * count; i++) this.u8(0);
  }

  /** An opcode and its index. */
  indexed(op: number, index: number): void {
    this.u8(op);
    this.u32(index);
  }

  /** What opens a block of this type, a signed integer. */
  block(op: number, type: number): void {
    this.u8(op);
    this.s32(type);
  }

  /** The bytes `source[start, end)`. */
  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (this.length + count > this.bytes.length) this.reserve(count);
    const { bytes, length } = this;
    // For the few bytes of an instruction a loop is faster than a subarray.
    if (count > 128) bytes.set(source.subarray(start, end), length);
    else for (let i = 0; i < count; i++) bytes[length + i] = source[start + i];
    this.length += count;
  }

  /** A name of ASCII characters. */
  name(text: string): void {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
  }

  /** What `content` holds, preceded by its size. */
  sized(content: ByteWriter): void {
    this.u32(content.length);
    this.copy(content.bytes, 0, content.length);
  }

  /** An integer below 2^21 in three bytes, so that it can be replaced later (`patch`). */
  padded(value: number): number {
    const at = this.length;
    if (at + 3 > this.bytes.length) this.reserve(3);
    this.length += 3;
    this.patch(at, value);
    return at;
  }

  /** What `padded` or `patch` has written. */
  valueAt(at: number): number {
    const { bytes } = this;
    return (bytes[at] & 0x7f) | ((bytes[at + 1] & 0x7f) << 7) | (bytes[at + 2] << 14);
  }

  patch(at: number, value: number): void {
    this.bytes[at] = (value & 0x7f) | 0x80;
    this.bytes[at + 1] = ((value >> 7) & 0x7f) | 0x80;
    this.bytes[at + 2] = value >> 14;
  }
}
