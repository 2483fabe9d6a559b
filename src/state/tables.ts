// The sites of functions that frames are in, from one time to the next: a call that is suspended
// over and over is so at few places.

import { SiteTable } from "../code/sites.ts";
import type { FunctionCode } from "../code/space.ts";
import { room } from "../interpreter/registers.ts";

/** A site that somebody wants to know: by what is known of it. */
export interface Wanted {
  readonly code: FunctionCode;
  readonly offset?: number;
  readonly position?: number;
}

/** Locals and operands in tables that are kept: some megabytes, for all modules together. */
const MOST_KEPT = 1 << 16;

let kept = new WeakMap<FunctionCode, SiteTable>();
let keptValues = 0;

function tableOf(code: FunctionCode): SiteTable {
  let table = kept.get(code);
  if (table === undefined) {
    table = new SiteTable(code);
    kept.set(code, table);
  }
  return table;
}

/** The tables of the functions of these sites, in their order, where each is known then. */
export function* learn(sites: readonly Wanted[]): Generator<void, readonly SiteTable[]> {
  if (keptValues > MOST_KEPT) {
    kept = new WeakMap();
    keptValues = 0;
  }
  const tables: SiteTable[] = [];
  const unknown = new Map<SiteTable, { offsets: Set<number>; positions: Set<number> }>();
  for (let i = 0; i < sites.length; i++) {
    const { code, offset, position } = sites[i];
    // In a deep recursion most of them are the same.
    const table = code === sites[i - 1]?.code ? tables[i - 1] : tableOf(code);
    tables.push(table);
    if (table.knows(offset, position)) continue;
    let asked = unknown.get(table);
    if (asked === undefined) {
      asked = { offsets: new Set(), positions: new Set() };
      unknown.set(table, asked);
    }
    if (offset !== undefined) asked.offsets.add(offset);
    if (position !== undefined) asked.positions.add(position);
  }
  // Each function in one go.
  for (const [table, { offsets, positions }] of unknown) {
    const before = table.values;
    yield* table.learn(offsets, positions, room.limit);
    keptValues += table.values - before;
  }
  return tables;
}
