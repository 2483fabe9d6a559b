// What scenarios do by the specification, without WebAssembly: a guest's function is a generator
// that yields what it waits for, and a promising call an async function that drives one.

import type { Callee, Op, Scenario } from "./generate.ts";

class Tag {}

class Exception {
  readonly #tag: Tag;
  readonly #payload: readonly unknown[];

  constructor(tag: Tag, payload: readonly unknown[]) {
    this.#tag = tag;
    this.#payload = payload;
  }

  is(tag: Tag): boolean {
    return tag === this.#tag;
  }

  getArg(_tag: Tag, index: number): unknown {
    return this.#payload[index];
  }
}

class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

class SuspendError extends Error {
  override readonly name = "SuspendError";
}

class Suspending {
  readonly action: Action;

  constructor(action: Action) {
    this.action = action;
  }
}

type Action = (x: number) => unknown;
type Guest = Generator<Promise<unknown>, number, unknown>;

/** What is in progress, innermost last: whether it is a promising call. */
const calls: boolean[] = [];

/** Something that a call from JavaScript does. */
function within<T>(isPromising: boolean, action: () => T): T {
  calls.push(isPromising);
  try {
    return action();
  } finally {
    calls.pop();
  }
}

class Instance {
  private readonly scenario: Scenario;
  private readonly imports: Readonly<Record<string, unknown>>;

  constructor(scenario: Scenario, imports: Readonly<Record<string, unknown>>) {
    this.scenario = scenario;
    this.imports = imports;
  }

  *function(index: number, argument: number): Guest {
    return yield* this.ops(this.scenario.functions[index], { x: argument });
  }

  private *ops(ops: readonly Op[], frame: { x: number }): Guest {
    for (const op of ops) yield* this.op(op, frame);
    return frame.x;
  }

  private *op(op: Op, frame: { x: number }): Guest {
    switch (op.kind) {
      case "add":
        frame.x = (Math.imul(frame.x, 31) + op.value) | 0;
        break;
      case "call":
      case "tail":
        frame.x = yield* this.call(op.callee, frame.x);
        break;
      case "loop":
        for (let i = 0; i < op.count; i++) yield* this.ops(op.body, frame);
        break;
      case "try":
        try {
          yield* this.ops(op.body, frame);
        } catch (error) {
          frame.x = this.caught(op.caught, frame.x, error);
        }
        break;
      case "throw":
        throw new Exception(this.imports.tag as Tag, [frame.x]);
      default:
        if ((frame.x & op.mask) === 0) throw new RuntimeError();
    }
    return frame.x;
  }

  private caught(caught: "tag" | "js" | "all", x: number, error: unknown): number {
    if (error instanceof RuntimeError) throw error;
    if (caught === "all") return x ^ 6;
    if (error instanceof Exception !== (caught === "tag")) throw error;
    return error instanceof Exception ? ((error.getArg({}, 0) as number) + 1) | 0 : x ^ 5;
  }

  private *call({ how, index }: Callee, x: number): Guest {
    if (how !== "import") return yield* this.function(index, x);
    const item = this.imports[`i${index}`] as Action | Suspending;
    if (!(item instanceof Suspending)) return Number(item(x)) | 0;
    if (!calls.at(-1)) {
      const why = calls.includes(true) ? "JS frames" : "without WebAssembly.promising";
      throw new SuspendError(`trying to suspend ${why}`);
    }
    return Number(yield Promise.resolve(item.action(x))) | 0;
  }
}

/** The functions that exports are. */
const guests = new WeakMap<Action, (x: number) => Guest>();

function exported(run: (x: number) => Guest): Action {
  // Where nothing can wait nothing is yielded.
  const call = (x: number) => within(false, () => run(x).next().value);
  guests.set(call, run);
  return call;
}

async function drive(guest: Guest): Promise<number> {
  let step = within(true, () => guest.next());
  while (!step.done) {
    let resume: () => typeof step;
    try {
      const value = await step.value;
      resume = () => guest.next(value);
    } catch (error) {
      resume = () => guest.throw(error);
    }
    step = within(true, resume);
  }
  return step.value;
}

/** The model as an engine of scenario.ts. */
export const MODEL = {
  Exception,
  JSTag: new Tag(),
  Suspending,
  Tag,
  promising: (call: Action) => {
    return (x: number) => drive((guests.get(call) as (x: number) => Guest)(x));
  },
  instantiate(scenario: Scenario, { m }: { readonly m: Readonly<Record<string, unknown>> }) {
    const instance = new Instance(scenario, m);
    return Object.fromEntries(
      scenario.functions.map((_, i) => [`f${i}`, exported((x) => instance.function(i, x))]),
    );
  },
};
