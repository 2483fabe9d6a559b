// Runs attacks in processes of their own, a few at a time.

import { execFile } from "node:child_process";
import { plainScript } from "../../bench/plain.ts";
import type { Tier } from "../../src/runtime/tier.ts";
import type { Attack, Result } from "./probe.ts";

/** What the heap of an attack's process may have: modest, so that who wastes it dies of it. */
export const HEAP_MEGABYTES = 256;
export const NODE_OPTIONS = [`--max-old-space-size=${HEAP_MEGABYTES}`, "--expose-gc"];
const TIMEOUT_MS = 100_000;
const AT_ONCE = 2;

/** What is known of an attack whose process did not come to its end. */
const NOTHING: Omit<Result, "ended" | "failures"> = {
  bytes: 0,
  looks: 0,
  longest: 0,
  work: 0,
  units: 0,
  past: null,
  rss: 0,
  left: null,
  turn: null,
  spread: null,
};

/** A runner of attacks on guests in these tiers; `close` when all are done. */
export async function attackRunner(...tiers: readonly Tier[]) {
  const child = new URL("child.ts", import.meta.url);
  const scripts = new Map<Tier, Awaited<ReturnType<typeof plainScript>>>();
  for (const tier of tiers) scripts.set(tier, await plainScript(child, tier));
  let slots: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  return {
    /** Queues an attack. */
    run(attack: Attack, tier = tiers[0]): Promise<Result> {
      const [slot, ...others] = slots;
      const { path } = scripts.get(tier) as { readonly path: string };
      const done = slot.then(() => inChild(path, attack));
      slots = [...others, done];
      return done;
    },
    close() {
      for (const script of scripts.values()) script.remove();
    },
  };
}

function inChild(script: string, { name }: Attack): Promise<Result> {
  const options = { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 1 << 26 } as const;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...NODE_OPTIONS, script, name],
      options,
      (error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout) as Result);
        } catch {
          const how = error?.killed ? `did not end in ${TIMEOUT_MS} ms` : "died";
          const failures = [`the process ${how}: ${error?.code ?? ""} ${stderr.slice(-600)}`];
          resolve({ ...NOTHING, ended: `the process ${how}`, failures });
        }
      },
    );
  });
}
