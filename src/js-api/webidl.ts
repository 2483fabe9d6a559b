// What the JavaScript API takes from Web IDL and ECMAScript: attributes of the properties of
// interface objects, conversions of arguments (Web IDL: 3.2), addresses (JS-API: 5.6).

/** An object without members. */
type Bare = Record<never, never>;

/** A class that an interface object is made of. */
type InterfaceClass = (new (...args: never[]) => object) & { readonly prototype: object };

const { FinalizationRegistry: Registry } = globalThis as {
  readonly FinalizationRegistry?: new (cleanUp: () => void) => object;
};

function nothing(): void {}

/** An object of a kind that cannot be cloned, with the prototype that `new` asks for. */
function MakeUncloneable(this: object, existing?: object): object {
  if (existing !== undefined) return Object.setPrototypeOf(existing, new.target.prototype);
  if (Registry === undefined) return this;
  return Reflect.construct(Registry as NewableFunction, [nothing], new.target);
}

/**
 * What the classes of interfaces extend: `structuredClone` and `postMessage` refuse their objects
 * with a DataCloneError instead of making empty ones of them. JavaScript can say that of no object,
 * but it can make one of a kind that cannot be cloned and, unlike promises and weak maps, is
 * nowhere displayed as what it is. Costs 1.5 µs per object. Hosts without that kind clone. An
 * object that is to be cloned is made of one of the host's that is: `existing`.
 */
export const Uncloneable = MakeUncloneable as unknown as new (existing?: object) => Bare;

/** Members of functions that are the language's business; some engines have more than V8. */
const OF_FUNCTIONS: ReadonlySet<string> = new Set([
  "length",
  "name",
  "prototype",
  "arguments",
  "caller",
]);

/**
 * The interface object of a class that extends `Uncloneable`, in the shape that Web IDL asks for:
 * it extends nothing, operations and attributes are enumerable, and there is an `@@toStringTag`.
 * The name is stated once more for bundlers that shorten names. `lengths` corrects the number of
 * required arguments, by operation.
 */
export function describeInterface(
  name: string,
  Class: InterfaceClass,
  lengths: Readonly<Record<string, number>> = {},
): object {
  // A method could not be a constructor.
  const Interface = function (this: unknown, ...args: never[]): object {
    if (new.target === undefined) {
      throw new TypeError(`WebAssembly.${name} must be invoked with 'new'`);
    }
    return Reflect.construct(Class, args, new.target);
  };
  const { prototype } = Class;
  showMembers(Class, Interface, OF_FUNCTIONS, lengths);
  showMembers(prototype, prototype, new Set(["constructor"]), lengths);
  setLength(Interface, Class.length);
  Object.defineProperty(Interface, "name", { value: name, configurable: true });
  Object.defineProperty(Interface, "prototype", { value: prototype, writable: false });
  Object.defineProperty(prototype, "constructor", { value: Interface });
  Object.setPrototypeOf(prototype, Object.prototype);
  tagged(prototype, `WebAssembly.${name}`);
  return Interface;
}

/** Defines the members of `from` at `to`, enumerable. */
function showMembers(
  from: object,
  to: object,
  hidden: ReadonlySet<string>,
  lengths: Readonly<Record<string, number>>,
): void {
  for (const name of Object.getOwnPropertyNames(from)) {
    if (hidden.has(name)) continue;
    const descriptor = Object.getOwnPropertyDescriptor(from, name) as PropertyDescriptor;
    Object.defineProperty(to, name, { ...descriptor, enumerable: true });
    if (Object.hasOwn(lengths, name)) setLength(descriptor.value as object, lengths[name]);
  }
}

/** Sets the `length` of a function. */
export function setLength(target: object, value: number): void {
  Object.defineProperty(target, "length", { value, configurable: true });
}

/** Gives an object its `@@toStringTag`. */
export function tagged(target: object, value: string): void {
  Object.defineProperty(target, Symbol.toStringTag, { value, configurable: true });
}

/** Whether a value is an object in ECMAScript's sense: a function is one. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** A property of an object. */
export function get(object: object, name: string): unknown {
  return Reflect.get(object, name);
}

/**
 * A Web IDL dictionary: undefined and null are an empty one.
 * @throws TypeError with `message` for what is no object
 */
export function dictionary(value: unknown, message: string): object {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new TypeError(message);
  return value;
}

/** The elements of a Web IDL sequence. @throws TypeError with `message` if it is not iterable */
export function sequence(value: unknown, message: string): unknown[] {
  const method: unknown = isObject(value) ? Reflect.get(value, Symbol.iterator) : undefined;
  if (typeof method !== "function") throw new TypeError(message);
  return iterate(value, method);
}

/** What the iterator gives that `method`, a property already read, makes for `value`. */
export function iterate(value: unknown, method: unknown): unknown[] {
  const iterator = Reflect.apply(method as () => Iterator<unknown>, value, []);
  return [...{ [Symbol.iterator]: () => iterator }];
}

/** A JavaScript string as USVString: lone surrogates are replaced. */
export function toUSVString(value: unknown): string {
  const text = `${value as string}`;
  // Without the u flag the second half of a pair would match, too.
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/**
 * `[EnforceRange] unsigned long`: a whole number below 2^32.
 * @throws TypeError for any other number; `what` begins its message
 */
export function toUnsignedLong(value: unknown, what: () => string): number {
  const number = toNumber(value);
  if (!Number.isFinite(number)) {
    throw new TypeError(`${what()} must be convertible to a valid number`);
  }
  const integer = Math.trunc(number);
  if (integer < 0) throw new TypeError(`${what()} must be non-negative`);
  if (integer > 0xffff_ffff) throw new TypeError(`${what()} must be in the unsigned long range`);
  return integer + 0;
}

/** ToNumber: of a bigint it throws, unlike `Number(…)`. */
export function toNumber(value: unknown): number {
  return +(value as number);
}

/**
 * AddressValueToU64: the address, size or index that a JavaScript value stands for.
 * @throws TypeError for what is out of the address type's range
 */
export function toAddress(value: unknown, address64: boolean, what: () => string): bigint {
  if (!address64) return BigInt(toUnsignedLong(value, what));
  const integer = toBigInt(value);
  if (integer < 0n || integer > 0xffff_ffff_ffff_ffffn) {
    throw new TypeError(`${what()} must be in u64 range`);
  }
  return integer;
}

/** ToBigInt: of a number it throws, unlike `BigInt(…)`. */
function toBigInt(value: unknown): bigint {
  return BigInt.asIntN(Number.MAX_SAFE_INTEGER, value as bigint);
}

/** U64ToAddressValue. */
export function fromAddress(value: number | bigint, address64: boolean): number | bigint {
  return address64 ? BigInt(value) : Number(value);
}
