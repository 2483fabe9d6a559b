// Takes modules apart into sections and function bodies and puts them together again, sizes
// corrected, so that mutation and reduction reach deep into a module. It follows the framing of
// the binary format only (spec: 5.5.2 Sections) and gives up (null) where the framing is broken.

import { ByteWriter, HEADER, SECTION } from "./writer.ts";

/** A section: its id and its payload. */
export interface Part {
  readonly id: number;
  readonly payload: Uint8Array;
}

/** A length at `pos` and the position after it; null if it is cut off or too long. */
function readLength(bytes: Uint8Array, pos: number): [value: number, next: number] | null {
  let value = 0;
  for (let count = 0; count < 5; count++) {
    const byte = bytes[pos + count];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 128 ** count;
    if (byte < 0x80) return [value, pos + count + 1];
  }
  return null;
}

/** The sections of a module. */
export function splitSections(bytes: Uint8Array): Part[] | null {
  if (HEADER.some((byte, index) => bytes[index] !== byte)) return null;
  const parts: Part[] = [];
  for (let pos = HEADER.length; pos < bytes.length; ) {
    const length = readLength(bytes, pos + 1);
    if (length === null) return null;
    const end = length[1] + length[0];
    if (end > bytes.length) return null;
    parts.push({ id: bytes[pos], payload: bytes.subarray(length[1], end) });
    pos = end;
  }
  return parts;
}

/** The module made of these sections. */
export function joinSections(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter().bytes(HEADER);
  for (const { id, payload } of parts) out.byte(id).u32(payload.length).bytes(payload);
  return out.finish();
}

/** The function bodies in the payload of a code section. */
export function splitBodies(payload: Uint8Array): Uint8Array[] | null {
  const count = readLength(payload, 0);
  if (count === null) return null;
  const bodies: Uint8Array[] = [];
  let pos = count[1];
  for (let i = 0; i < count[0]; i++) {
    const length = readLength(payload, pos);
    if (length === null || length[1] + length[0] > payload.length) return null;
    pos = length[1] + length[0];
    bodies.push(payload.subarray(length[1], pos));
  }
  return pos === payload.length ? bodies : null;
}

/** The payload of a code section with these bodies. */
export function joinBodies(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter().u32(bodies.length);
  for (const body of bodies) out.u32(body.length).bytes(body);
  return out.finish();
}

/** `bytes` with `deleted` bytes at `at` replaced by `inserted`. */
export function spliceBytes(
  bytes: Uint8Array,
  at: number,
  deleted: number,
  inserted: ArrayLike<number> = [],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length - deleted + inserted.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(bytes.subarray(at + deleted), at + inserted.length);
  return out;
}

/** A body that does nothing but trap: no locals, `unreachable`, `end`. */
const STUB = Uint8Array.of(0, 0, 0x0b);

/** Sections that a cut-down module does without. */
const DISPENSABLE: ReadonlySet<number> = new Set([
  SECTION.custom,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.data,
  SECTION.dataCount,
]);

/**
 * A large module reduced to the function bodies that `keep` picks: the other bodies become stubs,
 * sections that only matter at run time are left out.
 */
export function cutModule(
  bytes: Uint8Array,
  keep: (body: Uint8Array, index: number) => boolean,
): Uint8Array<ArrayBuffer> | null {
  const parts = splitSections(bytes)?.filter(({ id }) => !DISPENSABLE.has(id));
  if (parts === undefined) return null;
  const kept = parts.map((part) => {
    const bodies = part.id === SECTION.code ? splitBodies(part.payload) : null;
    if (bodies === null) return part;
    const cut = bodies.map((body, index) => (keep(body, index) ? body : STUB));
    return { id: part.id, payload: joinBodies(cut) };
  });
  return joinSections(kept);
}
