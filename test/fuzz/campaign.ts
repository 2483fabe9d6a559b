// One fuzzing campaign: makes inputs from a seed, judges each with wasmeter and a host, sorts out
// known differences, and reports the rest. The same seed, corpus and features give the same inputs.

import type { FeatureSet } from "../../src/isa/features.ts";
import { FILTERS } from "./filters.ts";
import { generateModule, randomFeatures } from "./generate/module.ts";
import { MISTAKE_KINDS } from "./generate/types.ts";
import type { Host } from "./hosts.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { chunkingDifference, judge, randomCuts, type Verdict } from "./verdict.ts";

/** Modules of one origin to start from. */
export interface Source {
  readonly name: string;
  /** How often modules of this origin are taken, relative to the others. */
  readonly weight: number;
  readonly modules: readonly Uint8Array[];
}

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  readonly host: Host;
  /** What the host has; wasmeter is restricted to it. */
  readonly features: FeatureSet;
  readonly sources: readonly Source[];
  /** Inputs that are sent to the host at once. Default 500. */
  readonly batch?: number;
  /** Called after each batch with the number of inputs so far. */
  readonly progress?: (inputs: number) => void;
}

/** Something that must not be: a disagreement, a difference between chunkings, a crash. */
export interface Finding {
  readonly kind: "disagreement" | "chunking" | "defect" | "slow";
  /** Number of the input in its campaign. */
  readonly index: number;
  readonly origin: string;
  readonly bytes: Uint8Array;
  readonly detail: string;
}

interface Tally {
  inputs: number;
  accepted: number;
}

export interface Summary {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Inputs that were also decoded in chunks. */
  readonly chunked: number;
  /** By origin: which modules, and how they were changed. */
  readonly origins: ReadonlyMap<string, Tally>;
  /** Inputs that each filter took. */
  readonly filtered: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

interface Input {
  readonly index: number;
  readonly origin: string;
  readonly bytes: Uint8Array;
  readonly verdict: Verdict;
}

/** A module of a few kilobytes takes well under a millisecond. */
const SLOW_MS = 1000;
/** One input in so many is also decoded in chunks. */
const CHUNKED = 4;
/** One input in so many is a fresh module instead of a mutant. */
const FRESH = 12;
/** One input in so many is a fresh module in which typing rules were broken. */
const SLOPPY = 5;
const DEFAULT_BATCH = 500;

/** A campaign while it runs. */
class Campaign {
  private readonly options: CampaignOptions;
  private readonly origins = new Map<string, Tally>();
  private readonly filtered = new Map<string, number>();
  private readonly findings: Finding[] = [];
  private accepted = 0;
  private chunked = 0;

  constructor(options: CampaignOptions) {
    this.options = options;
  }

  async run(): Promise<Summary> {
    const { count, batch = DEFAULT_BATCH, host, progress } = this.options;
    for (let done = 0; done < count; done += batch) {
      const size = Math.min(batch, count - done);
      const inputs = Array.from({ length: size }, (_, i) => this.input(done + i));
      const answers = await host.validate(inputs.map(({ bytes }) => bytes));
      for (let i = 0; i < size; i++) await this.compare(inputs[i], answers[i]);
      progress?.(done + size);
    }
    const { accepted, chunked, origins, filtered, findings } = this;
    return {
      inputs: count,
      accepted,
      refused: count - accepted,
      chunked,
      origins,
      filtered,
      findings,
    };
  }

  private input(index: number): Input {
    const { seed, features } = this.options;
    const random = Random.of(seed, index);
    const { origin, bytes } = this.make(random);
    const start = performance.now();
    const verdict = judge(bytes, features);
    const elapsed = performance.now() - start;
    const input = { index, origin, bytes, verdict };
    if (elapsed > SLOW_MS) this.report("slow", input, `${elapsed} ms`);
    if (verdict.kind === "defect") this.report("defect", input, verdict.message);
    if (random.oneIn(CHUNKED)) this.checkChunking(random, input);
    this.count(input);
    return input;
  }

  private make(random: Random): { origin: string; bytes: Uint8Array } {
    const { sources, features } = this.options;
    if (sources.length === 0 || random.oneIn(FRESH)) {
      const bytes = generateModule(random, { features: randomFeatures(random, features) });
      return { origin: "fresh", bytes };
    }
    if (random.oneIn(SLOPPY)) {
      const mistakes = random.pick(MISTAKE_KINDS);
      const bytes = generateModule(random, { features, mistakes });
      return { origin: `mistakes, ${mistakes}`, bytes };
    }
    const source = random.weighted(sources);
    const mutant = mutate(random, random.pick(source.modules), random.pick(source.modules));
    return { origin: `${source.name}, ${mutant.kind}`, bytes: mutant.bytes };
  }

  private checkChunking(random: Random, input: Input): void {
    this.chunked++;
    const cuts = randomCuts(random, input.bytes.length);
    const chunked = judge(input.bytes, this.options.features, {}, cuts);
    const difference = chunkingDifference(input.verdict, chunked);
    if (difference === null || chunked.kind === "defect") return;
    this.report("chunking", input, `${difference}\ncut at ${cuts}`);
  }

  private count({ origin, verdict }: Input): void {
    const tally = this.origins.get(origin) ?? { inputs: 0, accepted: 0 };
    tally.inputs++;
    if (verdict.kind === "valid") {
      tally.accepted++;
      this.accepted++;
    }
    this.origins.set(origin, tally);
  }

  private async compare(input: Input, accepted: boolean): Promise<void> {
    const { verdict, bytes } = input;
    const { detail, filter } = await examine(this.options.host, bytes, verdict, accepted);
    if (filter !== null) this.filtered.set(filter, (this.filtered.get(filter) ?? 0) + 1);
    else if (detail !== null) this.report("disagreement", input, detail);
  }

  private report(kind: Finding["kind"], input: Input, detail: string): void {
    const { index, origin, bytes } = input;
    this.findings.push({ kind, index, origin, bytes, detail });
  }
}

/** How the verdicts differ, and the filter that knows the difference; null where they do not. */
export async function examine(
  host: Host,
  bytes: Uint8Array,
  verdict: Verdict,
  accepted: boolean,
): Promise<{ detail: string | null; filter: string | null }> {
  if (accepted === (verdict.kind === "valid") || verdict.kind === "defect") {
    return { detail: null, filter: null };
  }
  const theirs = accepted ? null : await host.explain(bytes);
  const known = FILTERS.find((filter) => filter.applies({ bytes, ours: verdict, theirs }));
  const detail = accepted
    ? `the host accepts it; wasmeter: ${verdict.kind}: ${verdict.message}`
    : `wasmeter accepts it; the host: ${theirs}`;
  return { detail, filter: known?.name ?? null };
}

/** Runs a campaign to its end. */
export function runCampaign(options: CampaignOptions): Promise<Summary> {
  return new Campaign(options).run();
}

/** A key that is equal for findings that are probably the same: kind and detail without numbers. */
export function findingKey({ kind, detail }: Finding): string {
  const [text] = detail.replace(/@\+\d+.*$/s, "").split("\n");
  return `${kind} ${text.replace(/0x[0-9a-f]+|\d+|"[^"]*"|#/g, "N").slice(0, 160)}`;
}
