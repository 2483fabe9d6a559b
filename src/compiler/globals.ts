// The globals of a host module: the guest's, which keep their indices and hold bits, the budget,
// operands that are kept, the room for calls and its floor, upper halves of vectors, limits of
// tables, and one for each group of functions. They are the module's own, since V8 is slower at
// those that are imported: whoever is not in the module gets at them through functions.

import { I32, I64, isReference, V128, type ValType } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeNumber } from "./checks.ts";
import { NOT_ENTERED } from "./first-calls.ts";
import { OP } from "./opcodes.ts";
import { MUTABLE } from "./sections.ts";
import { KEPT, passedAs, typeCode, typeOfPart, writeDummy } from "./values.ts";

/** Tables that a host module has at most: each has a global. */
const MOST_TABLES = 64;

/** How code gets at the globals of a module's host module, by their indices there. */
export interface GlobalAccess {
  /** Pushes the value of one. */
  get(out: ByteWriter, index: number): void;
  /** Gives one the value that is on the stack. */
  set(out: ByteWriter, index: number): void;
  /** Whether code gets at one that holds no bits by the guest's instructions. */
  isSame(index: number): boolean;
  /** What is on the stack is what is left of the budget, should code of this module trap. */
  keepBudget(out: ByteWriter): void;
  /** Whether that is the same as giving the budget's global that value. */
  readonly keepsInGlobal: boolean;
}

/** The globals of a module's host module, and how its own code gets at them. */
export class HostGlobals implements GlobalAccess {
  /** Types of all but those of groups, which come behind them. */
  readonly types: readonly ValType[];
  readonly budget: number;
  /** What is left for calls, and below what they have to ask for more. */
  readonly room: number;
  readonly floor: number;
  /** The globals that hold the upper halves of vectors, by index of the guest's. */
  readonly upperHalves: ReadonlyMap<number, number>;
  /** How many tables may have limits, and the first of these. */
  readonly mostTables: number;
  private readonly firstLimit: number;
  /** Which ones code has got at. */
  private readonly used: Uint8Array;

  constructor({ globals, tables }: ModuleRecord) {
    this.budget = globals.length;
    this.room = this.budget + 1 + KEPT.length;
    this.floor = this.room + 1;
    const halves = new Map<number, number>();
    globals.forEach(({ type }, i) => {
      if (type.type === V128) halves.set(i, this.floor + 1 + halves.size);
    });
    this.upperHalves = halves;
    const guests = globals.map(({ type }) => {
      // One of a reference is in the place of the guest's, which the runtime has.
      return isReference(type.type) ? I32 : typeOfPart(passedAs(type.type)[0]);
    });
    this.mostTables = Math.min(tables.length, MOST_TABLES);
    this.firstLimit = this.floor + 1 + halves.size;
    const others = new Array<ValType>(halves.size).fill(I64);
    const limits = new Array<ValType>(this.mostTables).fill(I32);
    this.types = [...guests, I32, ...KEPT, I32, I32, ...others, ...limits];
    this.used = new Uint8Array(this.types.length);
    this.used[this.budget] = 1;
    this.used[this.room] = 1;
    this.used[this.floor] = 1;
  }

  /** The one that keeps operands of a type. */
  kept(type: ValType): number {
    return this.budget + 1 + KEPT.indexOf(type);
  }

  /** The one that says how many elements the host's has of a table, by its number. */
  limit(table: number): number {
    return this.firstLimit + table;
  }

  /** That of a group of functions. */
  ofGroup(group: number): number {
    return this.types.length + group;
  }

  isUsed(index: number): boolean {
    return this.used[index] === 1;
  }

  get(out: ByteWriter, index: number): void {
    this.used[index] = 1;
    out.indexed(OP.globalGet, index);
  }

  set(out: ByteWriter, index: number): void {
    this.used[index] = 1;
    out.indexed(OP.globalSet, index);
  }

  isSame(index: number): boolean {
    this.used[index] = 1;
    return true;
  }

  keepBudget(out: ByteWriter): void {
    this.set(out, this.budget);
  }

  readonly keepsInGlobal = true;

  /** The section, with so many groups of functions. */
  write(out: ByteWriter, groups: number): void {
    const { types } = this;
    out.u32(types.length + groups);
    for (const type of types) {
      out.u8(typeCode(type));
      out.u8(MUTABLE);
      writeDummy(out, type);
      out.u8(OP.end);
    }
    for (let i = 0; i < groups; i++) {
      out.u8(typeCode(I32));
      out.u8(MUTABLE);
      writeNumber(out, NOT_ENTERED);
      out.u8(OP.end);
    }
  }
}
