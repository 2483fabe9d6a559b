// Random programs that throw all the time, in the instructions of the legacy proposal: `try` with
// parts that are entered with operands beneath, left by results, branches and `rethrow`, `delegate`
// to every kind of label, exceptions that pass several functions. Every loop counts; functions call
// only earlier ones, and an exported counter bounds what they do together.

import type { Random } from "../fuzz/random.ts";
import { assemble } from "../validation/assemble.ts";

type Types = readonly ("i32" | "i64" | "v128" | "funcref")[];

interface Frame {
  readonly kind: "block" | "loop" | "try" | "catch";
  readonly results: Types;
}

/** What exceptions carry, by tag. */
const TAGS: readonly Types[] = [[], ["i32"], ["i32", "i64"], ["i64", "funcref", "v128", "i32"]];
const RESULTS: readonly Types[] = [
  [],
  [],
  ["i32"],
  ["v128"],
  ["i32", "i64"],
  ["i64", "v128", "i32"],
];
const MOST_FRAMES = 6;
const FUNCTIONS = 4;

class Body {
  private readonly lines: string[] = [];
  private readonly frames: Frame[] = [];
  private readonly random: Random;
  private readonly index: number;

  constructor(random: Random, index: number) {
    this.random = random;
    this.index = index;
  }

  get text(): string {
    return this.lines.join("\n");
  }

  private emit(line: string): void {
    this.lines.push(line);
  }

  private trace(): void {
    this.emit("global.get $trace i32.const 31 i32.mul");
    this.emit(`i32.const ${this.random.below(1000)} i32.add global.set $trace`);
  }

  private value(type: Types[number]): void {
    const { random } = this;
    if (type === "funcref") this.emit(random.oneIn(2) ? "ref.null func" : "ref.func 0");
    else if (type === "v128") this.emit(`v128.const i64x2 ${random.u64()} ${random.u64()}`);
    else if (type === "i64") {
      this.emit(random.oneIn(2) ? `i64.const ${random.u64()}` : "local.get $wide");
    } else if (random.oneIn(6) && this.frames.length < MOST_FRAMES) this.block(["i32"]);
    else this.emit(random.pick(["i32.const 7", "local.get 0", "local.get 1", "local.get $x"]));
  }

  private values(types: Types): void {
    for (const type of types) this.value(type);
  }

  /** Operands of these types go to the locals, or nowhere. */
  private consume(types: Types): void {
    for (const type of [...types].reverse()) {
      if (type === "funcref") this.emit("ref.is_null local.set $x");
      else if (type === "v128") this.emit("i64x2.extract_lane 1 local.set $wide");
      else if (type === "i64") this.emit("local.set $wide");
      else this.emit(this.random.oneIn(3) ? "drop" : "local.set $x");
    }
  }

  /** Something that is true from time to time. */
  private condition(): void {
    this.emit("local.get $x local.get 0 i32.add global.get $trace i32.add");
    this.emit(`i32.const ${3 << this.random.below(3)} i32.and i32.eqz`);
  }

  private labels(accept: (frame: Frame) => boolean): number[] {
    return this.frames.flatMap((frame, i) => (accept(frame) ? [this.frames.length - 1 - i] : []));
  }

  /**
   * An instruction that leaves, perhaps with operands beneath its own, perhaps by a condition: then
   * it stands in `deeper` frames more.
   */
  private leave(operands: Types, instruction: (deeper: number) => string): void {
    const isConditional = !this.random.oneIn(12);
    if (isConditional) {
      this.condition();
      this.emit("if");
      this.frames.push({ kind: "block", results: [] });
    }
    this.values(this.random.pick(RESULTS));
    this.values(operands);
    this.emit(instruction(isConditional ? 1 : 0));
    if (!isConditional) return;
    this.emit("end");
    this.frames.pop();
  }

  private statement(): void {
    const { random } = this;
    const canNest = this.frames.length < MOST_FRAMES;
    switch (random.below(canNest ? 9 : 5)) {
      case 0:
        return this.throwTag();
      case 1:
        return this.rethrow();
      case 2:
        return this.branch();
      case 3:
        return this.call();
      case 4:
        return this.trace();
      default: {
        const results = random.pick(RESULTS);
        this.block(results);
        return this.consume(results);
      }
    }
  }

  private throwTag(): void {
    const tag = this.random.below(TAGS.length);
    this.leave(TAGS[tag], () => `throw ${tag}`);
  }

  private rethrow(): void {
    const label = this.random.pickFrom(this.labels(({ kind }) => kind === "catch"));
    if (label === undefined) return this.throwTag();
    this.leave([], (deeper) => `rethrow ${label + deeper}`);
  }

  private branch(): void {
    const labels = this.labels(({ kind }) => kind !== "loop");
    const label = this.random.pickFrom(labels);
    if (label === undefined) return this.trace();
    const { results } = this.frames[this.frames.length - 1 - label];
    this.values(results);
    this.condition();
    this.emit(`br_if ${label}`);
    this.consume(results);
  }

  private call(): void {
    if (this.index === 0) return this.throwTag();
    this.values(["i32", "i32"]);
    this.emit(`call ${this.random.below(this.index)} local.set $x`);
  }

  private statements(): void {
    const count = this.random.between(1, 3);
    for (let i = 0; i < count; i++) this.statement();
  }

  private block(results: Types): void {
    const kind = this.random.pick(["block", "loop", "try", "try", "try"] as const);
    const type = results.length === 0 ? "" : `(result ${results.join(" ")})`;
    if (kind === "try") return this.tryBlock(results, type);
    if (kind === "loop") this.emit(`i32.const 0 local.set $n${this.frames.length}`);
    this.emit(`${kind} ${type}`);
    this.inside({ kind, results }, () => {
      this.statements();
      if (kind === "loop") {
        const counter = `$n${this.frames.length - 1}`;
        this.emit(`local.get ${counter} i32.const 1 i32.add local.tee ${counter}`);
        this.emit("i32.const 3 i32.lt_u br_if 0");
      }
      this.values(results);
    });
    this.emit("end");
  }

  private inside(frame: Frame, write: () => void): void {
    this.frames.push(frame);
    write();
    this.frames.pop();
  }

  private tryBlock(results: Types, type: string): void {
    const { random } = this;
    this.emit(`try ${type}`);
    this.inside({ kind: "try", results }, () => {
      this.statements();
      this.values(results);
    });
    if (random.oneIn(4)) {
      this.emit(`delegate ${random.below(this.frames.length + 1)}`);
      return;
    }
    const tags = random.times(random.below(4), () => random.below(TAGS.length));
    for (const tag of tags) this.catchPart(`catch ${tag}`, TAGS[tag], results);
    if (random.oneIn(2)) this.catchPart("catch_all", [], results);
    this.emit("end");
  }

  private catchPart(name: string, carried: Types, results: Types): void {
    this.emit(name);
    this.inside({ kind: "catch", results }, () => {
      // What was carried may be used at once, or lie beneath all that follows.
      const isLate = this.random.oneIn(2);
      if (!isLate) this.consume(carried);
      this.statements();
      if (isLate) this.consume(carried);
      this.values(results);
    });
  }

  function(): string {
    this.emit("global.get $fuel i32.eqz if unreachable end");
    this.emit("global.get $fuel i32.const 1 i32.sub global.set $fuel");
    this.statements();
    this.statements();
    const counters = Array.from({ length: MOST_FRAMES + 1 }, (_, i) => `(local $n${i} i32)`);
    return `(func (export "f${this.index}") (param i32 i32) (result i32)
      (local $x i32) (local $wide i64) ${counters.join(" ")}
      ${this.text}
      local.get $x local.get $wide i32.wrap_i64 i32.xor)`;
  }
}

/** The bytes of a program; its functions are exported. */
export function exceptionProgram(random: Random): Uint8Array {
  const functions = random.times(FUNCTIONS, (index) => new Body(random, index).function());
  const tags = TAGS.map((types) => `(tag (param ${types.join(" ")}))`);
  return assemble(`(module ${tags.join(" ")}
    (global $fuel (export "fuel") (mut i32) (i32.const 0))
    (global $trace (export "trace") (mut i32) (i32.const 0))
    (elem declare func 0)
    ${functions.join("\n")})`);
}
