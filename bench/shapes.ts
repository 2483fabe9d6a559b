// Hostile shapes for the growth benchmark: for each part of the decoder and validator that could be
// worse than linear, a family of valid modules in which that part does nearly all of the work.

import { type ByteWriter, body, funcType, moduleOf, moduleOfBody, TYPE } from "./writer.ts";

/** A family of valid modules that grow with `n`. */
export interface Shape {
  readonly name: string;
  /** The smallest `n`; the largest is 16 times it and within the default limits. */
  readonly base: number;
  make(n: number): Uint8Array;
}

const { i32, i64, f32, f64 } = TYPE;

const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  i32Const: 0x41,
  i32Eqz: 0x45,
  i32Add: 0x6a,
  i64Add: 0x7c,
  refFunc: 0xd2,
  end: 0x0b,
} as const;

const THOUSAND_I32: readonly number[] = new Array<number>(1000).fill(i32);

function repeat(writer: ByteWriter, count: number, ...bytes: readonly number[]): ByteWriter {
  return writer.times(count, () => writer.u8(...bytes));
}

function openBlocks(writer: ByteWriter, count: number): ByteWriter {
  return repeat(writer, count, OP.block, TYPE.empty);
}

/** A module of `count` functions of the type [] -> [] whose bodies all are `write`. */
function functions(count: number, write: (writer: ByteWriter) => void): Uint8Array {
  return moduleOf({
    type: (w) => w.vec(1, () => funcType(w, [], [])),
    function: (w) => w.vec(count, () => w.u32(0)),
    code: (w) => w.vec(count, () => w.sized(write)),
  });
}

/** Function types that all differ: the parameters spell the index in base four. */
function distinctFuncType(writer: ByteWriter, index: number): void {
  const digits = [...index.toString(4)].map((digit) => [i32, i64, f32, f64][Number(digit)]);
  funcType(writer, digits, [i32]);
}

const CONTROL: readonly Shape[] = [
  {
    name: "nested blocks",
    base: 6_000,
    make: (n) => moduleOfBody((w) => repeat(openBlocks(w, n), n, OP.end)),
  },
  {
    name: "nested loops with values, br_if to the outermost",
    base: 6_000,
    make: (n) =>
      moduleOfBody((w) => {
        w.times(n, (_, i) => w.u8(OP.loop, TYPE.empty, OP.i32Const, 0, OP.brIf).u32(i));
        repeat(w, n, OP.end);
      }),
  },
  {
    name: "one br_table with n targets",
    base: 4_000,
    make: (n) =>
      moduleOfBody((w) => {
        openBlocks(w, 1).u8(OP.i32Const, 0, OP.brTable);
        w.vec(n, () => w.u8(0)).u8(0, OP.end);
      }),
  },
  {
    name: "n br_tables with 1,000 targets",
    base: 20,
    make: (n) =>
      moduleOfBody((w) =>
        w.times(n, () => {
          openBlocks(w, 2).u8(OP.i32Const, 0, OP.brTable);
          w.vec(1000, (_, i) => w.u8(i % 3)).u8(1, OP.end, OP.end);
        }),
      ),
  },
  {
    name: "n nested blocks, br_table to all of them",
    base: 4_000,
    make: (n) =>
      moduleOfBody((w) => {
        openBlocks(w, n).u8(OP.i32Const, 0, OP.brTable);
        w.vec(n, (_, i) => w.u32(i)).u32(n);
        repeat(w, n, OP.end);
      }),
  },
  {
    name: "try_table with n catches",
    base: 600,
    make: (n) =>
      moduleOf({
        type: (w) => w.vec(1, () => funcType(w, [], [])),
        function: (w) => w.vec(1, () => w.u32(0)),
        tag: (w) => w.vec(1, () => w.u8(0).u32(0)),
        code: (w) =>
          w.vec(1, () =>
            body(w, (b) => {
              b.u8(OP.tryTable, TYPE.empty);
              b.vec(n, () => b.u8(0, 0, 0)).u8(OP.end);
            }),
          ),
      }),
  },
  {
    name: "unreachable code, operands of every type",
    base: 6_000,
    make: (n) =>
      moduleOfBody((w) => {
        w.u8(OP.unreachable);
        repeat(w, n, OP.i32Add, OP.select, OP.i32Add, OP.drop, OP.select, OP.i64Add, OP.drop);
      }),
  },
  {
    name: "n blocks, each with unreachable code",
    base: 6_000,
    make: (n) =>
      moduleOfBody((w) => repeat(w, n, OP.block, i32, OP.br, 1, OP.i32Add, OP.end, OP.drop)),
  },
];

function thousandParams(write: (writer: ByteWriter) => void): Uint8Array {
  return moduleOf({
    type: (w) =>
      w.vec(2, (_, i) => {
        if (i === 0) funcType(w, [], []);
        else funcType(w, THOUSAND_I32, THOUSAND_I32);
      }),
    function: (w) => w.vec(2, (_, i) => w.u32(i)),
    code: (w) => w.vec(2, (_, i) => body(w, i === 0 ? write : (b) => b.u8(OP.unreachable))),
  });
}

const OPERANDS: readonly Shape[] = [
  {
    name: "n calls with 1,000 parameters and results",
    base: 500,
    make: (n) =>
      thousandParams((w) => {
        repeat(w, 1000, OP.i32Const, 0);
        w.times(n, () => w.u8(OP.call).u32(1));
        repeat(w, 1000, OP.drop);
      }),
  },
  {
    name: "n blocks with 1,000 parameters and results",
    base: 500,
    make: (n) =>
      thousandParams((w) => {
        repeat(w, 1000, OP.i32Const, 0);
        w.times(n, () => w.u8(OP.block).s32(1).u8(OP.end));
        repeat(w, 1000, OP.drop);
      }),
  },
  {
    name: "n operands on the stack, then n selects",
    base: 6_000,
    make: (n) =>
      moduleOfBody((w) => {
        repeat(w, 2 * n + 1, OP.i32Const, 0);
        repeat(w, n, OP.select).u8(OP.drop);
      }),
  },
];

/** Nested blocks, each of which gives a value to its own non-defaultable local. */
function initialisedLocals(w: ByteWriter, n: number, nested: boolean): void {
  w.vec(1, () => w.u32(n).u8(TYPE.ref).s32(0));
  w.times(n, (_, i) => {
    openBlocks(w, 1).u8(OP.refFunc, 0, OP.localSet).u32(i);
    w.u8(OP.localGet).u32(i).u8(OP.drop);
    if (!nested) w.u8(OP.end);
  });
  if (nested) repeat(w, n, OP.end);
  w.u8(OP.end);
}

/** A declarative element segment makes function 0 known to ref.func. */
function withDeclaredFunction(write: (writer: ByteWriter) => void): Uint8Array {
  return moduleOf({
    type: (w) => w.vec(1, () => funcType(w, [], [])),
    function: (w) => w.vec(1, () => w.u32(0)),
    element: (w) => w.vec(1, () => w.u8(3, 0, 1, 0)),
    code: (w) => w.vec(1, () => w.sized(write)),
  });
}

const LOCALS: readonly Shape[] = [
  {
    name: "n functions with 50,000 locals in one run",
    base: 1_000,
    make: (n) =>
      functions(n, (w) => {
        w.vec(1, () => w.u32(50_000).u8(i32));
        w.u8(OP.localGet).u32(49_999).u8(OP.drop, OP.end);
      }),
  },
  {
    name: "one function with n runs of locals, read in turn",
    base: 3_000,
    make: (n) =>
      functions(1, (w) => {
        w.vec(n, (_, i) => w.u8(1, i % 2 === 0 ? i32 : i64));
        w.times(n, (_, i) => w.u8(OP.localGet).u32(i).u8(OP.drop)).u8(OP.end);
      }),
  },
  {
    name: "non-defaultable locals set in n nested blocks",
    base: 3_000,
    make: (n) => withDeclaredFunction((w) => initialisedLocals(w, n, true)),
  },
  {
    name: "non-defaultable locals set in n blocks in a row",
    base: 3_000,
    make: (n) => withDeclaredFunction((w) => initialisedLocals(w, n, false)),
  },
];

const TYPES: readonly Shape[] = [
  {
    name: "n distinct function types",
    base: 6_000,
    make: (n) => moduleOf({ type: (w) => w.vec(n, (_, i) => distinctFuncType(w, i)) }),
  },
  {
    name: "n equal function types",
    base: 6_000,
    make: (n) => moduleOf({ type: (w) => w.vec(n, () => funcType(w, [i32, i64], [f64])) }),
  },
  {
    name: "one recursion group of n structs",
    base: 6_000,
    make: (n) =>
      moduleOf({
        type: (w) =>
          w.vec(1, () => {
            w.u8(TYPE.rec);
            w.vec(n, (_, i) =>
              w
                .u8(TYPE.struct, 1, TYPE.refNull)
                .s32((i + 1) % n)
                .u8(1),
            );
          }),
      }),
  },
  {
    name: "n types in subtype chains 63 deep",
    base: 6_000,
    make: (n) =>
      moduleOf({
        type: (w) =>
          w.vec(n, (_, i) => {
            w.u8(TYPE.sub);
            if (i % 64 === 0) w.u8(0);
            else w.u8(1).u32(i - 1);
            w.u8(TYPE.struct, 1, i32, 0);
          }),
      }),
  },
];

function itemName(index: number): string {
  return `item${index}`;
}

/** A module with one function, and `items` after it. */
function withFunction(items: Parameters<typeof moduleOf>[0]): Uint8Array {
  return moduleOf({
    type: (w) => w.vec(1, () => funcType(w, [], [])),
    function: (w) => w.vec(1, () => w.u32(0)),
    ...items,
    code: (w) => w.vec(1, () => body(w, () => {})),
  });
}

const SECTIONS: readonly Shape[] = [
  {
    name: "n functions with empty bodies",
    base: 6_000,
    make: (n) => functions(n, (w) => w.u8(0, OP.end)),
  },
  {
    name: "n imports",
    base: 6_000,
    make: (n) =>
      moduleOf({
        type: (w) => w.vec(1, () => funcType(w, [], [])),
        import: (w) => w.vec(n, (_, i) => w.name("env").name(itemName(i)).u8(0, 0)),
      }),
  },
  {
    name: "n exports",
    base: 6_000,
    make: (n) => withFunction({ export: (w) => w.vec(n, (_, i) => w.name(itemName(i)).u8(0, 0)) }),
  },
  {
    name: "n globals with initialisers",
    base: 6_000,
    make: (n) => moduleOf({ global: (w) => w.vec(n, () => w.u8(i32, 0, OP.i32Const, 0, OP.end)) }),
  },
  {
    name: "one constant expression of n instructions",
    base: 6_000,
    make: (n) =>
      moduleOf({
        global: (w) =>
          w.vec(1, () => {
            repeat(w.u8(i32, 0, OP.i32Const, 0), n, OP.i32Const, 1, OP.i32Add).u8(OP.end);
          }),
      }),
  },
  {
    name: "n element expressions",
    base: 6_000,
    make: (n) =>
      withFunction({
        element: (w) =>
          w.vec(1, () => w.u8(5, TYPE.funcref).vec(n, () => w.u8(OP.refFunc, 0, OP.end))),
      }),
  },
  {
    name: "n element segments",
    base: 6_000,
    make: (n) => withFunction({ element: (w) => w.vec(n, () => w.u8(1, 0, 1, 0)) }),
  },
  {
    name: "n data segments",
    base: 6_000,
    make: (n) => moduleOf({ data: (w) => w.vec(n, () => w.u8(1, 1, 0)) }),
  },
  {
    name: "one data segment of n bytes",
    base: 250_000,
    make: (n) => moduleOf({ data: (w) => w.vec(1, () => w.u8(1).u32(n).zeros(n)) }),
  },
  {
    name: "n custom sections",
    base: 6_000,
    make: (n) => {
      const header = moduleOf({});
      const section = moduleOf({ custom: (w) => w.name("x") }).subarray(header.length);
      const bytes = new Uint8Array(header.length + n * section.length);
      bytes.set(header);
      for (let i = 0; i < n; i++) bytes.set(section, header.length + i * section.length);
      return bytes;
    },
  },
];

/** All families; each is valid at n = base, 2, 4, 8 and 16 times base. */
export const SHAPES: readonly Shape[] = [...CONTROL, ...OPERANDS, ...LOCALS, ...TYPES, ...SECTIONS];
