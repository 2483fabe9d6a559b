// Small generators of hostile modules: a module from its parts, code from mnemonics. Nothing here
// knows validity; what an attack asks for is what gets written.

import { I32, type ValType } from "../../src/isa/types.ts";
import { opcodeByName } from "../fuzz/generate/body.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../fuzz/writer.ts";

/** Block type without parameters and results. */
const EMPTY = 0x40;

/** Code under construction. */
export class Code extends ByteWriter {
  /** An instruction whose immediates are unsigned integers. */
  op(name: string, ...immediates: readonly number[]): this {
    this.opcode(opcodeByName(name));
    for (const immediate of immediates) this.u32(immediate);
    return this;
  }

  i32(value: number): this {
    return this.op("i32.const").signed(value);
  }

  i64(value: bigint): this {
    return this.op("i64.const").signed(value);
  }

  /** A block, loop or if without type around what `write` writes. */
  block(name: "block" | "loop" | "if", write: (code: this) => void): this {
    this.op(name).byte(EMPTY);
    write(this);
    return this.op("end");
  }

  /** A try_table without type; clauses are bytes: kind, tag, label. */
  tryTable(clauses: readonly (readonly number[])[], write: (code: this) => void): this {
    this.op("try_table").byte(EMPTY).u32(clauses.length);
    for (const clause of clauses) for (const value of clause) this.u32(value);
    write(this);
    return this.op("end");
  }

  repeat(count: number, write: (code: this, index: number) => void): this {
    for (let i = 0; i < count; i++) write(this, i);
    return this;
  }

  /** A loop without end. */
  forever(write: (code: this) => void): this {
    return this.block("loop", (code) => {
      write(code);
      code.op("br", 0);
    });
  }
}

type Write = (code: Code) => unknown;

export interface FunctionPart {
  /** Index of its type. Default 0, which is [] -> [] unless `types` says otherwise. */
  readonly type?: number;
  readonly export?: string;
  readonly locals?: readonly (readonly [count: number, type: ValType])[];
  readonly code: Write;
}

/** Sizes of a memory or table. */
export type Size = readonly [min: number, max?: number];

export interface Parts {
  readonly types?: readonly (readonly [params: readonly ValType[], results: readonly ValType[]])[];
  /** Types behind those, each written whole. */
  readonly moreTypes?: readonly Write[];
  /** Functions by name and type index, from `env` unless a module is named. */
  readonly imports?: readonly (readonly [name: string, type: number, module?: string])[];
  /** Tags from `env`, by name and type index. */
  readonly importedTags?: readonly (readonly [name: string, type: number])[];
  readonly functions?: readonly FunctionPart[];
  readonly tables?: readonly (readonly [element: ValType, size: Size])[];
  readonly memories?: readonly Size[];
  /** Whether those are shared; they have a maximum then. */
  readonly shared?: boolean;
  /** Type indices. */
  readonly tags?: readonly number[];
  /** Mutable globals. */
  readonly globals?: readonly (readonly [type: ValType, init: Write])[];
  /** Further exports by name: kind and index as in the binary format. */
  readonly exports?: Readonly<Record<string, readonly [kind: number, index: number]>>;
  readonly start?: number;
  /** Element segments, each written whole. */
  readonly elements?: readonly Write[];
  /** Data segments, each written whole. */
  readonly data?: readonly Write[];
  /** Custom sections at the end. */
  readonly customs?: readonly (readonly [name: string, content: Uint8Array])[];
}

function limits(w: ByteWriter, [min, max]: Size): void {
  w.byte(max === undefined ? 0 : 1).u32(min);
  if (max !== undefined) w.u32(max);
}

function bodyOf({ locals = [], code }: FunctionPart): Uint8Array {
  const w = new Code();
  w.vector(locals, ([count, type]) => w.u32(count).valType(type));
  code(w);
  return w.op("end").finish();
}

/** The module of these parts. */
export function build(parts: Parts): Uint8Array<ArrayBuffer> {
  const {
    types = [[[], []]],
    imports = [],
    importedTags = [],
    functions = [],
    tables = [],
    memories = [],
  } = parts;
  const module = new ModuleWriter();
  const functionTypes = types.map(([params, results]): Write => {
    return (w) =>
      w
        .byte(0x60)
        .vector(params, (t) => w.valType(t))
        .vector(results, (t) => w.valType(t));
  });
  const allTypes = [...functionTypes, ...(parts.moreTypes ?? [])];
  module.vectorSection(SECTION.type, allTypes, (w, write) => w.bytes(written(write)));
  const imported = [
    ...imports.map(([name, type, from = "env"]) => [from, name, [0, type]] as const),
    ...importedTags.map(([name, type]) => ["env", name, [4, 0, type]] as const),
  ];
  module.vectorSection(SECTION.import, imported, (w, [from, name, type]) => {
    w.name(from).name(name);
    for (const number of type) w.u32(number);
  });
  module.vectorSection(SECTION.function, functions, (w, { type = 0 }) => w.u32(type));
  module.vectorSection(SECTION.table, tables, (w, [element, size]) => {
    limits(w.valType(element), size);
  });
  module.vectorSection(SECTION.memory, memories, (w, size) => {
    if (parts.shared !== true) return limits(w, size);
    return w
      .byte(3)
      .u32(size[0])
      .u32(size[1] ?? size[0]);
  });
  module.vectorSection(SECTION.tag, parts.tags ?? [], (w, type) => w.byte(0).u32(type));
  module.vectorSection(SECTION.global, parts.globals ?? [], (w, [type, init]) => {
    const code = new Code();
    init(code);
    w.valType(type).byte(1).bytes(code.op("end").view());
  });
  const exported = functions.flatMap(({ export: name }, i) =>
    name === undefined ? [] : [[name, [0, imports.length + i]] as const],
  );
  const others = Object.entries(parts.exports ?? {});
  module.vectorSection(SECTION.export, [...exported, ...others], (w, [name, [kind, index]]) => {
    w.name(name).byte(kind).u32(index);
  });
  const { start, elements = [], data = [], customs = [] } = parts;
  if (start !== undefined) module.section(SECTION.start, (w) => w.u32(start));
  module.vectorSection(SECTION.element, elements, (w, write) => w.bytes(written(write)));
  if (data.length > 0) module.section(SECTION.dataCount, (w) => w.u32(data.length));
  module.code(functions.map(bodyOf));
  module.vectorSection(SECTION.data, data, (w, write) => w.bytes(written(write)));
  for (const [name, content] of customs) module.custom(name, content);
  return module.finish();
}

function written(write: Write): Uint8Array {
  const code = new Code();
  write(code);
  return code.view();
}

/** Code in a block with 1,000 results, which are there when it begins. */
export function inLargeBlock(write: (code: Code) => unknown): Parts {
  return {
    types: [
      [[], []],
      [[], Array.from({ length: 1000 }, () => I32)],
    ],
    functions: [
      {
        code(code) {
          code
            .op("block")
            .signed(1)
            .repeat(1000, (c) => c.i32(0));
          write(code);
          code.op("end").repeat(1000, (c) => c.op("drop"));
        },
      },
    ],
  };
}

/** So many `br_if` in such a block: each has its operands checked. */
export function carrying(branches: number): Parts {
  return inLargeBlock((code) => code.repeat(branches, (c) => c.i32(0).op("br_if", 0)));
}

/** A struct type of so many mutable fields. */
export function structType(count: number, type: ValType): Write {
  return (w) => w.byte(0x5f).vector(new Array(count).fill(type), () => w.valType(type).byte(1));
}

/** A type of arrays of mutable elements. */
export function arrayType(type: ValType): Write {
  return (w) => w.byte(0x5e).valType(type).byte(1);
}

/** A passive data segment of zeros. */
export function passiveData(bytes: number): Write {
  return (w) => w.u32(1).u32(bytes).bytes(new Uint8Array(bytes));
}

/** A passive element segment of references to function 0. */
export function passiveElements(count: number): Write {
  return (w) => w.u32(1).byte(0).u32(count).bytes(new Uint8Array(count));
}
