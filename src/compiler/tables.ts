// The tables that a host module has: one for each of the guest's through which it calls. Elements
// are functions of the module itself; for others' there is one of each type that is called, which
// asks the runtime. The first elements are as the guest's up to a limit, which is in a global.

import { FUNCREF } from "../isa/types.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import type { Adapters } from "./adapters.ts";
import type { HostGlobals } from "./globals.ts";
import { isErased, isSimple } from "./host-types.ts";
import { LeftOut } from "./left-out.ts";

/** A table through which functions are called. */
export interface UsedTable {
  /** In the guest's index space. */
  readonly index: number;
  /** The global that says how many elements of the host's are as the guest's. */
  readonly limit: number;
  /** For the types that are called, the numbers of what stands for functions of others. */
  readonly others: Map<number, number>;
}

export class HostTables {
  readonly list: UsedTable[] = [];
  private readonly module: ModuleRecord;
  private readonly adapters: Adapters;
  private readonly globals: HostGlobals;

  constructor(module: ModuleRecord, adapters: Adapters, globals: HostGlobals) {
    this.module = module;
    this.adapters = adapters;
    this.globals = globals;
  }

  /**
   * The table at this index, through which functions of this type are called.
   * @throws LeftOut if the host cannot have it
   */
  use(index: number, type: number): UsedTable {
    if (!isSimple(this.module, type)) throw new LeftOut("it calls elements of a type in a group");
    if (isErased(funcTypeAt(this.module, type) as FuncType)) {
      throw new LeftOut("it calls elements that take or give references");
    }
    const table = this.list.find((used) => used.index === index) ?? this.add(index);
    if (!table.others.has(type)) table.others.set(type, this.adapters.element(index, type));
    return table;
  }

  private add(index: number): UsedTable {
    const { address64, element } = this.module.tables[index].type;
    if (address64 || element !== FUNCREF) throw new LeftOut("its table is nothing for the host");
    const number = this.list.length;
    if (number === this.globals.mostTables) throw new LeftOut("it calls through too many tables");
    const limit = this.globals.limit(number);
    const table = { index, limit, others: new Map<number, number>() };
    this.list.push(table);
    return table;
  }

  numberOf(table: UsedTable): number {
    return this.list.indexOf(table);
  }
}
