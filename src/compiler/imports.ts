// The functions that a host module imports: all are the runtime's, and what the guest imports is
// called through it. They are found while bodies are written.

import type { ValType } from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import { HostTypes } from "./host-types.ts";
import { LeftOut } from "./left-out.ts";
import { PASSED_CODES, PASSED_ORDER, type PassedAs, typeCode } from "./values.ts";

/** A function that the runtime has for compiled code. */
export type RuntimeImport =
  /**
   * Asks for budget, or saves a frame: gets the values of a site, what is left of the budget, and
   * the site's number. Gives the new budget, or `SAVING`, and has put that into the global as well.
   */
  | { readonly kind: "site" }
  /**
   * Executes an instruction with these immediates: gets its operands, what is left of the budget,
   * and the number of the site behind it. Leaves the new budget in its global.
   */
  | InstructionImport
  /** Calls a function that is imported, or not compiled. */
  | { readonly kind: "function"; readonly index: number }
  /** A function of the module as its own host module has it: for code that is in another one. */
  | { readonly kind: "callee"; readonly index: number }
  /** Calls the element that an indirect call has taken last, a function of others. */
  | { readonly kind: "element"; readonly table: number; readonly type: FuncType }
  /** Gets at a global of the module's own host module, by its index there. */
  | { readonly kind: "getter" | "setter"; readonly index: number }
  /** Gets at a global of the guest's that is a reference. */
  | { readonly kind: "get reference" | "set reference"; readonly index: number }
  /** Gives the index in the host's table for one that is not below its limit. */
  | { readonly kind: "resolve"; readonly table: number };

export interface InstructionImport {
  readonly kind: "instruction";
  readonly op: number;
  readonly immediates: readonly number[];
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/**
 * Signatures of sites. Types that the host module has besides the guest's may be twice as many: V8
 * 11 takes 0.15 ms for each of a function that is imported, when an instance is made.
 */
export const MOST_SIGNATURES = 256;

/** The module name of what the runtime gives; the fields are numbers. */
export const RUNTIME = "runtime";

/** The functions of the runtime that a module needs. */
export class HostImports {
  readonly list: RuntimeImport[] = [];
  /** Their types, and others that are added. */
  readonly types = new HostTypes();
  private readonly typeNumbers: number[] = [];
  private readonly known = new Map<string, number>();
  private readonly knownSites = new Map<number, number>();

  /** How many functions are imported. */
  get count(): number {
    return this.list.length;
  }

  private add(item: RuntimeImport, type: number): number {
    this.typeNumbers.push(type);
    return this.list.push(item) - 1;
  }

  private once(key: string, item: RuntimeImport, type: () => number): number {
    const index = this.known.get(key) ?? this.add(item, type());
    this.known.set(key, index);
    return index;
  }

  /**
   * The function for sites with so many values of each class, in `PASSED_ORDER`; less than 1024
   * of all. Every site asks for one, so that the key is a number.
   * @throws LeftOut
   */
  site(counts: Readonly<Record<PassedAs, number>>): number {
    const key = (counts.reference * 1024 + counts.i64) * 1024 + counts.i32;
    const known = this.knownSites.get(key);
    if (known !== undefined) return known;
    if (this.knownSites.size === MOST_SIGNATURES) {
      throw new LeftOut("its frames are of more shapes than the host can be asked for");
    }
    const params = PASSED_ORDER.flatMap((kind) =>
      new Array<number>(counts[kind]).fill(PASSED_CODES[kind]),
    );
    const code = PASSED_CODES.i32;
    const type = this.types.add([...params, code, code], [code]);
    const index = this.add({ kind: "site" }, type);
    this.knownSites.set(key, index);
    return index;
  }

  /** The function that executes an instruction. */
  instruction(
    op: number,
    immediates: readonly number[],
    params: readonly ValType[],
    results: readonly ValType[],
  ): number {
    const key = `instruction ${op} ${immediates.join(" ")}`;
    const item = { kind: "instruction", op, immediates, params, results } as const;
    return this.once(key, item, () => this.types.ofBits(item, 2));
  }

  /** The function that calls one that is not compiled. */
  function(index: number, type: FuncType): number {
    const item = { kind: "function", index } as const;
    return this.once(`function ${index}`, item, () => this.types.ofBits(type));
  }

  /** A function of the module, where the host's module does not define it. */
  callee(index: number, { params, results }: FuncType): number {
    const item = { kind: "callee", index } as const;
    return this.once(`callee ${index}`, item, () => {
      return this.types.add(params.map(typeCode), results.map(typeCode));
    });
  }

  /** The functions that get at a global of the module's own host module. */
  getter(index: number, type: ValType): number {
    const item = { kind: "getter", index } as const;
    return this.once(`getter ${index}`, item, () => this.types.add([], [typeCode(type)]));
  }

  setter(index: number, type: ValType): number {
    const item = { kind: "setter", index } as const;
    return this.once(`setter ${index}`, item, () => this.types.add([typeCode(type)], []));
  }

  /** The function that calls the element of a table that an indirect call has taken last. */
  element(table: number, typeIndex: number, type: FuncType): number {
    const item = { kind: "element", table, type } as const;
    return this.once(`element ${table} ${typeIndex}`, item, () => this.types.ofBits(type));
  }

  /** The function that gets or sets a global of the guest's that is a reference. */
  reference(kind: "get reference" | "set reference", index: number): number {
    const { reference } = PASSED_CODES;
    const [params, results] = kind === "get reference" ? [[], [reference]] : [[reference], []];
    return this.once(`${kind} ${index}`, { kind, index }, () => this.types.add(params, results));
  }

  /** The function that finds an element which the host's table may not have. */
  resolve(table: number): number {
    const { i32 } = PASSED_CODES;
    const item = { kind: "resolve", table } as const;
    return this.once(`resolve ${table}`, item, () => this.types.add([i32], [i32]));
  }

  /** Entries of the import section; the added types begin at `firstType`. */
  writeImports(out: ByteWriter, firstType: number): void {
    this.typeNumbers.forEach((type, i) => {
      out.name(RUNTIME);
      out.name(String(i));
      out.indexed(0x00, firstType + type);
    });
  }
}
