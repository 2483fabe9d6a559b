// Bytes that can become many without ever being moved: in chunks, of which those that nobody has
// written to are not there. No operation takes longer than its own bytes, whatever the length.

/** Bytes of a chunk; smaller only if nobody has written behind its end. */
const CHUNK = 65_536;
const FEWEST = 256;

/** A row of bytes of any length. All that nobody has written are 0. */
export class ChunkedBytes {
  private readonly chunks = new Map<number, Uint8Array>();
  length = 0;

  /** A copy of all of them. */
  get all(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    this.read(bytes, 0);
    return bytes;
  }

  /** Copies into `target` what there is from `position` on; how many bytes that is. */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.length - position));
    for (let done = 0; done < length; ) {
      const at = (position + done) % CHUNK;
      const count = Math.min(CHUNK - at, length - done);
      const chunk = this.chunks.get(Math.floor((position + done) / CHUNK));
      const part = chunk?.subarray(at, at + count);
      if (part !== undefined) target.set(part, done);
      target.fill(0, done + (part?.length ?? 0), done + count);
      done += count;
    }
    return length;
  }

  /** @throws RangeError if the host has no memory left */
  write(source: Uint8Array, position: number): void {
    for (let done = 0; done < source.length; ) {
      const at = (position + done) % CHUNK;
      const count = Math.min(CHUNK - at, source.length - done);
      const chunk = this.chunkWith(Math.floor((position + done) / CHUNK), at + count);
      chunk.set(source.subarray(done, done + count), at);
      done += count;
    }
    this.length = Math.max(this.length, position + source.length);
  }

  /** Cuts the end off, or puts zeros behind it. */
  resize(length: number): void {
    if (length < this.length) this.drop(length);
    this.length = length;
  }

  /** The chunk with this number, with room for so many bytes. */
  private chunkWith(number: number, bytes: number): Uint8Array {
    const known = this.chunks.get(number);
    if (known !== undefined && known.length >= bytes) return known;
    const size = Math.max(FEWEST, bytes, 2 * (known?.length ?? 0));
    const chunk = new Uint8Array(Math.min(CHUNK, size));
    if (known !== undefined) chunk.set(known);
    this.chunks.set(number, chunk);
    return chunk;
  }

  private drop(length: number): void {
    const first = Math.ceil(length / CHUNK);
    const end = Math.ceil(this.length / CHUNK);
    if (end - first < this.chunks.size) {
      for (let number = first; number < end; number++) this.chunks.delete(number);
    } else {
      for (const number of this.chunks.keys()) if (number >= first) this.chunks.delete(number);
    }
    // The rest of the last chunk is zeros, or given back if it is most of it.
    const last = this.chunks.get(first - 1);
    const rest = length - (first - 1) * CHUNK;
    if (last === undefined || rest >= last.length) return;
    if (rest < last.length / 2) this.chunks.set(first - 1, last.slice(0, rest));
    else last.fill(0, rest);
  }
}
