// Random programs that trap where they are told to: `run` takes the number of the point at which,
// counted as they are passed. Points are of all kinds of traps, in blocks, loops and calls, with
// operands beneath, and behind straight-line code that is longer than a segment.

import type { Random } from "../fuzz/random.ts";

const FUNCTIONS = 4;
const LOCALS = 3;

const IS_HERE = "(i32.eqz (global.get $point))";
const choose = (type: string, here: string, elsewhere: string) =>
  `(select (${type}.const ${here}) (${type}.const ${elsewhere}) ${IS_HERE})`;
const indirect = (index: number) =>
  `(call_indirect (type $leaf) ${choose("i32", `${index}`, "0")})`;

/** Expressions of type i32, which trap at the point. */
const POINTS: readonly string[] = [
  `(i32.load (i32.shl ${IS_HERE} (i32.const 31)))`,
  `(i32.load8_u offset=65535 ${IS_HERE})`,
  `(i32.wrap_i64 (i64.load16_s ${choose("i32", "65535", "65534")}))`,
  `(block (result i32) (i32.store ${choose("i32", "65533", "8")} (local.get $0)) (i32.const 1))`,
  "(i32.div_u (i32.const 5) (global.get $point))",
  `(i32.wrap_i64 (i64.rem_s (i64.const 7) ${choose("i64", "0", "3")}))`,
  `(i32.div_s (i32.const -2147483648) ${choose("i32", "-1", "7")})`,
  `(i32.trunc_f64_s ${choose("f64", "nan", "1")})`,
  `(i32.wrap_i64 (i64.trunc_f32_u ${choose("f32", "1e30", "1")}))`,
  `(if (result i32) ${IS_HERE} (then unreachable) (else (i32.const 4)))`,
  ...[1, 2, 9].map(indirect),
];

class ProgramWriter {
  private readonly random: Random;
  private readonly index: number;

  constructor(random: Random, index: number) {
    this.random = random;
    this.index = index;
  }

  private local(): string {
    return `$${this.random.below(LOCALS)}`;
  }

  private point(): string {
    const next = "(global.set $point (i32.sub (global.get $point) (i32.const 1)))";
    return `(block (result i32) ${next} ${this.random.pick(POINTS)})`;
  }

  private value(depth: number): string {
    const { random } = this;
    if (depth === 0 || random.oneIn(4)) {
      return random.pick([`(local.get ${this.local()})`, "(i32.const 3)", this.point()]);
    }
    const operator = random.pick(["add", "mul", "xor", "shr_u"]);
    return `(i32.${operator} ${this.value(depth - 1)} ${this.value(depth - 1)})`;
  }

  private call(op: string): string {
    const callee = this.index + 1 + this.random.below(FUNCTIONS - this.index);
    return `(${op} $${callee} ${this.value(1)})`;
  }

  private statement(depth: number): string {
    const { random } = this;
    const inner = () => this.statements(depth - 1);
    const set = () => `(local.set ${this.local()} ${this.value(2)})`;
    if (depth === 0)
      return random.oneIn(12) ? `(nop) ${"(drop (i32.const 0))".repeat(700)}` : set();
    switch (random.below(7)) {
      case 0:
        return `(block ${inner()} (br_if 0 ${this.value(1)}) ${inner()})`;
      case 1:
        return `(if ${this.value(1)} (then ${inner()}) (else ${inner()}))`;
      case 2:
        return `(local.set $count (i32.const 2))
          (loop ${set()} (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            ${set()} (br_if 0 (local.get $count)) ${set()})`;
      case 3:
        return `(block (block (br_table 0 1 0 (i32.and ${this.value(1)} (i32.const 3))))
          ${inner()})`;
      case 4:
        return `(local.set ${this.local()} (i32.add ${this.value(1)} ${this.call("call")}))`;
      case 5:
        return `(if (i32.eqz ${this.value(0)}) (then (return ${this.value(1)})))`;
      default:
        return set();
    }
  }

  private statements(depth: number): string {
    return this.random.times(this.random.between(1, 3), () => this.statement(depth)).join("\n");
  }

  /** A function that calls those of higher numbers; the last of all is there already. */
  function(): string {
    const end = this.random.oneIn(3) ? this.call("return_call") : this.value(2);
    return `(func $${this.index} (param $0 i32) (result i32) (local $1 i32) (local $2 i32)
      (local $count i32) ${this.statements(3)} ${end})`;
  }
}

/** Text of such a program. */
export function trapProgram(random: Random): string {
  const functions = random.times(FUNCTIONS, (i) => new ProgramWriter(random, i).function());
  return `(module
    (memory 1)
    (global $point (mut i32) (i32.const 0))
    (type $leaf (func (result i32)))
    (table 4 funcref)
    (elem (i32.const 0) $leaf)
    (elem (i32.const 2) $${FUNCTIONS})
    (func $leaf (result i32) (i32.const 6))
    (func $${FUNCTIONS} (param $0 i32) (result i32) (local.get $0))
    ${functions.join("\n")}
    (func (export "run") (param i32) (result i32)
      (global.set $point (local.get 0))
      (call $0 (i32.const 1))))`;
}
