// The push decoder: however a module is cut into chunks and the work into pieces, the record is the
// same, or the error is (class, message, offset and all). After an error or the end, a decoder stays
// as it is.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { moduleDecoder } from "../../src/embedding/module.ts";
import { FEATURES, featureSet } from "../../src/isa/features.ts";
import type { DecodingLimits } from "../../src/module/limits.ts";
import { randomU32 } from "../isa/operands.ts";
import { ALL_SECTIONS, body, custom, moduleOf, outcomeOf, section, TYPES, vec } from "./bytes.ts";
import { suiteModules } from "./suite.ts";

const ALL = featureSet(Object.fromEntries(FEATURES.map((name) => [name, true])));

const NPM_MODULES = [
  "sql.js/dist/sql-wasm.wasm",
  "tiktoken/lite/tiktoken_bg.wasm",
  "@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm",
];

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places, bytes.length];
  return ends.map((end, i) => bytes.slice(i === 0 ? 0 : ends[i - 1], end));
}

/** Pieces of work of all sizes, from one indivisible step to everything. */
const UNITS = [1, 3, 100, 5000, Number.POSITIVE_INFINITY];

/** Fails unless every one of these chunkings gives what the whole gives. */
function compareChunkings(
  bytes: Uint8Array,
  chunkings: Iterable<Uint8Array[]>,
  limits: Partial<DecodingLimits> = {},
): { error: unknown; tried: number } {
  const whole = outcomeOf([bytes], limits, ALL);
  let tried = 0;
  for (const chunks of chunkings) {
    const parts = outcomeOf(chunks, limits, ALL, UNITS[tried++ % UNITS.length]);
    // The comparison of vitest is for the message only; it takes far longer.
    if (isDeepStrictEqual(parts, whole)) continue;
    expect({ at: chunks.map((chunk) => chunk.length), ...parts }).toEqual(whole);
  }
  return { error: whole.error, tried };
}

function* splitsInTwo(bytes: Uint8Array): Iterable<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield cut(bytes, [at]);
}

function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return cut(bytes, [...bytes.keys()].slice(1));
}

function* randomChunkings(bytes: Uint8Array, count: number, seed: number) {
  const next = randomU32(seed);
  for (let i = 0; i < count; i++) {
    const places = Array.from({ length: 1 + (next() % 30) }, () => next() % (bytes.length + 1));
    yield cut(
      bytes,
      places.sort((a, b) => a - b),
    );
  }
}

const FULL = moduleOf(...ALL_SECTIONS.map(([, bytes]) => bytes), custom("end", [1, 2, 3]));

describe("small modules in every two chunks and byte by byte", () => {
  it("whole, cut off anywhere, and with any byte changed", () => {
    const next = randomU32(77);
    const errors = new Set<string>();
    for (let at = 0; at <= FULL.length; at++) {
      const changed = FULL.slice();
      changed[at % FULL.length] ^= 1 << (next() % 8);
      for (const bytes of [FULL.slice(0, at), changed]) {
        const chunkings = [...splitsInTwo(bytes), byteByByte(bytes)];
        const { error } = compareChunkings(bytes, chunkings);
        if (error !== null) errors.add((error as { phrase: string }).phrase);
      }
    }
    expect(errors.size).toBeGreaterThan(15);
  });

  it("of the suite: a sample of valid, invalid and malformed ones", (context) => {
    const seen = { valid: 0, invalid: 0, malformed: 0 };
    let index = 0;
    for (const { bytes, expectation, label } of suiteModules()) {
      if (index++ % 17 !== 0 || bytes.length > 400) continue;
      const { error } = compareChunkings(bytes, [...splitsInTwo(bytes), byteByByte(bytes)]);
      // The obsolete assertions of the threads proposal are accepted.
      if (!label.startsWith("proposals-threads")) {
        expect(error === null, label).toBe(expectation === "valid");
      }
      seen[expectation]++;
    }
    if (index === 0) return context.skip();
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(30);
  });

  it("longer than the limit", () => {
    for (let moduleBytes = 0; moduleBytes <= FULL.length; moduleBytes++) {
      const chunkings = [...splitsInTwo(FULL), byteByByte(FULL)];
      const { error } = compareChunkings(FULL, chunkings, { moduleBytes });
      expect(error === null).toBe(moduleBytes === FULL.length);
    }
  });
});

describe("modules from npm in random chunks", () => {
  it.each(NPM_MODULES)("%s", (path) => {
    const file = new URL(`../../node_modules/${path}`, import.meta.url);
    const bytes = new Uint8Array(readFileSync(file));
    const { error, tried } = compareChunkings(bytes, randomChunkings(bytes, 4, bytes.length));
    expect(error).toBe(null);
    expect(tried).toBe(4);
    const next = randomU32(bytes.length);
    for (let i = 0; i < 4; i++) {
      const broken = bytes.slice(0, i === 0 ? next() % bytes.length : bytes.length);
      for (let k = 0; k < 200; k++) broken[next() % broken.length] = next();
      const outcome = compareChunkings(broken, randomChunkings(broken, 3, next()));
      expect(outcome.error).not.toBe(null);
    }
  });

  it("byte by byte", () => {
    const file = new URL(`../../node_modules/${NPM_MODULES[2]}`, import.meta.url);
    const bytes = new Uint8Array(readFileSync(file));
    expect(compareChunkings(bytes, [byteByByte(bytes)]).error).toBe(null);
  });
});

describe("a push decoder", () => {
  it("hears of an error with the byte that shows it, not later", () => {
    const bad = moduleOf(
      TYPES,
      section(3, vec([0], [0])),
      section(10, vec(body([0x1a]), body([]))),
    );
    const shown = bad.length - body([]).length;
    const decoder = moduleDecoder();
    for (const byte of bad.slice(0, shown - 1)) decoder.push(Uint8Array.of(byte));
    expect(() => decoder.push(bad.slice(shown - 1, shown))).toThrow(/^type mismatch/);
  });

  it("repeats the same error at every further push and at the end", () => {
    const decoder = moduleDecoder();
    const errors: unknown[] = [];
    const attempts = [() => decoder.push(Uint8Array.of(1)), () => decoder.end()];
    for (const attempt of [() => decoder.push(moduleOf([99, 0])), ...attempts, ...attempts]) {
      try {
        attempt();
      } catch (error) {
        errors.push(error);
      }
    }
    expect(errors).toHaveLength(5);
    expect(errors[0]).toMatchObject({ name: "MalformedError", phrase: "malformed section id" });
    for (const error of errors) expect(error).toBe(errors[0]);
  });

  it("repeats an error of the end too", () => {
    const decoder = moduleDecoder();
    decoder.push(moduleOf([1]));
    expect(() => decoder.end()).toThrow(/^unexpected end/);
    expect(() => decoder.end()).toThrow(/^unexpected end/);
    expect(() => decoder.push(Uint8Array.of(0))).toThrow(/^unexpected end/);
  });

  it("takes nothing after the end, and gives the same module again", () => {
    const decoder = moduleDecoder();
    decoder.push(FULL);
    const record = decoder.end();
    expect(() => decoder.push(Uint8Array.of(0))).toThrow(/push after end/);
    expect(decoder.end()).toBe(record);
    expect(record.bytes).toEqual(FULL);
  });

  it("copies what it is given, and takes empty chunks", () => {
    const decoder = moduleDecoder();
    const chunk = FULL.slice();
    decoder.push(new Uint8Array(0));
    decoder.push(chunk);
    chunk.fill(0xff);
    decoder.push(new Uint8Array(0));
    expect(decoder.end().bytes).toEqual(FULL);
  });
});
