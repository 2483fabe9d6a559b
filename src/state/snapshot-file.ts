// A snapshot as a file (docs/snapshot-format.md): a head, chunks of which each says how long it is,
// and a checksum at the end.

import { crc32 } from "./checksum.ts";
import { Reader, Writer } from "./codec.ts";
import { SnapshotError } from "./errors.ts";
import { CHUNKS, type Chunk } from "./store-codec.ts";
import type { StoreState } from "./store-state.ts";

/** `\0wms`, the low byte first. */
const MAGIC = 0x736d7700;
export const FORMAT_VERSION = 1;

const NAME_BYTES = 4;
const CHECKSUM_BYTES = 4;
const HEAD_BYTES = 8;
/** Name and length of a chunk. */
const CHUNK_BYTES = NAME_BYTES + 8;

/** Chunks whose names begin with a small letter may be passed by who does not know them. */
const SMALL = /^[a-z]/;

const FIELDS = Object.keys(CHUNKS) as (keyof StoreState)[];

function writeName(out: Writer, name: string): void {
  for (let i = 0; i < NAME_BYTES; i++) out.u8(name.charCodeAt(i));
}

function readName(input: Reader): string {
  let name = "";
  for (let i = 0; i < NAME_BYTES; i++) name += String.fromCharCode(input.u8());
  if (!/^[A-Za-z]{4}$/.test(name)) throw input.error("a chunk has no name");
  return name;
}

/** The file of a store's state. */
export function writeSnapshot(state: StoreState): Uint8Array {
  const written = <K extends keyof StoreState>(field: K) => {
    const { codec, name }: Chunk<StoreState[K]> = CHUNKS[field];
    const chunk = new Writer();
    codec.write(chunk, state[field]);
    return { name, contents: chunk.written };
  };
  const chunks = FIELDS.map(written);
  let size = HEAD_BYTES + CHECKSUM_BYTES;
  for (const { contents } of chunks) size += CHUNK_BYTES + contents.length;
  const out = new Writer(size);
  out.u32(MAGIC);
  out.u32(FORMAT_VERSION);
  for (const { contents, name } of chunks) {
    writeName(out, name);
    out.f64(contents.length);
    out.bytes(contents);
  }
  out.u32(crc32(out.written));
  return out.written;
}

/**
 * The state that a file tells. Whether it makes sense is not looked at.
 * @throws SnapshotError for anything but the bytes of a snapshot, as they were written
 */
export function readSnapshot(bytes: Uint8Array): StoreState {
  const head = new Reader(bytes);
  if (bytes.length < HEAD_BYTES + CHECKSUM_BYTES || head.u32() !== MAGIC) {
    throw new SnapshotError("these bytes are no snapshot");
  }
  const version = head.u32();
  if (version !== FORMAT_VERSION) {
    throw new SnapshotError(`the snapshot has version ${version}, known is ${FORMAT_VERSION}`);
  }
  const end = bytes.length - CHECKSUM_BYTES;
  const checksum = new Reader(bytes, end).u32();
  if (crc32(bytes.subarray(0, end)) !== checksum) {
    throw new SnapshotError("the snapshot is damaged: its checksum is another");
  }
  const chunks = chunksOf(new Reader(bytes, HEAD_BYTES, end));
  const state: Partial<StoreState> = {};
  const read = <K extends keyof StoreState>(field: K) => {
    const { codec, name }: Chunk<StoreState[K]> = CHUNKS[field];
    const chunk = chunks.get(name);
    if (chunk === undefined) throw new SnapshotError(`the snapshot has no chunk ${name}`);
    state[field] = codec.read(chunk);
    if (chunk.left > 0) throw chunk.error(`chunk ${name} is longer than what is in it`);
  };
  FIELDS.forEach(read);
  return state as StoreState;
}

function chunksOf(input: Reader): ReadonlyMap<string, Reader> {
  const names = new Set(FIELDS.map((field) => CHUNKS[field].name));
  const chunks = new Map<string, Reader>();
  while (input.left > 0) {
    const name = readName(input);
    const length = input.f64();
    if (!(length >= 0 && Number.isInteger(length)))
      throw input.error(`chunk ${name} has no length`);
    const chunk = input.part(length);
    if (names.has(name)) {
      if (chunks.has(name)) throw input.error(`there are two chunks ${name}`);
      chunks.set(name, chunk);
    } else if (!SMALL.test(name)) {
      throw new SnapshotError(`chunk ${name} is from a newer version`);
    }
  }
  return chunks;
}
