// Functions of a host module between the guest's types and JavaScript's: those by which the guest's
// are entered, those that call the runtime, and those that lie in tables for functions of others.
// They come behind the guest's functions.

import type { ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import { partsOf } from "./host-types.ts";
import type { HostImports } from "./imports.ts";
import { OP } from "./opcodes.ts";
import {
  PASSED_CODES,
  passedAs,
  typeCode,
  typeOfPart,
  writeLocals,
  writePassed,
  writeUnpassed,
} from "./values.ts";

/** Whether values of these types are the same as bits. */
export function areBits(types: readonly ValType[]): boolean {
  return types.every((type) => {
    const [part, ...others] = passedAs(type);
    return others.length === 0 && PASSED_CODES[part] === typeCode(type);
  });
}

export function takesBits({ params, results }: FuncType): boolean {
  return areBits(params) && areBits(results);
}

/** What is on the stack goes to locals from `first` on. */
function writeKept(out: ByteWriter, first: number, count: number): void {
  for (let i = first + count - 1; i >= first; i--) out.indexed(OP.localSet, i);
}

function writeAllPassed(out: ByteWriter, types: readonly ValType[], first: number): void {
  types.forEach((type, i) => {
    for (let part = 0; part < passedAs(type).length; part++)
      writePassed(out, type, first + i, part);
  });
}

function writeAllUnpassed(out: ByteWriter, types: readonly ValType[], first: number): void {
  let local = first;
  for (const type of types) {
    writeUnpassed(out, type, local);
    local += passedAs(type).length;
  }
}

/** The body of a function of a guest's type that calls one that takes bits. */
export function writeToBits(out: ByteWriter, { params, results }: FuncType, callee: number): void {
  const kept = areBits(results) ? [] : partsOf(results).map(typeOfPart);
  writeLocals(out, kept);
  writeAllPassed(out, params, 0);
  out.indexed(OP.call, callee);
  if (kept.length > 0) {
    writeKept(out, params.length, kept.length);
    writeAllUnpassed(out, results, params.length);
  }
  out.u8(OP.end);
}

/** The body of a function that takes bits and calls one of a guest's type. */
function writeFromBits(out: ByteWriter, { params, results }: FuncType, callee: number): void {
  const first = partsOf(params).length;
  const kept = areBits(results) ? [] : results;
  writeLocals(out, kept);
  writeAllUnpassed(out, params, 0);
  out.indexed(OP.call, callee);
  if (kept.length > 0) {
    writeKept(out, first, kept.length);
    writeAllPassed(out, results, first);
  }
  out.u8(OP.end);
}

/** A function that is added: its type's index, and what writes its body. */
interface Adapter {
  readonly type: number;
  write(out: ByteWriter): void;
}

/** The added functions of a host module, by numbers that follow those of the defined ones. */
export class Adapters {
  private readonly module: ModuleRecord;
  private readonly imports: HostImports;
  private readonly list: Adapter[] = [];
  private readonly known = new Map<string, number>();

  constructor(module: ModuleRecord, imports: HostImports) {
    this.module = module;
    this.imports = imports;
  }

  get count(): number {
    return this.list.length;
  }

  /** How many functions the guest defines: these have the first numbers. */
  private get defined(): number {
    return this.module.functions.length - this.module.importedFunctions;
  }

  private once(key: string, adapter: () => Adapter): number {
    let number = this.known.get(key);
    if (number === undefined) {
      number = this.defined + this.list.push(adapter()) - 1;
      this.known.set(key, number);
    }
    return number;
  }

  private typeAt(index: number): FuncType {
    return funcTypeAt(this.module, index) as FuncType;
  }

  /** The number of a function that calls an imported one. */
  imported(index: number): number {
    const type = this.module.functions[index];
    return this.once(`imported ${index}`, () => {
      const callee = this.imports.function(index, this.typeAt(type));
      return { type, write: (out) => writeToBits(out, this.typeAt(type), callee) };
    });
  }

  /** The number of what stands in a table for functions of this type that are others'. */
  element(table: number, type: number): number {
    return this.once(`element ${table} ${type}`, () => {
      const callee = this.imports.element(table, type, this.typeAt(type));
      return { type, write: (out) => writeToBits(out, this.typeAt(type), callee) };
    });
  }

  /** The number of the function by which one of the guest's is entered, which is added. */
  entry(index: number): number {
    const { functions, importedFunctions } = this.module;
    const number = index - importedFunctions;
    const type = this.typeAt(functions[index]);
    if (takesBits(type)) return number;
    return this.add(this.imports.types.ofBits(type), (out) => {
      writeFromBits(out, type, this.imports.count + number);
    });
  }

  /** The number of a function of a type of its own, which is written as it is. */
  other(
    params: readonly ValType[],
    results: readonly ValType[],
    write: (out: ByteWriter) => void,
  ): number {
    return this.add(this.imports.types.add(params.map(typeCode), results.map(typeCode)), write);
  }

  /** @param type number of an added type */
  private add(type: number, write: (out: ByteWriter) => void): number {
    return this.defined + this.list.push({ type: this.module.types.length + type, write }) - 1;
  }

  writeTypes(out: ByteWriter): void {
    for (const { type } of this.list) out.u32(type);
  }

  /** The bodies, once no function is imported any more; `body` is room for one. */
  write(out: ByteWriter, body: ByteWriter): void {
    for (const { write } of this.list) {
      body.length = 0;
      write(body);
      out.sized(body);
    }
  }
}
