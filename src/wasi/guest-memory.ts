// The guest's linear memory as WASI functions see it: numbers, buffers and texts at addresses the
// guest has named. Everything is checked; what lies outside is the guest's error `fault`, never an
// exception of the host.

import { decodeUtf8 } from "../binary/utf8.ts";
import { fail } from "./errno.ts";

/** Something that has bytes which may be replaced by more: a memory instance, for example. */
export interface MemorySource {
  readonly bytes: Uint8Array;
  /** Told before the host may write to the bytes, outside of the guest's running. */
  touched?(): void;
  /** Takes note of what others have added, if it is shared. */
  refresh?(): unknown;
}

/** For callers without memory: every address is wrong. */
export const NO_MEMORY: MemorySource = { bytes: new Uint8Array(0) };

/** Longest path in bytes, as on Linux. */
const PATH_BYTES = 4096;

/** The memory of an instance of another engine, by its `buffer`. */
export class ForeignMemory implements MemorySource {
  private readonly memory: { readonly buffer: ArrayBufferLike };
  private current: Uint8Array;

  constructor(memory: { readonly buffer: ArrayBufferLike }) {
    this.memory = memory;
    this.current = new Uint8Array(memory.buffer);
  }

  get bytes(): Uint8Array {
    const { buffer } = this.memory;
    if (this.current.buffer !== buffer) this.current = new Uint8Array(buffer);
    return this.current;
  }
}

/** A memory to read and write. Addresses are numbers as they come: i32s are made unsigned here. */
export class GuestMemory {
  readonly source: MemorySource;
  private bytes: Uint8Array;
  private view: DataView;

  constructor(source: MemorySource) {
    this.source = source;
    this.bytes = source.bytes;
    this.view = viewOf(this.bytes);
  }

  /** Looks whether the memory has grown: at the begin of a function, and after it has waited. */
  refresh(): void {
    this.source.touched?.();
    this.source.refresh?.();
    const { bytes } = this.source;
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** The address of `length` bytes, all of them inside. @throws WasiError "fault" */
  check(address: number, length: number): number {
    const start = address >>> 0;
    if (start + length > this.bytes.length) fail("fault", `${length} bytes at ${start}`);
    return start;
  }

  /** A view of the `length` bytes at `address`. `length` may be an i32. */
  range(address: number, length: number): Uint8Array {
    const bytes = length >>> 0;
    const start = this.check(address, bytes);
    return this.bytes.subarray(start, start + bytes);
  }

  u8(address: number): number {
    return this.view.getUint8(this.check(address, 1));
  }

  u16(address: number): number {
    return this.view.getUint16(this.check(address, 2), true);
  }

  u32(address: number): number {
    return this.view.getUint32(this.check(address, 4), true);
  }

  u64(address: number): bigint {
    return this.view.getBigUint64(this.check(address, 8), true);
  }

  setU8(address: number, value: number): void {
    this.view.setUint8(this.check(address, 1), value);
  }

  setU16(address: number, value: number): void {
    this.view.setUint16(this.check(address, 2), value, true);
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(this.check(address, 4), value, true);
  }

  /** The number modulo 2^64. */
  setU64(address: number, value: bigint): void {
    this.view.setBigUint64(this.check(address, 8), value, true);
  }

  write(address: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, this.check(address, bytes.length));
  }

  /**
   * A path of the guest.
   * @throws WasiError "nametoolong", "ilseq" for what is no UTF-8, "inval" for a NUL
   */
  path(address: number, length: number): string {
    const size = length >>> 0;
    const start = this.check(address, size);
    if (size > PATH_BYTES) fail("nametoolong");
    const text = decodeUtf8(this.bytes, start, start + size) ?? fail("ilseq", "no UTF-8");
    if (text.includes("\0")) fail("inval", "a NUL in a path");
    return text;
  }
}

/** Without a length, because a buffer that can be resized grows beneath its views. */
function viewOf({ buffer, byteOffset }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset);
}
