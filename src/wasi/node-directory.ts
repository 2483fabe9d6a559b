// A directory of the host as a file system that cannot be left. Node has no openat: on Linux each
// directory on the way is held open and names are looked up below /proc/self/fd/N, which is the
// same; nobody can swap a directory for a link in between. Elsewhere paths are put together, and
// who changes the tree from outside while a guest runs could redirect it (docs/rationale.md).

import * as fs from "node:fs";
import { join } from "node:path";
import { aBoolean, amount, checkedOptions, type OptionTable } from "../module/options.ts";
import { FILETYPE } from "./constants.ts";
import { fail } from "./errno.ts";
import type {
  Directory,
  DirectoryEntry,
  File,
  FileStat,
  FileSystem,
  FileTimes,
  OpenOptions,
} from "./file-system.ts";
import { hosted } from "./node-errors.ts";
import { filetypeOf, HostTimes } from "./node-stat.ts";

/** How a host directory is granted. */
export interface HostDirectoryOptions {
  /** Whether guests can change nothing. Default false. */
  readonly readOnly?: boolean;
  /** Bytes that guests may write in all; then writing fails with `nospc`. Default: all. */
  readonly bytes?: number;
  /** Files, directories and links that guests may make in all. Default: all. */
  readonly entries?: number;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const { O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
/** Linux: the directory itself, whether it may be read or not. Node has no name for it. */
const O_PATH = 0o10000000;
const DESCRIPTORS = "/proc/self/fd";
const IS_WINDOWS = process.platform === "win32";

/** Whether names can be looked up below open directories. */
export const CAN_ANCHOR = process.platform === "linux" && fs.existsSync(DESCRIPTORS);

const BIGINT = { bigint: true } as const;
const FILE_MODE = 0o666;

/** What all directories of one grant share. */
class HostFileSystem implements FileSystem {
  readonly readOnly: boolean;
  readonly anchored: boolean;
  readonly times = new HostTimes();
  private readonly path: string;
  private readonly identity: string;
  private bytes: number;
  private entries: number;

  constructor(path: string, options: HostDirectoryOptions, anchored: boolean) {
    const { bytes, entries, readOnly = false } = options;
    this.path = fs.realpathSync.native(path);
    const stats = fs.statSync(this.path, BIGINT);
    if (!stats.isDirectory()) throw new TypeError(`${path} is no directory`);
    this.identity = identityFrom(stats);
    this.readOnly = readOnly;
    this.anchored = anchored;
    this.bytes = bytes ?? Number.POSITIVE_INFINITY;
    this.entries = entries ?? Number.POSITIVE_INFINITY;
  }

  root(): Directory {
    return new HostDirectory(this, this.path, this.identity);
  }

  /** Fails unless things may be changed. */
  change(): void {
    if (this.readOnly) fail("rofs");
  }

  /** How many of `wanted` bytes may be written. */
  allowance(wanted: number): number {
    if (wanted > 0 && this.bytes <= 0) fail("nospc", "the limit of written bytes is reached");
    return Math.min(wanted, this.bytes);
  }

  written(bytes: number): void {
    this.bytes -= bytes;
  }

  /** Makes something of the host. */
  make<T>(operation: () => T): T {
    this.change();
    if (this.entries <= 0) fail("nospc", "the limit of files is reached");
    const made = hosted(operation);
    this.entries--;
    return made;
  }
}

class HostFile implements File {
  readonly seekable: boolean;
  private readonly fileSystem: HostFileSystem;
  private readonly fd: number;

  constructor(fileSystem: HostFileSystem, fd: number) {
    this.fileSystem = fileSystem;
    this.fd = fd;
    this.seekable = this.stat().filetype === FILETYPE.REGULAR_FILE;
  }

  stat(): FileStat {
    return this.fileSystem.times.stat(hosted(() => fs.fstatSync(this.fd, BIGINT)));
  }

  read(target: Uint8Array, position: number): number {
    const at = this.seekable ? position : null;
    return hosted(() => fs.readSync(this.fd, target, 0, target.length, at));
  }

  write(source: Uint8Array, position: number): number {
    const length = this.fileSystem.allowance(source.length);
    const at = this.seekable ? position : null;
    const written = hosted(() => fs.writeSync(this.fd, source, 0, length, at));
    this.fileSystem.written(written);
    return written;
  }

  setSize(size: number): void {
    const more = Math.max(0, size - Number(this.stat().size));
    if (this.fileSystem.allowance(more) < more) fail("nospc", "the limit of written bytes");
    hosted(() => fs.ftruncateSync(this.fd, size));
    this.fileSystem.written(more);
  }

  setTimes(times: FileTimes): void {
    const { fd } = this;
    this.fileSystem.change();
    hosted(() => {
      this.fileSystem.times.set(
        times,
        () => fs.fstatSync(fd, BIGINT),
        (atime, mtime) => fs.futimesSync(fd, atime, mtime),
      );
    });
  }

  sync(dataOnly: boolean): void {
    hosted(() => (dataOnly ? fs.fdatasyncSync(this.fd) : fs.fsyncSync(this.fd)));
  }

  close(): void {
    hosted(() => fs.closeSync(this.fd));
  }
}

class HostDirectory implements Directory {
  readonly fileSystem: HostFileSystem;
  /** Where it was when it was opened; of an anchored directory only the root's is used. */
  private readonly path: string;
  /** What the path led to then; of an anchored directory only the root's is used. */
  private readonly identity: string | null;
  /** Open directory; -1 if there is none, or not yet. */
  private fd: number;

  constructor(fileSystem: HostFileSystem, path: string, identity: string | null, fd = -1) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.identity = identity;
    this.fd = fd;
  }

  /** The path of the directory itself, valid now. */
  private get here(): string {
    if (!this.fileSystem.anchored) {
      // The guest may have renamed it, and put a link or another directory in its place.
      const identity = identityOf(this.path);
      if (identity === null || identity !== this.identity) fail("noent", "it was moved");
      return this.path;
    }
    if (this.fd < 0) this.fd = this.openRoot();
    return `${DESCRIPTORS}/${this.fd}`;
  }

  /** The root is opened when it is needed. Nothing else may have taken its path until then. */
  private openRoot(): number {
    const fd = openPath(this.path);
    // A guest with a grant above this one can put a link into the path.
    if (identityFrom(fs.fstatSync(fd, BIGINT)) === this.identity) return fd;
    fs.closeSync(fd);
    return fail("noent", "it was moved");
  }

  private at(name: string): string {
    if (IS_WINDOWS && /[\\:]|.[. ]$|^ $/.test(name)) fail("inval", "a name that leads elsewhere");
    return this.fileSystem.anchored ? `${this.here}/${name}` : join(this.here, name);
  }

  stat(): FileStat {
    return this.fileSystem.times.stat(hosted(() => fs.statSync(this.here, BIGINT)));
  }

  setTimes(times: FileTimes): void {
    this.fileSystem.change();
    hosted(() => {
      const { here } = this;
      this.fileSystem.times.set(
        times,
        () => fs.statSync(here, BIGINT),
        (atime, mtime) => fs.utimesSync(here, atime, mtime),
      );
    });
  }

  sync(dataOnly: boolean): void {
    // Windows opens no directories.
    if (IS_WINDOWS) return;
    hosted(() => {
      const fd = fs.openSync(this.here, O_RDONLY | O_DIRECTORY);
      try {
        if (dataOnly) fs.fdatasyncSync(fd);
        else fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  entries(): readonly DirectoryEntry[] {
    const entries = hosted(() => fs.readdirSync(this.here, { withFileTypes: true }));
    return entries.map((entry) => {
      return { name: entry.name, filetype: filetypeOf(entry), ino: undefined };
    });
  }

  lookup(name: string): FileStat | null {
    const options = { bigint: true, throwIfNoEntry: false } as const;
    const stats = hosted(() => fs.lstatSync(this.at(name), options));
    return stats === undefined ? null : this.fileSystem.times.stat(stats);
  }

  openDirectory(name: string): Directory {
    const path = this.at(name);
    const { fileSystem } = this;
    if (fileSystem.anchored) return new HostDirectory(fileSystem, "", null, openPath(path));
    const stats = hosted(() => fs.lstatSync(path));
    if (!stats.isDirectory()) fail("notdir");
    const real = hosted(() => fs.realpathSync.native(path));
    return new HostDirectory(fileSystem, real, identityOf(real));
  }

  openFile(name: string, options: OpenOptions): File {
    const { create, exclusive, read, truncate, write } = options;
    const path = this.at(name);
    const isNew = create && this.lookup(name) === null;
    if (create && exclusive && !isNew) fail("exist");
    if (write || truncate) this.fileSystem.change();
    let flags = truncate || write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (truncate) flags |= O_TRUNC;
    if (isNew) flags |= O_CREAT | O_EXCL;
    // A pipe must not block, nor a terminal become ours. Windows lacks most of these.
    flags |= (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0);
    const open = () => fs.openSync(path, flags, FILE_MODE);
    const fd = isNew ? this.fileSystem.make(open) : hosted(open);
    try {
      if (hosted(() => fs.fstatSync(fd)).isDirectory()) fail("isdir");
      return new HostFile(this.fileSystem, fd);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  createDirectory(name: string): void {
    this.fileSystem.make(() => fs.mkdirSync(this.at(name)));
  }

  readLink(name: string): string {
    return hosted(() => fs.readlinkSync(this.at(name)));
  }

  createLink(name: string, target: string): void {
    this.fileSystem.make(() => fs.symlinkSync(target, this.at(name)));
  }

  setEntryTimes(name: string, times: FileTimes): void {
    this.fileSystem.change();
    const path = this.at(name);
    hosted(() => {
      this.fileSystem.times.set(
        times,
        () => fs.lstatSync(path, BIGINT),
        (atime, mtime) => fs.lutimesSync(path, atime, mtime),
      );
    });
  }

  unlink(name: string): void {
    this.fileSystem.change();
    hosted(() => fs.unlinkSync(this.at(name)));
  }

  removeDirectory(name: string): void {
    this.fileSystem.change();
    hosted(() => fs.rmdirSync(this.at(name)));
  }

  rename(name: string, target: Directory, newName: string): void {
    this.fileSystem.change();
    const to = this.own(target).at(newName);
    hosted(() => fs.renameSync(this.at(name), to));
  }

  link(name: string, target: Directory, newName: string): void {
    const to = this.own(target).at(newName);
    // Elsewhere than on Linux `link` may follow a link, wherever that leads.
    const isLink = this.lookup(name)?.filetype === FILETYPE.SYMBOLIC_LINK;
    if (isLink && !this.fileSystem.anchored) fail("notsup", "another name for a link");
    this.fileSystem.make(() => fs.linkSync(this.at(name), to));
  }

  close(): void {
    if (this.fd >= 0) hosted(() => fs.closeSync(this.fd));
    this.fd = -1;
  }

  private own(target: Directory): HostDirectory {
    if (target instanceof HostDirectory && target.fileSystem === this.fileSystem) return target;
    return fail("xdev");
  }
}

/** Opens a directory, and no link, so that names can be looked up in it. */
function openPath(path: string): number {
  return hosted(() => fs.openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
}

/** Which directory a path without links leads to; null if there is a link on it. */
function identityOf(path: string): string | null {
  return hosted(() => {
    if (fs.realpathSync.native(path) !== path) return null;
    return identityFrom(fs.statSync(path, BIGINT));
  });
}

function identityFrom({ dev, ino }: fs.BigIntStats): string {
  return `${dev}:${ino}`;
}

/** For tests: `anchored` false is what hosts without /proc do. */
export function hostFileSystem(
  path: string,
  options: HostDirectoryOptions,
  anchored: boolean,
): FileSystem {
  return new HostFileSystem(path, options, anchored);
}

const HOST_DIRECTORY_OPTIONS: OptionTable<HostDirectoryOptions> = {
  readOnly: aBoolean,
  bytes: amount(),
  entries: amount(),
};

/**
 * Grants a directory of the host. Guests reach what is inside and nothing else: `..` and links
 * lead nowhere beyond it. Relative links inside work; absolute ones do not.
 *
 * ```ts
 * const program = wasi({ preopens: { "/data": hostDirectory("./data", { readOnly: true }) } });
 * ```
 *
 * @throws Error of Node if there is no such directory
 * @throws TypeError, RangeError for options that there are not or that are wrong
 */
export function hostDirectory(path: string, options: HostDirectoryOptions = {}): FileSystem {
  const checked = checkedOptions("hostDirectory", options, HOST_DIRECTORY_OPTIONS);
  return hostFileSystem(path, checked, CAN_ANCHOR);
}
