// Random programs written from the first instruction to the last over a known stack of types: few
// locals that are read, set and dropped all the time, operands left on the stack across blocks and
// branches. That is where an emitter that keeps operands in locals can go wrong. Every loop counts;
// functions call only earlier ones; floats never become integers bit by bit, so NaNs stay NaNs.

import { F64, I32, I64, V128, type ValType } from "../../src/isa/types.ts";
import type { Random } from "../fuzz/random.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../fuzz/writer.ts";

type Types = readonly ValType[];
interface Signature {
  readonly params: Types;
  readonly results: Types;
}
interface Frame {
  readonly base: number;
  readonly label: Types;
}

/** The label of a loop, which nothing branches to but its own count. */
const CLOSED: Frame = { base: 0, label: [] };
const TYPES: Types = [I32, I32, I32, I64, F64, V128];
const SCALARS: Types = [I32, I32, I32, I64, F64];
const MAX_FRAMES = 5;
/** Locals between the parameters and the others, in functions with wide slots. */
const FILLERS = 130;
const LOCALS: Types = [I32, V128, I32, I64, F64, V128];
/** Locals of the loops: a counter and a limit for each nesting depth. */
const COUNTERS = 2 * (MAX_FRAMES + 1);

/** Opcodes of vectors: 0x300 and the number behind the prefix. */
const SIMD = {
  load: 0x300,
  load32Splat: 0x309,
  store: 0x30b,
  const: 0x30c,
  i32x4Splat: 0x311,
  i64x2Splat: 0x312,
  i8x16Extract: 0x316,
  i32x4Extract: 0x31b,
  i32x4Replace: 0x31c,
  i64x2Extract: 0x31d,
  i64x2Replace: 0x31e,
  i32x4Eq: 0x337,
  not: 0x34d,
  xor: 0x351,
  bitselect: 0x352,
  anyTrue: 0x353,
  i32x4Shl: 0x3ab,
  i32x4Add: 0x3ae,
  i64x2Sub: 0x3d1,
} as const;
/** Those with a lane behind the opcode. */
const WITH_LANE: ReadonlySet<number> = new Set([
  SIMD.i8x16Extract,
  SIMD.i32x4Extract,
  SIMD.i32x4Replace,
  SIMD.i64x2Extract,
  SIMD.i64x2Replace,
]);

const ALU: readonly (readonly [op: number, params: Types, result: ValType])[] = [
  ...[0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77].map(
    (op) => [op, [I32, I32], I32] as const,
  ),
  ...[0x46, 0x47, 0x48, 0x49, 0x4a, 0x4d, 0x4e, 0x4f].map((op) => [op, [I32, I32], I32] as const),
  ...[0x7c, 0x7d, 0x7e, 0x85, 0x86, 0x88].map((op) => [op, [I64, I64], I64] as const),
  ...[0x51, 0x52, 0x53, 0x5a].map((op) => [op, [I64, I64], I32] as const),
  ...[0xa0, 0xa1, 0xa2].map((op) => [op, [F64, F64], F64] as const),
  ...[0x61, 0x62, 0x63, 0x66].map((op) => [op, [F64, F64], I32] as const),
  ...[0x45, 0x45, 0x45, 0xc0].map((op) => [op, [I32], I32] as const),
  [0x50, [I64], I32],
  [0xa7, [I64], I32],
  [0xa7, [I64], I32],
  [0xac, [I32], I64],
  [0xad, [I32], I64],
  [0xb7, [I32], F64],
  ...[SIMD.xor, SIMD.i32x4Add, SIMD.i64x2Sub, SIMD.i32x4Eq].map(
    (op) => [op, [V128, V128], V128] as const,
  ),
  [SIMD.bitselect, [V128, V128, V128], V128],
  [SIMD.not, [V128], V128],
  [SIMD.i32x4Shl, [V128, I32], V128],
  [SIMD.i32x4Replace, [V128, I32], V128],
  [SIMD.i64x2Replace, [V128, I64], V128],
  [SIMD.i32x4Splat, [I32], V128],
  [SIMD.i64x2Splat, [I64], V128],
  ...[SIMD.i8x16Extract, SIMD.i32x4Extract, SIMD.anyTrue].map((op) => [op, [V128], I32] as const),
  [SIMD.i64x2Extract, [V128], I64],
];
const LOADS: readonly (readonly [op: number, result: ValType])[] = [
  ...[0x28, 0x28, 0x2c, 0x2d, 0x2f].map((op) => [op, I32] as const),
  [0x29, I64],
  [0x2b, F64],
  [SIMD.load, V128],
  [SIMD.load32Splat, V128],
];
const STORES: readonly (readonly [op: number, value: ValType])[] = [
  ...[0x36, 0x3a].map((op) => [op, I32] as const),
  ...[0x37, 0x3e].map((op) => [op, I64] as const),
  [SIMD.store, V128],
];

class StackBody {
  private readonly random: Random;
  private readonly w = new ByteWriter();
  private readonly stack: ValType[] = [];
  private readonly frames: Frame[] = [];
  private readonly locals: ValType[] = [];
  private readonly usable: number[] = [];
  private readonly counters: number;
  private readonly callees: readonly Signature[];
  private readonly typeOf: (signature: Signature) => number;
  private readonly own: Signature;

  constructor(
    random: Random,
    own: Signature,
    callees: readonly Signature[],
    typeOf: (signature: Signature) => number,
  ) {
    this.random = random;
    this.own = own;
    this.callees = callees;
    this.typeOf = typeOf;
    const fillers = random.oneIn(3) ? FILLERS : 0;
    this.usable = own.params.map((_, i) => i);
    const first = own.params.length + fillers;
    this.locals = [...own.params, ...new Array(fillers).fill(I32), ...LOCALS];
    LOCALS.forEach((_, i) => this.usable.push(first + i));
    this.counters = first + LOCALS.length;
    this.w
      .u32(LOCALS.length + 2)
      .u32(fillers)
      .valType(I32);
    for (const type of LOCALS) this.w.u32(1).valType(type);
    this.w.u32(COUNTERS).valType(I32);
  }

  generate(): Uint8Array {
    this.frames.push({ base: 0, label: this.own.results });
    this.steps(this.random.between(10, 60));
    this.finish(this.own.results);
    return this.w.byte(0x0b).finish();
  }

  private get base(): number {
    return this.frames[this.frames.length - 1].base;
  }

  private top(types: Types): boolean {
    const at = this.stack.length - types.length;
    return at >= this.base && types.every((type, i) => this.stack[at + i] === type);
  }

  private localsOf(type: ValType): number[] {
    return this.usable.filter((local) => this.locals[local] === type);
  }

  private leaf(type: ValType): void {
    const { random, w } = this;
    if (random.oneIn(4)) {
      const value = random.pick([0, 1, 2, 5, -1, 64, 255, 1000, 0x7fffffff]);
      if (type === F64) {
        w.byte(0x44).bytes(new Uint8Array(Float64Array.of(value / 4).buffer));
      } else if (type === V128) {
        const words = Int32Array.of(value, value + 1, ~value, random.u32());
        w.opcode(SIMD.const).bytes(new Uint8Array(words.buffer));
      } else w.byte(type === I32 ? 0x41 : 0x42).signed(value);
    } else w.byte(0x20).u32(random.pick(this.localsOf(type)));
    this.stack.push(type);
  }

  private leaves(types: Types): void {
    for (const type of types) this.leaf(type);
  }

  /** Takes the top off the stack: dropped, or to a local. */
  private discard(): void {
    const type = this.stack.pop() as ValType;
    if (this.random.oneIn(2)) this.w.byte(0x1a);
    else this.w.byte(0x21).u32(this.random.pick(this.localsOf(type)));
  }

  /** Leaves exactly these operands in the innermost frame. */
  private finish(types: Types): void {
    const exact = this.stack.length === this.base + types.length && this.top(types);
    if (exact) return;
    while (this.stack.length > this.base) this.discard();
    this.leaves(types);
  }

  private take(params: Types, results: Types): void {
    this.stack.length -= params.length;
    this.stack.push(...results);
  }

  private steps(count: number): void {
    for (let i = 0; i < count; i++) this.step();
  }

  private step(): void {
    const { random, stack, w } = this;
    const has = stack.length > this.base;
    switch (random.below(28)) {
      case 0:
      case 1:
      case 19:
      case 20:
        if (has) this.discard();
        return;
      case 2:
      case 3:
        if (!has) return;
        w.byte(0x22).u32(random.pick(this.localsOf(stack[stack.length - 1])));
        return;
      case 4:
      case 5:
        return this.block();
      case 6:
        return this.branchIf();
      case 7:
        return this.call();
      case 8:
        return this.load();
      case 9:
        return this.store();
      case 10:
        return this.select();
      case 11:
        return this.global();
      case 12:
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
      case 18:
        return this.leaf(random.pick(TYPES));
      default:
        return this.compute();
    }
  }

  private compute(): void {
    const fitting = ALU.filter(([, params]) => this.top(params));
    const [op, params, result] = this.random.pickFrom(fitting) ?? this.random.pick(ALU);
    if (!this.top(params)) this.leaves(params);
    this.w.opcode(op);
    if (WITH_LANE.has(op)) this.w.byte(this.random.below(2));
    this.take(params, [result]);
  }

  private address(): void {
    if (this.random.oneIn(2)) this.leaf(I32);
    else this.compute();
    if (!this.top([I32])) this.leaf(I32);
    if (this.random.oneIn(12)) return;
    this.w.byte(0x41).signed(255).byte(0x71); // i32.const, i32.and
  }

  private load(): void {
    const [op, result] = this.random.pick(LOADS);
    this.address();
    if (this.random.oneIn(2)) this.w.byte(0x41).signed(this.random.below(16)).byte(0x6a);
    this.w.opcode(op).u32(0).u32(this.random.below(40));
    this.take([I32], [result]);
  }

  private store(): void {
    const [op, value] = this.random.pick(STORES);
    this.address();
    this.leaf(value);
    if (this.random.oneIn(2)) {
      this.leaf(value);
      this.w.opcode(value === I32 ? 0x6a : value === I64 ? 0x7c : SIMD.i32x4Add);
      this.stack.pop();
    }
    this.w.opcode(op).u32(0).u32(this.random.below(40));
    this.take([I32, value], []);
  }

  private select(): void {
    const type = this.random.pick(TYPES);
    if (!this.top([type])) this.leaf(type);
    this.leaves([type, I32]);
    this.w.byte(0x1b);
    this.take([type, type, I32], [type]);
  }

  private global(): void {
    const index = this.random.below(LOCALS.length);
    const type = LOCALS[index];
    if (this.top([type]) && this.random.oneIn(2)) {
      this.w.byte(0x24).u32(index);
      this.stack.pop();
    } else {
      this.w.byte(0x23).u32(index);
      this.stack.push(type);
    }
  }

  private call(): void {
    const { random, w } = this;
    const index = random.below(this.callees.length);
    const callee = this.callees[index];
    if (callee === undefined) return;
    if (!this.top(callee.params)) this.leaves(callee.params);
    if (random.oneIn(2)) w.byte(0x10).u32(index);
    else w.byte(0x41).signed(index).byte(0x11).u32(this.typeOf(callee)).u32(0);
    this.take(callee.params, callee.results);
  }

  // Control

  private condition(): void {
    if (this.random.oneIn(3)) this.leaf(I32);
    else {
      this.compute();
      if (!this.top([I32])) this.leaf(I32);
    }
    if (this.random.oneIn(3)) this.w.byte(0x45);
  }

  private label(): number {
    const { frames, random } = this;
    for (;;) {
      const index = random.below(frames.length);
      if (frames[frames.length - 1 - index] !== CLOSED) return index;
    }
  }

  private branchIf(): void {
    const index = this.label();
    const frame = this.frames[this.frames.length - 1 - index];
    if (!this.top(frame.label)) this.leaves(frame.label);
    this.leaves([I32, I32]);
    this.w.byte(this.random.pick([0x46, 0x47, 0x48, 0x4d, 0x6a, 0x71]));
    if (this.random.oneIn(3)) this.w.byte(0x45);
    this.stack.length -= 2;
    this.w.byte(0x0d).u32(index);
  }

  private signature(): Signature {
    const { random } = this;
    const params = random.oneIn(2)
      ? []
      : this.stack.slice(Math.max(this.base, this.stack.length - 2));
    return { params, results: random.times(random.below(3), () => random.pick(TYPES)) };
  }

  private block(): void {
    const { random } = this;
    if (this.frames.length > MAX_FRAMES) return;
    const form = random.below(4);
    if (form === 3) return this.loop();
    if (form === 2) this.condition();
    const condition = form === 2 ? 1 : 0;
    this.stack.length -= condition;
    const type = this.signature();
    this.w.byte(form === 2 ? 0x04 : 0x02).signed(this.typeOf(type));
    const base = this.stack.length - type.params.length;
    this.inside(base, type.results);
    if (form === 2) {
      this.w.byte(0x05);
      this.stack.length = base;
      this.stack.push(...type.params);
      this.inside(base, type.results);
    }
    this.w.byte(0x0b);
    this.stack.length = base;
    this.stack.push(...type.results);
  }

  private inside(base: number, results: Types): void {
    this.frames.push({ base, label: results });
    this.steps(this.random.below(10));
    if (this.random.oneIn(4)) this.leave();
    else this.finish(results);
    this.frames.pop();
  }

  /** Ends a block by going elsewhere; what follows is its `end` or `else`. */
  private leave(): void {
    const { frames, random, w } = this;
    const index = this.label();
    const { label } = frames[frames.length - 1 - index];
    if (random.oneIn(4)) {
      this.leaves(this.own.results);
      w.byte(0x0f);
      return;
    }
    if (!this.top(label)) this.leaves(label);
    if (random.oneIn(2)) {
      w.byte(0x0c).u32(index);
      return;
    }
    const same = frames.flatMap((frame, i) =>
      frame !== CLOSED && String(frame.label) === String(label) ? [frames.length - 1 - i] : [],
    );
    this.leaf(I32);
    w.byte(0x41).signed(3).byte(0x71).byte(0x0e);
    w.vector(
      random.times(random.below(4), () => random.pick(same)),
      (l) => w.u32(l),
    ).u32(index);
  }

  /** A loop without operands, counted up or down in a local of its own. */
  private loop(): void {
    const { random, w } = this;
    const counter = this.counters + 2 * this.frames.length - 2;
    const down = random.oneIn(2);
    w.byte(0x41)
      .signed(down ? 3 : 0)
      .byte(0x21)
      .u32(counter);
    w.byte(0x41)
      .signed(down ? 0 : 3)
      .byte(0x21)
      .u32(counter + 1);
    const base = this.stack.length;
    w.byte(0x02).byte(0x40).byte(0x03).byte(0x40).byte(0x02).byte(0x40); // block loop block
    this.frames.push({ base, label: [] }, CLOSED, { base, label: [] });
    this.steps(random.below(8));
    while (this.stack.length > base) this.discard();
    w.byte(0x0b);
    this.frames.length -= 3;
    w.byte(0x20)
      .u32(counter)
      .byte(0x41)
      .signed(down ? -1 : 1)
      .byte(0x6a);
    if (random.oneIn(2)) w.byte(0x22).u32(counter);
    else w.byte(0x21).u32(counter).byte(0x20).u32(counter);
    const test = down ? [0x47, 0x4a, 0x4b] : [0x47, 0x48, 0x49];
    if (!down || random.oneIn(2)) {
      if (random.oneIn(2)) w.byte(0x41).signed(down ? 0 : 3);
      else w.byte(0x20).u32(counter + 1);
      w.byte(random.pick(test));
    }
    w.byte(0x0d).u32(0).byte(0x0b).byte(0x0b);
  }
}

/** What may be called from JavaScript. */
const crosses = ({ params, results }: Signature) => ![...params, ...results].includes(V128);

/**
 * A program of a few functions, exported as far as they can be called, with a memory, a table and
 * globals.
 */
export function stackProgram(random: Random): Uint8Array<ArrayBuffer> {
  const types: Signature[] = [];
  const typeOf = (signature: Signature): number => {
    const key = `${signature.params}>${signature.results}`;
    const found = types.findIndex(({ params, results }) => `${params}>${results}` === key);
    return found >= 0 ? found : types.push(signature) - 1;
  };
  const functions: Signature[] = [];
  const bodies = random.times(4, (index): Uint8Array => {
    // The last ones can be called from outside.
    const of = index < 2 ? TYPES : SCALARS;
    const params = [I32, I32, ...random.times(random.below(3), () => random.pick(of))];
    const results = random.times(random.between(1, 2), () => random.pick(of));
    const own = { params: [...params, I64, F64], results };
    const body = new StackBody(random, own, [...functions], typeOf).generate();
    functions.push(own);
    return body;
  });
  const funcTypes = functions.map(typeOf);
  const exported = functions.flatMap((own, i) => (crosses(own) ? [i] : []));
  return new ModuleWriter()
    .vectorSection(SECTION.type, types, (w, { params, results }) => {
      w.byte(0x60);
      for (const list of [params, results]) w.vector(list, (type) => w.valType(type));
    })
    .vectorSection(SECTION.function, funcTypes, (w, type) => w.u32(type))
    .section(SECTION.table, (w) => w.bytes([1, 0x70, 0, functions.length]))
    .section(SECTION.memory, (w) => w.bytes([1, 0, 1]))
    .vectorSection(SECTION.global, LOCALS, (w, type) => {
      w.valType(type).byte(1);
      if (type === F64) w.byte(0x44).bytes([0, 0, 0, 0, 0, 0, 0, 0]);
      else if (type === V128) w.opcode(SIMD.const).bytes(new Uint8Array(16));
      else w.byte(type === I32 ? 0x41 : 0x42).byte(0);
      w.byte(0x0b);
    })
    .section(SECTION.export, (w) => {
      const globals = LOCALS.flatMap((type, i) => (type === V128 ? [] : [i]));
      w.u32(exported.length + globals.length + 1);
      for (const i of exported) w.name(`func${i}`).byte(0).u32(i);
      for (const i of globals) w.name(`global${i}`).byte(3).u32(i);
      w.name("memory0").byte(2).u32(0);
    })
    .section(SECTION.element, (w) => {
      w.bytes([1, 0, 0x41, 0, 0x0b]).vector(functions, (_, i) => w.u32(i));
    })
    .code(bodies)
    .finish();
}
