// A program for any Node, bundled by nans.test.ts: runs every row with a float operand or result
// until it is hot, and writes a JSON line with what it found. By hand:
// npx tsx test/interpreter/nan-program.ts
//
// Which NaN a JavaScript function gives is the host's business, and changes with its tiers. So each
// result is looked at after each round: NaNs must be in the set that the specification allows
// (4.3.3, NaN propagation), everything else what it was in the first round.

import { Module, Store } from "../../src/api/index.ts";
import { type Instruction, PREFIX_BASE } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";
import { leb, moduleOf, opcodeBytes, section } from "../isa/host.ts";

/** Operands of f32; those of f64 are their like. NaNs: canonical, with payload, signalling. */
const F32_OPERANDS = [
  0x00000000, 0x80000000, 0x3f800000, 0xbfc00000, 0x3f000000, 0x00000001, 0x7f800000, 0xff800000,
  0x7fc00000, 0xffc00000, 0x7fc01234, 0xffffffff, 0x7f800001, 0xffa00000, 0x4f000000, 0x4b000001,
].map(BigInt);

const F64_OPERANDS = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff8000000000000n,
  0x3fe0000000000000n,
  0x0000000000000001n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff8000000001234n,
  0xffffffffffffffffn,
  0x7ff0000000000001n,
  0xfff4000000000000n,
  0x41e0000000000000n,
  0x4330000000000001n,
];

const INTEGER_OPERANDS = F64_OPERANDS.map((bits) => bits ^ (bits >> 32n));

const COUNT = F32_OPERANDS.length;
const CELL = 8;
/** In which ways each result is computed: fused with its neighbours, alone, from constants. */
const WAYS = ["fused", "alone", "constant"] as const;
/** Bytes of results of one row. */
const ROW_BYTES = WAYS.length * COUNT * COUNT * CELL;
const FIRST_RESULT = 4096;

interface Shape {
  readonly operands: readonly bigint[];
  readonly load: readonly number[];
  readonly store: number;
  readonly type: number;
  constant(bits: bigint): number[];
}

/** Signed LEB128. */
function signedLeb(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest >= -64n && rest < 64n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function bytesOf(bits: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
}

const SHAPES = new Map<ValType, Shape>([
  [
    I32,
    {
      operands: INTEGER_OPERANDS.map((bits) => BigInt.asUintN(32, bits)),
      load: [0x28, 2],
      store: 0x36,
      type: 0x7f,
      constant: (bits) => [0x41, ...signedLeb(BigInt.asIntN(32, bits))],
    },
  ],
  [
    I64,
    {
      operands: INTEGER_OPERANDS,
      load: [0x29, 3],
      store: 0x37,
      type: 0x7e,
      constant: (bits) => [0x42, ...signedLeb(BigInt.asIntN(64, bits))],
    },
  ],
  [
    F32,
    {
      operands: F32_OPERANDS,
      load: [0x2a, 2],
      store: 0x38,
      type: 0x7d,
      constant: (bits) => [0x43, ...bytesOf(bits, 4)],
    },
  ],
  [
    F64,
    {
      operands: F64_OPERANDS,
      load: [0x2b, 3],
      store: 0x39,
      type: 0x7c,
      constant: (bits) => [0x44, ...bytesOf(bits, 8)],
    },
  ],
]);

const shapeOf = (type: ValType) => SHAPES.get(type) as Shape;
const TYPES = [...SHAPES.keys()];

const isFloat = (type: ValType) => type === F32 || type === F64;

/** What does not trap and has to do with floats. */
const ROWS = INSTRUCTIONS.filter(({ meaning, params, results }) => {
  if (meaning === null || params === null || meaning.traps !== undefined) return false;
  return (
    [...params, ...results].every((type) => SHAPES.has(type)) &&
    [...params, ...results].some(isFloat)
  );
});

/** Where the results of a row lie that were computed in one way. */
const resultsOf = (row: number, way: number) => {
  return FIRST_RESULT + row * ROW_BYTES + way * COUNT * COUNT * CELL;
};
const operandsAt = (type: ValType) => TYPES.indexOf(type) * COUNT * CELL;

/**
 * A function that computes the results of a row. Locals 0 and 1 are the operands' offsets, 2 is
 * where results go; 3 and 4 the operands, 5 the result, on their way from one instruction to another.
 */
function bodyOf(row: Instruction, index: number): number[] {
  const [first, second] = row.params as readonly ValType[];
  const params = second === undefined ? [first] : [first, second];
  const result = shapeOf(row.results[0]);
  const code = opcodeBytes(row.opcode, PREFIX_BASE);
  const loads = params.map((type, i) => {
    return [0x20, i, ...shapeOf(type).load, ...leb(operandsAt(type))];
  });
  const store = (way: number) => [result.store, result.load[1], ...leb(resultsOf(index, way))];
  const fused = [0x20, 2, ...loads.flat(), ...code, ...store(0)];
  const keep = loads.flatMap((load, i) => [...load, 0x21, 3 + i]);
  const use = params.flatMap((_, i) => [0x20, 3 + i]);
  const alone = [...keep, ...use, ...code, 0x21, 5, 0x20, 2, 0x20, 5, ...store(1)];
  const end = COUNT * CELL;
  /** Adds `by` to a local, and goes round again while it is below the end. */
  const step = (local: number, by: number) => [
    0x20,
    local,
    0x41,
    ...signedLeb(BigInt(by)),
    0x6a,
    0x22,
    local,
  ];
  const again = (local: number) => [
    ...step(local, CELL),
    0x41,
    ...signedLeb(BigInt(end)),
    0x49,
    0x0d,
    0,
    0x0b,
  ];
  const inner = [0x03, 0x40, ...fused, ...alone, ...step(2, CELL), 0x1a, ...again(1)];
  const loop = [0x03, 0x40, 0x41, 0, 0x21, 1, ...inner, ...again(0)];
  const constants: number[] = [];
  for (let at = 0; at < COUNT * COUNT; at++) {
    const indices = [Math.floor(at / COUNT), at % COUNT];
    const values = params.flatMap((type, i) => {
      const shape = shapeOf(type);
      return shape.constant(shape.operands[indices[i]]);
    });
    constants.push(0x41, ...signedLeb(BigInt(at * CELL)), ...values, ...code, ...store(2));
  }
  const locals = [
    4,
    3,
    0x7f,
    ...[first, second ?? first].flatMap((type) => [1, shapeOf(type).type]),
    1,
    result.type,
  ];
  return [...locals, ...loop, ...constants, 0x0b];
}

function moduleOfRows(): Uint8Array<ArrayBuffer> {
  const bodies = ROWS.map(bodyOf);
  // The last function calls all others.
  bodies.push([0, ...ROWS.flatMap((_, i) => [0x10, ...leb(i)]), 0x0b]);
  const pages = Math.ceil((FIRST_RESULT + ROWS.length * ROW_BYTES) / 65_536);
  const memory = [0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79];
  return moduleOf(
    section(1, [1, 0x60, 0, 0]),
    section(3, [...leb(bodies.length), ...bodies.map(() => 0)]),
    section(5, [1, 0, ...leb(pages)]),
    section(7, [2, memory.length, ...memory, 2, 0, 3, 0x72, 0x75, 0x6e, 0, ...leb(ROWS.length)]),
    section(10, [
      ...leb(bodies.length),
      ...bodies.flatMap((body) => [...leb(body.length), ...body]),
    ]),
  );
}

/** Rows whose result is fixed bit by bit, whatever the operands are. */
const EXACT = /\.(abs|neg|copysign|reinterpret_\w+)$/;

const LAYOUTS = new Map<
  ValType,
  { readonly sign: bigint; readonly infinity: bigint; readonly quiet: bigint }
>([
  [F32, { sign: 1n << 31n, infinity: 0x7f800000n, quiet: 1n << 22n }],
  [F64, { sign: 1n << 63n, infinity: 0x7ff0000000000000n, quiet: 1n << 51n }],
]);

/** What kind of NaN the bits of a value are; null if they are none. */
function nanKind(bits: bigint, type: ValType): "canonical" | "arithmetic" | "signalling" | null {
  const layout = LAYOUTS.get(type);
  if (layout === undefined) return null;
  const magnitude = bits & (layout.sign - 1n);
  if (magnitude <= layout.infinity) return null;
  if (magnitude === (layout.infinity | layout.quiet)) return "canonical";
  return (magnitude & layout.quiet) !== 0n ? "arithmetic" : "signalling";
}

/** Whether the specification allows a result that is NaN for these operands. */
function allowsNan(row: Instruction, operands: readonly bigint[], result: bigint): boolean {
  const kind = nanKind(result, row.results[0]);
  if (kind === "canonical") return true;
  if (kind !== "arithmetic") return false;
  return operands.some((bits, i) => {
    const found = nanKind(bits, (row.params as readonly ValType[])[i]);
    return found === "arithmetic" || found === "signalling";
  });
}

/** Looks at all results: a line for each that is wrong. `first` are those of the first round. */
function faults(view: DataView, first: DataView): string[] {
  const lines: string[] = [];
  ROWS.forEach((row, index) => {
    const wide = row.results[0] === I64 || row.results[0] === F64;
    const read = (from: DataView, at: number) =>
      wide ? from.getBigUint64(at, true) : BigInt(from.getUint32(at, true));
    WAYS.forEach((way, w) => {
      for (let at = 0; at < COUNT * COUNT; at++) {
        const address = resultsOf(index, w) + at * CELL;
        const [result, before] = [read(view, address), read(first, address)];
        const indices = [Math.floor(at / COUNT), at % COUNT];
        const operands = (row.params as readonly ValType[]).map(
          (type, i) => shapeOf(type).operands[indices[i]],
        );
        const nan = !EXACT.test(row.name) && nanKind(result, row.results[0]) !== null;
        const same = nanKind(before, row.results[0]) !== null;
        if (nan ? same && allowsNan(row, operands, result) : result === before) continue;
        const hex = [...operands, result].map((bits) => bits.toString(16));
        lines.push(`${way} ${row.name} of ${hex.join(" ")}`);
      }
    });
  });
  return lines;
}

/** What the program writes. */
export interface Examination {
  readonly node: string;
  readonly rows: number;
  readonly results: number;
  /** What was wrong, and in which round first. */
  readonly faults: readonly (readonly [what: string, round: number])[];
}

function examine(rounds: number): Examination {
  const instance = new Store().instantiate(Module.from(moduleOfRows()), {});
  const { bytes } = instance.memory("memory");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const type of TYPES) {
    shapeOf(type).operands.forEach((bits, i) => {
      view.setBigUint64(operandsAt(type) + i * CELL, bits, true);
    });
  }
  const run = instance.func("run");
  let first: DataView | null = null;
  const found = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    run.call();
    first ??= new DataView(bytes.slice().buffer);
    for (const line of faults(view, first)) if (!found.has(line)) found.set(line, round);
  }
  const results = rounds * ROWS.length * WAYS.length * COUNT * COUNT;
  return { node: process.version, rows: ROWS.length, results, faults: [...found] };
}

console.log(JSON.stringify(examine(Number(process.argv[2] ?? 200))));
