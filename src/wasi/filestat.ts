// $filestat and $fstflags: attributes of files on their way to and from the guest.

import { FSTFLAG } from "./constants.ts";
import { fail } from "./errno.ts";
import type { FileStat, FileTimes } from "./file-system.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Process } from "./process.ts";
import type { Dialect } from "./signatures.ts";

/** Writes a `$filestat` of 64 bytes (56 in the older dialect). */
export function writeFilestat(
  memory: GuestMemory,
  address: number,
  stat: FileStat,
  { shortLinkCount }: Dialect,
): void {
  const at = memory.check(address, shortLinkCount ? 56 : 64);
  memory.setU64(at, stat.dev);
  memory.setU64(at + 8, stat.ino);
  memory.setU64(at + 16, BigInt(stat.filetype));
  if (shortLinkCount) memory.setU32(at + 20, Number(stat.nlink));
  else memory.setU64(at + 24, stat.nlink);
  const rest = shortLinkCount ? at + 24 : at + 32;
  memory.setU64(rest, stat.size);
  memory.setU64(rest + 8, stat.atim);
  memory.setU64(rest + 16, stat.mtim);
  memory.setU64(rest + 24, stat.ctim);
}

/** The times that a guest wants to set. @throws WasiError "inval" for flags that contradict */
export function timesFrom(
  { clock }: Process,
  atim: bigint,
  mtim: bigint,
  flags: number,
): FileTimes {
  const { ATIM, ATIM_NOW, MTIM, MTIM_NOW } = FSTFLAG;
  const contradiction = (flags & ATIM && flags & ATIM_NOW) || (flags & MTIM && flags & MTIM_NOW);
  if (contradiction || flags >>> 0 > 15) fail("inval", "flags of times");
  const now = flags & (ATIM_NOW | MTIM_NOW) ? clock.now("realtime") : 0n;
  const time = (given: number, current: number, value: bigint) => {
    if (flags & current) return now;
    return flags & given ? BigInt.asUintN(64, value) : undefined;
  };
  return { atim: time(ATIM, ATIM_NOW, atim), mtim: time(MTIM, MTIM_NOW, mtim) };
}

/** A size or offset in a file as a number. @throws WasiError "inval" beyond 2^53 */
export function sizeFrom(value: bigint): number {
  const size = Number(BigInt.asUintN(64, value));
  return Number.isSafeInteger(size) ? size : fail("inval", "beyond any file");
}
