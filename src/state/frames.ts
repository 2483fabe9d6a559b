// Suspended calls in Wasm's terms (spec: 4.2.13 Frames): for each frame a function, a place in its
// body, and the values of its locals and operands, whoever executes it. Between them and frames of
// register code stands only what code/sites.ts finds out.

import {
  BEHIND,
  CALL,
  ENTRY,
  type FrameLayout,
  type Operand,
  type Site,
  type SiteKind,
  type SiteTable,
  WITHIN,
} from "../code/sites.ts";
import { RestoredThread } from "../interpreter/restored.ts";
import type { Thread } from "../interpreter/thread.ts";
import { F32, I32, isReference, type ValType } from "../isa/types.ts";
import {
  type FunctionInstance,
  type ModuleInstance,
  putRaw,
  type RawValue,
  rawAt,
} from "../runtime/instances.ts";
import type { Aggregate } from "../runtime/objects.ts";
import type { Doing, FrameShape, SavedFrame } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { SnapshotError } from "./errors.ts";
import { learn } from "./tables.ts";

/** A frame of a suspended call. */
export interface Frame {
  readonly instance: ModuleInstance;
  /** Of its function, in the module's index space. */
  readonly funcIndex: number;
  /** Where it is: a kind (see code/sites.ts), and the offset of an instruction in the module. */
  readonly kind: SiteKind;
  readonly offset: number;
  /** The bits of its values; what a local without a value has is null. */
  readonly locals: readonly RawValue[];
  readonly operands: readonly RawValue[];
}

/** An invocation that has come as far as its frames say. */
export interface SuspendedCall {
  readonly callee: FunctionInstance;
  /** The innermost first. */
  readonly frames: readonly Frame[];
  /** Whether what the innermost one goes on with, up to the next control transfer, is paid. */
  readonly isPaid: boolean;
  /** What it is in the middle of besides; of a call, the innermost frame waits for it. */
  readonly doing: Doing | null;
}

const ZERO: readonly number[] = [0, 0, 0, 0];
const NULL: RawValue = { low: 0, high: 0, reference: null };

/** The pair behind a call takes so many words. */
const PAIR_WORDS = 2;

// From register code

/**
 * The frames of a suspended thread, in pieces of about 0.1 ms of looking at the functions that are
 * in progress. The thread may go on afterwards, or be abandoned; not in between. A call that waits
 * for what a host function has promised is told as not made.
 * @throws SnapshotError if it is not suspended, in the middle of a host function's work, waiting at
 *   a shared memory, or on its way out of compiled code
 */
export function* takeFrames(thread: Thread): Generator<number, SuspendedCall> {
  const { callee } = thread;
  const told = thread.told();
  if (typeof told === "string") throw new SnapshotError(`the call cannot be taken: ${told}`);
  const { doing, frames, isReturn, isWaiting, pending } = told;
  const waits = (i: number) => i > 0 || isWaiting;
  const positions = frames.map(({ place: { offset } }, i) => {
    return waits(i) || isReturn ? offset + PAIR_WORDS : offset;
  });
  const tables = yield* learn(
    frames.map(({ place: { code } }, i) => ({ code, position: positions[i] })),
  );
  const sitesOf = (i: number) => tables[i].atPosition(positions[i]);
  const isBehindCall = ({ beneath }: Site) => beneath >= 0;
  const first = frames.length === 0 ? [] : sitesOf(0);
  // Where several sites have one position, the last of those that cost as much is as good as any.
  const unpaid = first.findLast(isReturn ? isBehindCall : ({ cost }) => cost === pending);
  const sites = frames.map((_, i) =>
    waits(i) ? sitesOf(i).find(isBehindCall) : (unpaid ?? first.at(-1)),
  );
  return {
    callee,
    frames: frames.map((frame, i) => {
      return frameOf(frame, sites[i] as Site, waits(i), tables[i].layout);
    }),
    isPaid: doing !== null || unpaid === undefined,
    doing,
  };
}

function frameOf(saved: SavedFrame, site: Site, isCaller: boolean, layout: FrameLayout): Frame {
  const operands = isCaller ? site.operands.slice(0, site.beneath) : site.operands;
  return {
    instance: saved.instance,
    funcIndex: saved.place.code.index,
    kind: isCaller ? CALL : site.kind,
    offset: site.offset,
    locals: localsOf(saved, site, layout),
    operands: operands.map((operand) => operandOf(saved, operand)),
  };
}

function localsOf(saved: SavedFrame, { kind, unset }: Site, layout: FrameLayout): RawValue[] {
  const { localSlots, localTypes, paramCount } = layout;
  // Whoever enters a function clears numbers only, the function itself its references.
  const count = kind === ENTRY ? paramCount : localTypes.length;
  const locals = localTypes.map((type, i) => {
    return i < count ? valueAt(saved, localSlots[i], type) : rawOf(ZERO, 0, type, null);
  });
  for (const i of unset) locals[i] = NULL;
  return locals;
}

function operandOf(saved: SavedFrame, { slot, type, words }: Operand): RawValue {
  return slot >= 0 ? valueAt(saved, slot, type) : rawOf(words, 0, type, null);
}

function valueAt({ references, words }: SavedFrame, slot: number, type: ValType): RawValue {
  return rawOf(words, 2 * slot, type, references[slot] ?? null);
}

/** The value of words, without those that mean nothing. */
function rawOf(words: ArrayLike<number>, at: number, type: ValType, reference: unknown): RawValue {
  if (isReference(type)) return { low: 0, high: 0, reference };
  const raw = rawAt(words, at, type, null);
  return type === I32 || type === F32 ? { ...raw, high: 0 } : raw;
}

// To register code

/**
 * A thread that goes on as the call does, in pieces like `takeFrames`: the same results, fuel and
 * stops. Functions that have no code are translated when it comes to them. That types and callees
 * of the frames fit together is not checked, only that they are frames of these functions.
 * `mayAwait`: its host functions may return promises.
 * @throws SnapshotError for a place that is none, CodeLimitError for a function that cannot be
 *   translated, Exhaustion if the store has no room for the frames
 */
export function* putFrames(
  store: Store,
  { callee, doing, frames, isPaid }: SuspendedCall,
  mayAwait: boolean,
): Generator<number, Thread> {
  checkInnermost(frames, doing);
  const { cost, saved } = yield* registerFrames(frames, doing);
  const thread = new RestoredThread(store, callee, mayAwait);
  const isWaiting = frames[0]?.kind === CALL;
  const course = { frames: saved, cost: isPaid ? 0 : cost, doing, isWaiting };
  const outcome = thread.suspendIn(course);
  if (outcome.kind === "threw") throw outcome.error;
  return thread;
}

/** @throws SnapshotError if the innermost frame is not where it may do this */
function checkInnermost([innermost]: readonly Frame[], doing: Doing | null): void {
  if (innermost === undefined) {
    if (doing?.kind !== "call" && doing?.kind !== "throw") {
      throw new SnapshotError("a call without frames does nothing");
    }
    return;
  }
  const { kind } = innermost;
  const fits =
    doing === null
      ? kind !== CALL
      : doing.kind === "call"
        ? kind === CALL
        : kind === WITHIN || (doing.kind === "throw" && kind === CALL);
  if (!fits) throw noSuch(innermost);
}

/**
 * Frames, the innermost first, as register code has them, and the price of what the innermost one
 * stopped in front of: 0 if it is at a call, which somebody is about to make. In pieces like
 * `takeFrames`.
 */
function* registerFrames(
  frames: readonly Frame[],
  doing: Doing | null,
): Generator<number, { readonly saved: readonly SavedFrame[]; readonly cost: number }> {
  const codes = frames.map(({ funcIndex, instance: { compiled } }) => compiled.code(funcIndex));
  const tables = yield* learn(frames.map(({ offset }, i) => ({ code: codes[i], offset })));
  let cost = 0;
  const saved = frames.map((frame, i) => {
    if (i > 0 && frame.kind !== CALL) throw noSuch(frame);
    const table = tables[i];
    const site = siteOf(frame, table);
    if (i === 0) cost = frame.kind === CALL ? 0 : site.cost;
    const made = i === 0 && doing?.kind === "made" ? doing.object : null;
    return savedFrame(frame, site, table, made);
  });
  return { saved, cost };
}

/**
 * The site that a frame stands at, of those that have been learnt.
 * @throws SnapshotError if it is none
 */
export function siteOf({ kind, offset }: Pick<Frame, "kind" | "offset">, table: SiteTable): Site {
  const isCall = kind === CALL;
  const wanted = isCall ? BEHIND : kind;
  const site = table.atOffset(offset).find((site) => {
    return site.kind === wanted && (!isCall || site.beneath >= 0);
  });
  if (site === undefined) throw noSuch({ offset });
  return site;
}

function noSuch({ offset }: Pick<Frame, "offset">): SnapshotError {
  return new SnapshotError(`no call can be suspended like this at offset ${offset}`);
}

/** A frame at a site, but for its values. `isCall`: it waits for a call to return. */
export function shapeOf(site: Site, isCall: boolean, { code, layout }: SiteTable): FrameShape {
  return {
    place: { code, offset: site.position - (isCall ? PAIR_WORDS : 0) },
    words: isCall ? 2 * site.calleeSlot : code.frameWords,
    references: layout.usesReferences ? code.frameWords / 2 : 0,
  };
}

/** `made`: an array that the instruction there has made of its last two operands. */
function savedFrame(
  frame: Frame,
  site: Site,
  table: SiteTable,
  made: Aggregate | null,
): SavedFrame {
  const { layout } = table;
  const { instance, kind, locals, operands } = frame;
  const isCall = kind === CALL;
  const count = isCall ? site.beneath : site.operands.length;
  if (locals.length !== layout.localTypes.length || operands.length !== count) {
    throw new SnapshotError(`a frame at offset ${site.offset} has too many values or too few`);
  }
  const { place, ...counts } = shapeOf(site, isCall, table);
  const words = new Int32Array(counts.words);
  const references: unknown[] = new Array(counts.references).fill(null);
  for (let i = 0; i < locals.length; i++) {
    write(words, references, layout.localSlots[i], layout.localTypes[i], locals[i]);
  }
  for (let i = 0; i < count; i++) {
    // One that is in a local is written, too: a frame need not have the value of a dead local.
    const { slot, type } = site.operands[i];
    if (slot >= 0) write(words, references, slot, type, operands[i]);
  }
  // Where it is going to be, beside a number.
  if (made !== null) references[site.operands[count - 2].slot] = made;
  return { instance, place, words, references };
}

function write(
  words: Int32Array,
  references: unknown[],
  slot: number,
  type: ValType,
  value: RawValue,
): void {
  if (isReference(type)) references[slot] = value.reference;
  else putRaw(words, 2 * slot, type, value);
}

/** What a generator gives in the end. */
export function finished<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
