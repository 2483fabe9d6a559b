// What a file system has to do for WASI: a directory tree whose operations take one name at a time
// and never follow a symbolic link. Paths, `..`, links and rights are dealt with in one place for
// all file systems (resolve.ts, path.ts), which is why none of them can be left by a path.

/** What is known of a file (witx: $filestat). Times in nanoseconds since 1970. */
export interface FileStat {
  /** One of `FILETYPE`. */
  readonly filetype: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly atim: bigint;
  readonly mtim: bigint;
  readonly ctim: bigint;
}

/** Times to set; what is undefined stays as it is. */
export interface FileTimes {
  readonly atim: bigint | undefined;
  readonly mtim: bigint | undefined;
}

/** How a file is opened. */
export interface OpenOptions {
  readonly read: boolean;
  readonly write: boolean;
  /** Make the file if there is none. */
  readonly create: boolean;
  /** With `create`: fail with `exist` if there is something. */
  readonly exclusive: boolean;
  /** Cut it off at 0 bytes. */
  readonly truncate: boolean;
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly filetype: number;
  /** Undefined: the entry's `lookup` tells. */
  readonly ino: bigint | undefined;
}

/** An open file. Stays usable when its name is removed. Errors are `WasiError`s. */
export interface File {
  stat(): FileStat;
  /** Whether positions mean anything: not so for devices and pipes. */
  readonly seekable: boolean;
  /** Bytes read into `target`, from `position` on; 0 at the end. */
  read(target: Uint8Array, position: number): number;
  /** Bytes written, from `position` on. */
  write(source: Uint8Array, position: number): number;
  setSize(size: number): void;
  setTimes(times: FileTimes): void;
  /** `dataOnly`: attributes need not reach the medium. */
  sync(dataOnly: boolean): void;
  /** The same, for guests that can be suspended meanwhile. */
  syncAsync?(dataOnly: boolean): Promise<void>;
  close(): void;
}

/**
 * An open directory. Names are single components without `/` and NUL; "." is the directory itself
 * where that is said. Nothing follows symbolic links. Errors are `WasiError`s.
 */
export interface Directory {
  /** The file system it belongs to: renames and links stay inside one. */
  readonly fileSystem: FileSystem;
  stat(): FileStat;
  setTimes(times: FileTimes): void;
  sync(dataOnly: boolean): void;
  /**
   * All names but "." and "..", looked up as they are asked for. Who does not go to the end closes
   * the iterator.
   */
  entries(): Iterable<DirectoryEntry>;
  /** What has this name; null if nothing. */
  lookup(name: string): FileStat | null;
  /** The directory of this name, or "."; fails with `notdir` or `loop` for anything else. */
  openDirectory(name: string): Directory;
  /** The file of this name; fails with `loop` for a link, with `isdir` for a directory. */
  openFile(name: string, options: OpenOptions): File;
  createDirectory(name: string): void;
  readLink(name: string): string;
  createLink(name: string, target: string): void;
  setEntryTimes(name: string, times: FileTimes): void;
  /** Removes a name that is no directory's. */
  unlink(name: string): void;
  removeDirectory(name: string): void;
  /** `target` belongs to the same file system. What has the name `newName` there is replaced. */
  rename(name: string, target: Directory, newName: string): void;
  /** Another name for what is no directory. `target` belongs to the same file system. */
  link(name: string, target: Directory, newName: string): void;
  close(): void;
}

/**
 * A tree of files that can be granted as a preopen: `memoryFileSystem`, or `hostDirectory` of
 * `wasmeter/wasi/node`, or your own.
 */
export interface FileSystem {
  /** A new handle of the topmost directory, which belongs to who asked for it. */
  root(): Directory;
}
