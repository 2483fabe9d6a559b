// Frames of a thread as copies. A deep thread that takes turns with others is not copied out and in
// as a whole: what lies beneath its uppermost frames stays where it was copied to, in parts of some
// hundred calls, and comes back when a return or a handler leads there. On the machine a part is
// represented by the position that its last call returns to, which is the machine's own
// (BELOW_PC).
//
// Slots and calls are counted from where those of the thread begin ("in the thread"); on the
// machine they lie lower by what is away.

import type { FunctionCode, Place } from "../code/space.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Root } from "../runtime/roots.ts";
import type { FrameValues, SavedFrame, SavedFrames } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { CONTROL, machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { placeAt, savedPlace, writeReturn } from "./places.ts";
import { BELOW_PC, EXIT_PC, PARKED_PC, RESTORE_PC, reserveReferences } from "./registers.ts";

/** How frames are divided; words of slots, and of the control stack. Tests make them smaller. */
export const measures = {
  /** A part has at least so much of one of them: moving it takes some 10 µs. */
  partSlots: 2_048,
  partCalls: 512,
  /** A thread that pauses with more than that has copies made of all but a quarter: below 1 ms. */
  mostSlots: 1 << 17,
  mostCalls: 1 << 15,
};

/** Functions that are looked for one after the other; a map is made for more. */
const FEW_CODES = 8;

/** Functions, each with an index. */
class Codes {
  private readonly list: FunctionCode[] = [];
  private indices: Map<FunctionCode, number> | null = null;

  clear(): void {
    this.list.length = 0;
    this.indices = null;
  }

  at(index: number): FunctionCode {
    return this.list[index];
  }

  /** The index of a function, which is put in if it is new. */
  add(code: FunctionCode): number {
    const { list } = this;
    const known = this.indices?.get(code) ?? (this.indices === null ? list.indexOf(code) : -1);
    if (known >= 0) return known;
    const index = list.push(code) - 1;
    if (list.length > FEW_CODES) {
      this.indices ??= new Map(list.map((item, i) => [item, i]));
      this.indices.set(code, index);
    }
    return index;
  }
}

/** Returns of a suspended thread, none of them to a position: code may be evicted meanwhile. */
class Returns {
  /** For each call where it returns to, relative to the code of a function, and what it adds. */
  private readonly words: Int32Array;
  /** For each call the index of that function, or -1 for the machine's own code. */
  private readonly owners: Int32Array;
  private readonly codes = new Codes();

  /** For so many words of the control stack. */
  constructor(words: number) {
    this.words = new Int32Array(words);
    this.owners = new Int32Array(words >> 1);
  }

  /** Of what lies at `from` on the control stack. */
  fill(from: number): void {
    const { codes, owners, words } = this;
    codes.clear();
    // In a deep recursion most calls return to the same place.
    let last = -1;
    let place: Place | undefined;
    for (let i = 0; i < words.length; i += 2) {
      const position = CONTROL[from + i];
      // What is parked differs from call to call.
      if (position !== last || position === PARKED_PC - 2) place = savedPlace(position, from + i);
      last = position;
      words[i] = place?.offset ?? position;
      words[i + 1] = CONTROL[from + i + 1];
      owners[i >> 1] = place === undefined ? -1 : codes.add(place.code);
    }
  }

  /** Where the frame goes on whose position lies at word `i`; undefined for the machine's own. */
  placeAt(i: number): Place | undefined {
    const owner = this.owners[i >> 1];
    return owner < 0 ? undefined : { code: this.codes.at(owner), offset: this.words[i] };
  }

  /** The word at `i`, if it is none that a function's position has become. */
  wordAt(i: number): number {
    return (i & 1) === 1 || this.owners[i >> 1] < 0 ? this.words[i] : -1;
  }

  restore(to: number): void {
    const { codes, owners, words } = this;
    CONTROL.set(words, to);
    for (let i = 0; i < owners.length; i++) {
      if (owners[i] >= 0) writeReturn(to + 2 * i, codes.at(owners[i]), words[2 * i]);
    }
  }
}

const NO_REFERENCES: readonly unknown[] = [];

/** A copy of references; none at all if they are null, as in most frames. */
function copyReferences(from: number, to: number): readonly unknown[] {
  for (let i = from; i < to; i++) {
    if (REFERENCES[i] !== null) return REFERENCES.slice(from, to);
  }
  return NO_REFERENCES;
}

/** How much of a thread's stacks lies beneath some point. */
export interface Depth {
  readonly slots: number;
  readonly calls: number;
}

const BOTTOM: Depth = { slots: 0, calls: 0 };

function isSame(a: Depth, b: Depth): boolean {
  return a.slots === b.slots && a.calls === b.calls;
}

/** Words of slots that are copied one by one: a view of them would cost more. */
const FEW_SLOTS = 256;

/** Frames that lie next to each other, copied from the machine. */
export class Part {
  /** In the thread: where they begin and end. */
  readonly from: Depth;
  readonly to: Depth;
  readonly returns: Returns;
  private readonly slots: Int32Array;
  private references: readonly unknown[] = NO_REFERENCES;
  /** So many reference slots there were, if they were all null or not. */
  private referenceCount = 0;
  /** The copied references as something that keeps objects alive. */
  private root: Root | null = null;

  constructor(from: Depth, to: Depth) {
    this.from = from;
    this.to = to;
    this.slots = new Int32Array(to.slots - from.slots);
    this.returns = new Returns(to.calls - from.calls);
  }

  /** Whether it is not worth while to keep it for the next time. */
  get isLarge(): boolean {
    return this.words > FEW_SLOTS;
  }

  /** Whether frames that begin and end here fit into it. */
  fits(from: Depth, to: Depth): boolean {
    return isSame(this.from, from) && isSame(this.to, to);
  }

  /** Copies what lies at `slots` and `calls` on the machine. */
  fill(slots: number, calls: number, store: Store): void {
    const copy = this.slots;
    const end = slots + copy.length;
    if (copy.length > FEW_SLOTS) copy.set(SLOTS.subarray(slots, end));
    else for (let i = 0; i < copy.length; i++) copy[i] = SLOTS[slots + i];
    const lastReference = Math.min(end >> 1, REFERENCES.length);
    this.referenceCount = Math.max(0, lastReference - (slots >> 1));
    this.references = copyReferences(slots >> 1, lastReference);
    this.root = this.references.length > 0 ? store.objects.hold(this.references) : null;
    this.returns.fill(calls);
  }

  /** Words that it takes to move it. */
  get words(): number {
    return this.to.slots - this.from.slots + this.to.calls - this.from.calls;
  }

  /** Copies of its slots between two words of the thread, and of the references there. */
  copy(from: number, to: number): FrameValues {
    const [begin, end] = [from - this.from.slots, to - this.from.slots];
    return {
      words: this.slots.slice(begin, end),
      references: this.references.slice(begin >> 1, end >> 1),
    };
  }

  restore(slots: number, calls: number): void {
    SLOTS.set(this.slots, slots);
    this.returns.restore(calls);
    const { referenceCount, references } = this;
    this.references = NO_REFERENCES;
    const first = slots >> 1;
    reserveReferences(first + referenceCount);
    // Those that are null are written, too: others' may be there.
    for (let i = 0; i < referenceCount; i++) {
      REFERENCES[first + i] = references.length === 0 ? null : references[i];
    }
  }

  /** What was copied is of no use any more. */
  drop(store: Store): void {
    if (this.root !== null) store.objects.drop(this.root);
    this.root = null;
  }
}

/** Whose frames they are. */
interface Owner {
  readonly store: Store;
  readonly slotBase: number;
  readonly controlBase: number;
}

/** Whose instances they are in. */
interface Occupied {
  readonly instance: ModuleInstance | null;
  /** Instances that frames of the machine will restore. */
  readonly callers: readonly (ModuleInstance | null)[];
}

/** Moves results, which lie where the callee's frame did; further up, or down, or not at all. */
function moveResults(from: number, to: number, words: number): void {
  SLOTS.copyWithin(to, from, from + words);
  const [source, target] = [from >> 1, to >> 1];
  if (source >= REFERENCES.length) return;
  const moved = REFERENCES.slice(source, (from + words) >> 1);
  reserveReferences(target + moved.length);
  for (let i = 0; i < moved.length; i++) REFERENCES[target + i] = moved[i];
}

/** The parts of a thread's frames that there are copies of, outermost first. */
export class Parts {
  private readonly owner: Owner;
  private readonly list: Part[] = [];
  /**
   * So many of them are not on the machine. The others are, too: copies of deep frames are made in
   * time, because somebody else may need the room at once, and lie there until then.
   */
  private awayParts = 0;
  /**
   * The last part that came back. A thread that takes turns with thousands of others mostly stops
   * as deep as before; what is new each time lives too long to be cheap for the host's collector.
   */
  private spare: Part | null = null;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /** By how much what is on the machine lies lower than in the thread. */
  get away(): Depth {
    if (this.awayParts === 0) return BOTTOM;
    const { slots, calls } = this.list[this.awayParts - 1].to;
    // The last call of what is away is on the machine: it returns to the machine's own code.
    return { slots, calls: calls - 2 };
  }

  /** Where frames begin that there is no copy of. */
  private get covered(): Depth {
    return this.list.at(-1)?.to ?? BOTTOM;
  }

  /** Copies frames, the lowest first, as long as `keep` remains beneath their `end`. */
  private copy(end: Depth, keep: Depth): void {
    const { away, owner } = this;
    const shift = owner.controlBase - away.calls;
    const { partCalls, partSlots } = measures;
    let from = this.covered;
    let { slots } = from;
    for (let calls = from.calls + 2; calls <= end.calls; calls += 2) {
      const at = calls - 2 + shift;
      slots += CONTROL[at + 1];
      if (end.slots - slots < keep.slots && end.calls - calls < keep.calls) return;
      if (slots - from.slots < partSlots && calls - from.calls < partCalls) continue;
      // Who comes back to a part is in a guest's frame.
      if (CONTROL[at] === RESTORE_PC - 2 || CONTROL[at] === EXIT_PC - 2) continue;
      const to = { slots, calls };
      this.list.push(this.take(from, to));
      CONTROL[at] = BELOW_PC - 2;
      from = to;
    }
  }

  private take(from: Depth, to: Depth): Part {
    const { away, owner, spare } = this;
    const slots = owner.slotBase + from.slots - away.slots;
    const part = spare?.fits(from, to) ? spare : new Part(from, to);
    this.spare = null;
    part.fill(slots, owner.controlBase + from.calls - away.calls, owner.store);
    return part;
  }

  /** For a thread that pauses, with frames up to `end`: moving it out shall not take long. */
  prepare(end: Depth): void {
    const { covered } = this;
    const { mostCalls, mostSlots } = measures;
    const isShort =
      end.slots - covered.slots <= mostSlots && end.calls - covered.calls <= mostCalls;
    if (!isShort) this.copy(end, { slots: mostSlots >> 2, calls: mostCalls >> 2 });
  }

  /** Takes all frames from the machine. */
  moveOut(end: Depth): void {
    this.copy(end, { slots: measures.partSlots, calls: measures.partCalls });
    this.list.push(this.take(this.covered, end));
    this.awayParts = this.list.length;
  }

  /** Puts the uppermost frames back, at the bases that the thread has now. */
  moveIn(): void {
    const part = this.pop();
    this.place(part);
    this.spare = part.isLarge ? null : part;
  }

  private pop(): Part {
    const part = this.list.pop() as Part;
    part.drop(this.owner.store);
    return part;
  }

  /** Puts the part that was the last one on the machine. */
  private place(part: Part): void {
    const { controlBase, slotBase } = this.owner;
    const below = this.list.at(-1);
    this.awayParts = this.list.length;
    if (below === undefined) {
      part.restore(slotBase, controlBase);
      return;
    }
    CONTROL[controlBase] = BELOW_PC - 2;
    CONTROL[controlBase + 1] = below.returns.wordAt(below.to.calls - below.from.calls - 1);
    part.restore(slotBase, controlBase + 2);
  }

  /**
   * A function has returned to a frame in the last part: that becomes the frame of the machine, at
   * the top of whose control stack lies where it goes on.
   */
  comeBack(): void {
    const part = this.pop();
    const { calls, slots } = part.to;
    const last = calls - part.from.calls - 2;
    const { code, offset } = part.returns.placeAt(last) as Place;
    if (this.list.length >= this.awayParts) {
      writeReturn(machine.ksp, code, offset);
      return;
    }
    const { controlBase, slotBase, store } = this.owner;
    const delta = CONTROL[machine.ksp + 1];
    this.awayParts = this.list.length;
    const { away } = this;
    const callee = slotBase + slots - away.slots;
    // They are operands of the frame; like the driver, leave some room above.
    moveResults(machine.fp + delta, callee, Math.max(0, code.frameWords - delta) + 64);
    this.place(part);
    machine.fp = callee - delta;
    machine.ksp = controlBase + calls - 2 - away.calls;
    // It counts towards the slice: a word takes about as long as an instruction.
    store.work += part.words;
  }

  /** Leaves frames for one that lies so many words lower, and is going on in a handler. */
  unwind({ calls, slots }: Depth): void {
    const { away, owner } = this;
    const fp = machine.fp - slots - owner.slotBase + away.slots;
    const ksp = machine.ksp - calls - owner.controlBase + away.calls;
    while (ksp < this.covered.calls) {
      const part = this.pop();
      if (this.list.length < this.awayParts && ksp >= part.from.calls) this.place(part);
    }
    const now = this.away;
    machine.fp = owner.slotBase + fp - now.slots;
    machine.ksp = owner.controlBase + ksp - now.calls;
  }

  /**
   * The frames of a thread that is away as a whole, the innermost first: that one begins at the
   * word `fp`, and goes on at `place`. Undefined: none of a guest's, there are its words alone.
   */
  saved(
    { callers, instance }: Occupied,
    fp: number,
    place: Place | undefined,
  ): Pick<SavedFrames, "frames" | "top"> {
    const { list } = this;
    const top = list[list.length - 1];
    let within = instance as ModuleInstance;
    let above = callers.length;
    let end = fp;
    const values = top.copy(fp, top.to.slots);
    const frames: SavedFrame[] = [];
    if (place !== undefined) frames.push({ instance: within, place, ...values });
    for (let i = list.length - 1; i >= 0; i--) {
      const { from, returns, to } = list[i];
      for (let at = to.calls - from.calls - 2; at >= 0; at -= 2) {
        const begin = end - returns.wordAt(at + 1);
        const goesOn = returns.placeAt(at);
        if (goesOn !== undefined) {
          frames.push({ instance: within, place: goesOn, ...list[i].copy(begin, end) });
        } else if (returns.wordAt(at) === RESTORE_PC - 2) {
          within = callers[--above] as ModuleInstance;
        }
        end = begin;
      }
    }
    return { frames, top: values };
  }

  /** All of them are of no use any more. */
  drop(): void {
    while (this.list.length > 0) this.pop();
    this.awayParts = 0;
  }

  // Calls, on the machine or away, by where they lie or would lie on the control stack

  /** Like `placeAt` of the machine. */
  placeAt(at: number): Place | undefined {
    const part = this.partAt(at);
    if (part === undefined) return placeAt(at);
    const place = part.returns.placeAt(this.indexIn(part, at));
    return place === undefined ? undefined : { code: place.code, offset: place.offset + 1 };
  }

  /** Whether a call is a frame of the machine's own that brings an instance back. */
  bringsBack(at: number): boolean {
    return this.wordAt(at) === RESTORE_PC - 2;
  }

  /** What a call adds to fp. */
  deltaAt(at: number): number {
    return this.wordAt(at + 1);
  }

  private wordAt(at: number): number {
    const part = this.partAt(at);
    return part === undefined ? CONTROL[at] : part.returns.wordAt(this.indexIn(part, at));
  }

  private indexIn(part: Part, at: number): number {
    return at - this.owner.controlBase + this.away.calls - part.from.calls;
  }

  private partAt(at: number): Part | undefined {
    const { list } = this;
    if (list.length === 0) return undefined;
    const calls = at - this.owner.controlBase + this.away.calls;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (calls < list[middle].to.calls) high = middle;
      else low = middle + 1;
    }
    return list[low];
  }
}
