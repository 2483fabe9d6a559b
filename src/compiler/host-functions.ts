// The functions of an instance's host module, as JavaScript has them: they are made when they are
// asked for, since a module may have thousands.

import type { HostGlobal } from "./border.ts";
import type { Entrances } from "./entrances.ts";
import { type HostFunction, type HostTable, hiddenTable } from "./host-objects.ts";
import type { HostModule } from "./module.ts";
import type { TableMirror, Writer } from "./table-mirror.ts";
import type { UsedTable } from "./tables.ts";

export class HostFunctions {
  /** The host module is instantiated with it. */
  readonly table: HostTable;
  private readonly entrances: Entrances;

  constructor({ entrances, functionCount }: Pick<HostModule, "entrances" | "functionCount">) {
    this.table = hiddenTable(functionCount);
    this.entrances = entrances;
  }

  private at(number: number): HostFunction {
    return this.table.get(number) as HostFunction;
  }

  /** What takes and gives bits in the place of a guest's function that is defined. */
  entry(index: number): HostFunction {
    return this.at(this.entrances.functions[index]);
  }

  /** A guest's function as other host modules call it; null: the host module has none. */
  callee(index: number): HostFunction | null {
    const number = this.entrances.callees[index];
    return number < 0 ? null : this.at(number);
  }

  getter(global: number): HostFunction {
    return this.at(this.entrances.getters[global]);
  }

  setter(global: number): HostFunction {
    return this.at(this.entrances.setters[global]);
  }

  /** A global of the host module's, by its index there; null: no code uses it. */
  global(index: number): HostGlobal | null {
    if (this.entrances.getters[index] < 0) return null;
    return { get: this.getter(index), set: this.setter(index) } as HostGlobal;
  }

  /** What writes to a table that is used, by its number among those, and its limit. */
  writers({ limit }: UsedTable, table: number): Parameters<TableMirror["begin"]> {
    const { clear, place } = this.entrances;
    const global = this.global(limit) as HostGlobal;
    return [this.at(place[table]) as Writer, this.at(clear[table]) as Writer, global];
  }
}
