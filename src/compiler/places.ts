// Where the guest's instructions are in the host's code, for whoever has only an offset there. No
// table of this is kept: a function is written the same way every time, so its body goes through
// both emitters once more, and what they write is thrown away.

import type { CompiledModule } from "../code/compiled.ts";
import { Draft } from "../code/draft.ts";
import { Emitter } from "../code/emitter.ts";
import type { FunctionCode } from "../code/space.ts";
import { Pass } from "../code/translation.ts";
import { room } from "../interpreter/registers.ts";
import type { ModuleRecord } from "../module/module.ts";
import { KeptFor } from "../state/kept.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { ByteWriter } from "./bytes.ts";
import { HostEmitter } from "./emitter.ts";
import type { HostModule } from "./module.ts";
import { Sites } from "./sites.ts";

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

/** A function of a host module that was written for one of the guest's. */
export interface WrittenFunction {
  readonly funcIndex: number;
  /** Where its code begins in the host's module. */
  readonly beginning: number;
  /** Writes it again, as the body goes by. */
  readonly emitter: HostEmitter;
  /** Completes what the emitter has written. */
  finish(): void;
}

/** What must be known of a host module to find places in it. */
export interface Written {
  readonly module: ModuleRecord;
  /** The function at an index of the host's module; null: it was not written for one. */
  functionAt(index: number): WrittenFunction | null;
}

/** The host module of a whole module, as it was written. */
export class WrittenModule implements Written {
  private readonly written: Pick<HostModule, "beginnings" | "imports" | "leftOut" | "target">;

  constructor(written: WrittenModule["written"]) {
    this.written = written;
  }

  get module(): ModuleRecord {
    return this.written.target.module;
  }

  functionAt(index: number): WrittenFunction | null {
    const { beginnings, imports, leftOut, target } = this.written;
    const first = 2 * (index - imports.length);
    const funcIndex = index - imports.length + target.module.importedFunctions;
    if (first < 0 || first >= beginnings.length || leftOut.has(funcIndex)) return null;
    const emitter = new HostEmitter(target, funcIndex);
    const finish = () => emitter.finish(new ByteWriter(), new Sites(beginnings[first + 1]), []);
    return { funcIndex, beginning: beginnings[first], emitter, finish };
  }
}

/** A place of the host's stack: indices and offsets count in the host's module. */
export interface HostFrame {
  readonly written: Written;
  readonly index: number;
  readonly offset: number;
}

/** Words of an instruction in the recorder's list: where its host code ends, and its place. */
const END = 0;
const OFFSET = 1;
const OPCODE = 2;
const TABLE = 3;
const OWED = 4;
const ROW = 5;

/** Work, in the emitter's units, between two looks: some 0.1 ms. */
const PIECE = 512;
/** Bytes that the host's emitter takes for a byte of code, roughly. */
const EMITTER_BYTES = 8;

/** Writes a function for both tiers, and says where its instructions are. */
class Recorder extends Emitter {
  private readonly written: WrittenFunction;
  private rows = new Int32Array(64 * ROW);
  private count = 0;
  /** The first instruction of the segment that has not ended yet. */
  private open = 0;

  constructor(code: FunctionCode, written: WrittenFunction) {
    super(code.compiled, code, new Draft(room.limit));
    this.written = written;
  }

  /** What it takes of the host's memory, roughly. */
  get hostBytes(): number {
    const { code } = this.written.emitter.body;
    return this.draft.bytes + this.rows.byteLength + EMITTER_BYTES * code.bytes.length;
  }

  override begin(facts: BodyFacts): void {
    super.begin(facts);
    this.written.emitter.begin(facts);
  }

  override instruction(facts: BodyFacts): void {
    super.instruction(facts);
    this.written.emitter.instruction(facts);
    if (facts.reachable) this.record(facts);
    if (this.costs.instructions === 0) this.endSegment();
  }

  private record({ instruction }: BodyFacts): void {
    const { body } = this.written.emitter;
    const at = ROW * this.count++;
    if (at === this.rows.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.rows);
      this.rows = grown;
    }
    const { rows } = this;
    rows[at + END] = body.code.length;
    rows[at + OFFSET] = instruction.start;
    rows[at + OPCODE] = instruction.op;
    rows[at + TABLE] = instruction.b;
    rows[at + OWED] = body.budget.owed - this.costs.total;
  }

  protected override cut(): void {
    super.cut();
    this.endSegment();
  }

  private endSegment(): void {
    const { costs, rows } = this;
    for (; this.open < this.count; this.open++) rows[ROW * this.open + OWED] += costs.total;
  }

  /** The place of what is at an offset of the host's module; the function is complete. */
  placeAt(at: number): Place | null {
    const { count, rows, written } = this;
    const position = written.emitter.body.before(at - written.beginning);
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >> 1;
      if (rows[ROW * middle + END] <= position) low = middle + 1;
      else high = middle;
    }
    if (position < 0 || low === count) return null;
    const [, offset, op, table, owed] = rows.subarray(ROW * low, ROW * (low + 1));
    return { funcIndex: this.code.index, offset, op, table, owed };
  }
}

/** Places that are kept, by offset in the host's module, for all modules together. */
const MOST_KEPT = 4096;

const kept = new KeptFor(MOST_KEPT, (_: Written) => new Map<number, Place | null>());

/**
 * Where frames stand; null for one that is in no instruction. In pieces of about 0.1 ms, which say
 * how many bytes of the host's memory it takes in between.
 * @param compiled register code of the same module
 */
export function* findPlaces(
  compiled: CompiledModule,
  frames: readonly HostFrame[],
): Generator<number, (Place | null)[]> {
  const found: (Place | null)[] = [];
  for (const [i, { index, offset, written }] of frames.entries()) {
    kept.bound();
    const places = kept.of(written);
    if (!places.has(offset)) {
      const inFunction = frames.slice(i).filter((one) => {
        return one.index === index && one.written === written;
      });
      yield* learn(compiled, written, inFunction, places);
    }
    found.push(places.get(offset) ?? null);
  }
  return found;
}

/** Finds out about frames that are in the same function. */
function* learn(
  compiled: CompiledModule,
  written: Written,
  frames: readonly HostFrame[],
  places: Map<number, Place | null>,
): Generator<number, void> {
  const found = written.functionAt(frames[0].index);
  if (found === null) return;
  const code = compiled.code(found.funcIndex);
  const recorder = new Recorder(code, found);
  const pass = new Pass(code, recorder, compiled.takeValidator());
  while (!pass.advance(PIECE)) yield recorder.hostBytes;
  compiled.giveBack(pass.validator);
  found.finish();
  for (const { offset } of frames) places.set(offset, recorder.placeAt(offset));
  kept.grew(frames.length);
}
