// Runs a module through the embedder API under tight limits: in one go, in slices of one segment,
// and in random slices with others in between. All must come to the same, fuel and limits included.

import {
  DEFAULT_RUNTIME_LIMITS,
  type Execution,
  Exhaustion,
  type Instance,
  LinkError,
  Module,
  type Outcome,
  Store,
  Trap,
  WasmException,
} from "../../../src/api/index.ts";
import { moduleExports, moduleImports } from "../../../src/embedding/module.ts";
import type { ModuleRecord } from "../../../src/module/module.ts";
import { funcTypeAt } from "../../../src/module/module.ts";
import { sleep } from "../../api/support.ts";
import { Random } from "../random.ts";
import { type Style, styles } from "../traced/run.ts";
import { Foreign, hostValue, shown } from "./world.ts";

/** What came of one module. */
export interface Slicing {
  /** A line for each thing in which a style differs from the first one. */
  readonly differences: readonly string[];
  readonly internal: readonly string[];
  readonly calls: number;
  readonly slices: number;
  /** Fuel that was used in the host's engine. */
  readonly compiledFuel: number;
  /** Calls that a limit has ended. */
  readonly limited: number;
}

const MIB = 2 ** 20;
/** How often it is looked whether somebody still waits. */
const LOOKS_AT_WAITS = 2;

/** `deep`: with as many calls and frames as there may be, so that it does not matter where. */
function tightLimits(random: Random, deep: boolean) {
  const hostBytes =
    "hostBytes" in DEFAULT_RUNTIME_LIMITS ? { hostBytes: random.pick([2_000, 50_000, MIB]) } : {};
  return {
    memoryBytes: random.pick([2 ** 17, MIB, 4 * MIB]),
    tableElements: random.pick([20, 200, 10_000]),
    callDepth: deep ? DEFAULT_RUNTIME_LIMITS.callDepth : random.pick([3, 20, 200]),
    stackBytes: deep ? DEFAULT_RUNTIME_LIMITS.stackBytes : random.pick([256, 4096, 2 ** 16]),
    globals: random.pick([4, 100]),
    gcBytes: random.pick([100, 2_000, 50_000, MIB]),
    ...hostBytes,
  };
}

/** An error in words; null for one that no documented class stands for. */
function inWords(error: unknown): string | null {
  if (error instanceof Exhaustion) return `exhausted ${error.kind}`;
  if (error instanceof Trap) return `trap ${error.code}`;
  if (error instanceof Foreign) return `threw error ${error.number}`;
  // Of host functions that give null where none may be, or want to wait where nobody can.
  const mistake = /^(the result|result \d+) of|returned a promise/;
  if (error instanceof TypeError && mistake.test(error.message)) return "TypeError";
  const known = [LinkError, WasmException];
  return known.some((Class) => error instanceof Class) ? (error as Error).name : null;
}

/** A module in one style. */
class Sliced {
  readonly lines: string[] = [];
  readonly internal: string[] = [];
  slices = 0;
  limited = 0;
  private readonly style: Style;
  readonly store: Store;
  private readonly random: Random;

  constructor(style: Style, limits: ReturnType<typeof tightLimits>, fuel: number, seed: number) {
    this.style = style;
    this.store = new Store({ fuel, limits, tier: style.tier });
    this.random = new Random(seed);
  }

  async run(module: Module): Promise<void> {
    const { record } = module;
    const imports = this.imports(record);
    let instance: Instance;
    try {
      instance = this.store.instantiate(module, imports);
      // Functions are made when they are asked for, and counted then.
      Object.keys(instance.exports);
    } catch (error) {
      this.note("instantiation", error);
      return;
    }
    for (const [name, type] of moduleExports(record)) {
      if (type.kind !== "func") continue;
      const { params = [] } = funcTypeAt(record, type.typeIndex) ?? {};
      const args = params.map((item) => hostValue(this.random, item));
      try {
        this.ended(name, await this.toTheEnd(instance.func(name).start(...args), instance));
      } catch (error) {
        // A null where none may be.
        if (!(error instanceof TypeError)) throw error;
      }
      this.state(record, instance);
    }
  }

  /** Functions only: a module that imports something else has no instance. */
  private imports(record: ModuleRecord) {
    const imports: Record<string, Record<string, unknown>> = {};
    for (const [module, name, type] of moduleImports(record)) {
      if (type.kind !== "func") continue;
      const { results = [] } = funcTypeAt(record, type.typeIndex) ?? {};
      const own = new Random(this.random.u32());
      const host = (...args: unknown[]) => {
        this.lines.push(`${name}(${args.map(shown).join(", ")})`);
        if (own.oneIn(8)) throw new Foreign(own.below(100));
        const values = results.map((item) => hostValue(own, item));
        const result = values.length > 1 ? values : values[0];
        return own.oneIn(4) ? Promise.resolve(result) : result;
      };
      imports[module] = { ...imports[module], [name]: host };
    }
    return imports as never;
  }

  private async toTheEnd(execution: Execution, { target }: Instance): Promise<Outcome> {
    for (let waits = 0; ; ) {
      this.slices++;
      const outcome = this.style.place(() => execution.run({ slice: this.style.slice() }), target);
      if (outcome.kind !== "suspended") return outcome;
      if (outcome.reason === "host") await outcome.promise;
      // Most wait for some nanoseconds, or for ever.
      else if (outcome.reason === "wait" && waits++ < LOOKS_AT_WAITS) await sleep(1);
      else if (outcome.reason !== "slice") return outcome;
    }
  }

  private ended(name: string, outcome: Outcome): void {
    if (outcome.kind === "returned") {
      this.lines.push(`${name}: ${outcome.values.map(shown).join(", ")}`);
    } else if (outcome.kind === "suspended") {
      this.limited++;
      this.lines.push(`${name}: suspended, ${outcome.reason}`);
    } else if (outcome.kind !== "cancelled") {
      this.note(name, outcome.kind === "trapped" ? outcome.trap : outcome.error);
    }
  }

  private note(what: string, error: unknown): void {
    const words = inWords(error);
    if (error instanceof Exhaustion) this.limited++;
    if (words === null) {
      this.internal.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    this.lines.push(`${what}: ${words}`);
  }

  private state(record: ModuleRecord, instance: Instance): void {
    this.lines.push(`fuel ${this.store.fuel}`);
    for (const [name, type] of moduleExports(record)) {
      if (type.kind === "memory") {
        const { bytes } = instance.memory(name);
        let sum = 0;
        for (let i = 0; i < bytes.length; i += 4) sum = Math.imul(sum ^ bytes[i], 0x01000193);
        this.lines.push(`${name}: ${bytes.length} bytes, ${sum}`);
      } else if (type.kind === "global") {
        this.lines.push(`${name}: ${shown(instance.global(name).value)}`);
      } else if (type.kind === "table") {
        this.lines.push(`${name}: ${instance.table(name).target.length} elements`);
      }
    }
  }
}

function isOutOfRoom(line: string | undefined): boolean {
  return line?.endsWith("exhausted hostBytes") ?? false;
}

/** Runs a valid module in all styles. */
export async function compareSlicings(bytes: Uint8Array, seed: number): Promise<Slicing> {
  const random = new Random(seed);
  const deep = random.oneIn(2);
  const limits = tightLimits(random, deep);
  const fuel = random.pick([30, 300, 3000]);
  const module = Module.from(bytes);
  const differences: string[] = [];
  const runs: Sliced[] = [];
  for (const style of styles(new Random(seed))) {
    if (style.elsewhere && !deep) continue;
    const run = new Sliced(style, limits, fuel, seed);
    await run.run(module);
    runs.push(run);
    const [first] = runs;
    const at = run.lines.findIndex((line, i) => line !== first.lines[i]);
    // Who is stopped needs room for its frames: with so little it may end at a pause (docs/limits.md).
    if (at < 0 || [...run.lines.slice(0, at + 1), first.lines[at]].some(isOutOfRoom)) continue;
    differences.push(`${style.name}: ${run.lines[at]}, at once: ${first.lines[at]}`);
  }
  return {
    differences,
    internal: runs.flatMap(({ internal }) => internal),
    calls: runs[0].lines.length,
    slices: runs.reduce((sum, { slices }) => sum + slices, 0),
    compiledFuel: runs.reduce((sum, { store }) => sum + store.runtime.compiledFuel, 0),
    limited: runs[0].limited,
  };
}
