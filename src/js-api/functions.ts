// Functions on both sides of the border: Exported Functions (JS-API: 5.5) and JavaScript functions
// that guests import ("create a host function").

import { allocateHostFunction } from "../runtime/allocate.ts";
import type { ExceptionInstance, FrameCode, FunctionInstance } from "../runtime/instances.ts";
import { funcTypeOfId } from "../runtime/types.ts";
import type { Context } from "./context.ts";
import { isUncatchable } from "./errors.ts";
import { cannotCross, type Signature } from "./signature.ts";
import { setLength } from "./webidl.ts";

/** A JavaScript function. */
export type Callable = (...args: unknown[]) => unknown;

/**
 * The Exported Function of a function of the engine: no constructor, and named by its index. Cached
 * by the context.
 */
export function exportedFunction(
  context: Context,
  target: FunctionInstance,
  index: number,
): Callable {
  const signature = context.signatureOf(target.type);
  const { host, instance } = target;
  const number = instance === null ? index : target.code.index;
  const name = String(host instanceof HostFunction ? host.index : number);
  const call: Callable = signature.crosses
    ? (...args) => context.invoke(target, signature, args)
    : () => {
        throw cannotCross();
      };
  setLength(call, signature.params.length);
  Object.defineProperty(call, "name", { value: name, configurable: true });
  return call;
}

/** A JavaScript function as guests call it ("run a host function"). */
export class HostFunction implements FrameCode {
  /** How many functions the module that imports it first had imported before. */
  readonly index: number;
  protected readonly action: Callable;
  protected readonly context: Context;
  protected readonly signature: Signature;

  constructor(context: Context, action: Callable, signature: Signature, index: number) {
    this.context = context;
    this.action = action;
    this.signature = signature;
    this.index = index;
  }

  run(frame: number): PromiseLike<unknown> | undefined {
    // Not a method: the callee's `this` is undefined.
    const { action, signature } = this;
    let result: unknown;
    switch (signature.crosses ? signature.params.length : -1) {
      case -1:
        throw cannotCross();
      case 0:
        result = action();
        break;
      case 1:
        result = action(signature.argument(frame, 0));
        break;
      case 2:
        result = action(signature.argument(frame, 0), signature.argument(frame, 1));
        break;
      case 3:
        result = action(
          signature.argument(frame, 0),
          signature.argument(frame, 1),
          signature.argument(frame, 2),
        );
        break;
      default:
        result = Reflect.apply(action, undefined, signature.arguments(frame));
    }
    signature.writeResult(frame, result);
    return undefined;
  }

  resume(frame: number, value: unknown): void {
    this.signature.writeResult(frame, value);
  }

  exceptionOf(error: unknown): ExceptionInstance | null {
    return isUncatchable(error) ? null : this.context.exceptionFor(error);
  }
}

/**
 * A function of the engine that calls a JavaScript function, as `Class` has it; `name` is for
 * backtraces.
 */
export function hostFunction(
  context: Context,
  action: Callable,
  typeId: number,
  name: string,
  index: number,
  Class: typeof HostFunction,
): FunctionInstance {
  const signature = context.signatureOf(funcTypeOfId(typeId));
  return allocateHostFunction(typeId, new Class(context, action, signature, index), name);
}
