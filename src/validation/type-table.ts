// Canonical types (spec: 3.1.3 Rolling and Unrolling): one table for all modules of the realm, in
// which equal types have the same number, their id. Recursion groups are found by a hash over their
// parts and compared part by part; nothing is written down as text.
//
// Ids last as long as somebody holds them: each module, and each closed type that outlives one,
// counts as a user of the groups it has. What nobody uses is taken out, little by little, and its
// ids are given again.

import { heapOf, isNullable, isReference, refType, type ValType } from "../isa/types.ts";
import { limitError } from "../module/limits.ts";
import type { FieldType, FuncType, SubType } from "../module/module.ts";
import { finishRest, PIECE, Piece } from "../module/pieces.ts";

type Composite = SubType["composite"];

const NONE = -1;
/** ValType has 26 bits for a heap type. */
const MOST_IDS = 2 ** 26;

/** Columns of a type: its group's first id, its place in the group, the next of the group. */
const GROUP = 0;
const POSITION = 1;
const SUCCESSOR = 2;
const FINAL = 3;
const PARENT = 4;
const DEPTH = 5;
/** A type further above, so that one that is n above is found in about log n steps. */
const JUMP = 6;
/** Of a group's first type only: its users, both halves of the hash, next with the same first. */
const USES = 7;
const KEY = 8;
const CHECK = 9;
const CHAINED = 10;
const COLUMNS = 11;

let rows = new Int32Array(64 * COLUMNS);
/** Types by id; what they mention are ids, too. */
const composites: (Composite | undefined)[] = [];
const freeIds: number[] = [];
/** First ids of the groups with the same first half of the hash; split, to grow in short steps. */
const chains: Map<number, number>[] = [];
/** How many groups have ever been put into a chain. */
let links = 0;
/** Function types that were handed out, by id. */
const functionTypes = new Map<number, WeakRef<FuncType>>();
/** The groups that a group mentions, once for each mention; they are used by it. */
const mentions = new Map<number, number[]>();
/** Lists of groups that have lost a user each. */
const ended: number[][] = [];
/** What is to be done next: a group that has lost a user, or `~id` of a type to be taken out. */
const toDo: number[] = [];

const canForget = typeof FinalizationRegistry !== "undefined" && typeof WeakRef !== "undefined";
/** Without it (very small engines) types are never forgotten. */
const mourner = canForget
  ? new FinalizationRegistry<number[]>((used) => {
      ended.push(used);
      forget(PIECE);
    })
  : null;

// Nobody outside can make types that collide: he does not know these.
const random = () => (Math.random() * 2 ** 32) | 1;
const [SEED_A, SEED_B, FACTOR_A, FACTOR_B] = [random(), random(), random(), random()];

function cell(id: number, column: number): number {
  return rows[id * COLUMNS + column];
}

function setCell(id: number, column: number, value: number): void {
  rows[id * COLUMNS + column] = value;
}

/** Whether the type `sub` is `sup` or has it above itself. */
export function idMatches(sub: number, sup: number): boolean {
  const depth = cell(sup, DEPTH);
  let id = sub;
  while (cell(id, DEPTH) > depth) {
    const jump = cell(id, JUMP);
    id = cell(jump, DEPTH) >= depth ? jump : cell(id, PARENT);
  }
  return id === sup;
}

/** Number of supertypes above a type. */
export function depthOfId(id: number): number {
  return cell(id, DEPTH);
}

/** The type with this id; type indices inside `composite` are ids, too. */
export function typeOfId(id: number) {
  const composite = composites[id] as Composite;
  return { id, final: cell(id, FINAL) === 1, parent: cell(id, PARENT), composite };
}

/**
 * The function type with this id, closed. As long as the object lives, the id is used.
 * @throws TypeError if it is none
 */
export function functionTypeOfId(id: number): FuncType {
  const known = functionTypes.get(id)?.deref();
  if (known !== undefined) return known;
  const composite = composites[id];
  if (composite?.kind !== "func") throw new TypeError(`type id ${id} is no function type`);
  if (mourner === null) return composite;
  const type: FuncType = { kind: "func", params: composite.params, results: composite.results };
  const group = cell(id, GROUP);
  use(group);
  mourner.register(type, [group]);
  functionTypes.set(id, new WeakRef(type));
  return type;
}

/** How many types there are; for tests. */
export function typeCount(): number {
  return composites.length - freeIds.length;
}

function use(group: number): void {
  setCell(group, USES, cell(group, USES) + 1);
}

/** Does some of what is left of groups that have lost their users. */
function forget(most: number): void {
  for (let left = most; left > 0; left--) {
    const item = toDo.pop();
    if (item === undefined) {
      const list = ended.at(-1);
      if (list === undefined) return;
      const group = list.pop();
      if (group === undefined) ended.pop();
      else toDo.push(group);
    } else if (item >= 0) loseUser(item);
    else takeOut(~item);
  }
}

function loseUser(group: number): void {
  const uses = cell(group, USES) - 1;
  setCell(group, USES, uses);
  if (uses > 0) return;
  unchain(group);
  const mentioned = mentions.get(group);
  if (mentioned !== undefined) ended.push(mentioned);
  mentions.delete(group);
  toDo.push(~group);
}

function chainsOf(check: number): Map<number, number> {
  chains[check & 0xff] ??= new Map();
  return chains[check & 0xff];
}

/** Takes a group out of its chain; one that never got into it is in none. */
function unchain(group: number): void {
  const chain = chainsOf(cell(group, CHECK));
  const key = cell(group, KEY);
  const next = cell(group, CHAINED);
  let at = chain.get(key) ?? NONE;
  if (at === group) {
    if (next === NONE) chain.delete(key);
    else chain.set(key, next);
    return;
  }
  while (at !== NONE && cell(at, CHAINED) !== group) at = cell(at, CHAINED);
  if (at !== NONE) setCell(at, CHAINED, next);
}

function takeOut(id: number): void {
  const next = cell(id, SUCCESSOR);
  if (next !== NONE) toDo.push(~next);
  composites[id] = undefined;
  functionTypes.delete(id);
  freeIds.push(id);
}

/** A new type: its row, still without parent and composite. */
function allocate(group: number, position: number): number {
  const id = freeIds.pop() ?? composites.length;
  if (id >= MOST_IDS) throw limitError("types", id + 1, MOST_IDS);
  if (id === composites.length) composites.push(undefined);
  if (rows.length < composites.length * COLUMNS) {
    const grown = new Int32Array(rows.length * 2);
    grown.set(rows);
    rows = grown;
  }
  setCell(id, GROUP, group === NONE ? id : group);
  setCell(id, POSITION, position);
  setCell(id, SUCCESSOR, NONE);
  setCell(id, USES, 0);
  setCell(id, CHAINED, NONE);
  return id;
}

/** Notes what is above a type. */
function setParent(id: number, parent: number): void {
  setCell(id, PARENT, parent);
  setCell(id, DEPTH, parent === NONE ? 0 : cell(parent, DEPTH) + 1);
  if (parent === NONE) return setCell(id, JUMP, id);
  const jump = cell(parent, JUMP);
  const further = cell(jump, JUMP);
  const even = cell(parent, DEPTH) - cell(jump, DEPTH) === cell(jump, DEPTH) - cell(further, DEPTH);
  setCell(id, JUMP, even ? further : parent);
}

/** Whether a type is a reference to a type that somebody has defined. */
function isDefined(type: ValType): boolean {
  return isReference(type) && heapOf(type) >= 0;
}

/** The fields of a struct, or the one of an array. */
export function fieldsOf(composite: Exclude<Composite, FuncType>): readonly FieldType[] {
  return composite.kind === "struct" ? composite.fields : [composite.field];
}

const identifiers = new WeakMap<readonly SubType[], TypeIdentifier>();

/** The ids of a list of types that was identified in pieces; undefined if it was not. */
export function identifiedTypes(types: readonly SubType[]): readonly number[] | undefined {
  return identifiers.get(types)?.ids;
}

/** Identifies types at one go. They must be valid. */
export function identifyTypes(types: readonly SubType[]): readonly number[] {
  const identifier = new TypeIdentifier(types);
  for (const [index, { groupStart, groupSize }] of types.entries()) {
    identifier.read(index);
    const end = groupStart + groupSize;
    if (index + 1 === end) finishRest(identifier.identify(end));
  }
  return identifier.ids;
}

/** Finds or makes the ids of one module's types, group by group. */
export class TypeIdentifier {
  /** The ids by type index. They are used as long as this list lives. */
  readonly ids: number[] = [];
  private readonly types: readonly SubType[];
  /** First ids of the groups that the list uses. */
  private readonly used: number[] = [];
  /** Both halves of the hash of what has been read of the open group. */
  private a = SEED_A;
  private b = SEED_B;
  private readonly piece = new Piece();

  constructor(types: readonly SubType[]) {
    this.types = types;
    identifiers.set(types, this);
    mourner?.register(this.ids, this.used);
  }

  /** Reads a type of the group that begins after the last id: all of them, in their order. */
  read(index: number): void {
    const { composite, final, supers } = this.types[index];
    this.mix(final ? 1 : 0);
    this.mix(supers.length);
    for (const parent of supers) this.mixIndex(parent);
    if (composite.kind === "func") {
      this.mix(composite.params.length);
      for (const type of composite.params) this.mixType(type);
      for (const type of composite.results) this.mixType(type);
      return;
    }
    this.mix(composite.kind === "struct" ? STRUCT : ARRAY);
    for (const { mutable, type } of fieldsOf(composite)) {
      this.mix(mutable ? 1 : 0);
      this.mixType(type);
    }
  }

  private mix(word: number): void {
    const a = Math.imul(this.a ^ word, FACTOR_A);
    const b = Math.imul(this.b ^ word, FACTOR_B);
    this.a = a ^ (a >>> 15);
    this.b = b ^ (b >>> 13);
  }

  private mixIndex(index: number): void {
    const start = this.ids.length;
    this.mix(index < start ? OUTSIDE : INSIDE);
    this.mix(index < start ? this.ids[index] : index - start);
  }

  private mixType(type: ValType): void {
    if (!isDefined(type)) return this.mix(type);
    this.mix(isNullable(type) ? 1 : 0);
    this.mixIndex(heapOf(type));
  }

  /** Gives the types up to `end`, a group that has been read, their ids. */
  *identify(end: number): Generator<void, void> {
    const { a, b } = this;
    const chain = chainsOf(b);
    let found = NONE;
    let made = NONE;
    // What others put into the chain during a pause has to be looked at, too.
    for (let looked = -1; found === NONE; ) {
      if (looked !== links) {
        looked = links;
        found = yield* this.find(chain.get(a) ?? NONE, end);
      } else if (made === NONE) {
        made = yield* this.make(end);
      } else {
        setCell(made, CHAINED, chain.get(a) ?? NONE);
        chain.set(a, made);
        links++;
        found = made;
      }
    }
    for (let id = found; id !== NONE; id = cell(id, SUCCESSOR)) {
      this.ids.push(id);
      if (this.piece.isFull(1)) yield;
    }
    this.a = SEED_A;
    this.b = SEED_B;
    forget(PIECE);
  }

  private *find(chained: number, end: number): Generator<void, number> {
    for (let group = chained; group !== NONE; group = cell(group, CHAINED)) {
      if (cell(group, CHECK) !== this.b) continue;
      // It must not be taken out during a pause.
      this.hold(group);
      if (yield* this.equals(group, end)) return group;
    }
    return NONE;
  }

  private *equals(group: number, end: number): Generator<void, boolean> {
    let id = group;
    for (let i = this.ids.length; i < end; i++, id = cell(id, SUCCESSOR)) {
      if (id === NONE || !this.typeEquals(this.types[i], id)) return false;
      if (this.piece.isFull(partsOf(this.types[i].composite))) yield;
    }
    return id === NONE;
  }

  private typeEquals({ composite, final, supers }: SubType, id: number): boolean {
    if (final !== (cell(id, FINAL) === 1)) return false;
    const group = cell(id, GROUP);
    const parent = cell(id, PARENT);
    const alike =
      supers.length === 0 ? parent === NONE : this.indexEquals(supers[0], parent, group);
    const other = composites[id];
    if (!alike || other?.kind !== composite.kind) return false;
    if (composite.kind === "func") {
      const { params, results } = other as FuncType;
      return (
        this.listEquals(composite.params, params, group) &&
        this.listEquals(composite.results, results, group)
      );
    }
    const fields = fieldsOf(other as Exclude<Composite, FuncType>);
    const own = fieldsOf(composite);
    return (
      own.length === fields.length &&
      own.every(({ mutable, type }, i) => {
        return mutable === fields[i].mutable && this.valTypeEquals(type, fields[i].type, group);
      })
    );
  }

  private listEquals(own: readonly ValType[], other: readonly ValType[], group: number): boolean {
    return (
      own.length === other.length && own.every((t, i) => this.valTypeEquals(t, other[i], group))
    );
  }

  private valTypeEquals(own: ValType, other: ValType, group: number): boolean {
    if (!isDefined(own) || !isDefined(other)) return own === other;
    if (isNullable(own) !== isNullable(other)) return false;
    return this.indexEquals(heapOf(own), heapOf(other), group);
  }

  /** Inside of the group, places are compared; outside, ids. */
  private indexEquals(index: number, id: number, group: number): boolean {
    const start = this.ids.length;
    const inside = id !== NONE && cell(id, GROUP) === group;
    if (index < start) return !inside && this.ids[index] === id;
    return inside && cell(id, POSITION) === index - start;
  }

  /** Makes the group up to `end`, in no chain yet. */
  private *make(end: number): Generator<void, number> {
    const start = this.ids.length;
    const own: number[] = [];
    for (let i = start; i < end; i++) {
      const id = allocate(own.length === 0 ? NONE : own[0], i - start);
      if (i > start) setCell(own[i - start - 1], SUCCESSOR, id);
      own.push(id);
      if (i === start) this.hold(id);
      if (this.piece.isFull(1)) yield;
    }
    const [group] = own;
    setCell(group, KEY, this.a);
    setCell(group, CHECK, this.b);
    const mentioned: number[] = [];
    const toId = (index: number): number => {
      if (index >= start) return own[index - start];
      const other = cell(this.ids[index], GROUP);
      use(other);
      mentioned.push(other);
      return this.ids[index];
    };
    for (let i = start; i < end; i++) {
      const { composite, final, supers } = this.types[i];
      const id = own[i - start];
      setCell(id, FINAL, final ? 1 : 0);
      setParent(id, supers.length === 0 ? NONE : toId(supers[0]));
      composites[id] = closed(composite, toId);
      if (mentioned.length > 0) mentions.set(group, mentioned);
      if (this.piece.isFull(partsOf(composite))) yield;
    }
    return group;
  }

  private hold(group: number): void {
    use(group);
    this.used.push(group);
  }
}

/** What stands for kinds and for places of types where parts are hashed. */
const STRUCT = 0x10000;
const ARRAY = 0x20000;
const OUTSIDE = 0x40000;
const INSIDE = 0x80000;

/** How much work a type is: itself and what it lists. */
export function partsOf(composite: Composite): number {
  if (composite.kind === "func") return 1 + composite.params.length + composite.results.length;
  return 1 + fieldsOf(composite).length;
}

/** A type in which ids stand for type indices; the same object where it mentions none. */
function closed(composite: Composite, toId: (index: number) => number): Composite {
  const close = (type: ValType) => {
    return isDefined(type) ? refType(toId(heapOf(type)), isNullable(type)) : type;
  };
  if (composite.kind === "func") {
    const { params, results } = composite;
    if (!params.some(isDefined) && !results.some(isDefined)) return composite;
    return { kind: "func", params: params.map(close), results: results.map(close) };
  }
  const fields = fieldsOf(composite);
  if (!fields.some(({ type }) => isDefined(type))) return composite;
  const own = fields.map(({ mutable, type }) => ({ mutable, type: close(type) }));
  return composite.kind === "struct"
    ? { kind: "struct", fields: own }
    : { kind: "array", field: own[0] };
}
