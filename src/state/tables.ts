// The sites of functions that frames are in, from one time to the next: a call that is suspended
// over and over is so at few places.

import { SiteTable } from "../code/sites.ts";
import type { FunctionCode } from "../code/space.ts";
import { room } from "../interpreter/registers.ts";
import { KeptFor } from "./kept.ts";

/** A site that somebody wants to know: by what is known of it. */
export interface Wanted {
  readonly code: FunctionCode;
  readonly offset?: number;
  readonly position?: number;
  /** Offsets that are found out about by the way if it is not known: each time takes as long. */
  readonly others?: () => Iterable<number>;
}

/** Locals and operands in tables that are kept: some megabytes, for all modules together. */
const MOST_KEPT = 1 << 16;

const kept = new KeptFor(MOST_KEPT, (code: FunctionCode) => new SiteTable(code));

/**
 * The tables of the functions of these sites, in their order, where each is known then. In pieces
 * of about 0.1 ms, which say how many bytes of the host's memory it takes in between.
 */
export function* learn(sites: readonly Wanted[]): Generator<number, readonly SiteTable[]> {
  kept.bound();
  const tables: SiteTable[] = [];
  const unknown = new Map<SiteTable, { offsets: Set<number>; positions: Set<number> }>();
  for (let i = 0; i < sites.length; i++) {
    const { code, offset, position } = sites[i];
    // In a deep recursion most of them are the same.
    const table = code === sites[i - 1]?.code ? tables[i - 1] : kept.of(code);
    tables.push(table);
    if (table.knows(offset, position)) continue;
    let asked = unknown.get(table);
    if (asked === undefined) {
      asked = { offsets: new Set(sites[i].others?.()), positions: new Set() };
      unknown.set(table, asked);
    }
    if (offset !== undefined) asked.offsets.add(offset);
    if (position !== undefined) asked.positions.add(position);
  }
  // Each function in one go.
  for (const [table, { offsets, positions }] of unknown) {
    const before = table.values;
    yield* table.learn(offsets, positions, room.limit);
    kept.grew(table.values - before);
  }
  return tables;
}
