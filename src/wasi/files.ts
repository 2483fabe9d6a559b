// fd_*: attributes, sizes and contents of the files and directories that descriptors stand for.

import { RIGHT } from "./constants.ts";
import { type Descriptor, type DirectoryDescriptor, demand, filetypeOf } from "./descriptors.ts";
import { fail, SUCCESS } from "./errno.ts";
import type { Directory, File, FileStat } from "./file-system.ts";
import { sizeFrom, timesFrom, writeFilestat } from "./filestat.ts";
import type { Listing } from "./listing.ts";
import type { Process } from "./process.ts";
import type { Dialect } from "./signatures.ts";
import type { Steps } from "./steps.ts";
import { encodeUtf8 } from "./streams.ts";

/** Of a `$dirent`, in front of the name. */
const DIRENT_BYTES = 24;
/** Entries given between two looks at the guest: of each the host is asked for its number. */
const ENTRIES_UNTIL_LOOK = 64;
/** An entry that is read, and one that is given, takes as long as moving so many bytes. */
const READ_BYTES = 6_400;
const GIVEN_BYTES = 64_000;
const LAST_ADVICE = 5;

function statOf(open: Descriptor): FileStat {
  if (open.kind === "file") return open.file.stat();
  if (open.kind === "directory") return open.directory.stat();
  const filetype = filetypeOf(open);
  return { filetype, dev: 0n, ino: 0n, nlink: 1n, size: 0n, atim: 0n, mtim: 0n, ctim: 0n };
}

function sync({ descriptors, mayAwait }: Process, fd: number, dataOnly: boolean): number | Steps {
  const open = descriptors.get(fd);
  demand(open, dataOnly ? RIGHT.FD_DATASYNC : RIGHT.FD_SYNC);
  if (open.kind === "file") {
    const { file } = open;
    if (mayAwait && file.syncAsync !== undefined) return awaited(file.syncAsync(dataOnly));
    file.sync(dataOnly);
  } else if (open.kind === "directory") open.directory.sync(dataOnly);
  return SUCCESS;
}

function* awaited(promise: Promise<void>): Steps {
  yield promise;
  return SUCCESS;
}

interface Dirent {
  readonly name: string;
  readonly filetype: number;
  readonly ino: bigint;
}

/** The first cookie of an entry of the file system: "." and ".." come first. */
const FIRST_COOKIE = 2;

/** The entry with this cookie, which was reached; undefined behind the last. */
function direntAt(directory: Directory, listing: Listing, cookie: number): Dirent | undefined {
  if (cookie < FIRST_COOKIE) {
    // The parent may lie outside: its number is nobody's business.
    const { filetype, ino } = directory.stat();
    return { name: cookie === 0 ? "." : "..", filetype, ino };
  }
  const entry = listing.at(cookie - FIRST_COOKIE);
  if (entry === undefined) return undefined;
  const { filetype, ino, name } = entry;
  return { name, filetype, ino: ino ?? inoOf(directory, name) };
}

function inoOf(directory: Directory, name: string): bigint {
  return directory.lookup(name)?.ino ?? 0n;
}

/** A `$dirent` and its name. */
function encodeDirent({ filetype, ino, name }: Dirent, next: number): Uint8Array {
  const text = encodeUtf8(name);
  const bytes = new Uint8Array(DIRENT_BYTES + text.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(next), true);
  view.setBigUint64(8, ino, true);
  view.setUint32(16, text.length, true);
  view.setUint8(20, filetype);
  bytes.set(text, DIRENT_BYTES);
  return bytes;
}

/** What a directory is gone through with from this cookie on. */
function listingFor(process: Process, open: DirectoryDescriptor, cookie: number): Listing {
  const { listing } = open;
  const isNew = cookie === 0 || listing === null || listing.isPast(cookie - FIRST_COOKIE);
  return isNew ? process.descriptors.list(open) : listing;
}

/**
 * Fills the guest's buffer with entries, the last of which may be cut off, and writes the number
 * of bytes used to `result`.
 */
function* list(
  process: Process,
  open: DirectoryDescriptor,
  [address, size, result]: readonly [number, number, number],
  first: number,
): Steps {
  const listing = listingFor(process, open, first);
  let used = 0;
  for (let cookie = first; used < size; cookie++) {
    if (cookie > first && (cookie - first) % ENTRIES_UNTIL_LOOK === 0) yield;
    while (!listing.reach(cookie - FIRST_COOKIE)) {
      process.moved(READ_BYTES * ENTRIES_UNTIL_LOOK);
      yield;
    }
    const dirent = direntAt(open.directory, listing, cookie);
    if (dirent === undefined) break;
    const bytes = encodeDirent(dirent, cookie + 1).subarray(0, size - used);
    process.memory.write(address + used, bytes);
    used += bytes.length;
    process.moved(GIVEN_BYTES);
  }
  process.memory.setU32(result, used);
  return SUCCESS;
}

/** Functions about directories: what they hold, and what they were granted as. */
function directoryFunctions(process: Process) {
  const { descriptors } = process;
  const preopenOf = (fd: number): Uint8Array => {
    const open = descriptors.get(fd);
    return (open.kind === "directory" ? open.preopen : null) ?? fail("badf", "not preopened");
  };
  return {
    fd_prestat_get(fd: number, result: number) {
      const { length } = preopenOf(fd);
      const { memory } = process;
      const at = memory.check(result, 8);
      memory.setU32(at, 0);
      memory.setU32(at + 4, length);
      return SUCCESS;
    },
    fd_prestat_dir_name(fd: number, address: number, length: number) {
      const name = preopenOf(fd);
      if (length >>> 0 < name.length) fail("nametoolong");
      process.memory.write(address, name);
      return SUCCESS;
    },
    fd_readdir(fd: number, address: number, length: number, cookie: bigint, result: number) {
      const open = descriptors.directory(fd, RIGHT.FD_READDIR);
      const { memory } = process;
      const size = length >>> 0;
      const start = memory.check(address, size);
      memory.check(result, 4);
      return list(process, open, [start, size, result], sizeFrom(cookie));
    },
  };
}

/** Gives a file another size: in memory, its bytes may have to move. */
function resize(process: Process, file: File, size: number): number {
  process.moved(Math.abs(size - Number(file.stat().size)));
  file.setSize(size);
  return SUCCESS;
}

/** The functions of this file. */
export function filesFunctions(process: Process, dialect: Dialect) {
  const { descriptors } = process;
  return {
    ...directoryFunctions(process),
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number) {
      descriptors.file(fd, RIGHT.FD_ADVISE);
      if (advice >>> 0 > LAST_ADVICE) fail("inval", "no such advice");
      return SUCCESS;
    },
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      const { file } = descriptors.file(fd, RIGHT.FD_ALLOCATE);
      const size = sizeFrom(length);
      if (size === 0) fail("inval", "no bytes");
      const end = sizeFrom(BigInt(sizeFrom(offset)) + BigInt(size));
      return file.stat().size < end ? resize(process, file, end) : SUCCESS;
    },
    fd_datasync: (fd: number) => sync(process, fd, true),
    fd_sync: (fd: number) => sync(process, fd, false),
    fd_filestat_get(fd: number, result: number) {
      const open = descriptors.get(fd);
      demand(open, RIGHT.FD_FILESTAT_GET);
      writeFilestat(process.memory, result, statOf(open), dialect);
      return SUCCESS;
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      const { file } = descriptors.file(fd, RIGHT.FD_FILESTAT_SET_SIZE);
      return resize(process, file, sizeFrom(size));
    },
    fd_filestat_set_times(fd: number, atim: bigint, mtim: bigint, flags: number) {
      const open = descriptors.get(fd);
      demand(open, RIGHT.FD_FILESTAT_SET_TIMES);
      const times = timesFrom(process, atim, mtim, flags);
      if (open.kind === "file") open.file.setTimes(times);
      else if (open.kind === "directory") open.directory.setTimes(times);
      return SUCCESS;
    },
  };
}
