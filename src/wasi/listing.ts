// What `fd_readdir` is going through: the entries of a directory, which come from the file system
// as they are needed. A bounded number of them is kept, for guests that go back a little; who goes
// back further begins anew.

import type { Directory, DirectoryEntry } from "./file-system.ts";

/** Entries read between two looks at the guest. */
const MOST_READ = 64;
/** Entries that are kept, of which each has a name of at most 255 units. */
const MOST_KEPT = 512;

/** The entries of one open directory, by their number. */
export class Listing {
  private readonly source: Iterator<DirectoryEntry>;
  /** Number of the first that is kept. */
  private first = 0;
  private kept: DirectoryEntry[] = [];
  private ended = false;

  constructor(directory: Directory) {
    this.source = directory.entries()[Symbol.iterator]();
  }

  /** Whether entry `number` was dropped already. */
  isPast(number: number): boolean {
    return number < this.first;
  }

  /** Reads on towards entry `number`, a bounded way; whether it is known what `at` gives. */
  reach(number: number): boolean {
    for (let i = 0; i < MOST_READ && !this.ended && this.end <= number; i++) this.read();
    return this.ended || number < this.end;
  }

  /** The entry; undefined behind the last. */
  at(number: number): DirectoryEntry | undefined {
    return this.kept[number - this.first];
  }

  /** Gives back what the file system holds open for it. */
  close(): void {
    this.ended = true;
    this.source.return?.();
  }

  private get end(): number {
    return this.first + this.kept.length;
  }

  private read(): void {
    const { done, value } = this.source.next();
    if (done) {
      this.ended = true;
      return;
    }
    if (this.kept.length === MOST_KEPT) {
      this.kept = this.kept.slice(MOST_KEPT / 2);
      this.first += MOST_KEPT / 2;
    }
    this.kept.push(value);
  }
}
