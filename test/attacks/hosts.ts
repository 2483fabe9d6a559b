// What a guest does with the host's functions, and embedders with executions: calls that take long
// or never end, calls inside calls, promises, exceptions, wrong options (issue 11, items 5, 8, 16
// to 19, 24, 27).

import { type Func, Global, Module, priceTable, Store, Tag } from "../../src/api/index.ts";
import { EXTERNREF, I32 } from "../../src/isa/types.ts";
import { build, type Code, type Parts } from "./build.ts";
import { type Attack, DEADLINE_MS, endingOf, HostMistake, type Probe } from "./probe.ts";

const NOTHING = [[], []] as const;
/** Long enough for several turns of the event loop on a busy machine, in milliseconds. */
const TURNS_MS = 400;
const I32_TO_NOTHING = [[I32], []] as const;

/** Calls an imported function for ever. */
const CALLER: Parts = {
  types: [NOTHING],
  imports: [["h", 0]],
  functions: [
    { export: "run", code: (code) => code.forever((c) => c.op("call", 0)) },
    { export: "once", code: (code) => code.op("call", 0) },
  ],
};

const LOOP: Parts = {
  types: [NOTHING],
  functions: [{ export: "run", code: (code) => code.forever((c) => c.op("nop")) }],
};

/** What makes an object a thenable; a name, so that none is one by accident. */
const THEN: string = "then";

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function caller(probe: Probe, h: () => unknown): Func {
  const store = probe.store();
  return store.instantiate(probe.module(build(CALLER)), { env: { h } } as never).func("run");
}

const LONG_CALLS: Attack = {
  name: "host calls of a millisecond in a loop",
  item: 5,
  async run(probe) {
    const run = caller(probe, () => busy(1));
    const ended = await probe.call(run);
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
  },
};

const LONG_CALLS_ASYNC: Attack = {
  name: "host calls of a millisecond under callAsync: the event loop turns",
  item: 5,
  async run(probe) {
    const run = caller(probe, () => busy(1));
    let turns = 0;
    const tick = setInterval(() => turns++);
    await probe.timed(run.store, (options) => run.with(options).callAsync(), TURNS_MS);
    clearInterval(tick);
    probe.check(turns >= 5, `the event loop has turned ${turns} times`);
  },
};

/** The same when nothing but a signal can stop it. */
const SIGNAL_ONLY: Attack = {
  name: "an AbortSignal among host calls of a millisecond",
  item: 5,
  async run(probe) {
    let calls = 0;
    const run = caller(probe, () => {
      calls++;
      busy(1);
    });
    const control = new AbortController();
    setTimeout(() => control.abort(new HostMistake("stop")), DEADLINE_MS);
    const ended = await probe.attempt(() => run.with({ signal: control.signal }).callAsync());
    probe.check(ended === "what the host threw", `ended with ${ended}`);
    probe.check(calls < 4 * DEADLINE_MS, `after ${calls} calls`);
  },
};

const ENDLESS_THENABLE: Attack = {
  name: "a thenable that never calls back",
  item: 16,
  async run(probe) {
    const run = caller(probe, () => ({
      [THEN]() {},
    }));
    const ended = await probe.timed(run.store, (options) => run.with(options).callAsync());
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
  },
};

const HOSTILE_THENABLES: Attack = {
  name: "thenables that throw, call back twice, or have a getter that throws",
  item: 16,
  async run(probe) {
    const thenables: (() => object)[] = [
      () => ({
        [THEN]() {
          throw new HostMistake("then");
        },
      }),
      () =>
        Object.defineProperty({}, THEN, {
          get() {
            throw new HostMistake("getter");
          },
        }),
      () => ({
        [THEN](resolve: () => void, reject?: (error: unknown) => void) {
          resolve();
          reject?.(new HostMistake("late"));
          throw new HostMistake("later");
        },
      }),
      () => Promise.reject(new HostMistake("rejected")),
    ];
    for (const thenable of thenables) {
      const run = caller(probe, thenable);
      await probe.timed(run.store, (options) => run.with(options).callAsync());
      await probe.timed(run.store, (options) => run.with(options).call());
      await probe.attempt(() => run.start().run({ slice: 1000 }));
    }
  },
};

const ASYNC_START: Attack = {
  name: "a start function that calls an asynchronous import under instantiate",
  item: 16,
  async run(probe) {
    const module = probe.module(
      build({ ...CALLER, functions: [{ code: (code) => code.op("call", 0) }], start: 1 }),
    );
    const env = {
      async h() {
        await null;
        throw new HostMistake("nobody listens");
      },
    };
    await probe.attempt(() => probe.store().instantiate(module, { env } as never));
    // The child notes unhandled rejections, which come a task later.
    await new Promise((resolve) => setTimeout(resolve, 5));
  },
};

const NESTING: Attack = {
  name: "guests that call each other through the host without end",
  item: 0,
  async run(probe) {
    let run: Func | null = null;
    run = caller(probe, () => run?.call());
    const ended = await probe.call(run);
    probe.check(ended.startsWith("Exhaustion"), `ended with ${ended}`);
  },
};

/** Goes down as far as the stack lets it, then calls the host. */
const DEEP: Parts = {
  types: [NOTHING, I32_TO_NOTHING],
  imports: [["h", 0]],
  functions: [
    {
      type: 1,
      locals: [[4, EXTERNREF]],
      code: (code) =>
        code
          .op("local.get", 0)
          .block("if", (c) => c.op("local.get", 0).i32(1).op("i32.sub").op("call", 1))
          .op("local.get", 0)
          .op("i32.eqz")
          .block("if", (c) => c.op("call", 0)),
    },
    { export: "run", code: (code) => code.i32(100_000).op("call", 1) },
  ],
};

const RESUMED_INSIDE: Attack = {
  name: "a deep execution resumed inside the host function of another deep one",
  item: 17,
  async run(probe) {
    const module = probe.module(build(DEEP));
    const nothing = { env: { h() {} } };
    const other = probe.store().instantiate(module, nothing).func("run").start();
    other.run({ slice: 500_000 });
    let inner = "";
    const env = {
      h() {
        try {
          inner = other.run({}).kind;
        } catch (error) {
          inner = endingOf(error);
          if (inner.startsWith("INTERNAL")) throw error;
        }
      },
    };
    const outside = probe.store().instantiate(module, { env }).func("run");
    const ended = await probe.attempt(() => outside.call());
    probe.check(ended === "returned", `ended with ${ended}`);
    // Both together may be deeper than the stacks are; then it ends like any call that is too deep.
    const last = other.run({});
    const error = last.kind === "threw" ? endingOf(last.error) : last.kind;
    const fine = /^(returned|Exhaustion (callDepth|stackBytes))$/.test(error);
    probe.check(fine, `inside: ${inner}, afterwards: ${error}`);
  },
};

/** A loop that `br` closes without fuel would never be stopped. */
const FREE_BRANCH: Attack = {
  name: "a price table in which br costs nothing",
  item: 18,
  async run(probe) {
    for (const name of ["br", "br_if", "call", "br_table", "return_call", "throw", "call_ref"]) {
      let refused = false;
      await probe.attempt(() => {
        try {
          priceTable("free", { [name]: 0 });
        } catch (error) {
          refused = error instanceof RangeError;
        }
      });
      probe.check(refused, `${name}: 0 is accepted`);
    }
  },
};

const COSTLY: Attack = {
  name: "prices of 65,535 in a long segment",
  item: 18,
  async run(probe) {
    const prices = priceTable("costly", { drop: 65_535 });
    for (const count of [100, 40_000, 100_000]) {
      const module = probe.module(
        build({
          types: [NOTHING],
          functions: [
            { export: "run", code: (code) => code.repeat(count, (c) => c.i32(1).op("drop")) },
          ],
        }),
      );
      const store = new Store({ fuel: 2 ** 50, prices });
      const run = store.instantiate(module).func("run");
      await probe.attempt(() => run.call());
      const used = 2 ** 50 - store.fuel;
      probe.check(used === count * 65_536, `${used} units for ${count} drops`);
    }
  },
};

const FOREIGN: Attack = {
  name: "functions of another store",
  item: 18,
  async run(probe) {
    const other = new Store({ fuel: 1000 });
    const module = probe.module(build(LOOP));
    const theirs = other.instantiate(module).func("run");
    const importer = probe.module(build(CALLER));
    const outcome = await probe.attempt(() =>
      probe
        .store()
        .instantiate(importer, { env: { h: theirs } })
        .func("once")
        .call(),
    );
    // Either it is refused, or the caller pays; never is the other's fuel spent.
    probe.check(other.fuel === 1000, `${outcome}; the other store has ${other.fuel} units left`);
    let refused = false;
    try {
      new Global(probe.store(), { type: "funcref" }, theirs as never);
    } catch {
      refused = true;
    }
    probe.check(refused, "a global takes a function of another store");
  },
};

const OVERLAPPING: Attack = {
  name: "overlapping executions on one instance",
  item: 19,
  async run(probe) {
    const store = probe.store();
    const instance = store.instantiate(probe.module(build(LOOP)));
    const run = instance.func("run");
    const endings = await Promise.all(
      [1, 2, 3].map(async () => {
        try {
          await run.with({ timeout: DEADLINE_MS }).callAsync();
          return "returned";
        } catch (error) {
          return endingOf(error);
        }
      }),
    );
    for (const ending of endings) {
      probe.end(ending);
      probe.check(ending === "Exhaustion deadline", `ended with ${ending}`);
    }
  },
};

const WRONG_OPTIONS: Attack = {
  name: "options that are misspelt or have a wrong value",
  item: 27,
  run(probe) {
    const nop = (code: Code) => code.op("nop");
    const bytes = build({ types: [NOTHING], functions: [{ export: "run", code: nop }] });
    const run = new Store().instantiate(Module.from(bytes)).func("run");
    const wrong: Record<string, () => unknown> = {
      "new Store({ fule })": () => new Store({ fule: 1 } as never),
      "limits: memorybytes": () => new Store({ limits: { memorybytes: 1 } } as never),
      "fuel: string": () => new Store({ fuel: "1" } as never),
      "fuel: NaN": () => new Store({ fuel: Number.NaN }),
      "fuel: -1": () => new Store({ fuel: -1 }),
      "limit: NaN": () => new Store({ limits: { callDepth: Number.NaN } }),
      "limit: string": () => new Store({ limits: { callDepth: "9" } } as never),
      "limits: null": () => new Store({ limits: null } as never),
      "options: null": () => new Store(null as never),
      with: () => run.with({ timout: 50 } as never),
      "timeout: string": () => run.with({ timeout: "50" } as never).call(),
      "timeout: NaN": () => run.with({ timeout: Number.NaN }).call(),
      "timeout: null": () => run.with({ timeout: null } as never).call(),
      "signal: true": () => run.with({ signal: true } as never).call(),
      "slice: string": () => run.with({ slice: "50" } as never),
      run: () => run.start().run({ sclie: 10 } as never),
      "run slice": () => run.start().run({ slice: "10" } as never),
      features: () => Module.from(bytes, { features: { smid: false } } as never),
      "features: 1": () => Module.from(bytes, { features: { simd: 0 } } as never),
      "decoding limits": () => Module.from(bytes, { limits: { functoins: 1 } } as never),
      "module options": () => Module.from(bytes, { feature: {} } as never),
      instantiate: () => new Store().instantiate(Module.from(bytes), {}, { timout: 1 } as never),
    };
    for (const [name, action] of Object.entries(wrong)) {
      let how = "accepted";
      try {
        action();
      } catch (error) {
        how = error instanceof RangeError || error instanceof TypeError ? "" : endingOf(error);
      }
      probe.check(how === "", `${name}: ${how}`);
    }
  },
};

/** What a host function throws through a tail call leaves the function that has gone. */
const TAIL_CALL: Attack = {
  name: "an exception of the host through a tail call",
  item: 24,
  async run(probe) {
    const tailCall = (code: Code) =>
      code.block("block", (b) => b.tryTable([[2, 0]], (t) => t.op("return_call", 0)));
    const bytes = build({
      types: [NOTHING],
      imports: [["h", 0]],
      functions: [
        { export: "direct", code: tailCall },
        { export: "through", code: (code) => code.op("call", 1) },
        {
          export: "caught",
          code: (code) => code.block("block", (b) => b.tryTable([[2, 0]], (t) => t.op("call", 1))),
        },
      ],
    });
    const store = probe.store();
    const tag = new Tag();
    const h = () => {
      throw tag.exception();
    };
    const instance = store.instantiate(probe.module(bytes), { env: { h } } as never);
    for (const name of ["direct", "through"]) {
      const ended = await probe.attempt(() => instance.func(name).call());
      probe.check(ended !== "returned", `${name} returned: the handler was gone`);
    }
  },
};

/** Where the host's stack is too short, too, what comes out is a documented error. */
const NO_STACK: Attack = {
  name: "calls when the host's stack is nearly used up",
  item: 0,
  async run(probe) {
    const store = probe.store();
    const instance = store.instantiate(probe.module(build(DEEP)), { env: { h() {} } });
    const run = instance.func("run");
    let attempts = 400;
    // Goes to the end of the stack and tries on the way up, with ever more room.
    const dive = (): void => {
      try {
        dive();
      } catch {
        // The end of the stack, or of an attempt with too little room to say so.
      }
      if (attempts-- <= 0) return;
      try {
        run.call();
      } catch (error) {
        const ending = error instanceof RangeError ? "" : endingOf(error);
        if (ending.startsWith("INTERNAL")) probe.end(ending);
      }
    };
    dive();
    const after = await probe.attempt(() => run.call());
    probe.check(after === "returned", `afterwards: ${after}`);
  },
};

export const HOST_ATTACKS: readonly Attack[] = [
  LONG_CALLS,
  LONG_CALLS_ASYNC,
  SIGNAL_ONLY,
  ENDLESS_THENABLE,
  HOSTILE_THENABLES,
  ASYNC_START,
  NESTING,
  RESUMED_INSIDE,
  FREE_BRANCH,
  COSTLY,
  FOREIGN,
  OVERLAPPING,
  WRONG_OPTIONS,
  TAIL_CALL,
  NO_STACK,
];
