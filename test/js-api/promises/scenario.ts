// Runs scenarios of JavaScript Promise Integration on an engine and gives what happened, in order.
// What they are made of is in generate.ts. A newer Node, which takes TypeScript as it is, runs them
// with its own WebAssembly: `node scenario.ts SCENARIOS REPORT` reads them from a file of JSON, and
// writes their logs to another.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WebAssemblyNamespace } from "../../../src/js-api/types.ts";
import type { Import, Scenario } from "./generate.ts";

/** A guest's function, or what it imports. */
type Action = (x: number) => unknown;

/** What runs scenarios: the part of a namespace that they use. */
export interface Engine {
  readonly Tag: new (type: { parameters: "i32"[] }) => object;
  readonly Exception: new (tag: object, payload: readonly unknown[]) => object;
  readonly JSTag: object;
  readonly Suspending: new (action: Action) => object;
  promising(action: Action): (x: number) => Promise<unknown>;
  instantiate(scenario: Scenario, imports: object): Readonly<Record<string, Action>>;
}

/** Steps of all imports of a scenario together: they call exports that call imports. */
const MOST_STEPS = 60;

/** A scenario on its way. */
class Run {
  private readonly log: string[] = [];
  private readonly engine: Engine;
  private readonly scenario: Scenario;
  private readonly tag: object;
  private exports: Readonly<Record<string, Action>> = {};
  private steps = 0;
  private readonly waiting = new Set<Promise<unknown>>();

  constructor(engine: Engine, scenario: Scenario) {
    this.engine = engine;
    this.scenario = scenario;
    this.tag = new engine.Tag({ parameters: ["i32"] });
  }

  async go(): Promise<string[]> {
    const { engine, scenario } = this;
    const imports: Record<string, unknown> = { tag: this.tag, js: engine.JSTag };
    scenario.imports.forEach((item, i) => {
      const action = this.action(item, i);
      imports[`i${i}`] = item.suspends ? new engine.Suspending(action) : action;
    });
    this.exports = engine.instantiate(scenario, { m: imports });
    for (const { index, argument, ticks } of scenario.starts) {
      this.begin("start", index, argument);
      await this.pause(ticks);
    }
    while (this.waiting.size > 0) await Promise.all(this.waiting);
    return this.log;
  }

  private async pause(ticks: number): Promise<void> {
    if (ticks < 0) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < ticks; i++) await null;
  }

  /** What can be said of an error in all engines. */
  private nameOf(error: unknown): string {
    if (error instanceof this.engine.Exception) {
      return `tag ${(error as { getArg(tag: object, index: number): unknown }).getArg(this.tag, 0)}`;
    }
    const { message, name } = error as Error;
    return name === "RuntimeError" ? name : `${name} ${message}`;
  }

  private promising(index: number, x: number): Promise<unknown> {
    return this.engine.promising(this.exports[`f${index}`])(x);
  }

  /** A promising call that nobody in the scenario waits for. */
  private begin(what: string, index: number, x: number): void {
    const at = this.log.push(`${what} f${index} ${x}`);
    const call = this.promising(index, x).then(
      (value) => this.log.push(`${at} gives ${value}`),
      (error: unknown) => this.log.push(`${at} fails: ${this.nameOf(error)}`),
    );
    this.waiting.add(call);
    call.finally(() => this.waiting.delete(call));
  }

  private action(item: Import, i: number): Action {
    if (item.waits) return (x) => this.slowly(item, i, x);
    return (x) => {
      const { value } = this.work(item, i, x, false).next();
      return item.ending === "promise" ? Promise.resolve(value) : value;
    };
  }

  private async slowly(item: Import, i: number, x: number): Promise<unknown> {
    const work = this.work(item, i, x, true);
    let step = work.next();
    while (!step.done) {
      try {
        step = work.next(await step.value);
      } catch (error) {
        step = work.throw(error);
      }
    }
    return step.value;
  }

  /** What an import does; it yields what it waits for, if it can wait. */
  private *work(
    { ending, steps }: Import,
    i: number,
    given: number,
    canWait: boolean,
  ): Generator<Promise<unknown>, number, unknown> {
    let x = given;
    this.log.push(`i${i} ${x}`);
    for (const [what, argument, passes] of steps) {
      if (++this.steps > MOST_STEPS) return x;
      try {
        if (what === "plain") x = this.exports[`f${argument}`](x) as number;
        else if (what === "promise") this.begin("promise", argument, x);
        else if (!canWait) x ^= 3;
        else if (what === "await") x = (yield this.promising(argument, x)) as number;
        else yield this.pause(argument);
      } catch (error) {
        this.log.push(`i${i} sees ${this.nameOf(error)}`);
        if (passes) throw error;
        x ^= 9;
      }
    }
    if (ending !== "throw") return x;
    throw i % 2 === 0 ? new this.engine.Exception(this.tag, [x]) : new RangeError(`of i${i}`);
  }
}

/** Runs scenarios one after the other. */
export async function logsOf(engine: Engine, scenarios: readonly Scenario[]): Promise<string[][]> {
  const logs: string[][] = [];
  for (const scenario of scenarios) logs.push(await new Run(engine, scenario).go());
  return logs;
}

/** A `WebAssembly` namespace as an engine. */
export function engineOf(namespace: WebAssemblyNamespace): Engine {
  const { Exception, Instance, JSTag, Module, promising, Suspending, Tag } = namespace;
  const instantiate: Engine["instantiate"] = ({ module }, imports) => {
    const bytes = Buffer.from(module, "base64");
    return new Instance(new Module(bytes), imports).exports as Record<string, Action>;
  };
  const engine = { Exception, JSTag, promising, Suspending, Tag, instantiate };
  return engine as unknown as Engine;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [scenarios, report] = process.argv.slice(2);
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyNamespace };
  const all = JSON.parse(readFileSync(scenarios, "utf8")) as Scenario[];
  writeFileSync(report, JSON.stringify(await logsOf(engineOf(WebAssembly), all)));
}
