// CRC-32, as ISO 3309, PNG and zlib have it: whether bytes are still those that were written. It
// tells accidents, not attacks.

const POLYNOMIAL = 0xedb88320;

/** Bytes that are taken at a time. */
const WIDTH = 8;

/** What a byte does that comes before 0 to 7 others. */
function tables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let i = 0; i < 8; i++) rest = (rest >>> 1) ^ ((rest & 1) * POLYNOMIAL);
    first[byte] = rest;
  }
  const all = [first];
  for (let i = 1; i < WIDTH; i++) {
    const before = all[i - 1];
    all.push(before.map((value) => first[value & 0xff] ^ (value >>> 8)));
  }
  return all;
}

let known: readonly Int32Array[] | null = null;

/** The checksum of bytes, from 0 to 2^32 - 1. */
export function crc32(bytes: Uint8Array): number {
  known ??= tables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = known;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = -1;
  let at = 0;
  for (; at + WIDTH <= bytes.length; at += WIDTH) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[high & 0xff] ^
      t2[(high >>> 8) & 0xff] ^
      t1[(high >>> 16) & 0xff] ^
      t0[high >>> 24];
  }
  for (; at < bytes.length; at++) crc = t0[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
