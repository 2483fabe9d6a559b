// The files, directories and links of a file system in memory, and its account: what there is of
// bytes and files, and how much there may be.

import { FILETYPE } from "./constants.ts";
import { fail } from "./errno.ts";
import type { FileStat, FileTimes } from "./file-system.ts";
import { ChunkedBytes } from "./memory-bytes.ts";
import type { Clock } from "./sources.ts";
import { encodeUtf8 } from "./streams.ts";

/**
 * How much a file system may hold. Of the host's memory it takes at most twice as much, and up to a
 * kilobyte for each file: chunks may be half empty, and names and times take room.
 */
export interface Quota {
  /** Bytes in all files and links. */
  readonly bytes: number;
  /** Files, directories and links; a file with several names counts once for each. */
  readonly files: number;
}

/** What all nodes of one file system share. */
export class Account {
  readonly quota: Quota;
  readonly clock: Clock;
  bytes = 0;
  files = 0;
  private lastIno = 0n;

  constructor(quota: Quota, clock: Clock) {
    this.quota = quota;
    this.clock = clock;
  }

  get now(): bigint {
    return this.clock.now("realtime");
  }

  nextIno(): bigint {
    this.lastIno++;
    return this.lastIno;
  }

  /** Counts bytes, or gives them back. @throws WasiError "nospc" */
  reserveBytes(amount: number): void {
    if (amount > 0 && this.bytes + amount > this.quota.bytes) {
      fail("nospc", `more than ${this.quota.bytes} bytes in files`);
    }
    this.bytes += amount;
  }

  reserveFile(): void {
    if (this.files >= this.quota.files) fail("nospc", `more than ${this.quota.files} files`);
    this.files++;
  }
}

/** Something that has a number, names and times. */
abstract class BaseNode {
  abstract readonly filetype: number;
  readonly account: Account;
  readonly ino: bigint;
  atim: bigint;
  mtim: bigint;
  ctim: bigint;
  /** Names that it has. */
  links = 0;

  constructor(account: Account) {
    account.reserveFile();
    this.account = account;
    this.ino = account.nextIno();
    this.atim = account.now;
    this.mtim = this.atim;
    this.ctim = this.atim;
  }

  abstract get size(): number;

  stat(): FileStat {
    const { atim, ctim, filetype, ino, links, mtim, size } = this;
    const [nlink, bytes] = [BigInt(links), BigInt(size)];
    return { filetype, dev: 1n, ino, nlink, size: bytes, atim, mtim, ctim };
  }

  setTimes({ atim, mtim }: FileTimes): void {
    if (atim !== undefined) this.atim = atim;
    if (mtim !== undefined) this.mtim = mtim;
    this.ctim = this.account.now;
  }

  /** Its contents have changed. */
  touch(): void {
    this.mtim = this.account.now;
    this.ctim = this.mtim;
  }

  /** A name is gone; whoever holds the node still has it. */
  unlink(): void {
    this.links--;
    this.ctim = this.account.now;
    if (this.links > 0) this.account.files--;
    else this.releaseIfLost();
  }

  /** Counts a name beside those that it has. @throws WasiError "nospc" */
  reserveName(): void {
    if (this.links > 0) this.account.reserveFile();
  }

  protected releaseIfLost(): void {
    if (this.links === 0) this.account.files--;
  }
}

/** A regular file. Its length is what counts, whether all of it was written or not. */
export class FileNode extends BaseNode {
  readonly filetype = FILETYPE.REGULAR_FILE;
  private contents = new ChunkedBytes();
  /** Descriptors that have it open. */
  private openings = 0;

  get size(): number {
    return this.contents.length;
  }

  /** A copy of all of it. */
  get bytes(): Uint8Array {
    return this.contents.all;
  }

  read(target: Uint8Array, position: number): number {
    return this.contents.read(target, position);
  }

  write(source: Uint8Array, position: number): number {
    if (source.length === 0) return 0;
    const more = Math.max(0, position + source.length - this.size);
    // The account is asked before memory is.
    this.account.reserveBytes(more);
    try {
      this.contents.write(source, position);
    } catch (error) {
      this.account.reserveBytes(-more);
      if (error instanceof RangeError) fail("nospc", "the host has no more memory");
      throw error;
    }
    this.touch();
    return source.length;
  }

  setSize(size: number): void {
    this.account.reserveBytes(size - this.size);
    this.contents.resize(size);
    this.touch();
  }

  open(): void {
    this.openings++;
  }

  close(): void {
    this.openings--;
    this.releaseIfLost();
  }

  protected override releaseIfLost(): void {
    if (this.links > 0 || this.openings > 0) return;
    this.account.files--;
    this.account.reserveBytes(-this.size);
    this.contents = new ChunkedBytes();
  }
}

/** A symbolic link. */
export class LinkNode extends BaseNode {
  readonly filetype = FILETYPE.SYMBOLIC_LINK;
  readonly target: string;
  /** Bytes of the target. */
  readonly size: number;

  constructor(account: Account, target: string) {
    super(account);
    this.target = target;
    this.size = encodeUtf8(target).length;
    try {
      account.reserveBytes(this.size);
    } catch (error) {
      account.files--;
      throw error;
    }
  }

  protected override releaseIfLost(): void {
    super.releaseIfLost();
    if (this.links === 0) this.account.reserveBytes(-this.size);
  }
}

/** A directory: nodes by name, in the order in which they were made. */
export class DirectoryNode extends BaseNode {
  readonly filetype = FILETYPE.DIRECTORY;
  readonly entries = new Map<string, MemoryNode>();
  /** Null for the root and for what was removed. */
  parent: DirectoryNode | null = null;

  get size(): number {
    return this.entries.size;
  }

  /** Gives a node a name here, and takes it from what had it. */
  put(name: string, node: MemoryNode): void {
    const before = this.entries.get(name);
    node.links++;
    if (node instanceof DirectoryNode) node.parent = this;
    this.entries.set(name, node);
    before?.unlink();
    this.touch();
  }

  /** Takes a name away. */
  remove(name: string): void {
    const node = this.entries.get(name);
    this.entries.delete(name);
    node?.unlink();
    this.touch();
  }

  /** Whether this is `node` or lies inside of it. */
  isInside(node: MemoryNode): boolean {
    for (let here: DirectoryNode | null = this; here !== null; here = here.parent) {
      if (here === node) return true;
    }
    return false;
  }

  override unlink(): void {
    this.parent = null;
    super.unlink();
  }
}

export type MemoryNode = FileNode | DirectoryNode | LinkNode;
