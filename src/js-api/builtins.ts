// Functions that modules may import without anybody handing them in (JS-API: 6 Builtins): the set
// `js-string`. Their types are those of a module of our own, so that identity of types is the
// engine's.

import { EXTERNREF, HEAP_EXTERN, I16, I32, refType, type ValType } from "../isa/types.ts";
import type { SubType } from "../module/module.ts";
import { allocateHostFunction } from "../runtime/allocate.ts";
import {
  type Aggregate,
  arrayLength,
  HostValue,
  readArray,
  writeArray,
} from "../runtime/objects.ts";
import { funcTypeOfId } from "../runtime/types.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import type { Context } from "./context.ts";
import { markUncatchable } from "./errors.ts";
import { type Callable, HostFunction } from "./functions.ts";
import { AS_THEY_ARE, Signature } from "./signature.ts";

/** `(ref extern)` and `(ref null $array)`, of the module below. */
const STRING = refType(HEAP_EXTERN, false);
const CHAR_CODES = refType(0, true);

/** A builtin: its type, and its steps under a namespace whose traps `trap` raises. */
interface Builtin {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly steps: (trap: Trapper, realm: Realm) => Callable;
}

/** What a namespace makes of its guests' strings. */
interface Realm {
  /** Whether anything stops guests. */
  readonly isStoppable: boolean;
  /** A string that a guest has made, which keeps so many bytes of characters alive. */
  made(text: string, kept: number): unknown;
}

type Trapper = (message: string) => never;

/** The builtins' `String`, whatever a program does to it. */
const { fromCharCode, fromCodePoint } = String;
const { charCodeAt, codePointAt, substring } = String.prototype;
const call = Function.prototype.call.bind(Function.prototype.call) as (
  method: object,
  ...args: readonly unknown[]
) => unknown;
const codeAt = Function.prototype.call.bind(charCodeAt) as (text: string, at: number) => number;

/** A guest's string where objects have a limit: in their account, and found by a census. */
class GuestString extends HostValue {
  readonly kept: number;

  constructor(text: string, kept: number) {
    super(text);
    this.kept = kept;
  }

  override get hostBytes(): number {
    return STRING_BYTES + this.kept;
  }
}

/** What a guest's string takes besides its characters, and what a part of a rope does (V8 11). */
const STRING_BYTES = 112;
const ROPE_BYTES = 32;
/** Parts of strings that are shorter are copies of their own. */
const SHORTEST_SLICE = 13;

/** What a string keeps alive; of the host's own nothing is the guest's. */
function keptBy(value: unknown): number {
  return value instanceof GuestString ? value.kept : 0;
}

/** A string, with its characters together if it was a rope. */
function flat(text: string): string {
  if (text !== "") codeAt(text, 0);
  return text;
}

/** The string that a reference is, whether guest or host has made it; else what it is. */
function stringOf(value: unknown): unknown {
  return HostValue.is(value) ? value.value : value;
}

/** UnwrapString. */
function unwrap(value: unknown, trap: Trapper): string {
  const text = stringOf(value);
  return typeof text === "string" ? text : trap("illegal cast");
}

function unwrapOrNull(value: unknown, trap: Trapper): string | null {
  return value === null ? null : unwrap(value, trap);
}

/** The element of a string at an index that must be inside it. */
function elementOf(method: (at: number) => unknown, trap: Trapper): Callable {
  return (value, index) => {
    const text = unwrap(value, trap);
    const at = (index as number) >>> 0;
    return at < text.length ? call(method, text, at) : trap("string offset out of bounds");
  };
}

function codePoint(value: unknown, trap: Trapper): string {
  const code = (value as number) >>> 0;
  return code <= 0x10ffff ? fromCodePoint(code) : trap(`Invalid code point ${code}`);
}

/** `substring`. A part keeps the whole alive, so it is copied where that is much more. */
const part: Builtin["steps"] = (trap, realm) => (value, start, end) => {
  const text = unwrap(value, trap);
  const [from, to] = [(start as number) >>> 0, (end as number) >>> 0];
  if (from > to || from > text.length) return "";
  const found = call(substring, text, from, to) as string;
  const { length } = found;
  const kept = keptBy(value);
  if (length < SHORTEST_SLICE) return realm.made(found, 2 * length);
  if (kept <= 8 * length) return realm.made(found, kept);
  return realm.made(call(substring, flat(` ${found}`), 1) as string, 2 * (length + 1));
};

/**
 * Characters of a string that a guest puts together where guests are stopped. The host does so when
 * a character is asked for, and all at once: that takes some 3 ms then.
 */
const MOST_CHARACTERS = 1 << 21;

function bound(length: number, most: number, trap: Trapper, { isStoppable }: Realm): void {
  if (length > most && isStoppable) {
    trap(`a string of ${length} characters, at most ${most} are allowed`);
  }
}

/** `concat`: a rope of its operands, or characters of its own once that takes much less. */
const concat: Builtin["steps"] = (trap, realm) => (a, b) => {
  const [first, second] = [unwrap(a, trap), unwrap(b, trap)];
  const bytes = 2 * (first.length + second.length);
  bound(bytes / 2, MOST_CHARACTERS, trap, realm);
  const kept = keptBy(a) + keptBy(b) + ROPE_BYTES;
  const text = first + second;
  return kept > 2 * bytes + STRING_BYTES
    ? realm.made(flat(text), bytes)
    : realm.made(text, Math.max(kept, bytes));
};

function compare(a: unknown, b: unknown, trap: Trapper): number {
  const [first, second] = [unwrap(a, trap), unwrap(b, trap)];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/** The part of an array from `start` on that an operation is for. */
function arrayWithin(value: unknown, start: number, length: number, trap: Trapper): Aggregate {
  if (value === null) return trap("dereferencing a null pointer");
  const array = value as Aggregate;
  const fits = length >= 0 && start + length <= arrayLength(array);
  return fits ? array : trap("array element access out of bounds");
}

/** Codes that are moved at once: as arguments they lie on the host's stack. */
const CHUNK = 1 << 12;
/** Codes that a guest has moved between looks, where it is stopped: some 3 ms. */
const MOST_CODES = 1 << 20;

/** `fromCharCodeArray`. */
const fromArray: Builtin["steps"] = (trap, realm) => (value, start, end) => {
  const [from, to] = [(start as number) >>> 0, (end as number) >>> 0];
  const array = arrayWithin(value, from, to - from, trap);
  bound(to - from, MOST_CODES, trap, realm);
  let text = "";
  for (let at = from; at < to; at += CHUNK) {
    const codes = new Array<number>(Math.min(CHUNK, to - at)).fill(0);
    readArray(array, at, codes);
    text += Reflect.apply(fromCharCode, undefined, codes);
  }
  return realm.made(flat(text), 2 * text.length);
};

/** `intoCharCodeArray`. */
const intoArray: Builtin["steps"] = (trap, realm) => (value, target, start) => {
  const text = unwrap(value, trap);
  const { length } = text;
  const first = (start as number) >>> 0;
  const array = arrayWithin(target, first, length, trap);
  bound(length, MOST_CODES, trap, realm);
  for (let at = 0; at < length; at += CHUNK) {
    const codes = new Array<number>(Math.min(CHUNK, length - at)).fill(0);
    for (let i = 0; i < codes.length; i++) codes[i] = codeAt(text, at + i);
    writeArray(array, first + at, codes);
  }
  return length;
};

const JS_STRING: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [
    "cast",
    {
      params: [EXTERNREF],
      results: [STRING],
      steps: (trap) => (value) => {
        unwrap(value, trap);
        return value;
      },
    },
  ],
  [
    "test",
    {
      params: [EXTERNREF],
      results: [I32],
      steps: () => (value) => (typeof stringOf(value) === "string" ? 1 : 0),
    },
  ],
  ["fromCharCodeArray", { params: [CHAR_CODES, I32, I32], results: [STRING], steps: fromArray }],
  ["intoCharCodeArray", { params: [EXTERNREF, CHAR_CODES, I32], results: [I32], steps: intoArray }],
  [
    "fromCharCode",
    {
      params: [I32],
      results: [STRING],
      steps: (_, realm) => (code) => realm.made(fromCharCode(code as number), 2),
    },
  ],
  [
    "fromCodePoint",
    {
      params: [I32],
      results: [STRING],
      steps: (trap, realm) => (code) => realm.made(codePoint(code, trap), 4),
    },
  ],
  [
    "charCodeAt",
    { params: [EXTERNREF, I32], results: [I32], steps: (trap) => elementOf(charCodeAt, trap) },
  ],
  [
    "codePointAt",
    {
      params: [EXTERNREF, I32],
      results: [I32],
      steps: (trap) => elementOf(codePointAt as (at: number) => unknown, trap),
    },
  ],
  [
    "length",
    {
      params: [EXTERNREF],
      results: [I32],
      steps: (trap) => (value) => unwrap(value, trap).length,
    },
  ],
  [
    "concat",
    {
      params: [EXTERNREF, EXTERNREF],
      results: [STRING],
      steps: concat,
    },
  ],
  [
    "substring",
    {
      params: [EXTERNREF, I32, I32],
      results: [STRING],
      steps: part,
    },
  ],
  [
    "equals",
    {
      params: [EXTERNREF, EXTERNREF],
      results: [I32],
      steps: (trap) => (a, b) => (unwrapOrNull(a, trap) === unwrapOrNull(b, trap) ? 1 : 0),
    },
  ],
  [
    "compare",
    {
      params: [EXTERNREF, EXTERNREF],
      results: [I32],
      steps: (trap) => (a, b) => compare(a, b, trap),
    },
  ],
]);

/** Builtin sets by name. */
const SETS: ReadonlyMap<string, ReadonlyMap<string, Builtin>> = new Map([["js-string", JS_STRING]]);

let ids: ReadonlyMap<Builtin, number> | null = null;
/** The list that keeps those ids in use. */
let idList: readonly number[] = [];

/** Type ids of the builtins, each type in a recursion group of its own. */
function typeIds(): ReadonlyMap<Builtin, number> {
  if (ids !== null) return ids;
  const builtins = [...JS_STRING.values()];
  const alone = (composite: SubType["composite"], groupStart: number): SubType => {
    return { final: true, supers: [], composite, groupStart, groupSize: 1 };
  };
  const types = [
    alone({ kind: "array", field: { type: I16, mutable: true } }, 0),
    ...builtins.map(({ params, results }, i) => alone({ kind: "func", params, results }, i + 1)),
  ];
  idList = typeIdsOf({ types });
  ids = new Map(builtins.map((builtin, i) => [builtin, idList[i + 1]]));
  return ids;
}

/** The builtin that an import names under the enabled sets; null if it names none. */
function findBuiltin(sets: readonly string[], module: string, name: string): Builtin | null {
  const set = sets.find((item) => `wasm:${item}` === module);
  return (set === undefined ? undefined : SETS.get(set)?.get(name)) ?? null;
}

/** Type id of the builtin that an import names; null if it names none. */
export function builtinType(sets: readonly string[], module: string, name: string): number | null {
  const found = findBuiltin(sets, module, name);
  return found === null ? null : (typeIds().get(found) as number);
}

function realmOf(context: Context): Realm {
  const { limits, objects } = context.store;
  return {
    get isStoppable() {
      return context.isStoppable;
    },
    made(text, kept) {
      if (limits.gcBytes === Number.POSITIVE_INFINITY) return text;
      const string = new GuestString(text, kept);
      objects.charge(string.hostBytes);
      return string;
    },
  };
}

/** The function object of the builtin that an import names; undefined if it names none. */
export function builtinFunction(
  context: Context,
  sets: readonly string[],
  module: string,
  name: string,
): object | undefined {
  const found = findBuiltin(sets, module, name);
  if (found === null) return undefined;
  const trap = (message: string): never => {
    const error = new context.errors.RuntimeError(message);
    markUncatchable(error);
    throw error;
  };
  const typeId = typeIds().get(found) as number;
  const index = [...JS_STRING.values()].indexOf(found);
  const steps = found.steps(trap, realmOf(context));
  // Builtins take and give references as the engine has them.
  const signature = new Signature(funcTypeOfId(typeId), AS_THEY_ARE);
  const host = new HostFunction(context, steps, signature, index);
  return context.functionObject(allocateHostFunction(typeId, host, `${module}.${name}`));
}
