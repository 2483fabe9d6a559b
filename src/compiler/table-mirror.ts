// A table of the host's through which compiled code calls the elements of one of ours. It has them
// up to a limit: calls of others ask the runtime, which brings some more over every time. So
// neither growth nor long writes to a table are a burden for those who have a copy.

import { FunctionInstance, type ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import type { TableInstance, TableWatcher } from "../runtime/table.ts";
import { idMatches } from "../validation/type-ids.ts";
import type { HostGlobal } from "./border.ts";
import { type HostTable, hiddenTable } from "./host-objects.ts";
import { isErased, isSimple } from "./host-types.ts";
import { LeftOut } from "./left-out.ts";
import type { UsedTable } from "./tables.ts";

/** A function of the host module's that writes to the table: see `Entrances`. */
export type Writer = (at: number, first: number, count: number) => void;

/** No function. */
const NONE = -1;
/** No element. */
const OUTSIDE = -1;

/** The most elements that the host's table has. */
const MOST_ELEMENTS = 1 << 16;
/** Elements that are brought over at a time. */
const PIECE = 256;
/** Up to so many that are written at once are written there, too; else the limit is lowered. */
const FEW = 16;
/** What V8 11 takes for an element, in the table and in each further module that imports it. */
const ELEMENT_BYTES = 40;
const LENT_BYTES = 25;
/** What writing an element counts for in a slice, for each module: see `Store.work`. */
const ELEMENT_WORK = 30;

export class TableMirror implements TableWatcher {
  /** Its last element is for the one that is called, where it has no other. */
  readonly host: HostTable;
  /** The table's, in the guest's index space. */
  readonly index: number;
  private readonly instance: ModuleInstance;
  private readonly table: TableInstance;
  private readonly used: UsedTable;
  private readonly lease: Lease;
  /** Host modules that import it. */
  private importers = 1;
  /** Numbers of what stands for functions of others, by their type ids. */
  private readonly others = new Map<number, number>();
  private place: Writer = () => {};
  private clear: Writer = () => {};
  /** The elements below are as ours; the host's code asks its global. */
  private limit = 0;
  private theirLimit: HostGlobal | null = null;

  constructor(instance: ModuleInstance, used: UsedTable) {
    this.instance = instance;
    this.used = used;
    this.index = used.index;
    this.table = instance.tables[used.index];
    this.lease = instance.store.lease("compiledBytes", this);
    this.host = hiddenTable(1);
  }

  /**
   * The host's functions are there.
   * @throws LeftOut if too many others have a copy of the table
   */
  begin(place: Writer, clear: Writer, limit: HostGlobal): void {
    this.place = place;
    this.clear = clear;
    this.theirLimit = limit;
    if (!this.table.watch(this)) throw new LeftOut("too many instances have its table");
  }

  /** Another host module is to import it: whether there is room for that. */
  lend(): boolean {
    if (!this.lease.extend(LENT_BYTES * this.host.length)) return false;
    this.importers++;
    return true;
  }

  changed(start: number, end: number): void {
    if (start >= this.limit) return;
    if (end - start > FEW) this.moveLimit(start);
    else this.write(start, Math.min(end, this.limit));
  }

  private moveLimit(limit: number): void {
    this.limit = limit;
    this.theirLimit?.set(limit);
  }

  /** Has some more elements, if there are any and there is room for them. */
  private extend(): void {
    const { limit, table } = this;
    const end = Math.min(table.length, MOST_ELEMENTS, limit + PIECE);
    if (end === limit || !this.hasRoomFor(end)) return;
    this.write(limit, end);
    this.moveLimit(end);
  }

  private hasRoomFor(elements: number): boolean {
    const { host, importers, lease } = this;
    const missing = elements + 1 - host.length;
    if (missing <= 0) return true;
    const bytes = ELEMENT_BYTES + LENT_BYTES * (importers - 1);
    if (!lease.extend(missing * bytes)) return false;
    host.grow(missing);
    return true;
  }

  /** Writes the elements from `start` to `end`, those together that follow each other. */
  private write(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const first = this.numberAt(at);
      const step = first === NONE ? 0 : 1;
      let count = 1;
      while (at + count < end && this.numberAt(at + count) === first + step * count) count++;
      this.put(at, first, count);
      at += count;
    }
  }

  private put(at: number, first: number, count: number): void {
    this.table.store.work += ELEMENT_WORK * count * this.importers;
    if (first === NONE) this.clear(at, first, count);
    else this.place(at, first, count);
  }

  /** The number of what the host calls in the place of an element. */
  private numberAt(index: number): number {
    const element = this.table.get(index);
    if (!(element instanceof FunctionInstance)) return NONE;
    const { code, instance, type } = element;
    if (isErased(type)) return NONE;
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

  /** Where the host finds the element at an index that is not below the limit. */
  resolve(index: number): number {
    const at = index >>> 0;
    if (at >= this.table.length) return OUTSIDE;
    this.extend();
    if (at < this.limit) return at;
    const spare = this.host.length - 1;
    this.put(spare, this.numberAt(at), 1);
    return spare;
  }
}
