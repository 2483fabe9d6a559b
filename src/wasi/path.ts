// path_*: functions that take a path relative to an open directory. Here are the rights and the
// rules of POSIX; walking along paths is resolve.ts, what is at their end is the file system's.

import {
  ALL_FDFLAGS,
  ALL_OFLAGS,
  ALL_RIGHTS,
  DIRECTORY_RIGHTS,
  FDFLAG,
  FILE_RIGHTS,
  FILETYPE,
  OFLAG,
  RIGHT,
  SYMLINK_FOLLOW,
} from "./constants.ts";
import type { Descriptor } from "./descriptors.ts";
import { fail, SUCCESS } from "./errno.ts";
import { timesFrom, writeFilestat } from "./filestat.ts";
import type { Process } from "./process.ts";
import { existing, type Pieces, type Place, Walk } from "./resolve.ts";
import type { Dialect } from "./signatures.ts";
import type { Steps } from "./steps.ts";
import { encodeUtf8 } from "./streams.ts";

/** A name of a path takes the host's file system as long as moving so many bytes. */
const NAME_BYTES = 64_000;

/** What `path_open` was asked for. */
interface Opening {
  readonly oflags: number;
  readonly fdflags: number;
  readonly rights: number;
  readonly inheriting: number;
}

function followed(flags: number): boolean {
  if (flags >>> 0 > SYMLINK_FOLLOW) fail("inval", "unknown lookup flags");
  return (flags & SYMLINK_FOLLOW) !== 0;
}

/** Bits that mean nothing are left out: guests that ask for every right mean every right. */
function rightsFrom(bits: bigint): number {
  return Number(BigInt.asUintN(64, bits) & BigInt(ALL_RIGHTS));
}

/** Rights that the directory needs, and rights it needs to hand on. */
function neededFor({ fdflags, inheriting, oflags, rights }: Opening) {
  let base: number = RIGHT.PATH_OPEN;
  let handedOn = rights | inheriting;
  if (oflags & OFLAG.CREAT) base |= RIGHT.PATH_CREATE_FILE;
  if (oflags & OFLAG.TRUNC) base |= RIGHT.PATH_FILESTAT_SET_SIZE;
  if (fdflags & FDFLAG.DSYNC) handedOn |= RIGHT.FD_DATASYNC;
  if (fdflags & (FDFLAG.SYNC | FDFLAG.RSYNC)) handedOn |= RIGHT.FD_SYNC;
  return { base, handedOn };
}

function checkOpening({ fdflags, oflags }: Opening): void {
  if (oflags >>> 0 > ALL_OFLAGS || fdflags >>> 0 > ALL_FDFLAGS) fail("inval", "unknown flags");
  const { CREAT, DIRECTORY } = OFLAG;
  if ((oflags & (CREAT | DIRECTORY)) === (CREAT | DIRECTORY)) {
    fail("inval", "path_open makes no directories");
  }
}

function openDirectory({ directory, name }: Place, opening: Opening): Descriptor {
  const { fdflags, inheriting, oflags, rights } = opening;
  if (oflags & (OFLAG.CREAT | OFLAG.TRUNC) || rights & RIGHT.FD_WRITE) fail("isdir");
  return {
    kind: "directory",
    directory: directory.openDirectory(name),
    preopen: null,
    listing: null,
    rights: rights & DIRECTORY_RIGHTS,
    inheriting,
    flags: fdflags,
  };
}

function openFile({ directory, name }: Place, opening: Opening): Descriptor {
  const { fdflags, inheriting, oflags, rights } = opening;
  const writing = RIGHT.FD_WRITE | RIGHT.FD_ALLOCATE | RIGHT.FD_FILESTAT_SET_SIZE;
  const file = directory.openFile(name, {
    read: (rights & RIGHT.FD_READ) !== 0,
    write: (rights & writing) !== 0,
    create: (oflags & OFLAG.CREAT) !== 0,
    exclusive: (oflags & OFLAG.EXCL) !== 0,
    truncate: (oflags & OFLAG.TRUNC) !== 0,
  });
  return {
    kind: "file",
    file,
    filetype: file.stat().filetype,
    offset: 0,
    rights: rights & FILE_RIGHTS,
    inheriting,
    flags: fdflags,
  };
}

function open(place: Place, opening: Opening): Descriptor {
  const { entry, slash } = place;
  const { oflags } = opening;
  const mustExist = (oflags & OFLAG.CREAT) === 0;
  if (entry === null) {
    if (mustExist) fail("noent");
    if (slash) fail("isdir");
    return openFile(place, opening);
  }
  if (!mustExist && oflags & OFLAG.EXCL) fail("exist");
  if (entry.filetype === FILETYPE.SYMBOLIC_LINK) fail("loop");
  if (entry.filetype === FILETYPE.DIRECTORY) return openDirectory(place, opening);
  if (slash || oflags & OFLAG.DIRECTORY) fail("notdir");
  return openFile(place, opening);
}

/** Fails unless the name is free; then something can be made there, a directory also with slash. */
function demandFree({ entry, slash }: Place, directory = false): void {
  if (entry !== null) fail("exist");
  if (slash && !directory) fail("noent");
}

/** Fails where `rename` must not replace what is there. */
function checkRename(from: Place, to: Place): void {
  const source = existing(from);
  if (from.name === "." || to.name === ".") fail("busy");
  if (from.directory.fileSystem !== to.directory.fileSystem) fail("xdev");
  const isDirectory = source.filetype === FILETYPE.DIRECTORY;
  if (to.entry === null) {
    if (to.slash && !isDirectory) fail("notdir");
    return;
  }
  const onDirectory = to.entry.filetype === FILETYPE.DIRECTORY;
  if (isDirectory && !onDirectory) fail("notdir");
  if (!isDirectory && onDirectory) fail("isdir");
}

/** Descriptor, address and length of a path. */
type Path = readonly [fd: number, address: number, length: number];
/** Rights that the descriptor needs, and whether a link at the end is followed. */
type Wanted = readonly [rights: number, follow: boolean];

/** A walk from an open directory along a path in the guest's memory. */
function walkOf(process: Process, [fd, address, length]: Path, [rights]: Wanted): Walk {
  const { directory } = process.descriptors.directory(fd, rights);
  const hear = (names: number) => process.moved(NAME_BYTES * names);
  return new Walk(directory, process.memory.path(address, length), hear);
}

/** Walks along a path and hands over where it leads; what that gives is the result. */
function* at<T>(process: Process, path: Path, wanted: Wanted, use: (place: Place) => T): Pieces<T> {
  const walk = walkOf(process, path, wanted);
  try {
    return use(yield* walk.run(wanted[1]));
  } finally {
    walk.close();
  }
}

/** The same for two paths, whose last names are not followed. */
function* atBoth(
  process: Process,
  [source, target]: readonly [Path, Path],
  [sourceRights, targetRights]: readonly [number, number],
  use: (from: Place, to: Place) => void,
): Steps {
  const first = walkOf(process, source, [sourceRights, false]);
  try {
    const from = yield* first.run(false);
    const second = walkOf(process, target, [targetRights, false]);
    try {
      use(from, yield* second.run(false));
    } finally {
      second.close();
    }
  } finally {
    first.close();
  }
  return SUCCESS;
}

/** path_open, path_filestat_*: what does not change directories' contents, creation aside. */
function openFunctions(process: Process, dialect: Dialect) {
  const { descriptors } = process;
  return {
    *path_open(
      ...[fd, flags, path, length, oflags, base, inheriting, fdflags, result]: OpenArgs
    ): Steps {
      const opening: Opening = {
        oflags,
        fdflags,
        rights: rightsFrom(base),
        inheriting: rightsFrom(inheriting),
      };
      checkOpening(opening);
      const needed = neededFor(opening);
      const granted = descriptors.directory(fd, needed.base).inheriting;
      if (needed.handedOn & ~granted) fail("notcapable");
      process.memory.check(result, 4);
      const exclusive = (oflags & OFLAG.CREAT) !== 0 && (oflags & OFLAG.EXCL) !== 0;
      const follow = followed(flags) && !exclusive;
      return yield* at(process, [fd, path, length], [needed.base, follow], (place) => {
        const number = descriptors.reserve();
        descriptors.put(number, open(place, opening));
        process.memory.setU32(result, number);
        return SUCCESS;
      });
    },
    *path_filestat_get(...[fd, flags, path, length, result]: number[]): Steps {
      const wanted = [RIGHT.PATH_FILESTAT_GET, followed(flags)] as const;
      const stat = yield* at(process, [fd, path, length], wanted, existing);
      writeFilestat(process.memory, result, stat, dialect);
      return SUCCESS;
    },
    *path_filestat_set_times(...[fd, flags, path, length, atim, mtim, fstflags]: TimesArgs): Steps {
      const times = timesFrom(process, atim, mtim, fstflags);
      const wanted = [RIGHT.PATH_FILESTAT_SET_TIMES, followed(flags)] as const;
      return yield* at(process, [fd, path, length], wanted, (place) => {
        existing(place);
        const { directory, name } = place;
        if (name === ".") directory.setTimes(times);
        else directory.setEntryTimes(name, times);
        return SUCCESS;
      });
    },
  };
}

type OpenArgs = [
  fd: number,
  flags: number,
  path: number,
  length: number,
  oflags: number,
  base: bigint,
  inheriting: bigint,
  fdflags: number,
  result: number,
];

type TimesArgs = [
  fd: number,
  flags: number,
  path: number,
  length: number,
  atim: bigint,
  mtim: bigint,
  fstflags: number,
];

/** Functions that take one path, and make or remove what has that name. */
function nameFunctions(process: Process) {
  return {
    path_create_directory(fd: number, path: number, length: number) {
      return at(process, [fd, path, length], [RIGHT.PATH_CREATE_DIRECTORY, false], (place) => {
        demandFree(place, true);
        place.directory.createDirectory(place.name);
        return SUCCESS;
      });
    },
    path_remove_directory(fd: number, path: number, length: number) {
      return at(process, [fd, path, length], [RIGHT.PATH_REMOVE_DIRECTORY, false], (place) => {
        const { directory, name } = place;
        if (existing(place).filetype !== FILETYPE.DIRECTORY) fail("notdir");
        if (name === ".") fail("inval", "a directory without a name");
        directory.removeDirectory(name);
        return SUCCESS;
      });
    },
    path_unlink_file(fd: number, path: number, length: number) {
      return at(process, [fd, path, length], [RIGHT.PATH_UNLINK_FILE, false], (place) => {
        if (existing(place).filetype === FILETYPE.DIRECTORY) fail("isdir");
        place.directory.unlink(place.name);
        return SUCCESS;
      });
    },
    path_symlink(target: number, size: number, fd: number, path: number, length: number) {
      const text = process.memory.path(target, size);
      if (text === "") fail("noent", "an empty link");
      return at(process, [fd, path, length], [RIGHT.PATH_SYMLINK, false], (place) => {
        demandFree(place);
        if (text.startsWith("/")) fail("notcapable", "a link to an absolute path");
        place.directory.createLink(place.name, text);
        return SUCCESS;
      });
    },
    path_readlink(...[fd, path, length, buffer, size, result]: number[]) {
      process.memory.range(buffer, size);
      process.memory.check(result, 4);
      return at(process, [fd, path, length], [RIGHT.PATH_READLINK, false], (place) => {
        if (existing(place).filetype !== FILETYPE.SYMBOLIC_LINK) fail("inval", "not a link");
        const text = encodeUtf8(place.directory.readLink(place.name));
        const target = process.memory.range(buffer, size);
        target.set(text.subarray(0, target.length));
        process.memory.setU32(result, Math.min(text.length, target.length));
        return SUCCESS;
      });
    },
  };
}

/** Functions that take two paths. */
function pairFunctions(process: Process) {
  return {
    path_rename(...[fd, path, length, newFd, newPath, newLength]: number[]) {
      const { PATH_RENAME_SOURCE, PATH_RENAME_TARGET } = RIGHT;
      const paths = [[fd, path, length] as const, [newFd, newPath, newLength] as const] as const;
      return atBoth(process, paths, [PATH_RENAME_SOURCE, PATH_RENAME_TARGET], (from, to) => {
        checkRename(from, to);
        from.directory.rename(from.name, to.directory, to.name);
      });
    },
    path_link(...[fd, flags, path, length, newFd, newPath, newLength]: number[]) {
      if (followed(flags)) fail("inval", "links are made to names and not to what links lead to");
      const { PATH_LINK_SOURCE, PATH_LINK_TARGET } = RIGHT;
      const paths = [[fd, path, length] as const, [newFd, newPath, newLength] as const] as const;
      return atBoth(process, paths, [PATH_LINK_SOURCE, PATH_LINK_TARGET], (from, to) => {
        if (existing(from).filetype === FILETYPE.DIRECTORY) fail("perm", "a directory");
        demandFree(to);
        if (from.directory.fileSystem !== to.directory.fileSystem) fail("xdev");
        from.directory.link(from.name, to.directory, to.name);
      });
    },
  };
}

/** The functions of this file. */
export function pathFunctions(process: Process, dialect: Dialect) {
  return {
    ...openFunctions(process, dialect),
    ...nameFunctions(process),
    ...pairFunctions(process),
  };
}
