// Attributes of the host's files, exact to the nanosecond. Node sets times as floating-point
// seconds, a quarter of a microsecond apart at best; what a guest has set is remembered as long as
// the file keeps what became of it, so that guests read what they wrote.

import type { BigIntStats } from "node:fs";
import { FILETYPE } from "./constants.ts";
import type { FileStat, FileTimes } from "./file-system.ts";
import { keyOf } from "./node-quota.ts";

/** Files whose exact times are remembered. */
const MOST_REMEMBERED = 1024;
const NANOSECONDS = 1e9;

/** A time as the guest has set it, and as the host keeps it. */
interface Exact {
  readonly asked: bigint;
  readonly kept: bigint;
}

/** The type of what Node describes: of attributes, or of an entry of a directory. */
export function filetypeOf(stats: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
  isSocket(): boolean;
}): number {
  if (stats.isFile()) return FILETYPE.REGULAR_FILE;
  if (stats.isDirectory()) return FILETYPE.DIRECTORY;
  if (stats.isSymbolicLink()) return FILETYPE.SYMBOLIC_LINK;
  if (stats.isCharacterDevice()) return FILETYPE.CHARACTER_DEVICE;
  if (stats.isBlockDevice()) return FILETYPE.BLOCK_DEVICE;
  return stats.isSocket() ? FILETYPE.SOCKET_STREAM : FILETYPE.UNKNOWN;
}

/** The exact times of the files of one directory tree. */
export class HostTimes {
  private readonly remembered = new Map<string, { atim: Exact; mtim: Exact }>();

  /** Attributes as the guest is to see them. */
  stat(stats: BigIntStats): FileStat {
    const known = this.remembered.get(keyOf(stats));
    const exact = (time: bigint, memory: Exact | undefined) => {
      return memory !== undefined && memory.kept === time ? memory.asked : time;
    };
    return {
      filetype: filetypeOf(stats),
      dev: stats.dev,
      ino: stats.ino,
      nlink: stats.nlink,
      size: stats.size,
      atim: exact(stats.atimeNs, known?.atim),
      mtim: exact(stats.mtimeNs, known?.mtim),
      ctim: stats.ctimeNs,
    };
  }

  /** Sets times by `set`, in seconds; what is not given stays. `look` reads the attributes. */
  set(
    times: FileTimes,
    look: () => BigIntStats,
    set: (atime: number, mtime: number) => void,
  ): void {
    const before = this.stat(look());
    const [atim, mtim] = [times.atim ?? before.atim, times.mtim ?? before.mtim];
    set(Number(atim) / NANOSECONDS, Number(mtim) / NANOSECONDS);
    const after = look();
    const [first] = this.remembered.keys();
    if (this.remembered.size >= MOST_REMEMBERED) this.remembered.delete(first);
    this.remembered.set(keyOf(after), {
      atim: { asked: atim, kept: after.atimeNs },
      mtim: { asked: mtim, kept: after.mtimeNs },
    });
  }
}
