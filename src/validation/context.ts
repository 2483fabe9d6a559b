// What a function body is validated against (spec: 3.1.1 Contexts): the index spaces of its module
// in the form the body validator reads fastest.

import { I32, I64, type ValType } from "../isa/types.ts";
import { InvalidError } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import type { FuncType, ModuleRecord } from "../module/module.ts";
import { TypeContext } from "./type-context.ts";

/** The context C of the specification, minus what changes inside a function body. */
export class ModuleContext {
  readonly module: ModuleRecord;
  readonly limits: DecodingLimits;
  readonly types: TypeContext;
  /** Function type of each function. */
  readonly functions: FuncType[] = [];
  /** Address type, i32 or i64, of each table and memory. */
  readonly tableAddresses: ValType[] = [];
  readonly memoryAddresses: ValType[] = [];
  /** A bit for each function that `ref.func` may name: it occurs outside of bodies (C.refs). */
  private declared = new Uint32Array(8);
  /** Globals a constant expression may read: those before it. */
  visibleGlobals = 0;

  constructor(module: ModuleRecord, limits: DecodingLimits) {
    this.module = module;
    this.limits = limits;
    this.types = new TypeContext(module.types, limits);
  }

  /** Notes that a function occurs outside of bodies. */
  declare(index: number): void {
    const at = index >>> 5;
    if (at >= this.declared.length) {
      const grown = new Uint32Array(2 * at);
      grown.set(this.declared);
      this.declared = grown;
    }
    this.declared[at] |= 1 << (index & 31);
  }

  isDeclared(index: number): boolean {
    return ((this.declared[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  /** Brings the derived arrays up to the sections decoded so far. */
  refresh(): void {
    const { module } = this;
    for (let i = this.functions.length; i < module.functions.length; i++) {
      this.functions.push(this.funcType(module.functions[i]));
    }
    for (let i = this.tableAddresses.length; i < module.tables.length; i++) {
      this.tableAddresses.push(module.tables[i].type.address64 ? I64 : I32);
    }
    for (let i = this.memoryAddresses.length; i < module.memories.length; i++) {
      this.memoryAddresses.push(module.memories[i].type.address64 ? I64 : I32);
    }
  }

  /** The function type with this type index. */
  funcType(typeIndex: number): FuncType {
    const type = this.module.types[typeIndex];
    if (type === undefined) throw new InvalidError("unknown type", String(typeIndex));
    if (type.composite.kind === "func") return type.composite;
    const found = type.composite.kind;
    throw new InvalidError("unknown type", `type ${typeIndex} is no function type`, {
      expected: "func",
      found,
    });
  }
}
