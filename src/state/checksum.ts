// CRC-32, as ISO 3309, PNG and zlib have it: whether bytes are still those that were written. It
// tells accidents, not attacks.

const POLYNOMIAL = 0xedb88320;

/** What a byte does that comes before 0 to 3 others. */
function tables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let i = 0; i < 8; i++) rest = (rest >>> 1) ^ ((rest & 1) * POLYNOMIAL);
    first[byte] = rest;
  }
  const all = [first];
  for (let i = 1; i < 4; i++) {
    const before = all[i - 1];
    all.push(before.map((value) => first[value & 0xff] ^ (value >>> 8)));
  }
  return all;
}

let known: readonly Int32Array[] | null = null;

/** The checksum of bytes, from 0 to 2^32 - 1. */
export function crc32(bytes: Uint8Array): number {
  known ??= tables();
  const [t0, t1, t2, t3] = known;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = -1;
  let at = 0;
  // Four at a time: a megabyte takes about a millisecond.
  for (; at + 4 <= bytes.length; at += 4) {
    const word = crc ^ view.getInt32(at, true);
    crc = t3[word & 0xff] ^ t2[(word >>> 8) & 0xff] ^ t1[(word >>> 16) & 0xff] ^ t0[word >>> 24];
  }
  for (; at < bytes.length; at++) crc = t0[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
