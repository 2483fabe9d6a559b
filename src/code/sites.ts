// Where a function may be stopped, and where register code has its locals and operands there. No
// table of this is kept: translation gives the same words every time, so the body goes through the
// emitter once more, into a draft that is thrown away, with somebody who listens. What a site is
// does not depend on register code: a kind and the offset of a Wasm instruction.

import type { ValType } from "../isa/types.ts";
import { bodyOf, type FuncType } from "../module/module.ts";
import { nextPiece } from "../module/pieces.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { Draft } from "./draft.ts";
import { Emitter } from "./emitter.ts";
import { CONSTANT_32, CONSTANT_64, CONSTANT_128, IN_LOCAL, IN_SLOT } from "./operands.ts";
import type { SegmentPoint } from "./segments.ts";
import type { FunctionCode } from "./space.ts";
import { Pass } from "./translation.ts";

/** Control is about to enter the function. The offset is that of the end of its declarations. */
export const ENTRY = 0;
/** It has come to a loop's header, with the loop's parameters as operands. */
export const LOOP = 1;
/** It waits for a call to return; the operands are those beneath the arguments. */
export const CALL = 2;
/** Behind an instruction another segment begins; behind a call, with its results. */
export const BEHIND = 3;
/** In front of an instruction a segment begins, because the one before it was long enough. */
export const CUT = 4;
/** In front of an instruction that the interpreter's loop leaves to others; it is paid already. */
export const WITHIN = 5;

export type SiteKind =
  | typeof ENTRY
  | typeof LOOP
  | typeof CALL
  | typeof BEHIND
  | typeof CUT
  | typeof WITHIN;

/** Where an operand is. */
export interface Operand {
  readonly type: ValType;
  /** First slot of the frame that holds it, its own or a local's; -1: it is a constant. */
  readonly slot: number;
  /** Whether the slot is its own. */
  readonly isOwn: boolean;
  /** Words of a constant, none of a null reference. */
  readonly words: readonly number[];
}

/** A place where control may be stopped, in a function's register code. */
export interface Site {
  /** For a call, which is two sites: BEHIND. */
  readonly kind: SiteKind;
  /** In the module: of the instruction. */
  readonly offset: number;
  /** Relative to where the code begins. */
  readonly position: number;
  /** Price of what comes next, up to the next control transfer; 0 if that is paid. */
  readonly cost: number;
  readonly operands: readonly Operand[];
  /** Behind a call: how many operands lie beneath its results; else -1. */
  readonly beneath: number;
  /** First slot above those. */
  readonly calleeSlot: number;
  /** Locals without a default that have no value here. */
  readonly unset: readonly number[];
}

/** What is known of a function's frames. */
export interface FrameLayout {
  readonly paramCount: number;
  readonly localTypes: readonly ValType[];
  /** First slot of each local. */
  readonly localSlots: readonly number[];
  readonly usesReferences: boolean;
}

const NONE: readonly number[] = [];
const LOOP_OPCODE = 0x03;

/** Which sites somebody asks for. */
interface Asked {
  readonly offsets: ReadonlySet<number>;
  readonly positions: ReadonlySet<number>;
}

/** A site whose cost may not be known yet. */
interface Placed {
  readonly site: Site;
  readonly point: SegmentPoint | null;
}

/** An emitter that says where segments begin, and how operands lie there. */
class Recorder extends Emitter {
  readonly localTypes: ValType[] = [];
  readonly localSlots: number[] = [];
  private readonly funcType: FuncType;
  private readonly asked: Asked;
  private readonly placed: Placed[] = [];
  /** Locals that have no default. */
  private readonly withoutDefault: number[] = [];
  private facts: BodyFacts | null = null;
  /** Where a segment begins that the current instruction ends with. */
  private point: SegmentPoint | null = null;
  private pointPosition = 0;
  private beneath = -1;

  constructor(code: FunctionCode, draft: Draft, asked: Asked) {
    const { compiled, index } = code;
    super(compiled, code, draft);
    this.funcType = compiled.funcType(compiled.module.functions[index]);
    this.asked = asked;
  }

  override begin(facts: BodyFacts): void {
    this.facts = facts;
    super.begin(facts);
    const { params } = this.funcType;
    for (let i = 0; i < facts.localCount; i++) {
      const type = facts.typeOfLocal(i);
      this.localTypes.push(type);
      this.localSlots.push(this.localSlot(i));
      if (i >= params.length && !facts.isInitialised(i)) this.withoutDefault.push(i);
    }
    this.handled += facts.localCount;
  }

  override instruction(facts: BodyFacts): void {
    this.point = null;
    this.beneath = -1;
    super.instruction(facts);
    if (this.point === null) return;
    const { instruction, controlDepth } = facts;
    const kind = instruction.op === LOOP_OPCODE ? LOOP : BEHIND;
    // The validator has taken the function's results away.
    const height = controlDepth === 0 ? this.funcType.results.length : facts.height;
    this.record(kind, facts, this.pointPosition, height, this.point);
  }

  protected override place(point: SegmentPoint): void {
    super.place(point);
    this.point = point;
    this.pointPosition = this.position;
  }

  protected override cut(): void {
    super.cut();
    const { facts, point, pointPosition } = this;
    if (facts !== null) this.record(CUT, facts, pointPosition, facts.heightBefore, point);
    this.point = null;
  }

  protected override afterCall(type: FuncType, base: number): void {
    super.afterCall(type, base);
    this.beneath = base;
  }

  protected override emitLeaving(
    registerOp: number,
    op: number,
    slot: number,
    words: readonly number[],
  ): number {
    const start = super.emitLeaving(registerOp, op, slot, words);
    const { facts } = this;
    if (facts !== null) this.record(WITHIN, facts, start, facts.heightBefore, null);
    return start;
  }

  private record(
    kind: SiteKind,
    facts: BodyFacts,
    position: number,
    height: number,
    point: SegmentPoint | null,
  ): void {
    const offset = facts.instruction.start;
    const { offsets, positions } = this.asked;
    if (!offsets.has(offset) && !positions.has(position)) return;
    const { beneath, withoutDefault } = this;
    const operands = Array.from({ length: height }, (_, i) => this.operandAt(i));
    const unset =
      withoutDefault.length === 0 ? NONE : withoutDefault.filter((i) => !facts.isInitialised(i));
    this.handled += height + withoutDefault.length;
    const calleeSlot = beneath < 0 ? -1 : this.slotOf(beneath);
    const site = { kind, offset, position, cost: 0, operands, beneath, calleeSlot, unset };
    this.placed.push({ site, point });
  }

  private operandAt(height: number): Operand {
    const type = this.typeAt(height);
    const kind = this.kindAt(height);
    switch (kind) {
      case IN_SLOT:
        return { type, slot: this.slotOf(height), isOwn: true, words: NONE };
      case IN_LOCAL:
        return { type, slot: this.lowAt(height), isOwn: false, words: NONE };
      case CONSTANT_32:
        return { type, slot: -1, isOwn: false, words: [this.lowAt(height)] };
      case CONSTANT_64:
        return { type, slot: -1, isOwn: false, words: [this.lowAt(height), this.highAt(height)] };
      case CONSTANT_128:
        return { type, slot: -1, isOwn: false, words: this.vectorAt(height) };
      default:
        return { type, slot: -1, isOwn: false, words: NONE };
    }
  }

  /** What was asked for, and the entry, once the body has ended; in the order of the body. */
  get sites(): Site[] {
    const { code, entry, entryCost, placed, withoutDefault } = this;
    const first: Site = {
      kind: ENTRY,
      offset: bodyOf(code.module, code.index).start,
      position: entry,
      cost: entryCost,
      operands: [],
      beneath: -1,
      calleeSlot: -1,
      unset: withoutDefault,
    };
    return [first, ...placed.map(({ point, site }) => ({ ...site, cost: point?.cost ?? 0 }))];
  }

  get layout(): FrameLayout {
    const { localSlots, localTypes, usesReferences } = this;
    return { paramCount: this.funcType.params.length, localTypes, localSlots, usesReferences };
  }
}

/** The sites of a function that somebody has asked for. */
export class SiteTable {
  readonly code: FunctionCode;
  private known: FrameLayout | null = null;
  /** Locals, sites and operands that it holds. */
  values = 0;
  private readonly byOffset = new Map<number, Site[]>();
  private readonly byPosition = new Map<number, Site[]>();

  constructor(code: FunctionCode) {
    this.code = code;
  }

  /** Whether the sites at an offset, and those at a position, have been learnt. */
  knows(offset: number | undefined, position: number | undefined): boolean {
    if (offset !== undefined && !this.byOffset.has(offset)) return false;
    return position === undefined || this.byPosition.has(position);
  }

  /** Sites at an instruction, in their order; they have been learnt. */
  atOffset(offset: number): readonly Site[] {
    return this.byOffset.get(offset) ?? [];
  }

  /** Sites at a position in the code; they have been learnt. */
  atPosition(position: number): readonly Site[] {
    return this.byPosition.get(position) ?? [];
  }

  get layout(): FrameLayout {
    if (this.known === null) throw new Error("nothing is known of this function's frames yet");
    return this.known;
  }

  /**
   * Finds out, in pieces, about the sites at these offsets and positions. That takes as long as to
   * translate the function, and as much memory meanwhile, but for what is known already.
   * @param limit words that a function's code may have
   * @throws CodeLimitError if the function cannot be translated
   */
  *learn(
    offsets: Iterable<number>,
    positions: Iterable<number>,
    limit: number,
  ): Generator<number, void> {
    const { byOffset, byPosition, code } = this;
    const unknown = {
      offsets: new Set([...offsets].filter((offset) => !byOffset.has(offset))),
      positions: new Set([...positions].filter((position) => !byPosition.has(position))),
    };
    if (unknown.offsets.size === 0 && unknown.positions.size === 0) return;
    const draft = new Draft(limit);
    const recorder = new Recorder(code, draft, unknown);
    const pass = new Pass(code, recorder, code.compiled.takeValidator());
    while (!pass.advance(nextPiece())) yield draft.bytes;
    code.compiled.giveBack(pass.validator);
    this.known = recorder.layout;
    this.values = Math.max(this.values, recorder.localTypes.length);
    for (const offset of unknown.offsets) byOffset.set(offset, []);
    for (const position of unknown.positions) byPosition.set(position, []);
    for (const site of recorder.sites) {
      this.values += 1 + site.operands.length + site.unset.length;
      if (unknown.offsets.has(site.offset)) byOffset.get(site.offset)?.push(site);
      if (unknown.positions.has(site.position)) byPosition.get(site.position)?.push(site);
    }
  }
}
