// UTF-8 decoding against the host's TextDecoder, told to be strict and to keep a byte order mark.

import { TextDecoder, TextEncoder } from "node:util";
import { describe, expect, it } from "vitest";
import { Cursor } from "../../src/binary/cursor.ts";
import { decodeUtf8 } from "../../src/binary/utf8.ts";
import { MalformedError } from "../../src/module/errors.ts";
import { randomU32 } from "../isa/operands.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function reference(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Decodes with other bytes around, which must play no part. */
function decode(bytes: ArrayLike<number>): string | null {
  const around = new Uint8Array(bytes.length + 4).fill(0xbf);
  around.set(Array.from(bytes), 2);
  return decodeUtf8(around, 2, 2 + bytes.length);
}

describe("UTF-8", () => {
  it("agrees with TextDecoder on every sequence of one and two bytes", () => {
    for (let first = 0; first < 256; first++) {
      expect(decode([first])).toBe(reference(Uint8Array.of(first)));
      for (let second = 0; second < 256; second++) {
        const bytes = Uint8Array.of(first, second);
        if (decode(bytes) !== reference(bytes)) expect.fail(`${bytes}`);
      }
    }
  });

  it("agrees on every three and four byte sequence at the borders", () => {
    const leads = [0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5];
    const follow = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    let valid = 0;
    for (const a of [...leads, 0xc0, 0xc1, 0xf8, 0xfe, 0xff]) {
      for (const b of follow) {
        for (const c of follow) {
          for (const d of [...follow, -1]) {
            const bytes = Uint8Array.from(d < 0 ? [a, b, c] : [a, b, c, d]);
            const expected = reference(bytes);
            expect(decode(bytes), String(bytes)).toBe(expected);
            if (expected !== null) valid++;
          }
        }
      }
    }
    expect(valid).toBeGreaterThan(100);
  });

  it("agrees on every code point", () => {
    const encoder = new TextEncoder();
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point < 0xe000) continue;
      const text = String.fromCodePoint(point);
      if (decodeUtf8(encoder.encode(text), 0, encoder.encode(text).length) !== text) {
        expect.fail(`U+${point.toString(16)}`);
      }
    }
  });

  it("agrees on random bytes and on damaged text", () => {
    const next = randomU32(8);
    const text = new TextEncoder().encode("zażółć gęślą jaźń — 漢字かな 😀\u{10ffff}\ufeff\0");
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = next() % 2 ? text.slice(next() % 8) : new Uint8Array(next() % 12);
      for (let k = next() % 3; k > 0; k--) bytes[next() % (bytes.length || 1)] = next();
      const expected = reference(bytes);
      expect(decode(bytes), String(bytes)).toBe(expected);
      if (expected === null) refused++;
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it("keeps a byte order mark, and pieces text of any length together", () => {
    expect(decode([0xef, 0xbb, 0xbf, 0x61])).toBe("\ufeffa");
    for (const length of [4095, 4096, 4097, 100_000]) {
      const text = "a😀".repeat(length).slice(0, length * 3);
      expect(decodeUtf8(new TextEncoder().encode(text), 0, length * 5)).toBe(text);
    }
  });
});

describe("names", () => {
  function name(bytes: readonly number[], maxBytes = 100): string | MalformedError {
    try {
      return new Cursor(Uint8Array.from(bytes)).name(maxBytes);
    } catch (error) {
      if (error instanceof MalformedError) return error;
      throw error;
    }
  }

  it("are a length and that many bytes", () => {
    expect(name([0])).toBe("");
    expect(name([3, 0x61, 0x00, 0x62, 0x63])).toBe("a\0b");
    expect(name([0x82, 0x80, 0x00, 0xc3, 0xa4])).toBe("ä");
  });

  it("are refused when cut off, not UTF-8 or too long", () => {
    expect(name([3, 0x61])).toMatchObject({ phrase: "length out of bounds", offset: 0 });
    expect(name([1, 0x80])).toMatchObject({ phrase: "malformed UTF-8 encoding", offset: 1 });
    expect(name([3, 0x61, 0x61, 0x61], 3)).toBe("aaa");
    expect(name([3, 0x61, 0x61, 0x61], 2)).toMatchObject({ limit: "nameBytes", offset: 0 });
  });
});
