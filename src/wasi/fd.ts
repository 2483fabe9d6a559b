// fd_*: reading, writing and moving in what is open, and the descriptors themselves. What concerns
// files and directories as such is in files.ts. One call moves a bounded number of bytes, so that
// the deadline is looked at in between; a guest sees that as a short read or write.

import { ALL_FDFLAGS, ALL_RIGHTS, FDFLAG, RIGHT } from "./constants.ts";
import { demand, type FileDescriptor, filetypeOf, type InputDescriptor } from "./descriptors.ts";
import { fail, SUCCESS, WasiError } from "./errno.ts";
import { sizeFrom } from "./filestat.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Process } from "./process.ts";
import type { Dialect } from "./signatures.ts";
import type { Steps } from "./steps.ts";
import type { Input, Output } from "./streams.ts";
import { pause } from "./waiting.ts";

/**
 * The most bytes that one call moves from or to a file, and those between two looks: of a disk a
 * millisecond. Devices and streams may be slow, so that theirs is the least in all.
 */
const MOST_FILE_BYTES = 2 ** 24;
const PIECE_BYTES = 2 ** 19;
const MOST_STREAM_BYTES = 2 ** 18;

/** As many buffers as Linux takes. */
const MOST_BUFFERS = 1024;
/** Those that are used between two looks: the host is asked for each. */
const MOST_USED = 128;

/** The buffers of an `$iovec_array`: address and number. */
type Vector = readonly [iovs: number, count: number];

/** Those of the buffers that are not empty, at most `most` bytes behind the first `skip`. */
function buffersOf(memory: GuestMemory, [iovs, count]: Vector, most: number, skip = 0) {
  if (count >>> 0 > MOST_BUFFERS) fail("inval", "too many buffers");
  const first = memory.check(iovs, 8 * count);
  const buffers: Uint8Array[] = [];
  let [past, left] = [skip, most];
  for (let i = 0; i < count && left > 0 && buffers.length < MOST_USED; i++) {
    const at = first + 8 * i;
    let buffer = memory.range(memory.u32(at), memory.u32(at + 4));
    const cut = Math.min(past, buffer.length);
    past -= cut;
    if (cut > 0 || buffer.length > left) buffer = buffer.subarray(cut, cut + left);
    left -= buffer.length;
    if (buffer.length > 0) buffers.push(buffer);
  }
  return buffers;
}

/**
 * Calls `move` for each buffer until one is not used whole; the bytes in all. An error after some
 * bytes is none: the next call will have it.
 */
function moveAll(
  buffers: readonly Uint8Array[],
  move: (buffer: Uint8Array, done: number) => number,
) {
  let done = 0;
  for (const buffer of buffers) {
    const moved = done === 0 ? move(buffer, 0) : orNothing(() => move(buffer, done));
    done += moved;
    if (moved < buffer.length) break;
  }
  return done;
}

/** What `move` gives; 0 for an error code. */
function orNothing(move: () => number): number {
  try {
    return move();
  } catch (error) {
    if (error instanceof WasiError) return 0;
    throw error;
  }
}

/** What a buffer costs in time beyond its bytes, as bytes: the host is called for each. */
const BUFFER_BYTES = 6_400;

/** Bytes read from a file into the guest's buffers. */
function readAt(process: Process, { file }: FileDescriptor, buffers: Uint8Array[], from: number) {
  const done = moveAll(buffers, (buffer, before) => file.read(buffer, from + before));
  process.moved(done + BUFFER_BYTES * (buffers.length - 1));
  return done;
}

/** Bytes written from the guest's buffers into a file. */
function writeAt(process: Process, open: FileDescriptor, buffers: Uint8Array[], from: number) {
  const { file, flags } = open;
  const done = moveAll(buffers, (buffer, before) => file.write(buffer, from + before));
  if (flags & (FDFLAG.SYNC | FDFLAG.DSYNC)) file.sync((flags & FDFLAG.SYNC) === 0);
  process.moved(done + BUFFER_BYTES * (buffers.length - 1));
  return done;
}

/** Moves what is in buffers, behind `before` bytes that are moved already; how many bytes. */
type Move = (buffers: Uint8Array[], before: number) => number;

/** What all transfers between a file and the guest's buffers share; `move` does the rest. */
function transfer(
  process: Process,
  { file }: FileDescriptor,
  [iovs, count, result]: readonly [number, number, number],
  move: Move,
): number | Steps {
  const { memory } = process;
  memory.check(result, 4);
  const most = file.seekable ? PIECE_BYTES : MOST_STREAM_BYTES;
  const buffers = buffersOf(memory, [iovs, count], most);
  const done = move(buffers, 0);
  const isWhole = done === bytesIn(buffers);
  const mayBeMore = file.seekable && (done === PIECE_BYTES || buffers.length === MOST_USED);
  if (isWhole && mayBeMore) return transferRest(process, [iovs, count], result, done, move);
  memory.setU32(result, done);
  return SUCCESS;
}

/** Goes on piece by piece, as long as there are buffers and all of a piece was moved. */
function* transferRest(
  process: Process,
  vector: Vector,
  result: number,
  first: number,
  move: Move,
): Steps {
  let done = first;
  for (let isWhole = true; isWhole && done < MOST_FILE_BYTES; ) {
    yield;
    const buffers = buffersOf(process.memory, vector, PIECE_BYTES, done);
    const moved = buffers.length === 0 ? 0 : orNothing(() => move(buffers, done));
    done += moved;
    isWhole = moved > 0 && moved === bytesIn(buffers);
  }
  process.memory.setU32(result, done);
  return SUCCESS;
}

function bytesIn(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** Where a write begins: in append mode always at the end. */
function startOf({ file, flags, offset }: FileDescriptor): number {
  return flags & FDFLAG.APPEND ? Number(file.stat().size) : offset;
}

function readStream(
  process: Process,
  { flags, input }: InputDescriptor,
  [iovs, count, result]: readonly [number, number, number],
): number | Steps {
  const { mayAwait, memory } = process;
  const read = () => {
    const buffers = buffersOf(process.memory, [iovs, count], MOST_STREAM_BYTES);
    const done = moveAll(buffers, (buffer) => input.take(buffer));
    process.memory.setU32(result, done);
    process.moved(done);
    return SUCCESS;
  };
  memory.check(result, 4);
  if (buffersOf(memory, [iovs, count], 1).length === 0 || input.fetch(mayAwait) === null) {
    return read();
  }
  if (flags & FDFLAG.NONBLOCK) fail("again");
  if (!mayAwait) fail("notsup", "input that is not there yet, and nobody can wait for it");
  return waitFor(process, input, read);
}

/** Does something as soon as there is input: others may take what has come. */
function* waitFor(process: Process, input: Input, action: () => number): Steps {
  while (input.fetch(true) !== null) {
    yield pause(Number.POSITIVE_INFINITY, [input, process], process.caller.execution);
  }
  return action();
}

/** Copies of the buffers, one behind the other: a stream may keep what it is given. */
function joined(buffers: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(bytesIn(buffers));
  let at = 0;
  for (const buffer of buffers) {
    bytes.set(buffer, at);
    at += buffer.length;
  }
  return bytes;
}

function writeStream(
  process: Process,
  output: Output,
  [iovs, count, result]: readonly [number, number, number],
): number | Steps {
  const { mayAwait, memory } = process;
  memory.check(result, 4);
  const all = buffersOf(memory, [iovs, count], MOST_STREAM_BYTES);
  const wanted = bytesIn(all);
  const most = output.allowance(wanted);
  const bytes = joined(most < wanted ? buffersOf(memory, [iovs, count], most) : all);
  const waiting = bytes.length === 0 ? null : output.write(bytes, mayAwait);
  process.moved(bytes.length);
  const done = () => {
    process.memory.setU32(result, bytes.length);
    return SUCCESS;
  };
  return waiting === null ? done() : taken(waiting, done);
}

function* taken(waiting: Promise<void>, action: () => number): Steps {
  yield waiting;
  return action();
}

function seek(open: FileDescriptor, delta: bigint, whence: "set" | "cur" | "end"): number {
  if (!open.file.seekable) fail("spipe");
  const base =
    whence === "set" ? 0n : whence === "cur" ? BigInt(open.offset) : open.file.stat().size;
  const target = Number(base + BigInt.asIntN(64, delta));
  if (target < 0 || !Number.isSafeInteger(target)) fail("inval", "beyond any file");
  open.offset = target;
  return target;
}

/** A file for a transfer at a position that the guest names. */
function seekableFile({ descriptors }: Process, fd: number, right: number): FileDescriptor {
  const open = descriptors.file(fd, right | RIGHT.FD_SEEK);
  return open.file.seekable ? open : fail("spipe");
}

/** Reading, writing and positions. */
function transferFunctions(process: Process, { whence: whences }: Dialect) {
  const { descriptors } = process;
  return {
    fd_read(fd: number, iovs: number, count: number, result: number) {
      const open = descriptors.get(fd);
      if (open.kind === "input") {
        demand(open, RIGHT.FD_READ);
        return readStream(process, open, [iovs, count, result]);
      }
      const file = descriptors.file(fd, RIGHT.FD_READ);
      return transfer(process, file, [iovs, count, result], (buffers) => {
        const done = readAt(process, file, buffers, file.offset);
        file.offset += done;
        return done;
      });
    },
    fd_write(fd: number, iovs: number, count: number, result: number) {
      const open = descriptors.get(fd);
      if (open.kind === "output") {
        demand(open, RIGHT.FD_WRITE);
        return writeStream(process, open.output, [iovs, count, result]);
      }
      const file = descriptors.file(fd, RIGHT.FD_WRITE);
      return transfer(process, file, [iovs, count, result], (buffers) => {
        const start = startOf(file);
        const done = writeAt(process, file, buffers, start);
        file.offset = start + done;
        return done;
      });
    },
    fd_pread(fd: number, iovs: number, count: number, offset: bigint, result: number) {
      const file = seekableFile(process, fd, RIGHT.FD_READ);
      const start = sizeFrom(offset);
      return transfer(process, file, [iovs, count, result], (buffers, before) => {
        return readAt(process, file, buffers, start + before);
      });
    },
    fd_pwrite(fd: number, iovs: number, count: number, offset: bigint, result: number) {
      const file = seekableFile(process, fd, RIGHT.FD_WRITE);
      const start = sizeFrom(offset);
      return transfer(process, file, [iovs, count, result], (buffers, before) => {
        return writeAt(process, file, buffers, start + before);
      });
    },
    fd_seek(fd: number, offset: bigint, whence: number, result: number) {
      const from = whences[whence >>> 0] ?? fail("inval", "whence");
      const still = from === "cur" && offset === 0n;
      // The right to seek implies the right to tell.
      const file = descriptors.file(fd, 0);
      if (!(file.rights & (RIGHT.FD_SEEK | (still ? RIGHT.FD_TELL : 0)))) fail("notcapable");
      const { memory } = process;
      memory.check(result, 8);
      memory.setU64(result, BigInt(seek(file, offset, from)));
      return SUCCESS;
    },
    fd_tell(fd: number, result: number) {
      const file = descriptors.file(fd, 0);
      if (!(file.rights & (RIGHT.FD_SEEK | RIGHT.FD_TELL))) fail("notcapable");
      if (!file.file.seekable) fail("spipe");
      process.memory.setU64(result, BigInt(file.offset));
      return SUCCESS;
    },
  };
}

/** Rights as they are stored; null if there are bits that mean nothing. */
function knownRights(rights: bigint): number | null {
  const bits = BigInt.asUintN(64, rights);
  return bits > BigInt(ALL_RIGHTS) ? null : Number(bits);
}

/** Functions about descriptors and not about what is behind them. */
function descriptorFunctions(process: Process) {
  const { descriptors } = process;
  return {
    fd_close(fd: number) {
      descriptors.close(fd);
      return SUCCESS;
    },
    fd_renumber(from: number, to: number) {
      descriptors.renumber(from, to);
      return SUCCESS;
    },
    fd_fdstat_get(fd: number, result: number) {
      const open = descriptors.get(fd);
      const { memory } = process;
      const at = memory.check(result, 24);
      memory.setU64(at, BigInt(filetypeOf(open)));
      memory.setU16(at + 2, open.flags);
      memory.setU64(at + 8, BigInt(open.rights));
      memory.setU64(at + 16, BigInt(open.inheriting));
      return SUCCESS;
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const open = descriptors.get(fd);
      demand(open, RIGHT.FD_FDSTAT_SET_FLAGS);
      if (flags >>> 0 > ALL_FDFLAGS) fail("inval", "unknown flags");
      open.flags = flags;
      return SUCCESS;
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      const open = descriptors.get(fd);
      const rights = knownRights(base) ?? fail("notcapable");
      const inherited = knownRights(inheriting) ?? fail("notcapable");
      if (rights & ~open.rights || inherited & ~open.inheriting) fail("notcapable");
      open.rights = rights;
      open.inheriting = inherited;
      return SUCCESS;
    },
  };
}

/** The functions of this file. */
export function fdFunctions(process: Process, dialect: Dialect) {
  return { ...transferFunctions(process, dialect), ...descriptorFunctions(process) };
}
