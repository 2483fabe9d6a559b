// What guests make on the host's heap and keep by references alone (spec: 4.2, exception instances;
// aggregates are to come). Such objects have no owner whose end gives their bytes back. They are
// counted when they are made, and when the account is full a census finds out which of them the
// store's guests can still reach: through tables, globals, element segments and frames. What the
// host alone holds is the host's business.

import { HEAP_EXN, heapOf, isReference, type ValType } from "../isa/types.ts";
import type { Store } from "./store.ts";

/** An object that a guest has made, and that lives as long as a reference to it. */
export abstract class GuestObject {
  /** The last census that has counted it. */
  census = 0;
  /** Whose account it is in: the store's in which it was made or thrown last. */
  account: GuestObjects | null = null;

  /** What it takes of the host's memory. */
  abstract get hostBytes(): number;

  /** What it refers to. */
  abstract get references(): readonly unknown[];
}

/** Whether a reference of this closed type may be to an object that guests make. */
export function mayReferToObjects(type: ValType): boolean {
  return isReference(type) && heapOf(type) === HEAP_EXN;
}

/** A table, as far as it matters here. */
interface ReferenceTable {
  readonly length: number;
  get(index: number): unknown;
}

/** What keeps objects alive as long as it lives itself. */
export type Holder = readonly unknown[] | ReferenceTable;

/** A holder, unless it has died. */
export interface Root {
  deref(): Holder | undefined;
}

/** Is shown references. */
export type Visit = (references: readonly unknown[], from: number, to: number) => void;

/** Shows the references in the frames of a store's threads that lie on the machine. */
let showFrames: (store: Store, visit: Visit) => void = () => {};

/** For the interpreter, which alone knows them. */
export function provideFrames(show: (store: Store, visit: Visit) => void): void {
  showFrames = show;
}

/** References and objects of one piece of a census: some 0.1 ms, and 3 ms in cold code. */
const PIECE = 20_000;
/** References that take as long as an object. */
const OBJECT_WORK = 8;

let censuses = 0;

/** One count of a store's live objects. While it is under way no guest of the store may run. */
class Census {
  private readonly id = ++censuses;
  /** What is still to be gone through, and how far the last of them is. */
  private readonly roots: Holder[];
  private at = 0;
  private readonly found: GuestObject[] = [];
  bytes = 0;
  /** References it has looked at, so to speak. */
  work = 0;
  private readonly framesWork: number;

  constructor(store: Store, roots: Holder[]) {
    this.roots = roots;
    // At once, because frames move when their threads pause.
    showFrames(store, (references, from, to) => this.visit(references, from, to));
    this.framesWork = this.work;
  }

  /** The work that depends on nothing but what the guests have done, however they are sliced. */
  get steadyWork(): number {
    return this.work - this.framesWork;
  }

  /** Goes on for a piece; true at the end. */
  advance(): boolean {
    const { found, roots } = this;
    const end = this.work + PIECE;
    while (this.work < end) {
      const object = found.pop();
      const root = roots[roots.length - 1];
      if (object !== undefined) this.visit(object.references, 0, object.references.length);
      else if (root === undefined) return true;
      else if (this.at >= root.length) {
        roots.pop();
        this.at = 0;
        this.work++;
      } else {
        // What is found is followed soon, or there might be very much of it.
        const to = Math.min(root.length, this.at + 1_000);
        if ("get" in root) this.visitTable(root, this.at, to);
        else this.visit(root, this.at, to);
        this.at = to;
      }
    }
    return false;
  }

  private visit(references: readonly unknown[], from: number, to: number): void {
    for (let i = from; i < to; i++) if (references[i] !== null) this.count(references[i]);
    this.work += to - from;
  }

  private visitTable(table: ReferenceTable, from: number, to: number): void {
    for (let i = from; i < to; i++) this.count(table.get(i));
    this.work += to - from;
  }

  private count(reference: unknown): void {
    if (!(reference instanceof GuestObject) || reference.census === this.id) return;
    reference.census = this.id;
    this.bytes += reference.hostBytes;
    this.work += OBJECT_WORK;
    this.found.push(reference);
  }
}

/**
 * Bytes that may be made after a census before the next one, however full the account is: so many
 * take longer to make than it took to count, and garbage alone costs no more than twice the time.
 */
const LEAST_BETWEEN = 1 << 16;
const MOST_BETWEEN = 1 << 25;

/** The part of a store's `hostBytes` that objects of guests take, and where they are held. */
export class GuestObjects {
  private readonly store: Store;
  /** What was alive at the last census, and what was made since. */
  bytes = 0;
  /** What `bytes` may become before the next census, where the limit is exceeded. */
  private due = 0;
  private census: Census | null = null;
  /** Whether the last census has found more than the limit allows. */
  private isOver = false;
  /** The object that a census is made for, and the one for which one has ended. */
  private asking: GuestObject | null = null;
  private answered: GuestObject | null = null;
  private readonly roots = new Set<Root>();
  /** How many roots there may be before those that have died are looked for. */
  private sweepAt = 64;

  constructor(store: Store) {
    this.store = store;
  }

  /** From now on objects that `holder` mentions count as alive, until it dies itself. */
  hold(holder: Holder): Root {
    if (this.roots.size >= this.sweepAt) {
      this.holders();
      this.sweepAt = 64 + 2 * this.roots.size;
    }
    // Without it (very small engines) it is held for ever, as its bytes are.
    const root: Root =
      typeof WeakRef === "undefined" ? { deref: () => holder } : new WeakRef(holder);
    this.roots.add(root);
    return root;
  }

  /** Takes back `hold`. */
  drop(root: Root): void {
    this.roots.delete(root);
  }

  /** The holders that live; the others are forgotten. */
  private holders(): Holder[] {
    const holders: Holder[] = [];
    this.roots.forEach((root) => {
      const holder = root.deref();
      if (holder === undefined) this.roots.delete(root);
      else holders.push(holder);
    });
    return holders;
  }

  /**
   * Counts an object that is in no account of this store yet. False if that needs a census, of
   * which a piece has been done: the caller looks whether it may go on, and asks again.
   * @throws Exhaustion if the objects that live leave no room for it
   */
  admit(object: GuestObject): boolean {
    if (object.account === this) return true;
    const bytes = object.hostBytes;
    if (!this.fits(bytes) && this.bytes + bytes > this.due) {
      if (this.answered !== object) {
        this.asking = object;
        if (!this.advance()) return false;
      }
      this.answered = null;
      if (!this.fits(bytes)) throw this.store.overLimit("hostBytes", bytes);
    }
    this.bytes += bytes;
    object.account = this;
    return true;
  }

  /**
   * Whether `bytes` of another kind may be held. If only what may be garbage stands in the way they
   * may, and a census is under way from then on.
   */
  makeWay(bytes: number): boolean {
    if (this.fits(bytes) || this.census !== null) return true;
    if (!this.fits(bytes - this.bytes)) return false;
    if (this.isOver) {
      this.count();
      return this.fits(bytes);
    }
    this.census = new Census(this.store, this.holders());
    return true;
  }

  private fits(bytes: number): boolean {
    return this.store.usage("hostBytes") + bytes <= this.store.limits.hostBytes;
  }

  /** Whether a census is under way: guests wait until it has ended. */
  get isCounting(): boolean {
    return this.census !== null;
  }

  /** Does a piece of a census, of the next one if there is none; true when it has ended. */
  advance(): boolean {
    this.census ??= new Census(this.store, this.holders());
    const { census } = this;
    const before = census.work;
    const ended = census.advance();
    this.store.work += census.work - before;
    if (ended) this.end(census);
    return ended;
  }

  /** A whole census. Takes a while: some 5 ms for each million of references and objects. */
  count(): void {
    while (!this.advance());
  }

  private end({ bytes, steadyWork }: Census): void {
    this.census = null;
    this.answered = this.asking;
    this.asking = null;
    this.bytes = bytes;
    this.isOver = !this.fits(0);
    this.due = this.isOver ? 0 : bytes + LEAST_BETWEEN + Math.min(steadyWork, MOST_BETWEEN);
  }

  /** A guest goes on after all: what was counted so far may be true no longer. */
  interrupt(): void {
    this.census = null;
  }
}
