// What a host module imports besides what the guest's module does: functions of the runtime. They
// are found while bodies are written, and come behind the guest's functions in the index space.

import type { ValType } from "../isa/types.ts";
import type { ByteWriter } from "./bytes.ts";
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
  /** Runs a function of the module that is not compiled. */
  | { readonly kind: "function"; readonly index: number }
  /** A function of the module as its own host module has it: for code that is in another one. */
  | { readonly kind: "callee"; readonly index: number };

export interface InstructionImport {
  readonly kind: "instruction";
  readonly op: number;
  readonly immediates: readonly number[];
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

const I32 = PASSED_CODES.i32;

/** Types of parameters and results, as codes of the binary format. */
interface Signature {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

/** The module name of what the runtime gives; the fields are numbers. */
export const RUNTIME = "runtime";

/** The functions of the runtime that a module needs. */
export class HostImports {
  readonly list: RuntimeImport[] = [];
  private readonly signatures: Signature[] = [];
  private readonly known = new Map<string, number>();
  private readonly knownSites = new Map<number, number>();
  private readonly first: number;

  /** @param first index of the first function behind those that the guest imports */
  constructor(first: number) {
    this.first = first;
  }

  /** How many functions are imported, the guest's included. */
  get count(): number {
    return this.first + this.list.length;
  }

  private add(item: RuntimeImport, signature: Signature): number {
    const index = this.count;
    this.list.push(item);
    this.signatures.push(signature);
    return index;
  }

  private once(key: string, item: RuntimeImport, signature: () => Signature): number {
    const index = this.known.get(key) ?? this.add(item, signature());
    this.known.set(key, index);
    return index;
  }

  /**
   * The function for sites with so many values of each class, in `PASSED_ORDER`; less than 1024
   * of each. Every site asks for one, so that the key is a number.
   */
  site(counts: Readonly<Record<PassedAs, number>>): number {
    const { externref, funcref, i32, i64 } = counts;
    const key = ((externref * 1024 + funcref) * 1024 + i64) * 1024 + i32;
    const known = this.knownSites.get(key);
    if (known !== undefined) return known;
    const params = PASSED_ORDER.flatMap((kind) =>
      new Array<number>(counts[kind]).fill(PASSED_CODES[kind]),
    );
    const index = this.add({ kind: "site" }, { params: [...params, I32, I32], results: [I32] });
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
    return this.once(key, item, () => {
      const codes = codesOf(params, results);
      return { ...codes, params: [...codes.params, I32, I32] };
    });
  }

  /** The function that runs what is not compiled. */
  function(index: number, params: readonly ValType[], results: readonly ValType[]): number {
    const item = { kind: "function", index } as const;
    return this.once(`function ${index}`, item, () => codesOf(params, results));
  }

  /** A function of the module, where the host's module does not define it. */
  callee(index: number, params: readonly ValType[], results: readonly ValType[]): number {
    const item = { kind: "callee", index } as const;
    return this.once(`callee ${index}`, item, () => codesOf(params, results));
  }

  /** Types of the imports, one each. */
  writeTypes(out: ByteWriter): void {
    for (const { params, results } of this.signatures) {
      out.u8(0x60);
      out.u32(params.length);
      for (const code of params) out.u8(code);
      out.u32(results.length);
      for (const code of results) out.u8(code);
    }
  }

  /** Entries of the import section; the types begin at `firstType`. */
  writeImports(out: ByteWriter, firstType: number): void {
    for (let i = 0; i < this.list.length; i++) {
      out.name(RUNTIME);
      out.name(String(i));
      out.indexed(0x00, firstType + i);
    }
  }
}

function codesOf(params: readonly ValType[], results: readonly ValType[]): Signature {
  return { params: params.map(typeCode), results: results.map(typeCode) };
}
