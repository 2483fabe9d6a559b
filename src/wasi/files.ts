// fd_*: attributes, sizes and contents of the files and directories that descriptors stand for.

import { RIGHT } from "./constants.ts";
import { type Descriptor, type DirectoryDescriptor, demand, filetypeOf } from "./descriptors.ts";
import { fail, SUCCESS } from "./errno.ts";
import type { Directory, File, FileStat } from "./file-system.ts";
import { sizeFrom, timesFrom, writeFilestat } from "./filestat.ts";
import type { Process } from "./process.ts";
import type { Dialect } from "./signatures.ts";
import { encodeUtf8 } from "./streams.ts";

/** Of a `$dirent`, in front of the name. */
const DIRENT_BYTES = 24;
/** Entries listed between two looks at the deadline. */
const ENTRIES_UNTIL_LOOK = 256;
/** Units of fuel, not charged, that a slice is shortened by for each entry of a list. */
const ENTRY_UNITS = 100;
const LAST_ADVICE = 5;

function statOf(open: Descriptor): FileStat {
  if (open.kind === "file") return open.file.stat();
  if (open.kind === "directory") return open.directory.stat();
  const filetype = filetypeOf(open);
  return { filetype, dev: 0n, ino: 0n, nlink: 1n, size: 0n, atim: 0n, mtim: 0n, ctim: 0n };
}

function sync(open: Descriptor, dataOnly: boolean): number {
  demand(open, dataOnly ? RIGHT.FD_DATASYNC : RIGHT.FD_SYNC);
  if (open.kind === "file") open.file.sync(dataOnly);
  else if (open.kind === "directory") open.directory.sync(dataOnly);
  return SUCCESS;
}

interface Dirent {
  readonly name: string;
  readonly filetype: number;
  readonly ino: bigint;
}

/** The entry with this cookie; "." and ".." come first. */
function direntAt({ directory, listing }: DirectoryDescriptor, cookie: number): Dirent {
  if (cookie < 2) {
    // The parent may lie outside: its number is nobody's business.
    const { filetype, ino } = directory.stat();
    return { name: cookie === 0 ? "." : "..", filetype, ino };
  }
  const { filetype, ino, name } = (listing ?? [])[cookie - 2];
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

/** Fills `target` with entries, the last of which may be cut off; the bytes used. */
function list(process: Process, open: DirectoryDescriptor, target: Uint8Array, first: number) {
  const { execution } = process;
  if (first === 0 || open.listing === null) {
    open.listing = open.directory.entries();
    process.descriptors.listed(open);
    process.moved(64 * ENTRY_UNITS * open.listing.length);
  }
  const count = open.listing.length + 2;
  let used = 0;
  for (let cookie = first; cookie < count && used < target.length; cookie++) {
    const late = (cookie - first) % ENTRIES_UNTIL_LOOK === ENTRIES_UNTIL_LOOK - 1;
    if (late && execution?.timeLeft === 0) process.interrupt();
    const dirent = encodeDirent(direntAt(open, cookie), cookie + 1);
    target.set(dirent.subarray(0, target.length - used), used);
    used += Math.min(dirent.length, target.length - used);
  }
  process.moved(64 * used);
  return used;
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
      const target = memory.range(address, length);
      memory.check(result, 4);
      memory.setU32(result, list(process, open, target, sizeFrom(cookie)));
      return SUCCESS;
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
    fd_datasync: (fd: number) => sync(descriptors.get(fd), true),
    fd_sync: (fd: number) => sync(descriptors.get(fd), false),
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
