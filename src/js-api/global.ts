// WebAssembly.Global (JS-API: 5.5 Globals).

import { EXTERNREF, isReference, type ValType } from "../isa/types.ts";
import type { GlobalType } from "../module/module.ts";
import { allocateGlobal } from "../runtime/allocate.ts";
import type { GlobalInstance, Value } from "../runtime/instances.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { valueTypeOf } from "./descriptors.ts";
import {
  AS_THEY_ARE,
  cannotCross,
  crosses,
  fromRawBits,
  rawOf,
  toWebAssemblyValue,
} from "./signature.ts";
import { describeInterface, get, isObject, Uncloneable } from "./webidl.ts";

const WHERE = "WebAssembly.Global()";

/** DefaultValue of the types that a descriptor can name. */
function defaultValue(type: ValType): Value {
  if (type === EXTERNREF) return undefined;
  return fromRawBits({ low: 0, high: 0, reference: null }, type, AS_THEY_ARE);
}

/** Allocates a global. @throws RangeError beyond a limit of the namespace */
export function newGlobal(context: Context, type: GlobalType, value: Value): GlobalInstance {
  try {
    return allocateGlobal(context.store, type, rawOf(value, type.type));
  } catch (error) {
    throw context.errorFor(error);
  }
}

function allocate(context: Context, descriptor: unknown, rest: readonly unknown[]): GlobalInstance {
  if (!isObject(descriptor)) {
    throw new TypeError(`${WHERE}: Argument 0 must be a global descriptor`);
  }
  const mutable = Boolean(get(descriptor, "mutable"));
  const type = valueTypeOf(get(descriptor, "value"));
  if (type === undefined || !crosses(type)) {
    throw new TypeError(`${WHERE}: Descriptor property 'value' must be a WebAssembly type`);
  }
  const value =
    rest.length === 0 || (rest[0] === undefined && !isReference(type))
      ? defaultValue(type)
      : toWebAssemblyValue(rest[0], type, context);
  return newGlobal(context, { type, mutable }, value);
}

/** GetGlobalValue. */
function getGlobalValue(context: Context, { raw, type }: GlobalInstance): unknown {
  if (!crosses(type.type)) throw cannotCross();
  return fromRawBits(raw, type.type, context);
}

/** The class `Global` of a namespace, and the way between its objects and global instances. */
export function globalInterface(context: Context): Defined<GlobalInstance> {
  let brand: (value: unknown) => GlobalInstance | null = () => null;

  class Global extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #target in value ? value.#target : null);
    }

    readonly #target: GlobalInstance;

    constructor(descriptor: unknown, ...rest: readonly unknown[]) {
      super();
      const existing = Existing.is<GlobalInstance>(descriptor);
      this.#target = existing ? descriptor.target : allocate(context, descriptor, rest);
      context.adopt(this.#target, this);
    }

    override valueOf(): unknown {
      return getGlobalValue(context, receiver(this, "valueOf()"));
    }

    get value(): unknown {
      return getGlobalValue(context, receiver(this, "value"));
    }

    set value(value: unknown) {
      const target = receiver(this, "value");
      const { mutable, type } = target.type;
      if (!crosses(type)) throw cannotCross();
      if (!mutable) {
        const why = "Can't set the value of an immutable global.";
        throw new TypeError(`set WebAssembly.Global.value: ${why}`);
      }
      target.initialise(rawOf(toWebAssemblyValue(value, type, context), type));
    }
  }

  function receiver(value: unknown, member: string): GlobalInstance {
    const target = brand(value);
    if (target !== null) return target;
    throw new TypeError(`WebAssembly.Global.${member}: Receiver is not a WebAssembly.Global`);
  }

  const wrapper: Wrapper<GlobalInstance> = {
    create: (target) => new Global(new Existing(target)),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Global", Global), wrapper };
}
