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

/** The tables of the functions of these sites, which are learnt, each function in one go. */
export function* learn(
  sites: readonly Wanted[],
): Generator<void, ReadonlyMap<FunctionCode, SiteTable>> {
  const wanted = new Map<FunctionCode, { offsets: Set<number>; positions: Set<number> }>();
  for (const { code, offset, position } of sites) {
    let item = wanted.get(code);
    if (item === undefined) {
      item = { offsets: new Set(), positions: new Set() };
      wanted.set(code, item);
    }
    if (offset !== undefined) item.offsets.add(offset);
    if (position !== undefined) item.positions.add(position);
  }
  if (keptValues > MOST_KEPT) {
    kept = new WeakMap();
    keptValues = 0;
  }
  const tables = new Map<FunctionCode, SiteTable>();
  for (const [code, { offsets, positions }] of wanted) {
    const table = tableOf(code);
    const before = table.values;
    yield* table.learn(offsets, positions, room.limit);
    keptValues += table.values - before;
    tables.set(code, table);
  }
  return tables;
}
