// Literals of the text format (spec: 6.3 Values): integers, floats, strings, vectors. Every literal
// reads back to exactly the same bits; where several do, the one that people read best is chosen.
// Nothing here knows about modules.

const words = new DataView(new ArrayBuffer(8));

/** The text of an i64 given as its halves (signed 32-bit). */
export function formatI64(low: number, high: number): string {
  if (high === low >> 31) return String(low);
  return String((BigInt(high) << 32n) | BigInt(low >>> 0));
}

/** The text of a u64 given as its halves. */
export function formatU64(low: number, high: number): string {
  if (high === 0) return String(low >>> 0);
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

/** The text of the f32 with these bits. */
export function formatF32(bits: number): string {
  if ((bits & 0x7f800000) === 0x7f800000) {
    const sign = bits < 0 ? "-" : "";
    const payload = bits & 0x7fffff;
    if (payload === 0) return `${sign}inf`;
    return payload === 0x400000 ? `${sign}nan` : `${sign}nan:0x${payload.toString(16)}`;
  }
  words.setInt32(0, bits);
  return shortestF32(words.getFloat32(0));
}

/**
 * Few digits that read back to `value`, also by a reader that rounds only once: a decimal so close
 * to the middle of two f32 that rounding to f64 first could matter is not taken.
 */
function shortestF32(value: number): string {
  if (Number.isInteger(value)) return formatFinite(value);
  for (let digits = 1; digits <= 9; digits++) {
    const near = Number(value.toPrecision(digits));
    const slack = near * 2 ** -51;
    const safe =
      Math.fround(near - slack) === value &&
      Math.fround(near) === value &&
      Math.fround(near + slack) === value;
    if (safe) return formatFinite(near);
  }
  return formatFinite(value);
}

/** The text of the f64 with these halves. */
export function formatF64(low: number, high: number): string {
  if ((high & 0x7ff00000) === 0x7ff00000) {
    const sign = high < 0 ? "-" : "";
    const top = high & 0xfffff;
    if (top === 0 && low === 0) return `${sign}inf`;
    if (top === 0x80000 && low === 0) return `${sign}nan`;
    const payload = (BigInt(top) << 32n) | BigInt(low >>> 0);
    return `${sign}nan:0x${payload.toString(16)}`;
  }
  words.setInt32(0, high);
  words.setInt32(4, low);
  return formatFinite(words.getFloat64(0));
}

/** JavaScript's own digits are the shortest that read back to the same f64. */
function formatFinite(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The operands of `v128.const` for the 16 bytes at `at`: four 32-bit words in hexadecimal. */
export function formatV128(bytes: Uint8Array, at: number): string {
  let text = "i32x4";
  for (let lane = 0; lane < 4; lane++) {
    let digits = "";
    for (let i = 3; i >= 0; i--) digits += hexByte(bytes[at + lane * 4 + i]);
    text += ` 0x${digits}`;
  }
  return text;
}

const HEX_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Two hexadecimal digits. */
export function hexByte(byte: number): string {
  return HEX_BYTES[byte];
}

/** An offset as tools print it: `0x` and at least six digits. */
export function formatOffset(offset: number): string {
  return offset.toString(16).padStart(6, "0");
}

function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
}

/** How each byte is written in a string literal that holds bytes. */
const ESCAPED_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  isPlain(byte) ? String.fromCharCode(byte) : `\\${HEX_BYTES[byte]}`,
);

/** Columns of a data string, quotes not counted. */
const STRING_COLUMNS = 88;

/** String literals, each of a line's length, that make up `bytes[start, end)`. */
export function* byteStrings(bytes: Uint8Array, start: number, end: number): Generator<string> {
  let text = "";
  for (let i = start; i < end; i++) {
    text += ESCAPED_BYTES[bytes[i]];
    if (text.length >= STRING_COLUMNS) {
      yield `"${text}"`;
      text = "";
    }
  }
  if (text !== "" || start === end) yield `"${text}"`;
}

/** What nobody sees or what moves the text around: controls, format characters, odd spaces. */
const INVISIBLE = /[\p{C}\p{Z}]/u;

/**
 * The string literal of a name. Visible characters stay as they are, others become byte escapes.
 */
export function formatName(name: string): string {
  let text = "";
  for (const char of name) {
    const code = char.codePointAt(0) as number;
    if (code < 0x80) text += ESCAPED_BYTES[code];
    else if (!INVISIBLE.test(char)) text += char;
    // Percent-encoding is UTF-8, and part of every JavaScript engine.
    else text += encodeURIComponent(char).replaceAll("%", "\\").toLowerCase();
  }
  return `"${text}"`;
}
