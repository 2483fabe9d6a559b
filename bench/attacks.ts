// The attacks of test/attacks/, one after the other on a machine that should be idle, in either tier:
// how long the host was without a look at the guest, what stayed in memory, how it ended. And 10,000
// tenants with a hostile one among them.

import type { Tier } from "../src/runtime/tier.ts";
import { ATTACKS } from "../test/attacks/list.ts";
import type { Result } from "../test/attacks/probe.ts";
import { attackRunner } from "../test/attacks/run.ts";
import { runTenants } from "../test/attacks/tenants.ts";
import {
  type Bench,
  type Column,
  chosenWays,
  type Row,
  type Sample,
  type Task,
} from "./harness.ts";

const TENANTS = 10_000;
const TIERS: readonly Tier[] = ["interpreter", "compiled"];

/** Endings by number, as samples hold numbers only. */
const ENDINGS = [
  "returned",
  "deadline",
  "Exhaustion deadline",
  "Exhaustion fuel",
  "Exhaustion hostBytes",
  "Exhaustion callDepth",
  "Exhaustion memoryBytes",
  "Exhaustion instances",
  "Trap unreachable",
  "LinkError",
  "MalformedError",
  "InvalidError",
  "CodeLimitError",
  "TypeError",
  "RuntimeError",
  "what the host threw",
  "aborted",
  "the process died",
] as const;

function endingNumber({ ended }: Result): number {
  return ENDINGS.findIndex((ending) => ended.startsWith(ending));
}

/** A number that may be absent, as a list. */
function present(value: number | null): number[] {
  return value === null ? [] : [value];
}

async function measureAttack(name: string, tier: Tier): Promise<Sample> {
  const attack = ATTACKS.find((item) => item.name === name);
  if (attack === undefined) throw new RangeError(`no attack is named "${name}"`);
  const runner = await attackRunner(tier);
  const result = await runner.run(attack);
  runner.close();
  const { bytes, failures, left, longest, looks, past, rss, spread, turn } = result;
  return {
    bytes: [bytes],
    longest: looks === 0 ? [] : [longest],
    past: present(past),
    rss: [rss],
    left: present(left),
    turn: present(turn),
    spread: present(spread === null ? null : 100 * spread),
    ended: [endingNumber(result)],
    failures: [failures.length],
  };
}

async function measureTenants(seconds: number): Promise<Sample> {
  const { longestTurn, spread } = await runTenants(TENANTS, 1e3 * seconds);
  const rss = process.resourceUsage().maxRSS / 1024;
  return { turn: [longestTurn], spread: [100 * spread], rss: [rss] };
}

const COLUMNS: readonly Column[] = [
  { key: "attack", title: "attack" },
  { key: "tier", title: "tier" },
  { key: "bytes", title: "bytes" },
  { key: "longest", title: "longest between looks, ms", digits: 1 },
  { key: "past", title: "past 50 ms, ms", digits: 1 },
  { key: "rss", title: "peak RSS, MiB more", digits: 0 },
  { key: "left", title: "left after collection, MiB", digits: 1 },
  { key: "turn", title: "longest turn, ms", digits: 1 },
  { key: "spread", title: "shares, ± %", digits: 1 },
  { key: "ended", title: "ended with" },
  { key: "withstood", title: "withstood" },
];

function rowOf({ attack, tier }: Task, sample: Sample): Row {
  const value = (key: string) => sample[key]?.[0] ?? null;
  const ending = value("ended");
  const failures = value("failures");
  return {
    attack,
    tier: tier ?? null,
    bytes: value("bytes") || null,
    longest: value("longest"),
    past: value("past"),
    rss: value("rss"),
    left: value("left"),
    turn: value("turn"),
    spread: value("spread"),
    ended: ending === null ? null : (ENDINGS[ending] ?? "something else"),
    withstood: failures === null ? null : failures === 0 ? "yes" : "NO",
  };
}

/** Attacks. */
export const ATTACKS_BENCH: Bench = {
  name: "attacks",
  tasks(quick, selection): Task[] {
    const { only } = selection;
    const chosen = ATTACKS.filter(({ name }) => only === null || name === only);
    const tiers = chosenWays(TIERS, selection);
    const tasks = chosen.flatMap(({ name }) => {
      return tiers.map((tier): Task => ({ attack: name, tier }));
    });
    if (only === null) {
      const attack = `${TENANTS.toLocaleString("en")} tenants and a hostile one`;
      tasks.push({ attack, seconds: quick ? 20 : 120 });
    }
    return tasks;
  },
  measure(task) {
    const { attack, seconds, tier } = task;
    if (seconds !== undefined) return measureTenants(Number(seconds));
    return measureAttack(String(attack), tier as Tier);
  },
  report(results) {
    const rows = results.map(([task, sample]) => rowOf(task, sample));
    const about =
      "Hostile modules, each in a process with a heap of 256 MB: longest time between two looks at " +
      "fuel, deadline and signal, time past a deadline of 50 ms, resident memory above what there " +
      "was before, heap left after collection, longest turn of the event loop.";
    return { bench: "attacks", about, columns: COLUMNS, rows };
  },
};
