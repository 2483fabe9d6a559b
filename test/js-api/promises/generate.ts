// Random scenarios of JavaScript Promise Integration: guests' functions that call each other and
// imports, imports that call exports, calls that begin while others wait. Both sides add, catch and
// throw, so that a wrong order or a lost frame shows in numbers.

import { Random } from "../../fuzz/random.ts";
import { assemble } from "../support.ts";

/** Whom a guest calls: a function of its own, through the table or not, or an import. */
export interface Callee {
  readonly how: "function" | "table" | "import";
  readonly index: number;
}

/** What is caught: exceptions of a tag, JavaScript's, or everything. */
export type Caught = "tag" | "js" | "all";

/** What a guest's function does to its only parameter. */
export type Op =
  | { readonly kind: "add"; readonly value: number }
  | { readonly kind: "call"; readonly callee: Callee }
  /** Ends the function. */
  | { readonly kind: "tail"; readonly callee: Callee }
  | { readonly kind: "loop"; readonly count: number; readonly body: readonly Op[] }
  | { readonly kind: "try"; readonly caught: Caught; readonly body: readonly Op[] }
  | { readonly kind: "throw" }
  /** A trap if none of these bits is set. */
  | { readonly kind: "trap"; readonly mask: number };

/** A step of an import; of those that cannot wait some are skipped. */
export type Step =
  /** Calls an export. `true`: what it throws is not caught. */
  | readonly ["plain", number, boolean]
  | readonly ["await", number, boolean]
  /** Begins a promising call. */
  | readonly ["promise", number]
  /** Waits for so many microtasks; below 0: for the event loop. */
  | readonly ["pause", number];

/** An import. */
export interface Import {
  readonly suspends: boolean;
  /** Whether it is an async function. */
  readonly waits: boolean;
  readonly steps: readonly Step[];
  readonly ending: "value" | "promise" | "throw";
}

/** A promising call from outside, and for how long to wait before the next one. */
export interface Start {
  readonly index: number;
  readonly argument: number;
  readonly ticks: number;
}

/** All of it, and the module of its functions in base64. */
export interface Scenario {
  readonly functions: readonly (readonly Op[])[];
  readonly imports: readonly Import[];
  readonly starts: readonly Start[];
  readonly module: string;
}

const CAUGHT: readonly Caught[] = ["tag", "js", "all"];

class Generator {
  private readonly random: Random;
  private readonly functions: number;
  private readonly imports: number;

  constructor(random: Random) {
    this.random = random;
    this.functions = random.between(2, 5);
    this.imports = random.between(2, 4);
  }

  scenario(): Scenario {
    const { random } = this;
    const functions = Array.from({ length: this.functions }, (_, i) => this.body(i));
    const imports = Array.from({ length: this.imports }, () => this.import());
    const starts = Array.from({ length: random.between(1, 4) }, () => ({
      index: random.below(this.functions),
      argument: random.below(100),
      ticks: random.between(-1, 6),
    }));
    const text = textOf(functions, imports.length);
    return { functions, imports, starts, module: Buffer.from(assemble(text)).toString("base64") };
  }

  private body(index: number): Op[] {
    const ops = this.ops(index, 0);
    if (this.random.oneIn(4)) ops.push({ kind: "tail", callee: this.callee(index) });
    return ops;
  }

  private ops(index: number, depth: number): Op[] {
    return Array.from({ length: this.random.between(1, 4) }, () => this.op(index, depth));
  }

  /** Guests' functions call later ones alone, so that they end. */
  private callee(index: number): Callee {
    const { random } = this;
    if (index + 1 >= this.functions || random.oneIn(2)) {
      return { how: "import", index: random.below(this.imports) };
    }
    const how = random.oneIn(3) ? "table" : "function";
    return { how, index: random.between(index + 1, this.functions - 1) };
  }

  private op(index: number, depth: number): Op {
    const { random } = this;
    const kind = random.below(depth < 2 ? 12 : 8);
    if (kind < 2) return { kind: "add", value: random.below(1_000) };
    if (kind < 6) return { kind: "call", callee: this.callee(index) };
    if (kind < 7) return random.oneIn(2) ? { kind: "throw" } : { kind: "add", value: 1 };
    if (kind < 8) return { kind: "trap", mask: 7 << random.below(20) };
    const body = this.ops(index, depth + 1);
    if (kind < 10) return { kind: "loop", count: random.between(2, 3), body };
    return { kind: "try", caught: random.pick(CAUGHT), body };
  }

  private import(): Import {
    const { random } = this;
    const suspends = !random.oneIn(4);
    const waits = suspends && random.oneIn(2);
    const steps = Array.from({ length: random.below(4) }, () => this.step());
    const ending = random.pick(["value", "promise", "promise", "throw"] as const);
    return { suspends, waits, steps, ending };
  }

  private step(): Step {
    const { random } = this;
    const index = random.below(this.functions);
    switch (random.below(5)) {
      case 0:
        return ["plain", index, random.oneIn(2)];
      case 1:
      case 2:
        return ["await", index, random.oneIn(2)];
      case 3:
        return ["promise", index];
      default:
        return ["pause", random.between(-1, 4)];
    }
  }
}

/** The scenario of a number. */
export function scenarioOf(seed: number, index: number): Scenario {
  return new Generator(Random.of(seed, index)).scenario();
}

/** The text of a module, op by op. */
class Writer {
  private labels = 0;

  body(ops: readonly Op[], depth = 0): string {
    return ops.map((op) => this.op(op, depth)).join("\n");
  }

  private op(op: Op, depth: number): string {
    switch (op.kind) {
      case "add":
        return `(local.set 0 (i32.add
          (i32.mul (local.get 0) (i32.const 31)) (i32.const ${op.value})))`;
      case "call":
        return `(local.set 0 ${this.call(op.callee, "call")})`;
      case "tail":
        return this.call(op.callee, "return_call");
      case "loop": {
        const label = `$l${++this.labels}`;
        return `(local.set ${depth + 1} (i32.const ${op.count}))
          (loop ${label} ${this.body(op.body, depth + 1)}
            (local.set ${depth + 1} (i32.sub (local.get ${depth + 1}) (i32.const 1)))
            (br_if ${label} (local.get ${depth + 1})))`;
      }
      case "try":
        return this.try(op.caught, this.body(op.body, depth + 1));
      case "throw":
        return "(throw $tag (local.get 0))";
      default:
        return `(if (i32.eqz (i32.and (local.get 0) (i32.const ${op.mask}))) (then (unreachable)))`;
    }
  }

  private call({ how, index }: Callee, name: string): string {
    if (how === "table") {
      return `(${name}_indirect (type $f) (local.get 0) (i32.const ${index}))`;
    }
    return `(${name} $${how[0]}${index} (local.get 0))`;
  }

  private try(caught: Caught, body: string): string {
    const end = `$l${++this.labels}`;
    const handler = `$l${++this.labels}`;
    const [result, clause, handle] = {
      tag: ["(result i32)", `catch $tag ${handler}`, "(local.set 0 (i32.add (i32.const 1)))"],
      js: [
        "(result externref)",
        `catch $js ${handler}`,
        "(drop) (local.set 0 (i32.xor (local.get 0) (i32.const 5)))",
      ],
      all: ["", `catch_all ${handler}`, "(local.set 0 (i32.xor (local.get 0) (i32.const 6)))"],
    }[caught];
    return `(block ${end} (block ${handler} ${result}
      (try_table (${clause}) ${body}) (br ${end})) ${handle})`;
  }
}

/** The module of such functions, each with a local for each loop inside another. */
function textOf(functions: readonly (readonly Op[])[], imports: number): string {
  const writer = new Writer();
  const names = functions.map((_, i) => `$f${i}`);
  const imported = Array.from({ length: imports }, (_, i) => {
    return `(import "m" "i${i}" (func $i${i} (type $f)))`;
  });
  const bodies = functions.map((body, i) => {
    return `(func $f${i} (export "f${i}") (type $f) (local i32 i32 i32 i32)
      ${writer.body(body)} (local.get 0))`;
  });
  return `(module (type $f (func (param i32) (result i32)))
    (import "m" "tag" (tag $tag (param i32))) (import "m" "js" (tag $js (param externref)))
    ${imported.join("\n")}
    (table ${names.length} funcref) (elem (i32.const 0) ${names.join(" ")})
    ${bodies.join("\n")})`;
}
