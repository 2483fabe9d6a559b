// Options as somebody outside has given them. A limit whose name is mistyped, or whose value is no
// number, would not be there, and nobody would hear of it; so every public entry point has a table
// of its options, and what is not in it is refused. TypeError: a name that there is not, a value of
// another kind. RangeError: a number that is too small, too large or NaN.

import { FEATURES, type FeatureSwitches } from "../isa/features.ts";

/** Refuses a value; `place` says which one it is: `option "fuel" of Store`. */
export type Check = (value: unknown, place: Place) => void;

/** What the value of each option must be. */
export type OptionTable<T> = { readonly [Name in keyof T]-?: Check };

/** Where a value stands: the entry point, and the names that lead to it. */
interface Place {
  readonly owner: string;
  readonly path: string;
}

/** `the string "5"`, `null`: a value in words. */
function described(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number") return String(value);
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === "bigint") return `the bigint ${value}n`;
  if (typeof value === "boolean") return `the boolean ${value}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function mustBe({ owner, path }: Place, wanted: string, value: unknown): string {
  return `option "${path}" of ${owner} must be ${wanted}, found ${described(value)}`;
}

/** The check of values that `accepts` knows by their kind. */
function kind(wanted: string, accepts: (value: unknown) => boolean): Check {
  return (value, place) => {
    if (!accepts(value)) throw new TypeError(mustBe(place, wanted, value));
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export const aBoolean: Check = kind("a boolean", (value) => typeof value === "boolean");
export const aString: Check = kind("a string", (value) => typeof value === "string");
export const aBigint: Check = kind("a bigint", (value) => typeof value === "bigint");
export const aFunction: Check = kind("a function", (value) => typeof value === "function");
export const anObject: Check = kind("an object", isObject);

/** An object that has these methods: an `AbortSignal`, where the engine may have no such class. */
export function objectWith(wanted: string, ...methods: readonly string[]): Check {
  return kind(wanted, (value) => {
    return isObject(value) && methods.every((name) => typeof value[name] === "function");
  });
}

/** One of these strings. */
export function oneOf(names: readonly string[]): Check {
  const wanted = `one of ${names.map((name) => JSON.stringify(name)).join(", ")}`;
  return kind(wanted, (value) => (names as readonly unknown[]).includes(value));
}

/** What one of the checks accepts. */
export function eitherOf(wanted: string, ...checks: readonly Check[]): Check {
  return kind(wanted, (value) => checks.some((check) => passes(check, value)));
}

function passes(check: Check, value: unknown): boolean {
  try {
    check(value, { owner: "", path: "" });
    return true;
  } catch {
    return false;
  }
}

/** A number of at least `least`; Infinity is one. */
export function amount(least = 0): Check {
  const wanted = `a number of at least ${least}`;
  const isNumber = kind(wanted, (value) => typeof value === "number");
  return (value, place) => {
    isNumber(value, place);
    if (!((value as number) >= least)) throw new RangeError(mustBe(place, wanted, value));
  };
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least = 0, most = Number.MAX_SAFE_INTEGER): Check {
  const wanted = `a whole number from ${least} to ${most}`;
  const isNumber = kind(wanted, (value) => typeof value === "number");
  return (value, place) => {
    isNumber(value, place);
    const number = value as number;
    if (Number.isInteger(number) && number >= least && number <= most) return;
    throw new RangeError(mustBe(place, wanted, value));
  };
}

/** An object whose values all pass, whatever their names. */
export function recordOf(check: Check): Check {
  return (value, place) => {
    anObject(value, place);
    for (const [name, item] of Object.entries(value as object)) {
      check(item, { ...place, path: `${place.path}.${name}` });
    }
  };
}

/** An array whose elements all pass. */
export function listOf(check: Check): Check {
  const isArray = kind("an array", Array.isArray);
  return (value, place) => {
    isArray(value, place);
    (value as readonly unknown[]).forEach((item, i) => {
      check(item, { ...place, path: `${place.path}[${i}]` });
    });
  };
}

const mandatory = new WeakSet<Check>();

/** A check of an option that has no default. */
export function required(check: Check): Check {
  const demanding: Check = (value, place) => check(value, place);
  mandatory.add(demanding);
  return demanding;
}

/** Options inside of an option. */
export function nested<T>(table: OptionTable<T>): Check {
  return (value, place) => {
    checkAll(value, table, place);
  };
}

/** A table in which every name has the same check. */
export function tableOf<Name extends string>(
  names: readonly Name[],
  check: Check,
): Readonly<Record<Name, Check>> {
  return Object.fromEntries(names.map((name) => [name, check])) as Record<Name, Check>;
}

/** `features`, wherever they are an option. */
export const featureSwitches: Check = nested<FeatureSwitches>(tableOf(FEATURES, aBoolean));

/**
 * A copy of `options`, each of which has been looked at once; `owner` is the entry point. What is
 * undefined counts as not given.
 * @throws TypeError for an unknown name (with the nearest right one), and a value of a wrong kind
 * @throws RangeError for a number out of range
 */
export function checkedOptions<T extends object>(
  owner: string,
  options: T,
  table: OptionTable<T>,
): T {
  return checkAll(options, table, { owner, path: "" }) as T;
}

/** Checks a value that is assigned to the property `path` of `owner` later. */
export function checkOption(owner: string, path: string, value: unknown, check: Check): void {
  check(value, { owner, path });
}

function checkAll<T>(options: unknown, table: OptionTable<T>, { owner, path }: Place): object {
  if (!isObject(options) || Array.isArray(options)) {
    const what = path === "" ? `the options of ${owner}` : `option "${path}" of ${owner}`;
    throw new TypeError(`${what} must be an object, found ${described(options)}`);
  }
  const prefix = path === "" ? "" : `${path}.`;
  const checks = table as Readonly<Record<string, Check>>;
  // Also what is inherited: programs put defaults into prototypes.
  for (const name in options) {
    if (Object.hasOwn(checks, name) || name in Object.prototype) continue;
    throw new TypeError(unknownOption(owner, prefix, name, Object.keys(checks)));
  }
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(checks)) {
    const value = options[name];
    if (value === undefined && !mandatory.has(checks[name])) continue;
    checks[name](value, { owner, path: prefix + name });
    copy[name] = value;
  }
  return copy;
}

function unknownOption(
  owner: string,
  prefix: string,
  name: string,
  known: readonly string[],
): string {
  const nearest = nearestName(name, known);
  const hint =
    nearest === null ? `there are: ${known.join(", ")}` : `did you mean "${prefix}${nearest}"?`;
  return `unknown option "${prefix}${name.slice(0, 40)}" of ${owner}; ${hint}`;
}

/** The name that was meant; null if it is like none. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = name.slice(0, 40).toLowerCase();
  let nearest: string | null = null;
  let least = 1 + Math.min(3, wanted.length / 3);
  for (const other of known) {
    const distance = distanceOf(wanted, other.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    nearest = other;
  }
  return nearest;
}

/** Letters to insert, leave out, replace or swap with their neighbour. */
function distanceOf(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, rows[i - 1][j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}
