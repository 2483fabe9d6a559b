// Which Wasm instruction code belongs to. Traps and backtraces ask seldom, and every function that
// runs has such a table: pairs of differences, most of them in one byte.

import { lastUpTo } from "./search.ts";

/** Entries between two points from which a search may begin. */
const STRIDE = 256;
/** Entries of which the last ones may still be taken back, and how many those are. */
const PENDING = 1_024;
const KEPT = 16;

/** Code positions and the module offsets of the instructions that begin there, ascending. */
export class OffsetTable {
  private bytes = new Uint8Array(16);
  private length = 0;
  /** Position, offset and index into the bytes of every 256th entry. */
  private points = new Int32Array(3);
  private entries = 0;
  private lastPosition = 0;
  private lastOffset = 0;
  private readonly pending: number[] = [];

  /** The instruction at `offset` begins at `position`. Entries above that were taken back. */
  add(position: number, offset: number): void {
    const { pending } = this;
    while (pending.length > 0 && pending[pending.length - 2] >= position) pending.length -= 2;
    if (pending.length >= 2 * PENDING) this.write(pending.length - 2 * KEPT);
    pending.push(position, offset);
  }

  /** There will be no more entries. */
  finish(): void {
    this.write(this.pending.length);
    this.bytes = this.bytes.slice(0, this.length);
  }

  private write(count: number): void {
    const { pending } = this;
    for (let i = 0; i < count; i += 2) this.entry(pending[i], pending[i + 1]);
    pending.splice(0, count);
  }

  private entry(position: number, offset: number): void {
    if (this.entries % STRIDE === 0) this.point(position, offset);
    const [positions, offsets] = [position - this.lastPosition, offset - this.lastOffset];
    this.entries++;
    this.lastPosition = position;
    this.lastOffset = offset;
    if (positions < 15 && offsets < 16) {
      this.byte((positions << 4) | offsets);
      return;
    }
    this.byte(0xf0);
    this.varint(positions);
    this.varint(offsets);
  }

  private point(position: number, offset: number): void {
    const at = 3 * (this.entries / STRIDE);
    if (at === this.points.length) {
      const points = new Int32Array(2 * at);
      points.set(this.points);
      this.points = points;
    }
    this.points.set([position, offset, this.length], at);
    this.lastPosition = position;
    this.lastOffset = offset;
  }

  private varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  private byte(value: number): void {
    if (this.length === this.bytes.length) {
      const bytes = new Uint8Array(2 * this.length);
      bytes.set(this.bytes);
      this.bytes = bytes;
    }
    this.bytes[this.length++] = value;
  }

  /** The instruction that the code at `position` belongs to: where that begins, and its offset. */
  entryAt(position: number): { readonly position: number; readonly offset: number } {
    const { points, bytes, length } = this;
    const point = 3 * Math.max(0, lastUpTo(points, position, Math.ceil(this.entries / STRIDE), 3));
    let [found, offset, at] = points.subarray(point, point + 3);
    const varint = () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    for (let i = 0; i < STRIDE && at < length; i++) {
      const byte = bytes[at++];
      const positions = byte === 0xf0 ? varint() : byte >> 4;
      const offsets = byte === 0xf0 ? varint() : byte & 15;
      if (found + positions > position) break;
      found += positions;
      offset += offsets;
    }
    return { position: found, offset };
  }
}
