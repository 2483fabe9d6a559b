// Fused pairs: an instruction and the one that uses its result, as one register instruction. Which
// pairs there are was chosen by their frequency in real modules (docs/rationale.md); what they do
// follows from the rows.

import {
  branch,
  type Computed,
  compute,
  condition,
  type Given,
  Layout,
  next,
  operands,
  operation,
  storeConstant,
  storeTo,
  write,
} from "./operations.ts";

/** A fused form and how the emitter finds it. */
export interface FusedForm {
  readonly name: string;
  readonly source: string;
  readonly producer: string;
  readonly consumer: string;
  /** The operand of the consumer that the producer computes; for a branch, of its comparison. */
  readonly position: "a" | "b";
  readonly kind: "value" | "branch" | "increment";
  /** For branches: whether it is taken if the comparison holds. */
  readonly sense?: boolean;
}

/** `producer > consumer`, or `producer > consumer b` for the second operand. */
const VALUES: readonly string[] = [
  ...["i32.add imm", "i32.add"].flatMap((producer) =>
    ["i32.load", "i32.load8_u", "i32.load8_s", "i32.load16_u", "i64.load", "f64.load"].map(
      (load) => `${producer} > ${load}`,
    ),
  ),
  ...["i32.add imm", "i32.add"].flatMap((producer) =>
    ["i32.store", "i32.store8", "i64.store"].map((store) => `${producer} > ${store}`),
  ),
  "i32.add imm > i32.store imm",
  "i32.add imm > i32.store8 imm",
  "i32.add imm > i32.store b",
  "i32.add > i32.store b",
  "i32.load > i32.store b",
  "i64.load > i64.store b",
  "i32.shl imm > i32.add",
  "i32.mul imm > i32.add",
  "i32.mul > i32.add",
  "i32.add > i32.add",
  "i32.add > i32.add imm",
  "i32.load > i32.add imm",
  "i32.load > i32.add",
  "i32.load > i32.and imm",
  "i32.load8_u > i32.and imm",
  "i32.load8_u > i32.xor",
  "i32.load8_u > i32.shl imm",
  "i32.and imm > i32.shr_u imm",
  "i32.shr_u imm > i32.and imm",
  "i32.and imm > i32.shl imm",
  "i32.add imm > i32.and imm",
  "i32.shl imm > i32.or",
  "i32.shr_u imm > i32.or",
  "i32.shl imm > i32.xor",
  "i32.shr_u imm > i32.xor",
  "i32.rotl imm > i32.xor",
  "i32.xor > i32.rotl imm",
  "i32.xor > i32.and",
  "i32.and > i32.xor",
  "i32.xor > i32.mul imm",
  "i64.extend_i32_u > i64.add imm",
  "i64.mul > i64.add",
  "i64.mul imm > i64.add",
  "i64.mul imm > i64.xor",
  "i64.xor > i64.mul imm",
  "i64.load > i64.add imm",
  "f64.mul > f64.add",
  "f64.mul > f64.sub",
  "f64.mul > f64.sub b",
  "f64.add > f64.mul",
  "f64.sub > f64.mul",
  "f64.load > f64.mul",
  "f64.load > f64.add",
  "f64.load > f64.sub",
  "f64.load > f64.sub b",
  "f32.mul > f32.add",
  "f32.load > f32.mul",
];

/** A test of what the producer computed, and a branch. */
const TESTS: readonly string[] = [
  ...["i32.load", "i32.load8_u"].flatMap((producer) =>
    ["br_if", "br_unless", "i32.eq imm", "i32.ne imm"].map((test) => `${producer} > ${test}`),
  ),
  "i32.and imm > i32.eq imm",
  "i32.and imm > i32.ne imm",
];

/** The end of a counting loop: a local is moved on, compared, and the branch taken or not. */
const INCREMENTS: readonly string[] = [
  "br_if",
  "br_unless",
  "i32.ne imm",
  "i32.eq imm",
  "i32.ne",
  "i32.eq",
  "i32.lt_u",
  "i32.lt_s",
  "i32.lt_s imm",
  "i32.lt_u imm",
  "i32.gt_u imm",
  "i32.gt_s imm",
].map((test) => `i32.add imm > ${test}`);

function split(pair: string): { producer: string; consumer: string; position: "a" | "b" } {
  const [producer, rest] = pair.split(" > ");
  const second = rest.endsWith(" b");
  return { producer, consumer: second ? rest.slice(0, -2) : rest, position: second ? "b" : "a" };
}

function valueForm(pair: string): FusedForm {
  const { producer, consumer, position } = split(pair);
  const layout = new Layout();
  const second = operation(consumer);
  const isStore = second.row.access?.kind === "store";
  // The address of a store is pushed before a value that is computed.
  const stored = isStore && position === "b";
  const value = compute(operation(producer), layout, "p");
  const given: Given = { position, value };
  let source: string;
  if (isStore && second.immediate) source = value.code + storeConstant(second.row, layout, given);
  else if (stored || isStore) source = value.code + storeTo(second.row, layout, given);
  else {
    const result = compute(second, layout, "q", given);
    source = value.code + result.code + write(result);
  }
  source += next(layout.words + 1);
  const name = `${producer} > ${consumer}${position === "b" ? " b" : ""}`;
  return { name, source, producer, consumer, position, kind: "value" };
}

function test(consumer: string, layout: Layout, value: Computed): { code: string; holds: string } {
  if (consumer === "br_if") return { code: "", holds: `${value.name} !== 0` };
  if (consumer === "br_unless") return { code: "", holds: `${value.name} === 0` };
  const given: Given = { position: "a", value };
  const what = operation(consumer);
  return { code: operands(what, layout, "q", given), holds: condition(what, "q", given) };
}

function branchForm(pair: string, kind: "branch" | "increment"): FusedForm {
  const { producer, consumer, position } = split(pair);
  const layout = new Layout();
  const value = compute(operation(producer), layout, "p");
  const { code, holds } = test(consumer, layout, value);
  const at = layout.words + 1;
  const move = kind === "increment" ? write(value) : "";
  const source = `${value.code}${code}${move}${branch(holds, at)}`;
  const name = `${kind === "branch" ? "test" : "count"} ${producer} > ${consumer}`;
  return { name, source, producer, consumer, position, kind };
}

/** All fused forms. */
export const FUSED: readonly FusedForm[] = [
  ...VALUES.map(valueForm),
  ...TESTS.map((pair) => branchForm(pair, "branch")),
  ...INCREMENTS.map((pair) => branchForm(pair, "increment")),
];
