// WebAssembly.Tag and WebAssembly.Exception (JS-API: 5.7 Tags, 5.8 Exceptions).

import type { ValType } from "../isa/types.ts";
import { ExceptionInstance, TagInstance } from "../runtime/instances.ts";
import { funcTypeOfId } from "../runtime/types.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { valueTypeOf } from "./descriptors.ts";
import { cannotCross, crosses, fromRawBits, rawOf, toWebAssemblyValue } from "./signature.ts";
import {
  describeInterface,
  dictionary,
  get,
  isObject,
  sequence,
  toUnsignedLong,
  Uncloneable,
} from "./webidl.ts";

function allocateTag(type: unknown): TagInstance {
  const where = "WebAssembly.Tag()";
  if (!isObject(type)) throw new TypeError(`${where}: Argument 0 must be a tag type`);
  const members = sequence(
    get(type, "parameters"),
    `${where}: Argument 0 must be a tag type with 'parameters'`,
  );
  const params = members.map((member, i): ValType => {
    const found = valueTypeOf(member);
    if (found !== undefined) return found;
    const what = `parameter type at index #${i} must be a value type`;
    throw new TypeError(`${where}: Argument 0 ${what}`);
  });
  const id = idOfFuncType({ kind: "func", params, results: [] });
  return new TagInstance(funcTypeOfId(id), id);
}

/** The class `Tag` of a namespace, and the way between its objects and tag instances. */
export function tagInterface(context: Context): Defined<TagInstance> {
  let brand: (value: unknown) => TagInstance | null = () => null;

  class Tag extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #target in value ? value.#target : null);
    }

    readonly #target: TagInstance;

    constructor(type: unknown) {
      super();
      this.#target = Existing.is<TagInstance>(type) ? type.target : allocateTag(type);
      context.adopt(this.#target, this);
    }
  }

  const wrapper: Wrapper<TagInstance> = {
    create: (target) => new Tag(new Existing(target)),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Tag", Tag), wrapper };
}

const WHERE = "WebAssembly.Exception()";

function tagArgument(context: Context, value: unknown, where: string): TagInstance {
  const tag = context.wrappers.tag.targetOf(value);
  if (tag !== null) return tag;
  throw new TypeError(`${where}: Argument 0 must be a WebAssembly tag`);
}

function allocateException(context: Context, tagObject: unknown, payload: unknown) {
  const tag = tagArgument(context, tagObject, WHERE);
  const values = sequence(payload, `${WHERE}: Argument 1 must be iterable`);
  if (tag === context.jsTag) {
    throw new TypeError(`${WHERE}: Argument 0 cannot be WebAssembly.JSTag`);
  }
  const { params } = tag.type;
  if (params.length !== values.length) {
    const counts = `${params.length} values, not ${values.length}`;
    throw new TypeError(`${WHERE}: Number of exception values does not match the tag: ${counts}`);
  }
  const raw = params.map((type, i) => {
    if (!crosses(type)) throw cannotCross();
    return rawOf(toWebAssemblyValue(values[i], type, context), type);
  });
  return ExceptionInstance.of(tag, raw);
}

/** What `traceStack` asks for: the stack of who has called the constructor. */
function traceOf(options: unknown): string | undefined {
  const members = dictionary(options, `${WHERE}: Argument 2 must be an object`);
  return get(members, "traceStack") ? new Error().stack : undefined;
}

function argument(context: Context, target: ExceptionInstance, tag: unknown, index: unknown) {
  const where = "WebAssembly.Exception.getArg()";
  const wanted = tagArgument(context, tag, where);
  const at = toUnsignedLong(index, () => `${where}: Argument 1`);
  if (wanted !== target.tag) {
    throw new TypeError(`${where}: First argument does not match the exception tag`);
  }
  const { params } = target.tag.type;
  if (at >= params.length)
    throw new RangeError(`${where}: Index must be convertible to a valid number`);
  if (!crosses(params[at])) throw cannotCross();
  return fromRawBits(target.value(at), params[at], context);
}

/** The class `Exception` of a namespace, and the way between its objects and exceptions. */
export function exceptionInterface(context: Context): Defined<ExceptionInstance> {
  let brand: (value: unknown) => ExceptionInstance | null = () => null;

  class Exception extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #target in value ? value.#target : null);
    }

    readonly #target: ExceptionInstance;
    readonly #stack: string | undefined;

    constructor(exceptionTag: unknown, payload: unknown, ...rest: readonly unknown[]) {
      super();
      const existing = Existing.is<ExceptionInstance>(exceptionTag);
      this.#target = existing
        ? exceptionTag.target
        : allocateException(context, exceptionTag, payload);
      this.#stack = existing ? undefined : traceOf(rest[0]);
      context.adopt(this.#target, this);
    }

    getArg(exceptionTag: unknown, index: unknown): unknown {
      return argument(context, receiver(this, "getArg()"), exceptionTag, index);
    }

    is(exceptionTag: unknown): boolean {
      const { tag } = receiver(this, "is()");
      return tag === tagArgument(context, exceptionTag, "WebAssembly.Exception.is()");
    }

    get stack(): string | undefined {
      receiver(this, "stack");
      return this.#stack;
    }
  }

  function receiver(value: unknown, member: string): ExceptionInstance {
    const target = brand(value);
    if (target !== null) return target;
    const what = "Receiver is not a WebAssembly.Exception";
    throw new TypeError(`WebAssembly.Exception.${member}: ${what}`);
  }

  const wrapper: Wrapper<ExceptionInstance> = {
    create: (target) => new Exception(new Existing(target), undefined),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Exception", Exception), wrapper };
}
