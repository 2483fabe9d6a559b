// A table of the host's that has what one of ours has: it follows every change, so that indirect
// calls find the host's functions there.

import { FunctionInstance, type ModuleInstance } from "../runtime/instances.ts";
import type { TableInstance, TableWatcher } from "../runtime/table.ts";
import { idMatches } from "../validation/type-ids.ts";
import { type HostTable, hiddenTable } from "./host-objects.ts";
import { canPassAll, isSimple } from "./host-types.ts";
import { LeftOut } from "./left-out.ts";
import { MOST_ELEMENTS, type UsedTable } from "./tables.ts";

/** A function of the host module's that writes to the table: see `Entrances`. */
export type Writer = (at: number, first: number, count: number) => void;

/** No function. */
const NONE = -1;

/** How long the host's table is: behind the most elements one more is for those that are called. */
function hostLength(length: number): number {
  return Math.min(length, MOST_ELEMENTS + 1);
}

export class TableMirror implements TableWatcher {
  readonly host: HostTable;
  /** The table's, in the guest's index space. */
  readonly index: number;
  private readonly instance: ModuleInstance;
  private readonly table: TableInstance;
  private readonly used: UsedTable;
  /** Numbers of what stands for functions of others, by their type ids. */
  private readonly others = new Map<number, number>();
  private place: Writer = () => {};
  private clear: Writer = () => {};

  constructor(instance: ModuleInstance, used: UsedTable) {
    this.instance = instance;
    this.used = used;
    this.index = used.index;
    this.table = instance.tables[used.index];
    this.host = hiddenTable(hostLength(this.table.length));
  }

  /**
   * The host's functions are there.
   * @throws LeftOut if too many others have a copy of the table
   */
  begin(place: Writer, clear: Writer): void {
    this.place = place;
    this.clear = clear;
    if (!this.table.watch(this)) throw new LeftOut("too many instances have its table");
    this.write(0, this.table.length);
  }

  changed(start: number, end: number): void {
    const { host, table } = this;
    const missing = hostLength(table.length) - host.length;
    if (missing > 0) host.grow(missing);
    this.write(start, end);
  }

  /** Writes the elements from `start` to `end`, those together that follow each other. */
  private write(start: number, end: number): void {
    const last = Math.min(end, MOST_ELEMENTS);
    for (let at = start; at < last; ) {
      const first = this.numberAt(at);
      const step = first === NONE ? 0 : 1;
      let count = 1;
      while (at + count < last && this.numberAt(at + count) === first + step * count) count++;
      this.put(at, first, count);
      at += count;
    }
  }

  private put(at: number, first: number, count: number): void {
    if (first === NONE) this.clear(at, first, count);
    else this.place(at, first, count);
  }

  /** The number of what the host calls in the place of an element. */
  private numberAt(index: number): number {
    const element = this.table.get(index);
    if (!(element instanceof FunctionInstance)) return NONE;
    const { code, instance, type } = element;
    if (!canPassAll(type)) return NONE;
    if (instance === this.instance) {
      const { functions, importedFunctions } = instance.module;
      // Others are told by their ids, which the host knows nothing of.
      if (isSimple(instance.module, functions[code.index])) return code.index - importedFunctions;
    }
    return this.numberOfOther(element);
  }

  /** If no call is of its type, it is as good as none: the runtime knows why it was not called. */
  private numberOfOther({ typeId }: FunctionInstance): number {
    let number = this.others.get(typeId);
    if (number === undefined) {
      const { typeIds } = this.instance.compiled;
      const fits = [...this.used.others].find(([type]) => idMatches(typeId, typeIds[type]));
      number = fits?.[1] ?? NONE;
      this.others.set(typeId, number);
    }
    return number;
  }

  /** Where the host finds the element at an index that is too large for its table. */
  resolve(index: number): number {
    if (index >>> 0 >= this.table.length) return -1;
    this.put(MOST_ELEMENTS, this.numberAt(index >>> 0), 1);
    return MOST_ELEMENTS;
  }
}
