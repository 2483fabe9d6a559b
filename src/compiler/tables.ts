// The tables that a host module has: one for each of the guest's through which it calls, with as
// many elements as are no burden for the host. Elements are functions of the module itself; for
// others' there is one of each type that is called, which asks the runtime.

import { FUNCREF } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { Adapters } from "./adapters.ts";
import { isSimple } from "./host-types.ts";
import { LeftOut } from "./left-out.ts";

/**
 * Elements that the host's table has at most, with some 40 bytes each. For what is behind them
 * there is one more, into which they are put when they are called.
 */
export const MOST_ELEMENTS = 1 << 16;

/** A table through which functions are called. */
export interface UsedTable {
  /** In the guest's index space. */
  readonly index: number;
  /** Whether it may have more elements than the host's. */
  readonly mayOutgrow: boolean;
  /** For the types that are called, the numbers of what stands for functions of others. */
  readonly others: Map<number, number>;
}

export class HostTables {
  readonly list: UsedTable[] = [];
  private readonly module: ModuleRecord;
  private readonly adapters: Adapters;

  constructor(module: ModuleRecord, adapters: Adapters) {
    this.module = module;
    this.adapters = adapters;
  }

  /**
   * The table at this index, through which functions of this type are called.
   * @throws LeftOut if the host cannot have it
   */
  use(index: number, type: number): UsedTable {
    if (!isSimple(this.module, type)) throw new LeftOut("it calls elements of a type in a group");
    const table = this.list.find((used) => used.index === index) ?? this.add(index);
    if (!table.others.has(type)) table.others.set(type, this.adapters.element(index, type));
    return table;
  }

  private add(index: number): UsedTable {
    const { address64, element, max } = this.module.tables[index].type;
    if (address64 || element !== FUNCREF) throw new LeftOut("its table is nothing for the host");
    const mayOutgrow = max === null || max > MOST_ELEMENTS;
    const table = { index, mayOutgrow, others: new Map<number, number>() };
    this.list.push(table);
    return table;
  }

  numberOf(table: UsedTable): number {
    return this.list.indexOf(table);
  }
}
