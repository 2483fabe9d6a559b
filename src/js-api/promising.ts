// JavaScript Promise Integration (JS-API: 5.7): functions whose calls give promises, and imports
// that suspend such a call until a promise has settled. Only guests' frames are ever suspended:
// where one of JavaScript lies between the two, that is an error.

import { type CallInProgress, currentCall, promisingCall } from "../embedding/call.ts";
import type { FunctionInstance } from "../runtime/instances.ts";
import type { Settled } from "../runtime/promises.ts";
import type { Context, Defined, Wrapper } from "./context.ts";
import { type Callable, HostFunction } from "./functions.ts";
import { cannotCross, isCallable } from "./signature.ts";
import { describeInterface, isObject, setLength, Uncloneable } from "./webidl.ts";

/** Why a call cannot be suspended; null: it can. */
function refusal(call: CallInProgress | null): string | null {
  if (call?.mayAwait) return null;
  let beneath = call?.beneath ?? null;
  while (beneath !== null && !beneath.mayAwait) beneath = beneath.beneath;
  return beneath === null
    ? "trying to suspend without WebAssembly.promising"
    : "trying to suspend JS frames";
}

/** PromiseResolve, whatever becomes of the global. */
const promiseResolve = Promise.resolve.bind(Promise);

/** A JavaScript function whose results the guest waits for ("create a suspending function"). */
export class SuspendingFunction extends HostFunction {
  override run(frame: number): PromiseLike<unknown> {
    const { action, context, signature } = this;
    const problem = refusal(currentCall());
    if (problem !== null) throw new context.errors.SuspendError(problem);
    if (!signature.crosses) throw cannotCross();
    return promiseResolve(Reflect.apply(action, undefined, signature.arguments(frame)));
  }
}

/** The class `Suspending` of a namespace. */
export function suspendingInterface(): Defined<Callable> {
  let brand: (value: unknown) => Callable | null = () => null;

  class Suspending extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #action in value ? value.#action : null);
    }

    readonly #action: Callable;

    constructor(jsFun: unknown) {
      super();
      if (!isCallable(jsFun)) {
        throw new TypeError("WebAssembly.Suspending(): Argument 0 must be a function");
      }
      this.#action = jsFun;
    }
  }

  const wrapper: Wrapper<Callable> = {
    create: (action) => new Suspending(action),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Suspending", Suspending), wrapper };
}

/** Calls a function and waits wherever it does ("run a Promising function"). */
async function evaluate(
  context: Context,
  target: FunctionInstance,
  args: readonly unknown[],
  entry: Callable,
): Promise<unknown> {
  const signature = context.signatureOf(target.type);
  if (!signature.crosses) throw cannotCross();
  const call = promisingCall(context.store, context.watch, target, signature);
  signature.write(args);
  let settled: Settled | null = null;
  for (;;) {
    const progress = context.advance(call, settled, entry);
    if ("value" in progress) return progress.value;
    try {
      settled = { value: await progress.promise };
    } catch (error) {
      settled = { error };
    }
  }
}

/**
 * The promising function of an Exported Function.
 * @throws TypeError for anything else
 */
export function promisingFunction(context: Context, wasmFunc: unknown): Callable {
  const where = "WebAssembly.promising()";
  if (!isCallable(wasmFunc)) throw new TypeError(`${where}: Argument 0 must be a function`);
  const target = context.functionOf(wasmFunc);
  if (target === null) {
    throw new TypeError(`${where}: Argument 0 must be a WebAssembly exported function`);
  }
  const entry: Callable = (...args) => evaluate(context, target, args, entry);
  setLength(entry, 1);
  Object.defineProperty(entry, "name", { value: "", configurable: true });
  return entry;
}
