// What guests make on the host's heap and keep by references alone (spec: 4.2, exception instances
// and aggregates). Such objects have no owner whose end gives their bytes back. They are
// counted when they are made, and when the account is full a census finds out which of them the
// store's guests can still reach: through tables, globals, element segments and frames. What the
// host alone holds is the host's business.

import { HEAP_FUNC, heapOf, isReference, type ValType } from "../isa/types.ts";
import { Elements } from "./elements.ts";
import { arrayForLoop } from "./frozen.ts";
import {
  type Aggregate,
  aggregateBytes,
  ExportedObject,
  HostValue,
  isAggregate,
  markAggregate,
} from "./objects.ts";
import type { Store } from "./store.ts";
import { heapIdMatches } from "./types.ts";

/** An object that a guest has made, and that lives as long as a reference to it. */
export abstract class GuestObject {
  /** The last census that has counted it. */
  #census = 0;
  /** Whose account it is in: the store's in which it was made or thrown last. */
  account: GuestObjects | null = null;

  /** What it takes of the host's memory. */
  abstract get hostBytes(): number;

  /** What it refers to. */
  abstract get references(): readonly unknown[];

  /** Whether a reference is to one: asked like this, not even a Proxy of the host's notices. */
  static is(reference: unknown): reference is GuestObject {
    return typeof reference === "object" && reference !== null && #census in reference;
  }

  /** Notes that a census has counted it; false if it has done so before. */
  mark(census: number): boolean {
    if (this.#census === census) return false;
    this.#census = census;
    return true;
  }
}

/** Whether a reference of this closed type may be to an object that guests make. */
export function mayReferToObjects(type: ValType): boolean {
  return isReference(type) && !heapIdMatches(heapOf(type), HEAP_FUNC);
}

/** Whether a reference counts as long as something refers to it: others are the host's alone. */
export function mustBeSeen(reference: unknown): boolean {
  if (typeof reference !== "object" || reference === null) return false;
  return (
    isAggregate(reference) ||
    GuestObject.is(reference) ||
    HostValue.is(reference) ||
    ExportedObject.objectOf(reference) !== null
  );
}

/** A table, as far as it matters here. */
interface ReferenceTable {
  readonly length: number;
  get(index: number): unknown;
}

/** What keeps objects alive as long as it lives itself. */
export type Holder = readonly unknown[] | ReferenceTable;

/** A holder, or what the host has of a guest's object, unless it has died. */
export interface Root {
  deref(): Holder | ExportedObject | undefined;
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

/** Objects of which a list is made at a time. */
const BLOCK = 4_096;

/** One count of a store's live objects. While it is under way no guest of the store may run. */
class Census {
  private readonly id = ++censuses;
  private readonly roots: Iterator<Root>;
  /** What is being gone through, and how far. */
  private readonly holders: { readonly holder: Holder; at: number }[] = [];
  /** What was found and is to be followed, the last ones; and full lists of those before them. */
  private found: (GuestObject | Aggregate)[] = [];
  private readonly foundBefore: (GuestObject | Aggregate)[][] = [];
  bytes = 0;
  gcBytes = 0;
  /** References it has looked at, so to speak. */
  work = 0;
  /** Copies of the references in frames, made at once: they move when their threads pause. */
  private readonly frames: (readonly unknown[])[] = [];
  private framesWork = 0;

  constructor(store: Store, roots: Iterator<Root>) {
    this.roots = roots;
    showFrames(store, (references, from, to) => {
      for (let at = from; at < to; at += BLOCK) {
        this.frames.push(references.slice(at, Math.min(at + BLOCK, to)));
      }
    });
  }

  /** The work that depends on nothing but what the guests have done, however they are sliced. */
  get steadyWork(): number {
    return this.work - this.framesWork;
  }

  /** Goes on for a piece; true at the end. */
  advance(): boolean {
    const end = this.work + PIECE;
    while (this.work < end) {
      if (this.found.length === 0) this.found = this.foundBefore.pop() ?? this.found;
      const object = this.found.pop();
      if (object !== undefined) this.follow(object);
      else if (this.holders.length > 0) this.goThrough();
      else if (this.frames.length > 0) this.visitFrames();
      else if (!this.nextRoot()) return true;
    }
    return false;
  }

  /** Begins with the next root; false if there is none. */
  private nextRoot(): boolean {
    const { done, value } = this.roots.next();
    if (done === true) return false;
    this.work++;
    const holder = value.deref();
    const exported = ExportedObject.objectOf(holder);
    if (exported !== null) this.count(exported);
    else if (holder !== undefined) this.holders.push({ holder: holder as Holder, at: 0 });
    return true;
  }

  private visitFrames(): void {
    const before = this.work;
    const references = this.frames.pop() as readonly unknown[];
    this.visit(references, 0, references.length);
    this.framesWork += this.work - before;
  }

  private goThrough(): void {
    const current = this.holders[this.holders.length - 1];
    const { at, holder } = current;
    // What is found is followed soon, or there might be very much of it.
    const to = Math.min(holder.length, at + 1_000);
    current.at = to;
    if (to === holder.length) this.holders.pop();
    this.work++;
    if ("get" in holder) this.visitTable(holder, at, to);
    else this.visit(holder, at, to);
  }

  private follow(object: GuestObject | Aggregate): void {
    if (GuestObject.is(object)) this.visit(object.references, 0, object.references.length);
    else if (object[1] instanceof Elements) this.holders.push({ holder: object[1], at: 0 });
    else this.visit(object, 1, object.length);
  }

  private visit(references: readonly unknown[], from: number, to: number): void {
    for (let i = from; i < to; i++) {
      if (typeof references[i] === "object" && references[i] !== null) this.count(references[i]);
    }
    this.work += to - from;
  }

  private visitTable(table: ReferenceTable, from: number, to: number): void {
    for (let i = from; i < to; i++) this.count(table.get(i));
    this.work += to - from;
  }

  private count(reference: unknown): void {
    if (isAggregate(reference)) {
      if (!markAggregate(reference, this.id)) return;
      this.gcBytes += aggregateBytes(reference);
      this.work += OBJECT_WORK;
      if (reference[0].type.hasReferences) this.push(reference);
    } else if (GuestObject.is(reference)) {
      if (!reference.mark(this.id)) return;
      this.bytes += reference.hostBytes;
      this.work += OBJECT_WORK;
      this.push(reference);
    } else if (HostValue.is(reference)) {
      if (reference.census !== this.id) this.gcBytes += reference.hostBytes;
      reference.census = this.id;
    } else {
      const exported = ExportedObject.objectOf(reference);
      if (exported !== null) this.count(exported);
    }
  }

  private push(object: GuestObject | Aggregate): void {
    if (this.found.length === BLOCK) {
      this.foundBefore.push(this.found);
      this.found = [];
    }
    this.found.push(object);
  }
}

/**
 * Bytes that may be made after a census before the next one, however full the account is: so many
 * take longer to make than it took to count, and garbage alone costs no more than twice the time.
 */
const LEAST_BETWEEN = 1 << 16;
const MOST_BETWEEN = 1 << 25;

/** Without WeakRef (very small engines) it is held for ever, as its bytes are. */
function rootOf(held: Holder | ExportedObject): Root {
  return typeof WeakRef === "undefined" ? { deref: () => held } : new WeakRef(held);
}

/** What may be made after a census although the account is full, see `LEAST_BETWEEN`. */
function between(steadyWork: number): number {
  return LEAST_BETWEEN + Math.min(steadyWork, MOST_BETWEEN);
}

/**
 * The accounts of a store for what its guests have made, and where that is held: exceptions, a part
 * of `hostBytes`, and aggregates, `gcBytes`.
 */
export class GuestObjects {
  readonly store: Store;
  /** Of exceptions: what was alive at the last census, and what was made since. */
  bytes = 0;
  /**
   * Bytes of aggregates that may be made before the next census: one number, which the loop counts
   * down.
   */
  readonly room: Float64Array;
  /** What `room` was after the last census, and what was alive then. */
  private roomGiven: number;
  private gcAlive = 0;
  /** What `bytes` may become before the next census, where the limit is exceeded. */
  private due = 0;
  private census: Census | null = null;
  /** Whether the last census has found more than the limit allows. */
  private isOver = false;
  /** Whom a census is made for, and for whom one has ended. */
  private asking: object | null = null;
  private answered: object | null = null;
  /** Bytes of an aggregate that a census is made for. */
  private wanted = 0;
  private readonly roots = new Set<Root>();
  /** Goes round and forgets roots that have died. */
  private sweeper: Iterator<Root> = this.roots.values();

  constructor(store: Store) {
    this.store = store;
    this.roomGiven = Math.min(store.limits.gcBytes, Number.MAX_SAFE_INTEGER);
    this.room = arrayForLoop(Float64Array.of(this.roomGiven));
  }

  /** Bytes of aggregates that were alive at the last census or were made since. */
  get gcBytes(): number {
    return this.gcAlive + this.roomGiven - this.room[0];
  }

  /** From now on objects that `holder` mentions count as alive, until it dies itself. */
  hold(holder: Holder): Root {
    return this.add(rootOf(holder));
  }

  /** From now on what the host has got counts as alive as long as that is. */
  holdExported(exported: ExportedObject): void {
    // Until the end of the host's task a WeakRef keeps it alive, and most never need to be counted.
    if (this.store.limits.gcBytes < Number.POSITIVE_INFINITY) this.add(rootOf(exported));
  }

  private add(root: Root): Root {
    this.sweep();
    this.sweep();
    this.roots.add(root);
    return root;
  }

  private sweep(): void {
    const { done, value } = this.sweeper.next();
    if (done === true) this.sweeper = this.roots.values();
    else if (value.deref() === undefined) this.roots.delete(value);
  }

  /** Takes back `hold`. */
  drop(root: Root): void {
    this.roots.delete(root);
  }

  /**
   * Counts bytes of an aggregate that is about to be made for `asker`. False if that needs a
   * census, of which a piece has been done: the caller looks whether it may go on, and asks again.
   * @throws Exhaustion if the objects that live leave no room for it
   */
  reserve(bytes: number, asker: object): boolean {
    const { room } = this;
    if (bytes > room[0]) {
      // An answer is old once something has been made since.
      if (this.answered !== asker || room[0] !== this.roomGiven) {
        this.asking = asker;
        this.wanted = bytes;
        if (!this.advance()) return false;
      }
      this.answered = null;
      if (bytes > room[0]) throw this.store.overLimit("gcBytes", bytes);
    }
    room[0] -= bytes;
    return true;
  }

  /** Counts bytes that are there already; below 0: takes them back. */
  charge(bytes: number): void {
    this.room[0] -= bytes;
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
    this.census = new Census(this.store, this.roots.values());
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
    this.census ??= new Census(this.store, this.roots.values());
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

  private end({ bytes, gcBytes, steadyWork }: Census): void {
    const most = Math.min(this.store.limits.gcBytes, Number.MAX_SAFE_INTEGER);
    this.census = null;
    this.answered = this.asking;
    this.asking = null;
    this.bytes = bytes;
    this.isOver = !this.fits(0);
    this.due = this.isOver ? 0 : bytes + between(steadyWork);
    this.gcAlive = gcBytes;
    const left = most - gcBytes;
    const isFull = left < this.wanted;
    // Below 0: more is alive than may be, as the host's border counts afterwards what it makes.
    this.roomGiven = isFull ? Math.min(left, 0) : Math.max(left, between(steadyWork));
    this.room[0] = this.roomGiven;
    this.wanted = 0;
  }

  /** A guest goes on after all: what was counted so far may be true no longer. */
  interrupt(): void {
    this.census = null;
  }
}
