// Strict UTF-8 (spec: 5.2.4 Names): no overlong forms, no surrogates, nothing above U+10FFFF.
// TextDecoder is not part of every JavaScript engine, and would have to be told to keep a BOM.

const CHUNK = 4096;

/** The text of `bytes[start, end)`, or null if it is not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  let units: number[] = [];
  let pos = start;
  while (pos < end) {
    const first = bytes[pos++];
    if (first < 0x80) {
      units.push(first);
    } else {
      const extra = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      if (first < 0xc2 || first > 0xf4 || extra > end - pos) return null;
      let point = first & (0x3f >> extra);
      for (let i = 0; i < extra; i++) {
        const next = bytes[pos++];
        if ((next & 0xc0) !== 0x80) return null;
        point = (point << 6) | (next & 0x3f);
      }
      const overlong = extra === 2 ? point < 0x800 : extra === 3 && point < 0x10000;
      if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return null;
      if (point < 0x10000) units.push(point);
      else units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}
