// A file system in memory, for guests that need files but none of the host's. What it holds is
// limited, can be looked at from outside, and can be written down as plain data and restored.

import { aBoolean, amount, anObject, checkedOptions, type OptionTable } from "../module/options.ts";
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
import {
  Account,
  DirectoryNode,
  FileNode,
  LinkNode,
  type MemoryNode,
  type Quota,
} from "./memory-nodes.ts";
import { type MemorySnapshot, restoreNodes, snapshotOf } from "./memory-snapshot.ts";
import { withPlace } from "./resolve.ts";
import { CLOCK, type Clock, fixedClock } from "./sources.ts";
import { encodeUtf8 } from "./streams.ts";

export type { MemorySnapshot } from "./memory-snapshot.ts";

/** Files by name or path: text, bytes, or a directory of such. */
export interface Tree {
  readonly [name: string]: string | Uint8Array | Tree;
}

/** What a file system in memory begins with. */
export interface MemoryFileSystemOptions {
  /** What is in it, e.g. `{ "etc/motd": "hello\n", tmp: {} }`. */
  readonly files?: Tree;
  /** Instead of `files`: what another one's `snapshot` gave. */
  readonly snapshot?: MemorySnapshot;
  /**
   * Bytes in all files together, by their sizes; then writing fails with `nospc`. Default 64 MiB.
   */
  readonly bytes?: number;
  /**
   * Files (each name counts), directories and links; then making one fails with `nospc`. Default
   * 10,000.
   */
  readonly entries?: number;
  /** Whether guests can change nothing. Default false. */
  readonly readOnly?: boolean;
  /** What stamps changes. Default: `fixedClock()`. */
  readonly clock?: Clock;
}

const DEFAULT_BYTES = 64 * 2 ** 20;
const DEFAULT_ENTRIES = 10_000;

/** Closes what nobody has closed, for file systems that several guests use. */
const dropped =
  typeof FinalizationRegistry === "undefined"
    ? null
    : new FinalizationRegistry<FileNode>((node) => node.close());

class MemoryFile implements File {
  readonly seekable = true;
  private readonly node: FileNode;
  private readonly readOnly: boolean;

  constructor(node: FileNode, readOnly: boolean) {
    this.node = node;
    this.readOnly = readOnly;
    node.open();
    dropped?.register(this, node, this);
  }

  stat(): FileStat {
    return this.node.stat();
  }

  read(target: Uint8Array, position: number): number {
    return this.node.read(target, position);
  }

  write(source: Uint8Array, position: number): number {
    return this.node.write(source, position);
  }

  setSize(size: number): void {
    this.node.setSize(size);
  }

  setTimes(times: FileTimes): void {
    if (this.readOnly) fail("rofs");
    this.node.setTimes(times);
  }

  sync(): void {}

  close(): void {
    dropped?.unregister(this);
    this.node.close();
  }
}

class MemoryDirectory implements Directory {
  readonly fileSystem: MemoryFileSystem;
  readonly node: DirectoryNode;

  constructor(fileSystem: MemoryFileSystem, node: DirectoryNode) {
    this.fileSystem = fileSystem;
    this.node = node;
  }

  stat(): FileStat {
    return this.node.stat();
  }

  setTimes(times: FileTimes): void {
    this.change();
    this.node.setTimes(times);
  }

  sync(): void {}

  *entries(): Generator<DirectoryEntry> {
    for (const [name, { filetype, ino }] of this.node.entries) yield { name, filetype, ino };
  }

  lookup(name: string): FileStat | null {
    return this.node.entries.get(name)?.stat() ?? null;
  }

  openDirectory(name: string): Directory {
    if (name === ".") return new MemoryDirectory(this.fileSystem, this.node);
    const node = this.find(name);
    if (!(node instanceof DirectoryNode)) fail("notdir");
    return new MemoryDirectory(this.fileSystem, node);
  }

  openFile(name: string, options: OpenOptions): File {
    const { create, exclusive, truncate, write } = options;
    const known = this.node.entries.get(name);
    if (known === undefined && !create) fail("noent");
    if (write || truncate || known === undefined) this.change();
    if (known !== undefined && create && exclusive) fail("exist");
    if (known instanceof DirectoryNode) fail("isdir");
    if (known instanceof LinkNode) fail("loop");
    const node = known ?? new FileNode(this.receiving(this).account);
    if (known === undefined) this.node.put(name, node);
    if (truncate) node.setSize(0);
    return new MemoryFile(node, this.fileSystem.readOnly);
  }

  createDirectory(name: string): void {
    this.make(name, () => new DirectoryNode(this.fileSystem.account));
  }

  readLink(name: string): string {
    const node = this.find(name);
    return node instanceof LinkNode ? node.target : fail("inval");
  }

  createLink(name: string, target: string): void {
    this.make(name, () => new LinkNode(this.fileSystem.account, target));
  }

  setEntryTimes(name: string, times: FileTimes): void {
    this.change();
    this.find(name).setTimes(times);
  }

  unlink(name: string): void {
    this.change();
    if (this.find(name) instanceof DirectoryNode) fail("isdir");
    this.node.remove(name);
  }

  removeDirectory(name: string): void {
    this.change();
    const node = this.find(name);
    if (!(node instanceof DirectoryNode)) fail("notdir");
    if (node.entries.size > 0) fail("notempty");
    this.node.remove(name);
  }

  rename(name: string, target: Directory, newName: string): void {
    this.change();
    const to = this.receiving(target);
    const node = this.find(name);
    const replaced = to.entries.get(newName);
    // Two names of the same file: POSIX leaves both as they are.
    if (node === replaced) return;
    if (node instanceof DirectoryNode && to.isInside(node)) fail("inval", "into itself");
    if (replaced instanceof DirectoryNode && replaced.entries.size > 0) fail("notempty");
    to.put(newName, node);
    this.node.entries.delete(name);
    // One name more, one less: the file itself was never gone.
    node.links--;
    this.node.touch();
  }

  link(name: string, target: Directory, newName: string): void {
    this.change();
    const node = this.find(name);
    if (node instanceof DirectoryNode) fail("perm");
    const to = this.receiving(target);
    node.reserveName();
    to.put(newName, node);
  }

  close(): void {}

  /** Fails unless things may be changed here. */
  private change(): void {
    if (this.fileSystem.readOnly) fail("rofs");
  }

  private find(name: string): MemoryNode {
    return this.node.entries.get(name) ?? fail("noent");
  }

  private make(name: string, node: () => MemoryNode): void {
    this.change();
    if (this.node.entries.has(name)) fail("exist");
    this.receiving(this).put(name, node());
  }

  /** A directory of this file system in which something is about to get a name. */
  private receiving(target: Directory): DirectoryNode {
    const { fileSystem } = this;
    if (!(target instanceof MemoryDirectory) || target.fileSystem !== fileSystem) fail("xdev");
    const { node } = target;
    // What was removed while it was open is no place for new things.
    if (node.parent === null && node !== fileSystem.top) fail("noent");
    return node;
  }
}

/** A file system in memory; see `memoryFileSystem`. */
export class MemoryFileSystem implements FileSystem {
  readonly readOnly: boolean;
  /** For the classes around it. */
  readonly account: Account;
  readonly top: DirectoryNode;

  /** For `memoryFileSystem`. */
  constructor(options: MemoryFileSystemOptions) {
    const { bytes = DEFAULT_BYTES, entries = DEFAULT_ENTRIES, readOnly = false } = options;
    const quota: Quota = { bytes, files: entries };
    this.account = new Account(quota, options.clock ?? fixedClock());
    this.readOnly = readOnly;
    if (options.snapshot === undefined) {
      this.top = new DirectoryNode(this.account);
      this.top.links = 1;
      this.fill(this.top, options.files ?? {});
    } else this.top = restoreNodes(this.account, options.snapshot);
  }

  root(): Directory {
    return new MemoryDirectory(this, this.top);
  }

  /** What it holds now: bytes in files, and the number of files, directories and links. */
  get usage(): { readonly bytes: number; readonly entries: number } {
    const { bytes, files } = this.account;
    return { bytes, entries: files };
  }

  /**
   * A copy of a file's bytes. Links are followed.
   * @throws WasiError "noent", "isdir" …
   */
  readFile(path: string): Uint8Array {
    return withPlace(this.root(), path, ({ directory, name }) => {
      const node = (directory as MemoryDirectory).node.entries.get(name) ?? fail("noent");
      return node instanceof FileNode ? node.bytes : fail("isdir");
    });
  }

  /** Puts a file, and the directories on the way. Works in read-only file systems, too. */
  writeFile(path: string, contents: string | Uint8Array): void {
    this.put(this.top, path, contents);
  }

  /** All of it as plain data, which `structuredClone` takes, for `memoryFileSystem` again. */
  snapshot(): MemorySnapshot {
    return snapshotOf(this.top);
  }

  private fill(directory: DirectoryNode, tree: Tree): void {
    for (const [path, contents] of Object.entries(tree)) this.put(directory, path, contents);
  }

  private put(start: DirectoryNode, path: string, contents: string | Uint8Array | Tree): void {
    const names = path.split("/").filter((name) => name !== "" && name !== ".");
    const last = names.pop();
    if (last === undefined || last === ".." || names.includes("..")) fail("inval", path);
    const directory = names.reduce((here, name) => this.directory(here, name), start);
    if (typeof contents !== "string" && !(contents instanceof Uint8Array)) {
      this.fill(this.directory(directory, last), contents);
      return;
    }
    const node = new FileNode(this.account);
    directory.put(last, node);
    node.write(typeof contents === "string" ? encodeUtf8(contents) : contents, 0);
  }

  private directory(parent: DirectoryNode, name: string): DirectoryNode {
    const known = parent.entries.get(name);
    if (known instanceof DirectoryNode) return known;
    if (known !== undefined) fail("notdir", name);
    const made = new DirectoryNode(this.account);
    parent.put(name, made);
    return made;
  }
}

const MEMORY_FILE_SYSTEM_OPTIONS: OptionTable<MemoryFileSystemOptions> = {
  files: anObject,
  snapshot: anObject,
  bytes: amount(),
  entries: amount(),
  readOnly: aBoolean,
  clock: CLOCK,
};

/**
 * A file system in memory.
 *
 * ```ts
 * const files = memoryFileSystem({ files: { "input.txt": "one two\n" }, bytes: 1 << 20 });
 * const program = wasi({ args: ["wc", "input.txt"], preopens: { "/": files } });
 * ```
 *
 * @throws TypeError, RangeError for options that there are not or that are wrong
 * @throws WasiError "nospc" if `files` is more than the limits allow
 */
export function memoryFileSystem(options: MemoryFileSystemOptions = {}): MemoryFileSystem {
  const checked = checkedOptions("memoryFileSystem", options, MEMORY_FILE_SYSTEM_OPTIONS);
  return new MemoryFileSystem(checked);
}
