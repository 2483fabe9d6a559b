// Many tenants under callAsync in one process, one of them hostile (issue 11, item 8): how long the
// event loop waits for its turn, and how equal the shares are.

import { Module, Store } from "../../src/api/index.ts";
import { I32 } from "../../src/isa/types.ts";
import { build, type Parts } from "./build.ts";
import { type Attack, endingOf, type Probe } from "./probe.ts";

const NOTHING = [[], []] as const;
const FUEL = 2 ** 50;
const WARM_UP_MS = 2_000;

/**
 * Counts for ever: a tenant like any other. What is shared out is time; fuel tells it as long as all
 * are equally fast. With a global some were two or three times slower from one moment on: for good
 * when the host's collector had moved its cell to where the processor takes it for a slot (addresses
 * that are equal in their last 12 bits).
 */
const INNOCENT: Parts = {
  types: [NOTHING],
  functions: [
    {
      export: "run",
      locals: [[1, I32]],
      code: (code) =>
        code.forever((c) => c.op("local.get", 0).i32(1).op("i32.add").op("local.set", 0)),
    },
  ],
};

/** Fills its memory as often as a straight line allows. */
const HOSTILE: Parts = {
  types: [NOTHING],
  memories: [[512]],
  functions: [
    {
      export: "run",
      code: (code) =>
        code.forever((c) =>
          c.repeat(50, (fill) =>
            fill
              .i32(0)
              .i32(1)
              .i32(2 ** 25)
              .op("memory.fill", 0),
          ),
        ),
    },
  ],
};

export interface Tenants {
  /** Longest turn of the event loop, in milliseconds, and the 99th percentile. */
  readonly longestTurn: number;
  readonly usualTurn: number;
  /** Largest deviation of a share from the median, as a part of it; the hostile one aside. */
  readonly spread: number;
  /** The same without the lowest and highest twentieth: busy machines take time from anybody. */
  readonly usualSpread: number;
  readonly endings: ReadonlySet<string>;
}

/** Before the host has compiled the loop, equal times are anything but equal shares of fuel. */
async function warmUp(module: Module): Promise<void> {
  const run = new Store().instantiate(module).func("run");
  await run
    .with({ timeout: WARM_UP_MS })
    .callAsync()
    .catch(() => undefined);
}

/** Runs `count` tenants and a hostile one for so long. */
export async function runTenants(count: number, milliseconds: number): Promise<Tenants> {
  const control = new AbortController();
  const innocent = Module.from(build(INNOCENT));
  const hostile = Module.from(build(HOSTILE));
  const endings = new Set<string>();
  const tenants = Array.from({ length: count + 1 }, (_, i) => {
    const store = new Store({ fuel: FUEL });
    const run = store.instantiate(i === count ? hostile : innocent).func("run");
    return { store, run: run.with({ signal: control.signal }) };
  });
  await warmUp(innocent);
  const turns: number[] = [];
  let last = performance.now();
  let ticking = true;
  const tick = () => {
    const now = performance.now();
    turns.push(now - last);
    last = now;
    if (ticking) setImmediate(tick);
  };
  const calls = tenants.map(async ({ run }) => {
    try {
      await run.callAsync();
    } catch (error) {
      endings.add(error === control.signal.reason ? "aborted" : endingOf(error));
    }
  });
  last = performance.now();
  setImmediate(tick);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const shares = tenants.slice(0, count).map(({ store }) => FUEL - store.fuel);
  ticking = false;
  control.abort();
  await Promise.all(calls);
  shares.sort((a, b) => a - b);
  turns.sort((a, b) => a - b);
  const median = shares[shares.length >> 1];
  const deviation = (without: number) => {
    const [low, high] = [shares[without], shares[shares.length - 1 - without]];
    return Math.max(median - low, high - median) / median;
  };
  return {
    longestTurn: turns[turns.length - 1],
    usualTurn: turns[Math.floor(0.99 * (turns.length - 1))],
    spread: deviation(0),
    usualSpread: deviation(Math.floor(count / 20)),
    endings,
  };
}

/** Notes what came of tenants in a probe. */
export async function probeTenants(probe: Probe, count: number, milliseconds: number) {
  const tenants = await runTenants(count, milliseconds);
  const { endings, longestTurn, spread } = tenants;
  probe.turn = longestTurn;
  probe.spread = spread;
  for (const ending of endings) probe.end(ending);
  return tenants;
}

export const TENANT_ATTACKS: readonly Attack[] = [
  {
    name: "100 tenants and a hostile one",
    item: 8,
    megabytes: 128,
    async run(probe) {
      const { longestTurn, usualSpread } = await probeTenants(probe, 100, 5_000);
      // Idle machines: 50 ms and 10 %. Those of tests are not.
      probe.check(longestTurn < 250, `a turn of the event loop lasts ${longestTurn.toFixed(0)} ms`);
      const percent = (100 * usualSpread).toFixed(0);
      probe.check(usualSpread < 0.5, `shares differ by ${percent} %`);
    },
  },
];
