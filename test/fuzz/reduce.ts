// Makes an input smaller while it stays interesting: sections, bodies, instructions, then bytes are
// taken away or simplified as long as the predicate holds. Greedy, to a fixed point.

import { instructionSpans } from "./instructions.ts";
import {
  joinBodies,
  joinSections,
  type Part,
  spliceBytes,
  splitBodies,
  splitSections,
} from "./parts.ts";
import { SECTION } from "./writer.ts";

/** Whether an input still shows what is being looked for. */
export type Interesting = (bytes: Uint8Array) => Promise<boolean>;

/** A body without code: `unreachable` fits every type. */
const STUB = Uint8Array.of(0, 0x00, 0x0b);

/** Smaller candidates for an input, the most promising first. */
type Shrinker = (bytes: Uint8Array) => Iterable<Uint8Array>;

function* withoutSections(bytes: Uint8Array): Iterable<Uint8Array> {
  const parts = splitSections(bytes) ?? [];
  for (let i = parts.length - 1; i >= 0; i--) {
    yield joinSections(parts.filter((_, index) => index !== i));
  }
}

function* codeVariants(
  bytes: Uint8Array,
  variants: (body: Uint8Array) => Iterable<Uint8Array>,
): Iterable<Uint8Array> {
  const parts = splitSections(bytes) ?? [];
  const at = parts.findIndex(({ id }) => id === SECTION.code);
  const bodies = at < 0 ? null : splitBodies(parts[at].payload);
  if (bodies === null) return;
  for (let i = 0; i < bodies.length; i++) {
    for (const body of variants(bodies[i])) {
      const changed = bodies.map((old, index) => (index === i ? body : old));
      yield joinSections(withPayload(parts, at, joinBodies(changed)));
    }
  }
}

function withPayload(parts: readonly Part[], at: number, payload: Uint8Array): Part[] {
  return parts.map((part, index) => (index === at ? { id: part.id, payload } : part));
}

function* stubBodies(bytes: Uint8Array): Iterable<Uint8Array> {
  yield* codeVariants(bytes, (body) => (body.length > STUB.length ? [STUB] : []));
}

/** One function fewer: its body and its declaration. */
function* withoutFunctions(bytes: Uint8Array): Iterable<Uint8Array> {
  const parts = splitSections(bytes) ?? [];
  const code = parts.findIndex(({ id }) => id === SECTION.code);
  const declared = parts.findIndex(({ id }) => id === SECTION.function);
  const bodies = code < 0 ? null : splitBodies(parts[code].payload);
  const types = declared < 0 ? [] : [...parts[declared].payload];
  // Type indices of one byte each are enough to take one out.
  if (bodies === null || types.length !== bodies.length + 1) return;
  if (types.some((byte) => byte >= 0x80)) return;
  for (let i = bodies.length - 1; i >= 0; i--) {
    const others = <T>(_: T, index: number) => index !== i;
    const fewer = withPayload(parts, code, joinBodies(bodies.filter(others)));
    const shorter = Uint8Array.of(types[0] - 1, ...types.slice(1).filter(others));
    yield joinSections(withPayload(fewer, declared, shorter));
  }
}

/** Runs of instructions taken out, long runs first. */
function* withoutInstructions(bytes: Uint8Array): Iterable<Uint8Array> {
  yield* codeVariants(bytes, function* (body) {
    const spans = instructionSpans(body);
    for (let length = spans.length; length > 0; length = Math.floor(length / 2)) {
      for (let from = 0; from + length <= spans.length; from += length) {
        const { start } = spans[from];
        yield spliceBytes(body, start, spans[from + length - 1].end - start);
      }
    }
  });
}

/** Payloads up to this length are tried thoroughly. */
const SHORT = 160;
const LONGEST_ENTRY = 24;

/** What begins with a count, some bytes taken out, with the count as it was and lowered by one. */
function* shorterVectors(vector: Uint8Array): Iterable<Uint8Array> {
  const thorough = vector.length <= SHORT;
  for (let length = LONGEST_ENTRY; length > 0; length = thorough ? length - 1 : length >> 1) {
    for (let from = 0; from + length <= vector.length; from += thorough ? 1 : length) {
      const shorter = spliceBytes(vector, from, length);
      if (from > 0 && vector[0] > 0) {
        const lowered = shorter.slice();
        lowered[0]--;
        yield lowered;
      }
      yield shorter;
    }
  }
}

/** Entries of sections taken out: types, imports, globals and the like. */
function* withoutEntries(bytes: Uint8Array): Iterable<Uint8Array> {
  const parts = splitSections(bytes) ?? [];
  for (let at = 0; at < parts.length; at++) {
    if (parts[at].id === SECTION.code) continue;
    for (const payload of shorterVectors(parts[at].payload)) {
      yield joinSections(withPayload(parts, at, payload));
    }
  }
}

/** Locals, and bytes that are no readable instructions. */
function* withoutBodyBytes(bytes: Uint8Array): Iterable<Uint8Array> {
  yield* codeVariants(bytes, shorterVectors);
}

function* withoutBytes(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let length = bytes.length >> 1; length > 0; length >>= 1) {
    for (let from = 0; from + length <= bytes.length; from += length) {
      yield spliceBytes(bytes, from, length);
    }
  }
}

const SHRINKERS: readonly Shrinker[] = [
  withoutSections,
  stubBodies,
  withoutFunctions,
  withoutInstructions,
  withoutEntries,
  withoutBodyBytes,
  withoutBytes,
];

/** Candidates tried before giving up; a reduction is a help, not a proof of minimality. */
const MAX_TRIES = 50_000;

/** The smallest interesting input found; `bytes` itself must be interesting. */
export async function reduce(bytes: Uint8Array, interesting: Interesting): Promise<Uint8Array> {
  let best = bytes;
  let tries = 0;
  const improve = async (shrinker: Shrinker): Promise<boolean> => {
    for (const candidate of shrinker(best)) {
      if (++tries > MAX_TRIES) return false;
      if (candidate.length < best.length && (await interesting(candidate))) {
        best = candidate;
        return true;
      }
    }
    return false;
  };
  for (let improved = true; improved && tries <= MAX_TRIES; ) {
    improved = false;
    for (const shrinker of SHRINKERS) {
      while (await improve(shrinker)) improved = true;
    }
  }
  return best;
}

/** Bytes as hexadecimal digits, as counterexamples are kept. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
