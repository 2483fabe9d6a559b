// The functions of a host module that the runtime and other host modules call. None is exported,
// since V8 shows the instance of a frame to whoever asks for call sites: all functions of the
// module lie in a table of the host's that it imports, by their numbers, and nobody else has that.

import { I32, type ValType } from "../isa/types.ts";
import { typeOfFunction } from "../module/module.ts";
import { takesBits } from "./adapters.ts";
import type { ByteWriter } from "./bytes.ts";
import { canHoldAll } from "./host-types.ts";
import { OP } from "./opcodes.ts";
import { FUNCREF_CODE } from "./sections.ts";
import type { HostTarget } from "./target.ts";

/** Stands for a function that there is not. */
const NONE = -1;

/** Numbers of functions, which count from the first that a host module defines. */
export interface Entrances {
  /** By which JavaScript enters the guest's functions, by index; -1: none. */
  readonly functions: Int32Array;
  /** What other host modules call in their place. */
  readonly callees: Int32Array;
  /** What gives the value of a global of the host module's, by index there; -1: nobody uses it. */
  readonly getters: Int32Array;
  readonly setters: Int32Array;
  /** Put functions into a table that is used: where to, number of the first one, how many. */
  readonly place: readonly number[];
  /** The same for nothing. */
  readonly clear: readonly number[];
}

/** Adds what the runtime needs to a module all of whose functions are written. */
export function addEntrances({ adapters, globals, module, tables }: HostTarget): Entrances {
  const { importedFunctions } = module;
  const functions = new Int32Array(module.functions.length).fill(NONE);
  const callees = functions.slice();
  module.functions.forEach((_, i) => {
    const type = typeOfFunction(module, i);
    if (!canHoldAll(module, type)) return;
    const isDefined = i >= importedFunctions;
    if (isDefined) functions[i] = adapters.entry(i);
    if (isDefined) callees[i] = i - importedFunctions;
    else if (!takesBits(type)) callees[i] = adapters.imported(i);
  });
  const getters = new Int32Array(globals.types.length).fill(NONE);
  const setters = getters.slice();
  globals.types.forEach((type, i) => {
    if (!globals.isUsed(i)) return;
    getters[i] = adapters.other([], [type], (out) => writeGetter(out, i));
    setters[i] = adapters.other([type], [], (out) => writeSetter(out, i));
  });
  const threeNumbers: readonly ValType[] = [I32, I32, I32];
  const { list } = tables;
  const place = list.map((_, i) => {
    return adapters.other(threeNumbers, [], (out) => writePlacing(out, i, list.length));
  });
  const clear = list.map((_, i) =>
    adapters.other(threeNumbers, [], (out) => writeClearing(out, i)),
  );
  return { functions, callees, getters, setters, place, clear };
}

/** The body of a function that gives the value of a global. */
export function writeGetter(out: ByteWriter, global: number): void {
  out.u32(0);
  out.indexed(OP.globalGet, global);
  out.u8(OP.end);
}

function writeSetter(out: ByteWriter, global: number): void {
  out.u32(0);
  out.indexed(OP.localGet, 0);
  out.indexed(OP.globalSet, global);
  out.u8(OP.end);
}

/** The body of the function that puts functions of the module, which lie in a table, in another. */
function writePlacing(out: ByteWriter, table: number, functions: number): void {
  out.u32(0);
  for (let i = 0; i < 3; i++) out.indexed(OP.localGet, i);
  out.indexed(OP.bulk, 14); // table.copy
  out.u32(table);
  out.u32(functions);
  out.u8(OP.end);
}

/** The body of the function that removes elements. */
function writeClearing(out: ByteWriter, table: number): void {
  out.u32(0);
  out.indexed(OP.localGet, 0);
  out.u8(OP.refNull);
  out.u8(FUNCREF_CODE);
  out.indexed(OP.localGet, 2);
  out.indexed(OP.bulk, 17); // table.fill
  out.u32(table);
  out.u8(OP.end);
}
