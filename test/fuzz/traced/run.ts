// Runs a traced program in some style and says where it did something else than what it must.

import { functionOf } from "../../../src/api/handles.ts";
import {
  type Execution,
  type Func,
  type Instance,
  Module,
  type Outcome,
  PRICE_TABLE_2,
  Store,
  Tag,
  type Tier,
  WasmException,
} from "../../../src/api/index.ts";
import { compile } from "../../../src/code/compiled.ts";
import { CodeAccount } from "../../../src/code/room.ts";
import { room } from "../../../src/interpreter/registers.ts";
import type { FunctionInstance, ModuleInstance } from "../../../src/runtime/instances.ts";
import { build } from "../../attacks/build.ts";
import { alternately, changeCode } from "../../compiler/alternately.ts";
import type { Random } from "../random.ts";
import { disturber } from "./disturb.ts";
import {
  type Ending,
  type HostCall,
  type Kind,
  type NestedCall,
  show,
  showEnding,
  type TracedProgram,
  type Value,
  vectorOf,
} from "./values.ts";

/** How a program is cut into slices, and what happens to its frames in between. */
export interface Style {
  readonly name: string;
  /** Whether it runs on top of others, which counts towards its depth. */
  readonly elsewhere?: boolean;
  /** Who executes it. */
  readonly tier: Tier;
  slice(): number;
  /** Runs a slice somewhere on the machine; may run others before, or change the instance's tier. */
  place(slice: () => Outcome, instance: ModuleInstance): Outcome;
}

export interface TracedRun {
  /** Fuel that was used in the host's engine. */
  readonly compiledFuel: number;
  readonly differences: readonly string[];
  readonly fuel: number;
  readonly slices: number;
}

/** What host functions throw that is no exception of the guest's. */
class Foreign extends Error {
  readonly number: number;

  constructor(number: number) {
    super(`error ${number}`);
    this.number = number;
  }
}

const OBJECTS = Array.from({ length: 16 }, (_, i) => Object.freeze({ object: i }));
const NAMES: Readonly<Record<Kind, string>> = {
  i32: "i32",
  v128: "v128",
  extern: "externref",
  func: "funcref",
  exn: "exnref",
};

const nobody = compile(
  Module.from(build({ functions: [{ code: (code) => code }] })).record,
  PRICE_TABLE_2,
).code(0);

/** Takes the code of all modules away, those on the machine included. */
function evictAll(): void {
  room.reserve(nobody, room.limit, new CodeAccount(), true);
}

/** The styles that every program runs in, in each tier. */
export function styles(random: Random): Style[] {
  const compiled = stylesOf(random, "compiled").map((style) => {
    return { ...style, name: `compiled, ${style.name}` };
  });
  return [...stylesOf(random, "interpreter"), ...compiled, ...changing(random)];
}

/** Styles in which functions go from tier to tier. */
function changing(random: Random): Style[] {
  const tier = "compiled";
  return [
    {
      name: "down at any site, and up again",
      tier,
      slice: () => random.pick([20, Number.POSITIVE_INFINITY]),
      place: (slice) => alternately(() => random.oneIn(3), slice),
    },
    {
      name: "compiled code thrown away, and made anew",
      tier,
      slice: () => random.between(1, 60),
      place(slice, instance) {
        if (random.oneIn(4)) changeCode(instance);
        return slice();
      },
    },
  ];
}

function stylesOf(random: Random, tier: Tier): Style[] {
  const { inside, scribble } = disturber();
  const alone = (slice: () => Outcome) => slice();
  return [
    { name: "at once", tier, slice: () => Number.POSITIVE_INFINITY, place: alone },
    { name: "slices of 1", tier, slice: () => 1, place: alone },
    {
      tier,
      name: "random slices, others in between",
      slice: () => random.between(1, 30),
      place(slice) {
        scribble(random.below(30));
        return slice();
      },
    },
    {
      name: "slices at other places, without code",
      tier,
      elsewhere: true,
      slice: () => random.between(1, 12),
      place(slice) {
        const run = () => {
          if (random.oneIn(2)) evictAll();
          return slice();
        };
        return random.oneIn(3) ? run() : inside(random.below(40), run);
      },
    },
    {
      name: "slices at other places",
      tier,
      elsewhere: true,
      slice: () => random.between(1, 12),
      place: (slice) => (random.oneIn(3) ? slice() : inside(random.below(40), slice)),
    },
  ];
}

class Runner {
  readonly differences: string[] = [];
  readonly store: Store;
  slices = 0;
  private readonly program: TracedProgram;
  private readonly style: Style;
  private readonly instance: Instance;
  private readonly tags: readonly Tag[];
  private next = 0;

  constructor(program: TracedProgram, style: Style) {
    this.program = program;
    this.style = style;
    this.store = new Store({ fuel: 2 ** 40, tier: style.tier });
    this.tags = program.hostTags.map((kinds) => {
      return new Tag(`(${kinds.map((kind) => NAMES[kind]).join(" ")})`);
    });
    const hosts = program.hostSignatures.map((_, i) => [
      `h${i}`,
      (...args: unknown[]) => this.host(i, args),
    ]);
    const tags = this.tags.map((tag, i) => [`t${i}`, tag]);
    const env = Object.fromEntries([...hosts, ...tags]);
    this.instance = this.store.instantiate(Module.from(program.bytes), { env });
  }

  async run(): Promise<void> {
    const { args, ending, entry } = this.program;
    const execution = this.start(entry, args);
    let outcome = this.advance(execution);
    while (outcome.kind === "suspended" && outcome.reason === "host") {
      await outcome.promise;
      outcome = this.advance(execution);
    }
    this.compare("the program", outcome, ending);
    if (this.next < this.program.script.length) this.differences.push("a host call is missing");
    this.compareState();
  }

  private start(callee: number, args: readonly Value[]): Execution {
    return this.instance.func(`f${callee}`).start(...args.map((value) => this.toHost(value)));
  }

  /** Runs slices until something else than the end of a slice stops it. */
  private advance(execution: Execution): Outcome {
    for (;;) {
      this.slices++;
      const outcome = this.style.place(
        () => execution.run({ slice: this.style.slice() }),
        this.instance.target,
      );
      if (outcome.kind !== "suspended" || outcome.reason !== "slice") return outcome;
    }
  }

  // Host functions

  private host(callee: number, args: readonly unknown[]): unknown {
    const call = this.program.script[this.next++];
    if (call === undefined || call.callee !== callee) {
      this.differences.push(`host function ${callee} is called, not ${call?.callee}`);
      throw new Foreign(-1);
    }
    this.compareValues(`arguments of host function ${callee}`, args, call.args);
    if (call.nested !== null) this.nested(call.nested);
    return call.later ? this.later(call) : this.finish(call);
  }

  private async later(call: HostCall): Promise<unknown> {
    await null;
    return this.finish(call);
  }

  private finish({ ending }: HostCall): unknown {
    if (ending.how === "foreign") throw new Foreign(ending.error);
    if (ending.how === "threw") {
      const { payload, tag } = ending.exception;
      throw this.tags[tag].exception(...payload.map((value) => this.toHost(value)));
    }
    const values = ending.values.map((value) => this.toHost(value));
    return values.length > 1 ? values : values[0];
  }

  private nested({ args, callee, ending }: NestedCall): void {
    this.compare("a nested call", this.advance(this.start(callee, args)), ending);
  }

  // Values

  private toHost({ is, kind }: Value): unknown {
    if (is === null || kind === "i32") return is;
    if (kind === "v128") return vectorOf(is);
    if (kind === "extern") return OBJECTS[is];
    if (kind === "func") return this.instance.func(`f${is}`);
    throw new Error("exceptions do not cross");
  }

  private functionAt(index: number): FunctionInstance {
    return this.instance.target.functionAt(index);
  }

  private shown(value: unknown, kind: Kind): string {
    if (kind === "i32") return show({ kind, is: value as number });
    if (kind === "v128") return shownVector(value as Uint8Array);
    if (value === null || kind === "exn") return value === null ? `${kind} null` : "an exception";
    if (kind === "extern") return `extern ${OBJECTS.indexOf(value as never)}`;
    const target = functionOf(value as Func);
    const all = Array.from({ length: this.program.functions }, (_, i) => i);
    return `func ${all.find((index) => this.functionAt(index) === target)}`;
  }

  // Comparing

  private compareValues(
    where: string,
    found: readonly unknown[],
    expected: readonly Value[],
  ): void {
    const is = expected.map(({ kind }, i) => this.shown(found[i], kind)).join(", ");
    const should = expected.map((value) => this.shownExpected(value)).join(", ");
    if (is !== should || found.length !== expected.length) {
      this.differences.push(`${where}: ${is} instead of ${should}`);
    }
  }

  private shownExpected(value: Value): string {
    if (value.kind !== "exn") return show(value);
    return value.is === null ? "exn null" : "an exception";
  }

  private compare(where: string, outcome: Outcome, ending: Ending): void {
    if (outcome.kind === "returned" && ending.how === "returned") {
      this.compareValues(`results of ${where}`, outcome.values, ending.values);
    } else if (outcome.kind === "threw" && outcome.error instanceof WasmException) {
      this.compareException(where, outcome.error, ending);
    } else if (
      outcome.kind !== "threw" ||
      ending.how !== "foreign" ||
      !(outcome.error instanceof Foreign) ||
      outcome.error.number !== ending.error
    ) {
      this.wrongEnding(where, outcome, ending);
    }
  }

  private compareException(where: string, error: WasmException, ending: Ending): void {
    if (ending.how !== "threw") {
      this.differences.push(`${where} threw an exception instead of ${showEnding(ending)}`);
      return;
    }
    const { payload, tag } = ending.exception;
    const found = this.tags.findIndex((item) => item.is(error));
    if (found !== (tag < this.tags.length ? tag : -1)) {
      this.differences.push(`${where} threw tag ${found} instead of ${tag}`);
    } else this.compareValues(`the exception of ${where}`, error.payload, payload);
  }

  private wrongEnding(where: string, outcome: Outcome, ending: Ending): void {
    const error = outcome.kind === "threw" ? `: ${String(outcome.error)}` : "";
    const trap = outcome.kind === "trapped" ? `: ${outcome.trap.message}` : "";
    const is = `${outcome.kind}${error}${trap}`;
    this.differences.push(`${where} ${is} instead of ${showEnding(ending)}`);
  }

  private compareState(): void {
    const { globals, tables } = this.program;
    for (const [i, value] of globals.entries()) {
      if (value.kind === "exn") continue;
      this.compareValues(`global ${i}`, [this.instance.global(`g${i}`).value], [value]);
    }
    for (const [i, elements] of tables.entries()) {
      if (elements[0].kind === "exn") continue;
      const table = this.instance.table(`t${i}`);
      const found = elements.map((_, at) => table.get(at));
      this.compareValues(`table ${i}`, found, elements);
    }
  }
}

function shownVector(bytes: Uint8Array): string {
  const [is] = new Int32Array(bytes.buffer);
  const isWhole = Buffer.compare(bytes, vectorOf(is)) === 0;
  return isWhole ? show({ kind: "v128", is }) : `v128 [${bytes}]`;
}

/** Runs the program once. */
export async function runTraced(program: TracedProgram, style: Style): Promise<TracedRun> {
  const runner = new Runner(program, style);
  await runner.run();
  const { differences, slices, store } = runner;
  const { compiledFuel } = store.runtime;
  return { compiledFuel, differences, fuel: 2 ** 40 - store.fuel, slices };
}
