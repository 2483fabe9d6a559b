// A memory's bytes as integers of each size, for the host's `Atomics`. Atomic accesses are aligned,
// so they are elements; what lies behind the last whole one cannot be reached.

/** Arrays over the same bytes: those of up to 4 bytes by their size. */
export class Integers {
  readonly bySize: { readonly 1: Uint8Array; readonly 2: Uint16Array; readonly 4: Int32Array };
  readonly longs: BigInt64Array;

  constructor({ buffer, length }: Uint8Array<ArrayBufferLike>) {
    this.bySize = {
      1: new Uint8Array(buffer, 0, length),
      2: new Uint16Array(buffer, 0, Math.floor(length / 2)),
      4: new Int32Array(buffer, 0, Math.floor(length / 4)),
    };
    this.longs = new BigInt64Array(buffer, 0, Math.floor(length / 8));
  }
}
