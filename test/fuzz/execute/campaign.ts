// Campaigns that execute: modules, generated and mutated, run in our namespace under small limits
// and in the host's, and in slices through the embedder API. The same seed gives the same inputs.

import { type FeatureSet, featureBit, featureSet } from "../../../src/isa/features.ts";
import { priceTable } from "../../../src/isa/prices.ts";
import {
  controlsOf,
  createNamespace,
  type WebAssemblyNamespace,
} from "../../../src/js-api/index.ts";
import type { ModuleRecord } from "../../../src/module/module.ts";
import type { Tier } from "../../../src/runtime/tier.ts";
import { alternately, changes } from "../../compiler/alternately.ts";
import { withCanonicalNans } from "../../interpreter/programs.ts";
import { stackProgram } from "../../interpreter/stack-programs.ts";
import { suiteModules } from "../corpus.ts";
import { generateModule } from "../generate/module.ts";
import { waits } from "../instructions.ts";
import { mutate } from "../mutate.ts";
import { Random } from "../random.ts";
import { toHex } from "../reduce.ts";
import { tracedProgram } from "../traced/generate.ts";
import { runTraced, styles } from "../traced/run.ts";
import { judge } from "../verdict.ts";
import { difference, observe, type Transcript } from "./observe.ts";
import { compareSlicings } from "./slicing.ts";
import type { Namespace } from "./world.ts";

/** What the specification leaves to each engine cannot be compared. */
const RELAXED = featureBit("relaxed-simd");
const FUEL = 3_000;
/** Milliseconds that a call of ours may take: what waits for ever costs no fuel. */
const LONGEST_CALL = 300;

export interface ExecutionFinding {
  readonly kind: "host" | "slicing" | "internal" | "tiers" | "traced";
  readonly seed: number;
  readonly index: number;
  readonly origin: string;
  readonly detail: string;
  readonly hex: string;
}

/** Figures of a campaign; they can be added up. */
export interface Figures {
  inputs: number;
  refused: number;
  /** Modules that ran, and how often: each style and each side counts. */
  executed: number;
  executions: number;
  calls: number;
  slices: number;
  /** Modules whose transcript was compared with the host's. */
  compared: number;
  /** How often compiled code came down where it could have gone on. */
  changes: number;
  /** Fuel that was used in the host's engine, under our control. */
  compiledFuel: number;
  /** Calls that a limit has ended. */
  limited: number;
  findings: number;
}

export function noFigures(): Figures {
  return {
    inputs: 0,
    refused: 0,
    executed: 0,
    executions: 0,
    calls: 0,
    slices: 0,
    compared: 0,
    changes: 0,
    compiledFuel: 0,
    limited: 0,
    findings: 0,
  };
}

/** `total` and `more` together. */
export function addFigures(total: Figures, more: Figures): Figures {
  const keys = Object.keys(total) as (keyof Figures)[];
  return Object.fromEntries(keys.map((key) => [key, total[key] + more[key]])) as unknown as Figures;
}

export interface ExecutionOptions {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** What the host has. */
  readonly hostFeatures: FeatureSet;
  /** Whether only tiers are compared with each other and the host, which takes a tenth as long. */
  readonly onlyTiers?: boolean;
}

/** One campaign while it runs. */
class ExecutionCampaign {
  readonly figures = noFigures();
  readonly findings: ExecutionFinding[] = [];
  private readonly seed: number;
  private readonly features: FeatureSet;
  private readonly hostFeatures: FeatureSet;
  private readonly onlyTiers: boolean;
  private readonly suite = suiteModules();

  constructor({ hostFeatures, onlyTiers = false, seed }: ExecutionOptions) {
    this.seed = seed;
    this.onlyTiers = onlyTiers;
    this.hostFeatures = hostFeatures & ~RELAXED;
    this.features = featureSet();
  }

  async input(index: number): Promise<void> {
    const { figures, seed } = this;
    const random = Random.of(seed, index);
    figures.inputs++;
    if (random.oneIn(8) && !this.onlyTiers) return this.traced(random, index);
    const { bytes: made, origin } = this.make(random);
    const verdict = judge(made, this.features);
    if (verdict.module === null) {
      figures.refused++;
      return;
    }
    figures.executed++;
    const bytes = withCanonicalNans(made, verdict.module);
    const report = (kind: ExecutionFinding["kind"], detail: string) => {
      figures.findings++;
      this.findings.push({ kind, seed, index, origin, detail, hex: toHex(bytes) });
    };
    this.compareHosts(bytes, random, report);
    if (this.onlyTiers) return;
    const slicing = await compareSlicings(bytes, random.u32());
    for (const line of slicing.differences) report("slicing", line);
    for (const line of slicing.internal) report("internal", line);
    figures.executions += styles(random).length;
    figures.calls += slicing.calls;
    figures.slices += slicing.slices;
    figures.compiledFuel += slicing.compiledFuel;
    figures.limited += slicing.limited;
  }

  private make(random: Random): { origin: string; bytes: Uint8Array } {
    const fresh = () => {
      return generateModule(random, {
        features: random.oneIn(2) ? this.features : this.features & this.hostFeatures,
        bounded: !random.oneIn(8),
        hostFunctions: random.pick([0, 1, 3]),
        bodySize: random.pick([30, 80, 200]),
      });
    };
    switch (random.below(6)) {
      case 0:
      case 1:
        return { origin: "generated", bytes: fresh() };
      case 2:
        return { origin: "stack", bytes: stackProgram(random) };
      case 3: {
        const seed = random.pickFrom(this.suite) ?? fresh();
        const { bytes } = mutate(random, seed, random.pickFrom(this.suite) ?? seed);
        return { origin: "suite, mutated", bytes };
      }
      case 4: {
        const seed = stackProgram(random);
        return {
          origin: "stack, mutated",
          bytes: mutate(random, seed, stackProgram(random)).bytes,
        };
      }
      default: {
        const seed = fresh();
        return { origin: "generated, mutated", bytes: mutate(random, seed, fresh()).bytes };
      }
    }
  }

  private compareHosts(
    bytes: Uint8Array<ArrayBuffer>,
    random: Random,
    report: (kind: ExecutionFinding["kind"], detail: string) => void,
  ): void {
    const { figures } = this;
    const { module: record } = judge(bytes, this.features);
    if (record === null) return report("internal", "the canonical form is refused");
    const seed = random.u32();
    const ours = this.compareTiers(bytes, record, seed, report);
    if (ours === null) return;
    const host = hostNamespace();
    if (host === null || !this.hostTakes(host, bytes) || (ours.stopped && !ours.made)) return;
    if (waits(record)) return;
    const theirs = observe(host, bytes, record, seed, false, ours.stopped ? ours.calls : undefined);
    // Where the host's own limits are narrower, nothing can be compared.
    if (theirs === null || theirs.stopped) return;
    figures.executions++;
    figures.compared++;
    const line = difference(ours, theirs);
    if (line !== null) report("host", line);
  }

  /** What it does in the interpreter, and where it changes tier whenever it can: the same. */
  private compareTiers(
    bytes: Uint8Array<ArrayBuffer>,
    record: ModuleRecord,
    seed: number,
    report: (kind: ExecutionFinding["kind"], detail: string) => void,
  ): Transcript | null {
    const { figures } = this;
    // Who waits is stopped by the clock.
    const mayWait = waits(record);
    const timeout = mayWait ? LONGEST_CALL : Number.POSITIVE_INFINITY;
    const run = (tier: Tier) => {
      const namespace = ourNamespace(tier, timeout);
      const transcript = observe(namespace as never, bytes, record, seed, true);
      if (transcript === null) return null;
      figures.executions++;
      figures.calls += transcript.calls;
      for (const line of transcript.internal) report("internal", line);
      return { ...transcript, fuel: controlsOf(namespace).fuel };
    };
    const plain = run("interpreter");
    const choices = new Random(seed);
    const often = choices.pick([1, 2, 5]);
    const downBefore = changes.down;
    const changing = alternately(
      () => choices.oneIn(often),
      () => run("compiled"),
    );
    figures.changes += changes.down - downBefore;
    if (plain === null || changing === null || mayWait) return plain;
    const line = difference(plain, changing) ?? difference(changing, plain);
    if (line !== null) report("tiers", line);
    if (plain.fuel !== changing.fuel) report("tiers", `fuel ${plain.fuel}, ${changing.fuel}`);
    return plain;
  }

  /** Not all that it has may be in one module: V8 wants one of the exception proposals. */
  private hostTakes(host: Namespace, bytes: Uint8Array): boolean {
    return judge(bytes, this.hostFeatures).kind === "valid" && host.validate(bytes);
  }

  private async traced(random: Random, index: number): Promise<void> {
    const { figures, seed } = this;
    const program = tracedProgram(random);
    figures.executed++;
    const fuels = new Set<number>();
    const found: string[] = [];
    for (const style of styles(random)) {
      const { compiledFuel, differences, fuel, slices } = await runTraced(program, style);
      figures.executions++;
      figures.slices += slices;
      figures.compiledFuel += compiledFuel;
      fuels.add(fuel);
      found.push(...differences.slice(0, 1).map((line) => `${style.name}: ${line}`));
    }
    if (fuels.size > 1) found.push(`fuel ${[...fuels]}`);
    figures.findings += found.length;
    for (const detail of found) {
      const hex = toHex(program.bytes);
      this.findings.push({ kind: "traced", seed, index, origin: "traced", detail, hex });
    }
  }
}

/** Growth is dear, so that little fuel means little memory on the host, too. */
const PRICES = { ...priceTable("fuzz", {}), perPage: 500, elementsPerUnit: 1 };

function ourNamespace(tier: Tier, timeout: number): WebAssemblyNamespace {
  const limits = { memoryBytes: 2 ** 26, callDepth: 200, stackBytes: 2 ** 18 };
  const options = { fuel: FUEL, limits, prices: PRICES, timeout, tier };
  return createNamespace(options);
}

function hostNamespace(): Namespace | null {
  return (globalThis as { WebAssembly?: Namespace }).WebAssembly ?? null;
}

/** Executes the inputs `from` … `from + count - 1` of the series `seed`. */
export async function executeCampaign(
  options: ExecutionOptions,
): Promise<{ figures: Figures; findings: readonly ExecutionFinding[] }> {
  const campaign = new ExecutionCampaign(options);
  for (let i = 0; i < options.count; i++) await campaign.input(options.from + i);
  return campaign;
}
