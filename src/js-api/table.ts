// WebAssembly.Table (JS-API: 5.4 Tables).

import { EXTERNREF, isNullable, isReference, type ValType } from "../isa/types.ts";
import { allocateTable } from "../runtime/allocate.ts";
import type { Value } from "../runtime/instances.ts";
import type { TableInstance } from "../runtime/table.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { limitsIn, valueTypeOf } from "./descriptors.ts";
import { cannotCross, crosses } from "./signature.ts";
import { describeInterface, fromAddress, get, isObject, toAddress, Uncloneable } from "./webidl.ts";

const WHERE = "WebAssembly.Table()";
/** The most elements of any table (JS-API: 7.3). */
const MOST = 10_000_000;
const BOUNDS = { most32: 2n ** 32n - 1n, most64: 2n ** 64n - 1n };

/** DefaultValue; undefined where there is none. */
function defaultValue(type: ValType): { readonly value: Value } | null {
  if (type === EXTERNREF) return { value: undefined };
  return isNullable(type) ? { value: null } : null;
}

/** The reference that an optional argument stands for. */
function element(context: Context, type: ValType, rest: readonly unknown[], where: string): Value {
  if (rest.length === 0) {
    const found = defaultValue(type);
    if (found === null) throw new TypeError(`${where}: Argument 1 is required`);
    return found.value;
  }
  try {
    return context.toEngine(rest[0], type);
  } catch (error) {
    const why = error instanceof TypeError ? error.message.replace(/^.*?JS: /, "") : "";
    throw new TypeError(`${where}: Argument 1 is invalid for table: ${why}`, { cause: error });
  }
}

function allocate(context: Context, descriptor: unknown, rest: readonly unknown[]): TableInstance {
  if (!isObject(descriptor)) {
    throw new TypeError(`${WHERE}: Argument 0 must be a table descriptor`);
  }
  const type = valueTypeOf(get(descriptor, "element"));
  if (type === undefined || !isReference(type)) {
    const what = "Descriptor property 'element' must be a WebAssembly reference type";
    throw new TypeError(`${WHERE}: ${what}`);
  }
  const limits = limitsIn(descriptor, WHERE, BOUNDS);
  if (limits.min > BigInt(MOST)) {
    const bound = `value ${limits.min} is above the upper bound ${MOST}`;
    throw new RangeError(`${WHERE}: Property 'initial': ${bound}`);
  }
  const value = element(context, type, rest[0] === undefined ? [] : rest, WHERE);
  try {
    return allocateTable(context.store, { ...limits, element: type }, value);
  } catch (error) {
    if (!(error instanceof Exhaustion)) throw error;
    throw new RangeError(`${WHERE}: could not allocate table`, { cause: error });
  }
}

function addressIn({ type }: TableInstance, index: unknown, where: string): bigint {
  return toAddress(index, type.address64, () => `${where}: Argument 0`);
}

/** An address as the index of an element. @throws RangeError */
function checkedIndex({ length }: TableInstance, at: bigint, where: string): number {
  if (at < BigInt(length)) return Number(at);
  throw new RangeError(`${where}: invalid index ${at} into table of length ${length}`);
}

function growTable(
  context: Context,
  target: TableInstance,
  delta: unknown,
  rest: readonly unknown[],
): number | bigint {
  const where = "WebAssembly.Table.grow()";
  const { address64, element: type } = target.type;
  const count = toAddress(delta, address64, () => `${where}: Argument 0`);
  const value = element(context, type, rest, where);
  const fits = BigInt(target.length) + count <= BigInt(MOST);
  const before = fits ? target.grow(Number(count), value) : -1;
  if (before < 0) throw new RangeError(`${where}: failed to grow table by ${count}`);
  return fromAddress(before, address64);
}

/** The class `Table` of a namespace, and the way between its objects and table instances. */
export function tableInterface(context: Context): Defined<TableInstance> {
  let brand: (value: unknown) => TableInstance | null = () => null;

  class Table extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #target in value ? value.#target : null);
    }

    readonly #target: TableInstance;

    constructor(descriptor: unknown, ...rest: readonly unknown[]) {
      super();
      const existing = Existing.is<TableInstance>(descriptor);
      this.#target = existing ? descriptor.target : allocate(context, descriptor, rest);
      context.adopt(this.#target, this);
    }

    grow(delta: unknown, ...rest: readonly unknown[]): number | bigint {
      return growTable(context, receiver(this, "grow()"), delta, rest);
    }

    get(index: unknown): unknown {
      const target = receiver(this, "get()");
      if (!crosses(target.type.element)) throw cannotCross();
      const where = "WebAssembly.Table.get()";
      const at = checkedIndex(target, addressIn(target, index, where), where);
      return context.fromEngine(target.get(at), target.type.element);
    }

    set(index: unknown, ...rest: readonly unknown[]): void {
      const where = "WebAssembly.Table.set()";
      const target = receiver(this, "set()");
      if (!crosses(target.type.element)) throw cannotCross();
      const at = addressIn(target, index, where);
      const value = element(context, target.type.element, rest, where);
      target.set(checkedIndex(target, at, where), value);
    }

    get length(): number | bigint {
      const { length, type } = receiver(this, "length");
      return fromAddress(length, type.address64);
    }
  }

  function receiver(value: unknown, member: string): TableInstance {
    const target = brand(value);
    if (target !== null) return target;
    throw new TypeError(`WebAssembly.Table.${member}: Receiver is not a WebAssembly.Table`);
  }

  const wrapper: Wrapper<TableInstance> = {
    create: (target) => new Table(new Existing(target)),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Table", Table), wrapper };
}
