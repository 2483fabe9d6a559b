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
import { hosted, hostedAsync } from "./node-errors.ts";
import { type Handle, Handles } from "./node-handles.ts";
import { HostQuota, type HostQuotaOptions, keyOf } from "./node-quota.ts";
import { filetypeOf, HostTimes } from "./node-stat.ts";

/** How a host directory is granted. */
export interface HostDirectoryOptions extends HostQuotaOptions {
  /** Whether guests can change nothing. Default false. */
  readonly readOnly?: boolean;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const { O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
/** Linux: the directory itself, whether it may be read or not. Node has no name for it. */
const O_PATH = 0o10000000;
const DESCRIPTORS = "/proc/self/fd";
const IS_WINDOWS = process.platform === "win32";

/** Whether names can be looked up below open directories. */
export const CAN_ANCHOR = process.platform === "linux" && fs.existsSync(DESCRIPTORS);

const BIGINT = { bigint: true } as const;
const FILE_MODE = 0o666;
/** Names that the host gives at once. */
const NAMES = 64;

/** What all directories of one grant share. */
class HostFileSystem implements FileSystem {
  readonly readOnly: boolean;
  readonly anchored: boolean;
  readonly times = new HostTimes();
  readonly handles = new Handles();
  readonly quota: HostQuota;
  private readonly path: string;
  private readonly identity: string;

  constructor(path: string, options: HostDirectoryOptions, anchored: boolean) {
    const { readOnly = false } = options;
    this.path = fs.realpathSync.native(path);
    const stats = fs.statSync(this.path, BIGINT);
    if (!stats.isDirectory()) throw new TypeError(`${path} is no directory`);
    this.identity = keyOf(stats);
    this.readOnly = readOnly;
    this.anchored = anchored;
    this.quota = new HostQuota(options);
  }

  root(): Directory {
    return new HostDirectory(this, this.path, this.identity);
  }

  /** Fails unless things may be changed. */
  change(): void {
    if (this.readOnly) fail("rofs");
  }

  /** Makes something of the host. */
  make<T>(operation: () => T): T {
    this.change();
    this.quota.demandEntry();
    const made = hosted(operation);
    this.quota.made();
    return made;
  }

  /** Opens a directory, and no link, so that names can be looked up in it. */
  openPath(path: string): Handle<number> {
    const open = () => fs.openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    return hosted(() => this.handles.hold(open, fs.closeSync));
  }
}

class HostFile implements File {
  readonly seekable: boolean;
  private readonly fileSystem: HostFileSystem;
  private readonly handle: Handle<number>;

  constructor(fileSystem: HostFileSystem, handle: Handle<number>) {
    this.fileSystem = fileSystem;
    this.handle = handle;
    this.seekable = this.stat().filetype === FILETYPE.REGULAR_FILE;
  }

  private get fd(): number {
    return this.handle.value;
  }

  private get size(): number {
    return hosted(() => fs.fstatSync(this.fd)).size;
  }

  stat(): FileStat {
    return this.fileSystem.times.stat(hosted(() => fs.fstatSync(this.fd, BIGINT)));
  }

  read(target: Uint8Array, position: number): number {
    const at = this.seekable ? position : null;
    return hosted(() => fs.readSync(this.fd, target, 0, target.length, at));
  }

  write(source: Uint8Array, position: number): number {
    const { quota } = this.fileSystem;
    if (!this.seekable) return hosted(() => fs.writeSync(this.fd, source));
    const { size } = this;
    const length = quota.allowance(size, position, source.length);
    const written = hosted(() => fs.writeSync(this.fd, source, 0, length, position));
    quota.grown(Math.max(0, position + written - size));
    return written;
  }

  setSize(size: number): void {
    const { quota } = this.fileSystem;
    const before = this.size;
    // All or nothing: only if the last byte may be written.
    if (size > before) quota.allowance(before, size - 1, 1);
    hosted(() => fs.ftruncateSync(this.fd, size));
    quota.grown(size - before);
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

  async syncAsync(dataOnly: boolean): Promise<void> {
    const { fd } = this;
    await hostedAsync((done) => (dataOnly ? fs.fdatasync(fd, done) : fs.fsync(fd, done)));
  }

  close(): void {
    hosted(() => this.handle.close());
  }
}

class HostDirectory implements Directory {
  readonly fileSystem: HostFileSystem;
  /** Where it was when it was opened; of an anchored directory only the root's is used. */
  private readonly path: string;
  /** What the path led to then; of an anchored directory only the root's is used. */
  private readonly identity: string | null;
  /** Open directory; null if there is none, or not yet. */
  private handle: Handle<number> | null;
  private closed = false;

  constructor(
    fileSystem: HostFileSystem,
    path: string,
    identity: string | null,
    handle: Handle<number> | null = null,
  ) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.identity = identity;
    this.handle = handle;
  }

  /** The path of the directory itself, valid now. */
  private get here(): string {
    if (this.closed) fail("badf");
    if (!this.fileSystem.anchored) {
      // The guest may have renamed it, and put a link or another directory in its place.
      const identity = identityOf(this.path);
      if (identity === null || identity !== this.identity) fail("noent", "it was moved");
      return this.path;
    }
    this.handle ??= this.openRoot();
    return `${DESCRIPTORS}/${this.handle.value}`;
  }

  /** The root is opened when it is needed. Nothing else may have taken its path until then. */
  private openRoot(): Handle<number> {
    const handle = this.fileSystem.openPath(this.path);
    // A guest with a grant above this one can put a link into the path.
    if (keyOf(fs.fstatSync(handle.value, BIGINT)) === this.identity) return handle;
    handle.close();
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

  *entries(): Generator<DirectoryEntry> {
    const open = () => fs.opendirSync(this.here, { bufferSize: NAMES });
    const handle = hosted(() => this.fileSystem.handles.hold(open, closeList));
    try {
      for (;;) {
        const entry = hosted(() => handle.value.readSync());
        if (entry === null) return;
        yield { name: entry.name, filetype: filetypeOf(entry), ino: undefined };
      }
    } finally {
      handle.close();
    }
  }

  /** What has this name; undefined if nothing. */
  private statsOf(name: string): fs.BigIntStats | undefined {
    const options = { bigint: true, throwIfNoEntry: false } as const;
    return hosted(() => fs.lstatSync(this.at(name), options));
  }

  lookup(name: string): FileStat | null {
    const stats = this.statsOf(name);
    return stats === undefined ? null : this.fileSystem.times.stat(stats);
  }

  openDirectory(name: string): Directory {
    const path = this.at(name);
    const { fileSystem } = this;
    if (fileSystem.anchored) {
      return new HostDirectory(fileSystem, "", null, fileSystem.openPath(path));
    }
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
    if (isNew) flags |= O_CREAT | O_EXCL;
    // A pipe must not block, nor a terminal become ours. Windows lacks most of these.
    flags |= (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0);
    const open = () => this.open(path, flags);
    const handle = isNew ? this.fileSystem.make(open) : hosted(open);
    try {
      const file = new HostFile(this.fileSystem, handle);
      if (file.stat().filetype === FILETYPE.DIRECTORY) fail("isdir");
      if (truncate && file.seekable) file.setSize(0);
      return file;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** A descriptor of the host, of which the quota knows. */
  private open(path: string, flags: number): Handle<number> {
    const { handles, quota } = this.fileSystem;
    let key = "";
    const open = () => {
      const fd = fs.openSync(path, flags, FILE_MODE);
      key = keyOf(fs.fstatSync(fd, BIGINT));
      quota.opened(key);
      return fd;
    };
    return handles.hold(open, (fd) => {
      quota.closed(key, fs.fstatSync(fd, BIGINT));
      fs.closeSync(fd);
    });
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
    this.remove(name, fs.unlinkSync);
  }

  removeDirectory(name: string): void {
    this.remove(name, fs.rmdirSync);
  }

  private remove(name: string, operation: (path: string) => void): void {
    this.fileSystem.change();
    const before = this.statsOf(name) ?? fail("noent");
    hosted(() => operation(this.at(name)));
    this.fileSystem.quota.removed(before);
  }

  rename(name: string, target: Directory, newName: string): void {
    this.fileSystem.change();
    const to = this.own(target);
    const moved = this.statsOf(name) ?? fail("noent");
    const replaced = to.statsOf(newName);
    hosted(() => fs.renameSync(this.at(name), to.at(newName)));
    // Two names of the same file: POSIX leaves both as they are.
    if (replaced === undefined || keyOf(moved) === keyOf(replaced)) return;
    this.fileSystem.quota.removed(replaced);
  }

  link(name: string, target: Directory, newName: string): void {
    const to = this.own(target).at(newName);
    // Elsewhere than on Linux `link` may follow a link, wherever that leads.
    const isLink = this.lookup(name)?.filetype === FILETYPE.SYMBOLIC_LINK;
    if (isLink && !this.fileSystem.anchored) fail("notsup", "another name for a link");
    this.fileSystem.make(() => fs.linkSync(this.at(name), to));
  }

  close(): void {
    const { handle } = this;
    this.handle = null;
    this.closed = true;
    if (handle !== null) hosted(() => handle.close());
  }

  private own(target: Directory): HostDirectory {
    if (target instanceof HostDirectory && target.fileSystem === this.fileSystem) return target;
    return fail("xdev");
  }
}

/** Outside of all scopes: a closure could keep alive what it is called for the end of. */
function closeList(list: fs.Dir): void {
  list.closeSync();
}

/** Which directory a path without links leads to; null if there is a link on it. */
function identityOf(path: string): string | null {
  return hosted(() => {
    if (fs.realpathSync.native(path) !== path) return null;
    return keyOf(fs.statSync(path, BIGINT));
  });
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
  fileBytes: amount(),
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
