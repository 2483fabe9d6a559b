// The state while a function body is generated: bytes written so far, control frames, number of
// operands, initialised locals. Code is generated from the top down, "a value of type t" or "a
// statement"; how that is done is a table of productions (control.ts, references.ts, plain.ts).

import { INSTRUCTIONS } from "../../../src/isa/instructions.ts";
import {
  FUNCREF,
  heapOf,
  isDefaultable,
  isNullable,
  isReference,
  type ValType,
} from "../../../src/isa/types.ts";
import type { Random } from "../random.ts";
import { ByteWriter } from "../writer.ts";
import { writeConstant } from "./literals.ts";
import type { Plan } from "./plan.ts";
import type { TypeDef, TypeSpace } from "./types.ts";

/** A way to generate a value of some type. `emit` leaves exactly one operand of that type. */
export interface ValueProduction {
  readonly weight: number;
  can(body: Body, type: ValType): boolean;
  emit(body: Body, type: ValType, depth: number): void;
}

/** A way to generate code that leaves the operand stack as it was, or the rest unreachable. */
export interface StatementProduction {
  readonly weight: number;
  can(body: Body): boolean;
  emit(body: Body, depth: number): void;
}

/** All ways to generate code. */
export interface Productions {
  readonly values: readonly ValueProduction[];
  readonly statements: readonly StatementProduction[];
}

/** A block type; without an index it is written in the short form. */
export interface BlockType {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly index: number | null;
}

export type FrameKind = "function" | "block" | "loop" | "try" | "catch";

interface Frame {
  kind: FrameKind;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly labelTypes: readonly ValType[];
  /** Operands on the stack that belong to this frame. */
  height: number;
  unreachable: boolean;
  /** Locals that had a value when it was entered. */
  readonly initialised: ReadonlySet<number>;
}

const MAX_DEPTH = 8;
const MAX_FRAMES = 12;
/** Productions drawn before the shortest code is taken. */
const ATTEMPTS = 8;

const OPCODES = new Map(INSTRUCTIONS.map((row) => [row.name, row.opcode]));

/** Dense opcode of a mnemonic. */
export function opcodeByName(name: string): number {
  const opcode = OPCODES.get(name);
  if (opcode === undefined) throw new Error(`no instruction is named ${name}`);
  return opcode;
}

/** One function body under construction. */
export class Body {
  readonly plan: Plan;
  readonly random: Random;
  readonly types: TypeSpace;
  readonly w = new ByteWriter();
  readonly results: readonly ValType[];
  /** Types of parameters and locals. */
  readonly locals: ValType[];
  private readonly paramCount: number;
  private readonly productions: Productions;
  private readonly frames: Frame[] = [];
  private initialised: Set<number>;
  private budget: number;

  constructor(plan: Plan, type: TypeDef, productions: Productions) {
    this.plan = plan;
    this.random = plan.random;
    this.types = plan.types;
    this.productions = productions;
    this.results = type.results;
    this.paramCount = type.params.length;
    this.budget = this.random.between(2, plan.bodySize);
    const extra = this.random.times(this.random.below(6), () => plan.types.valType());
    this.locals = [...type.params, ...extra];
    this.initialised = new Set(type.params.keys());
  }

  /** The body: locals, code, `end`. */
  generate(): Uint8Array {
    this.writeLocals();
    this.pushFrame("function", [], this.results);
    this.fuelCheck();
    this.statements(0);
    this.operands(this.results, 1);
    this.w.byte(0x0b);
    return this.w.finish();
  }

  private writeLocals(): void {
    const extra = this.locals.slice(this.paramCount);
    this.w.vector(extra, (type) => this.w.u32(1).valType(type));
  }

  get frame(): Frame {
    return this.frames[this.frames.length - 1];
  }

  /** Whether another block may be opened. */
  get mayNest(): boolean {
    return this.frames.length < MAX_FRAMES && this.budget > 0;
  }

  // Instructions

  /** Writes an opcode that takes `pops` operands and leaves `pushes`; immediates come after. */
  instruction(name: string | number, pops: number, pushes: number): ByteWriter {
    const { frame } = this;
    this.budget--;
    frame.height = Math.max(frame.height - pops, 0) + pushes;
    return this.w.opcode(typeof name === "number" ? name : opcodeByName(name));
  }

  /** Writes an instruction after which nothing is reachable; it takes what is on the stack. */
  jump(name: string): ByteWriter {
    const w = this.instruction(name, 0, 0);
    this.frame.height = 0;
    this.frame.unreachable = true;
    return w;
  }

  /** Values of these types. In unreachable code the first ones may be left to the stack. */
  operands(types: readonly ValType[], depth: number): void {
    const { frame, random } = this;
    const missing = frame.unreachable && frame.height === 0 && random.oneIn(3);
    for (let i = missing ? random.below(types.length + 1) : 0; i < types.length; i++) {
      this.value(types[i], depth);
    }
  }

  // Values and statements

  /** Code that leaves one operand of this type, or a subtype. */
  value(wanted: ValType, depth: number): void {
    const type = this.types.mistake("operands") ? this.types.valType() : wanted;
    // Drawing until one fits is faster than finding all that fit.
    for (let i = 0; depth < MAX_DEPTH && this.budget > 0 && i < ATTEMPTS; i++) {
      const production = this.random.weighted(this.productions.values);
      if (production.can(this, type)) return production.emit(this, type, depth + 1);
    }
    this.leaf(type);
  }

  /** The shortest code for a value. */
  leaf(type: ValType): void {
    const local = this.random.pickFrom(this.readableLocals(type));
    if (local !== undefined && this.random.oneIn(2)) {
      this.instruction("local.get", 0, 1).u32(local);
    } else if (!isReference(type)) {
      this.frame.height++;
      writeConstant(this.w, type, this.random);
    } else {
      this.instruction("ref.null", 0, 1).heapType(heapOf(type));
      if (!isNullable(type)) this.instruction("ref.as_non_null", 1, 1);
    }
  }

  /** Some statements; none where the budget is used up. */
  statements(depth: number): void {
    const count = depth >= MAX_DEPTH ? 0 : this.random.below(depth === 0 ? 12 : 4);
    for (let i = 0; i < count && this.budget > 0; i++) {
      if (this.frame.unreachable && !this.random.oneIn(3)) return;
      this.statement(depth);
    }
  }

  private statement(depth: number): void {
    for (let i = 0; i < ATTEMPTS; i++) {
      const production = this.random.weighted(this.productions.statements);
      if (production.can(this)) return production.emit(this, depth + 1);
    }
  }

  /** Takes an operand off the stack. */
  discard(type: ValType): void {
    const local = this.random.pickFrom(this.writableLocals(type));
    if (local === undefined || this.random.oneIn(2)) this.instruction("drop", 1, 0);
    else this.setLocal("local.set", local);
  }

  discardAll(types: readonly ValType[]): void {
    for (let i = types.length - 1; i >= 0; i--) this.discard(types[i]);
  }

  // Locals

  readableLocals(type: ValType): number[] {
    return this.localIndices((local, index) => {
      const hasValue = isDefaultable(local) || this.initialised.has(index);
      return (hasValue || this.types.mistake("locals")) && this.types.matches(local, type);
    });
  }

  /** Locals that take a value of this type. */
  writableLocals(type: ValType): number[] {
    return this.localIndices((local) => this.types.matches(type, local));
  }

  private localIndices(accept: (type: ValType, index: number) => boolean): number[] {
    const found: number[] = [];
    this.locals.forEach((type, index) => {
      if (accept(type, index)) found.push(index);
    });
    return found;
  }

  /** local.set or local.tee. */
  setLocal(name: "local.set" | "local.tee", index: number): void {
    this.instruction(name, 1, name === "local.tee" ? 1 : 0).u32(index);
    this.initialised.add(index);
  }

  // Control

  private pushFrame(kind: FrameKind, params: readonly ValType[], results: readonly ValType[]) {
    this.frames.push({
      kind,
      params,
      results,
      labelTypes: kind === "loop" ? params : results,
      height: params.length,
      unreachable: false,
      initialised: new Set(this.initialised),
    });
  }

  /** Opens a block whose parameters are on the stack; `rest` writes further immediates. */
  open(name: string, type: BlockType, rest: (w: ByteWriter) => void = () => {}): void {
    const condition = name === "if" ? 1 : 0;
    const w = this.instruction(name, type.params.length + condition, 0);
    if (type.index !== null) w.signed(type.index);
    else if (type.results.length === 0) w.byte(0x40);
    else w.valType(type.results[0]);
    rest(w);
    const kind = name === "loop" || name === "try" ? name : "block";
    this.pushFrame(kind, type.params, type.results);
    if (kind === "loop") this.fuelCheck();
  }

  /** Statements and the results of the innermost block. */
  fill(depth: number): void {
    const { params, results } = this.frame;
    const keep = this.types.allMatch(params, results) && this.random.oneIn(2);
    if (!keep) this.discardAll(params);
    this.statements(depth);
    if (!keep) this.operands(results, depth);
  }

  /** Begins the next part of the innermost block (else, catch) with operands on the stack. */
  nextPart(name: string, kind: FrameKind, operands: number): ByteWriter {
    const { frame } = this;
    frame.kind = kind;
    frame.unreachable = false;
    this.initialised = new Set(frame.initialised);
    const w = this.instruction(name, 0, 0);
    frame.height = operands;
    return w;
  }

  /** Ends the innermost block; `delegate` has its own end. */
  close(name: "end" | "delegate" = "end"): ByteWriter {
    const w = this.instruction(name, 0, 0);
    const frame = this.frames.pop() as Frame;
    this.initialised = new Set(frame.initialised);
    this.frame.height += frame.results.length;
    return w;
  }

  /** Labels, innermost 0, whose types `accept` takes. */
  labels(accept: (types: readonly ValType[], kind: FrameKind) => boolean): number[] {
    const last = this.frames.length - 1;
    const found: number[] = [];
    for (let label = 0; label <= last; label++) {
      const { labelTypes, kind } = this.frames[last - label];
      if (accept(labelTypes, kind)) found.push(label);
    }
    return found;
  }

  labelTypes(label: number): readonly ValType[] {
    return this.frames[this.frames.length - 1 - label].labelTypes;
  }

  get labelCount(): number {
    return this.frames.length;
  }

  /** Counts down the global that bounds execution; traps when it is used up. */
  private fuelCheck(): void {
    const { fuel } = this.plan;
    if (fuel === null) return;
    this.w.opcode(0x23).u32(fuel); // global.get
    this.w.byte(0x45).byte(0x04).byte(0x40).byte(0x00).byte(0x0b); // i32.eqz if unreachable end
    this.w.opcode(0x23).u32(fuel).opcode(0x41).signed(1); // global.get, i32.const 1
    this.w.byte(0x6b).opcode(0x24).u32(fuel); // i32.sub, global.set
  }

  // Types

  has = (feature: Parameters<Plan["has"]>[0]): boolean => this.plan.has(feature);

  signature(typeIndex: number): TypeDef {
    return this.types.defs[typeIndex];
  }

  /** Function type of a function. */
  functionType(index: number): TypeDef {
    return this.signature(this.plan.functions[index]);
  }

  /** Whether a table can be called through. */
  isCallable(element: ValType): boolean {
    return this.types.matches(element, FUNCREF);
  }
}
