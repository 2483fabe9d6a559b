// Where the guest's instructions are in the host's code, for whoever has only an offset there. No
// table of this is kept: a function is written the same way every time, so its body goes through
// both emitters once more, and what they write is thrown away.

import type { CompiledModule } from "../code/compiled.ts";
import { Draft } from "../code/draft.ts";
import { Emitter } from "../code/emitter.ts";
import type { FunctionCode } from "../code/space.ts";
import { Pass } from "../code/translation.ts";
import { room } from "../interpreter/registers.ts";
import { nextPiece } from "../module/pieces.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { ByteWriter } from "./bytes.ts";
import { HostEmitter } from "./emitter.ts";
import type { HostModule } from "./module.ts";

/** An instruction that the host's code has come to. */
export interface Place {
  readonly funcIndex: number;
  /** In the module. */
  readonly offset: number;
  readonly op: number;
  /** Its second immediate: of an indirect call, the table. */
  readonly table: number;
  /**
   * What the interpreter has paid in front of it and the host's code has not: from where that paid
   * last up to the end of the segment.
   */
  readonly owed: number;
}

/** What must be known of a host module to find places in it. */
export type Written = Pick<HostModule, "beginnings" | "imports" | "leftOut" | "target">;

/** A place of the host's stack: indices and offsets count in the host's module. */
export interface HostFrame {
  readonly index: number;
  readonly offset: number;
}

/** Writes a function for both tiers, and says where its instructions are. */
class Recorder extends Emitter {
  private readonly host: HostEmitter;
  /** Of each instruction: where its host code ends. */
  private readonly ends: number[] = [];
  private readonly places: { -readonly [key in keyof Place]: Place[key] }[] = [];
  /** The first instruction of the segment that has not ended yet. */
  private open = 0;

  constructor(code: FunctionCode, host: HostEmitter) {
    super(code.compiled, code, new Draft(room.limit));
    this.host = host;
  }

  override begin(facts: BodyFacts): void {
    super.begin(facts);
    this.host.begin(facts);
  }

  override instruction(facts: BodyFacts): void {
    super.instruction(facts);
    this.host.instruction(facts);
    const { b, op, start } = facts.instruction;
    const { body } = this.host;
    if (facts.reachable) {
      const owed = body.owed - this.costs.total;
      this.ends.push(body.code.length);
      this.places.push({ funcIndex: this.code.index, offset: start, op, table: b, owed });
    }
    if (this.costs.instructions === 0) this.endSegment();
  }

  protected override cut(): void {
    super.cut();
    this.endSegment();
  }

  private endSegment(): void {
    const { costs, places } = this;
    for (; this.open < places.length; this.open++) places[this.open].owed += costs.total;
  }

  /** The place of what is `at` bytes behind the beginning of the complete function. */
  placeAt(at: number): Place | null {
    const { ends, host, places } = this;
    const position = host.body.before(at);
    let low = 0;
    for (let high = ends.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (ends[middle] <= position) low = middle + 1;
      else high = middle;
    }
    return position < 0 ? null : (places[low] ?? null);
  }

  /** Completes the host's function, whose first site has this number. */
  finishHost(firstSite: number): void {
    this.host.finish(new ByteWriter(), new Array(firstSite), []);
  }
}

/** Places that are kept, by offset in the host's module, for all modules together. */
const MOST_KEPT = 4096;

let kept = new WeakMap<Written["target"], Map<number, Place | null>>();
let keptPlaces = 0;

function keptOf({ target }: Written): Map<number, Place | null> {
  if (keptPlaces > MOST_KEPT) {
    kept = new WeakMap();
    keptPlaces = 0;
  }
  let places = kept.get(target);
  if (places === undefined) {
    places = new Map();
    kept.set(target, places);
  }
  return places;
}

/** The guest's function that a frame is in; -1: none that was written for the host. */
function functionOf({ imports, leftOut, target }: Written, { index }: HostFrame): number {
  const funcIndex = index - imports.length;
  const isWritten = funcIndex >= target.module.importedFunctions && !leftOut.has(funcIndex);
  return isWritten ? funcIndex : -1;
}

/**
 * Where frames stand; null for one that is in no instruction. In pieces of about 0.1 ms.
 * @param compiled register code of the same module
 */
export function* findPlaces(
  compiled: CompiledModule,
  written: Written,
  frames: readonly HostFrame[],
): Generator<void, (Place | null)[]> {
  const places = keptOf(written);
  const unknown = new Map<number, HostFrame[]>();
  for (const frame of frames) {
    const funcIndex = functionOf(written, frame);
    if (funcIndex < 0 || places.has(frame.offset)) continue;
    const others = unknown.get(funcIndex);
    if (others === undefined) unknown.set(funcIndex, [frame]);
    else others.push(frame);
  }
  const { beginnings, target } = written;
  for (const [funcIndex, inFunction] of unknown) {
    const first = 2 * (funcIndex - target.module.importedFunctions);
    const recorder = new Recorder(compiled.code(funcIndex), new HostEmitter(target, funcIndex));
    const pass = new Pass(compiled.code(funcIndex), recorder, compiled.takeValidator());
    while (!pass.advance(nextPiece())) yield;
    compiled.giveBack(pass.validator);
    recorder.finishHost(beginnings[first + 1]);
    for (const { offset } of inFunction) {
      places.set(offset, recorder.placeAt(offset - beginnings[first]));
    }
    keptPlaces += inFunction.length;
  }
  return frames.map(({ offset }) => places.get(offset) ?? null);
}
