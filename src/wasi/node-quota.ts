// How much guests may change on a disk of the host. Counted are sizes, by which a file could grow
// on disk, not the bytes that are written: a byte far behind the end counts as much as all that
// lies before it. What is removed or cut off is given back.

import type { BigIntStats } from "node:fs";
import { fail } from "./errno.ts";

/** What the guests of one grant may add to what is there. */
export interface HostQuotaOptions {
  /**
   * Bytes by which the files of the directory may grow, all together; then writing fails with
   * `nospc`. Default 1 GiB.
   */
  readonly bytes?: number;
  /** Bytes up to which a single file may grow; then writing fails with `fbig`. Default: `bytes`. */
  readonly fileBytes?: number;
  /**
   * Files (each name counts), directories and links by which they may become more; then making one
   * fails with `nospc`. Default 10,000.
   */
  readonly entries?: number;
}

const DEFAULT_BYTES = 2 ** 30;
const DEFAULT_ENTRIES = 10_000;

/** Which file it is, whatever its names are. */
export function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** The account of one grant. */
export class HostQuota {
  private bytes: number;
  private entries: number;
  private readonly fileBytes: number;
  /** How many have a file open that guests have opened. */
  private readonly openings = new Map<string, number>();

  constructor({ bytes = DEFAULT_BYTES, entries = DEFAULT_ENTRIES, fileBytes }: HostQuotaOptions) {
    this.bytes = bytes;
    this.entries = entries;
    this.fileBytes = fileBytes ?? bytes;
  }

  /**
   * How many of `wanted` bytes may be written at `position` of a file of `size` bytes.
   * @throws WasiError "nospc" or "fbig" if none
   */
  allowance(size: number, position: number, wanted: number): number {
    const end = Math.max(size, Math.min(this.fileBytes, size + this.bytes));
    const allowed = Math.min(wanted, end - position);
    if (allowed > 0 || wanted === 0) return allowed;
    if (size + this.bytes <= this.fileBytes) fail("nospc", "the limit of bytes is reached");
    return fail("fbig", `a file of more than ${this.fileBytes} bytes`);
  }

  /** Counts that a file has become longer, or shorter. */
  grown(bytes: number): void {
    this.bytes -= bytes;
  }

  /** @throws WasiError "nospc" unless one more name may be made */
  demandEntry(): void {
    if (this.entries <= 0) fail("nospc", "the limit of files is reached");
  }

  made(): void {
    this.entries--;
  }

  /** A name is gone that `stats` were the attributes of. */
  removed(stats: BigIntStats): void {
    this.entries++;
    if (stats.nlink === 1n && !this.openings.has(keyOf(stats))) this.lost(stats);
  }

  opened(key: string): void {
    this.openings.set(key, (this.openings.get(key) ?? 0) + 1);
  }

  /** A file is closed that had the attributes `stats` before. */
  closed(key: string, stats: BigIntStats): void {
    const left = (this.openings.get(key) ?? 1) - 1;
    if (left > 0) this.openings.set(key, left);
    else {
      this.openings.delete(key);
      if (stats.nlink === 0n) this.lost(stats);
    }
  }

  /** Nobody can reach a file any more. */
  private lost(stats: BigIntStats): void {
    if (stats.isFile()) this.grown(-Number(stats.size));
  }
}
