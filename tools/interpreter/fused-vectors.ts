// Vector instructions in a row, of which each uses the result of the one before, as one register
// instruction: the lanes of all of them are computed in one loop, and what lies between is never
// written. What they mean follows from the rows. They were chosen by how often they come in the
// programs of test/packages and the loops of compiled C (docs/rationale.md, "Which vectors are
// fused?").

import type { LaneView, VectorMeaning } from "../../src/isa/instruction.ts";
import { extendedBytes } from "../../src/isa/rows/vector-meaning.ts";
import { V128 } from "../../src/isa/types.ts";
import type { FusedForm } from "./fused.ts";
import { LANE_WORDS, laneAt } from "./lanes.ts";
import { bounds, compute, Layout, next, operation } from "./operations.ts";
import { accessAt, place, SWIZZLE_CONSTANT, shuffledWords } from "./vectors.ts";

const ADDRESSES = ["i32.add imm", "i32.add"] as const;

/** What uses a vector that has just been loaded. */
const AFTER_LOAD = [
  "f32x4.mul",
  "f32x4.mul > f32x4.add",
  "i32x4.add",
  "i32x4.dot_i16x8_s",
  "i32x4.dot_i16x8_s > i32x4.add",
  "i8x16.eq",
  "v128.and",
  "v128.xor",
];

/** The same where the address is not computed in front of it as often. */
const AFTER_PLAIN_LOAD = ["i8x16.eq > v128.and", "f32x4.add", "f64x2.mul"];

/** What uses bytes that have just been loaded and extended. */
const AFTER_EXTENDING_LOAD = ["i16x8.add"];

/** What uses words that have been put together. */
const AFTER_SHUFFLE = ["f32x4.mul", "f32x4.mul > f32x4.add"];

/** What uses a constant. */
const AFTER_CONSTANT = [
  "v128.and",
  "v128.and > v128.or",
  "v128.or",
  "v128.xor",
  "i8x16.add",
  "i8x16.eq",
  "i8x16.lt_s",
  "i8x16.lt_s b",
  "i8x16.swizzle",
];

/** Pairs of lanes with lanes. */
const PAIRS = [
  "f32x4.mul > f32x4.add",
  "f64x2.mul > f64x2.add",
  "i32x4.mul > i32x4.add",
  "i32x4.dot_i16x8_s > i32x4.add",
  "i32x4.extadd_pairwise_i16x8_s > i32x4.add",
  "i32x4.add > v128.xor",
  "i32x4.shr_u imm > v128.or",
  "i32x4.shl imm > v128.xor",
  "i32x4.shr_u imm > v128.xor",
  "i16x8.shl imm > i16x8.add",
  "v128.xor > v128.xor",
  "v128.and > v128.or",
  "i8x16.eq > v128.and",
  "v128.load > v128.store b",
  "f32x4.add > v128.store b",
  "f32x4.mul > v128.store b",
  "i32x4.add > v128.store b",
  "v128.xor > v128.store b",
];

/** What computes an operand of a fused form, and its place among the slots that the form reads. */
type InFront = readonly (readonly [first: string, form: string, position: "a" | "b"])[];

/** Both operands: `first & second > use` computes them in this order. */
const OF_BOTH: InFront = [
  ["i32.add imm > v128.load", "i32.add imm > v128.load > f32x4.mul > f32x4.add", "b"],
  ["i32.add imm > v128.load", "i32.add imm > v128.load > i32x4.dot_i16x8_s", "b"],
  ["i32.add imm > v128.load", "i32.add imm > v128.load > i32x4.dot_i16x8_s > i32x4.add", "b"],
  ["i32.add imm > v128.load8x8_u", "i32.add imm > v128.load8x8_u > i16x8.add", "b"],
  ["v128.load", "shuffle words > f32x4.mul", "a"],
  ["v128.load", "shuffle words > f32x4.mul > f32x4.add", "a"],
  ["i32x4.shl imm", "i32x4.shr_u imm > v128.or", "b"],
];

/** In front of a pair, where the first and the first of the pair have no form of their own. */
const OF_PAIRS: InFront = [
  ["i32.add imm > v128.load8x8_u", "i16x8.shl imm > i16x8.add", "a"],
  ["i16x8.extmul_low_i8x16_s", "i32x4.extadd_pairwise_i16x8_s > i32x4.add", "a"],
  ["i16x8.extmul_high_i8x16_s", "i32x4.extadd_pairwise_i16x8_s > i32x4.add", "a"],
];

/** A name and all that it begins with: the emitter fuses one instruction after the other. */
function withBeginnings(name: string): string[] {
  const steps = name.split(" > ");
  return steps.slice(1).map((_, i) => steps.slice(0, i + 2).join(" > "));
}

const NAMES: readonly string[] = [
  ...new Set(
    [
      ...ADDRESSES.map((address) => `${address} > v128.load`),
      ...[...AFTER_LOAD, ...AFTER_PLAIN_LOAD].map((use) => `v128.load > ${use}`),
      ...AFTER_LOAD.map((use) => `i32.add imm > v128.load > ${use}`),
      ...AFTER_EXTENDING_LOAD.map((use) => `i32.add imm > v128.load8x8_u > ${use}`),
      ...AFTER_SHUFFLE.map((use) => `shuffle words > ${use}`),
      ...AFTER_CONSTANT.map((use) => `const 128 > ${use}`),
      ...PAIRS,
    ].flatMap(withBeginnings),
  ),
];

/** How an instruction looks at its operands; that of none is as words. */
function viewOf(step: string | undefined): LaneView {
  return step === undefined ? "i32" : (rowOf(step).vectorMeaning?.from ?? "i32");
}

const rowOf = (step: string) => operation(step.replace(/ b$/, "")).row;

/** A load of whatever kind from a computed address. */
function loadFrom(address: string, load: string): string {
  const layout = new Layout();
  const { code, name } = compute(operation(address), layout, "p");
  return accessAt(rowOf(load), layout, `${code}const qi = ${name}; `);
}

type Halves = NonNullable<VectorMeaning["halves"]>;

const GETS = { i32: "getInt32", f32: "getFloat32", f64: "getFloat64" } as const;

/** What a lane of an operand is, by its number. */
type Words = readonly string[];

/** The code of a lane for each of them, in place of a loop. */
function unrolled(lane: string, step: number, ofWord: readonly Words[]): string {
  let code = "";
  for (let k = 0; k < 4; k += step) {
    code += lane
      .replace(/@word (\d)@/g, (_, operand) => ofWord[operand][k])
      .replace(/@lane (\w+) vk@/g, k === 0 ? "$1" : `@plus $1 ${4 * k}@`)
      .replace(/\((\w+) \+ vk\) >> 1/g, k === 0 ? "$1 >> 1" : `($1 + ${k}) >> 1`)
      .replace(/\(([^()]+) \+ vk\) \| 0/g, k === 0 ? "$1" : `($1 + ${k}) | 0`);
  }
  return code;
}

/** What the hottest loops are made of: a loop over four words takes a tenth longer on Node 20. */
const UNROLLED =
  /shuffle|load8x8|load > v128\.store|& i32\.add imm > v128\.load > f32x4\.mul > f32x4\.add/;

/** Puts the steps of a form together, lane by lane. */
class Steps {
  readonly layout = new Layout();
  /** Code in front of the loop over the lanes, and in it. */
  private before = "";
  private within = "";
  /** Variable of the result so far, and how many there were. */
  private result = "";
  private results = 0;
  private view: LaneView = "i32";
  /** What lanes are, of operands of which each is something else. */
  private readonly ofWord: Words[] = [];
  private hasAddress = false;
  /** What is read for two words at a time, and whether the upper ones come first. */
  private ofPair = "";
  private descends = false;
  /** Whether this is the first of both operands; its variable when it is not any more. */
  private isFirst = false;
  private first = "";

  add(step: string, following: string | undefined): void {
    const [mnemonic] = step.split(" ");
    if (mnemonic === "i32.add") this.address(step);
    else if (mnemonic === "v128.load") this.load(viewOf(following), following);
    else if (mnemonic === "v128.load8x8_u") this.extendingLoad();
    else if (step === "shuffle words") this.shuffle(viewOf(following));
    else if (step === "const 128") this.constant(viewOf(following));
    else if (mnemonic === "v128.store") this.store();
    else {
      const halves = rowOf(step).vectorMeaning?.halves;
      if (halves === undefined) this.lanes(step);
      else this.fromHalf(halves);
    }
  }

  /** Steps that compute the first operand of what follows the second one. */
  addFirst(steps: readonly string[], use: string): void {
    this.isFirst = true;
    steps.forEach((step, i) => {
      this.add(step, steps[i + 1] ?? use);
    });
    this.isFirst = false;
    this.first = this.result;
    this.hasAddress = false;
    this.results = 0;
  }

  /** Variables of an address, and what is behind the names of others. */
  private get prefix(): string {
    return this.isFirst ? "p" : "q";
  }

  private get suffix(): string {
    return this.isFirst ? "1" : "";
  }

  private address(step: string): void {
    const value = compute(operation(step), this.layout, "p");
    this.before += `${value.code}const ${this.prefix}i = ${value.name}; `;
    this.hasAddress = true;
  }

  private load(view: LaneView, following: string | undefined): void {
    if (!this.hasAddress) this.before += `const ${this.prefix}i = S[${this.layout.slot()}]; `;
    this.before += bounds(this.layout, this.prefix);
    this.view = view;
    if (following === "v128.store b") return this.loadAll();
    this.define(`mem.${GETS[view as "i32"]}(@lane ${this.prefix}ea vk@, true)`);
  }

  /** What is stored may overlap it: all words are read before one is written. */
  private loadAll(): void {
    const words = [0, 1, 2, 3].map((n) => {
      this.before += `const va${n} = mem.getInt32(${place(n)}, true); `;
      return `va${n}`;
    });
    this.defineWords(words);
  }

  /** A word of each of both operands, in an order in which none is needed after it is written. */
  private fromHalf({ upper, words }: Halves): void {
    for (const name of ["a", "b"]) {
      const at = `${this.layout.slot()} + vk${upper ? " + 2" : ""}`;
      this.ofPair += `const v${name}0 = S[(${at}) | 0]; `;
    }
    this.descends = !upper;
    this.defineWords(words.map((text) => text.replace(/\b[ab]\b/g, "v$&0")));
  }

  private extendingLoad(): void {
    const { layout, prefix, suffix } = this;
    this.before += bounds(layout, prefix);
    this.ofPair += `const vl${suffix} = mem.getInt32(@lane ${prefix}ea vk@, true); `;
    this.defineWords(extendedBytes(`vl${suffix}`, "u"));
  }

  /** All words are read before one is written: the result may lie where they do. */
  private shuffle(view: LaneView): void {
    const array = view === "f32" ? "F" : "S";
    this.before += `const vl = ${this.layout.word()}; `;
    const words = shuffledWords("vl").map((at, n) => {
      this.before += `const va${n} = ${array}[${at}]; `;
      return `va${n}`;
    });
    this.view = view;
    this.defineWords(words);
  }

  private constant(view: LaneView): void {
    // Words of the code, one behind the other.
    const first = this.layout.word();
    for (let i = 1; i < 4; i++) this.layout.word();
    if (view !== "i32") throw new Error("a constant is looked at as words");
    this.view = view;
    this.define(
      first.replace(/C\[(.*)\]/, (_, at: string) => `C[(${at.replace(" | 0", "")} + vk) | 0]`),
    );
  }

  private lanes(step: string): void {
    const { row, immediate } = operation(step.replace(/ b$/, ""));
    const given = step.endsWith(" b") ? "b" : "a";
    const { params, vectorMeaning } = row;
    if (params === null || vectorMeaning === null) throw new Error(`${step} has no lanes`);
    const { each, from, once, to, where } = vectorMeaning;
    if (typeof each !== "string") throw new Error(`${step} is not done lane by lane`);
    const names: Record<string, string> = {};
    let reads = "";
    params.forEach((type, i) => {
      const name = "abc"[i];
      if (name === given && this.results > 0) names[name] = this.result;
      else if (this.results > 0 && this.first !== "") {
        names[name] = this.first;
        this.first = "";
      } else if (type !== V128) {
        names[name] = `vs${this.suffix}`;
        const value = immediate ? this.layout.word() : `S[${this.layout.slot()}]`;
        this.before += `const ${names[name]} = ${value}; `;
      } else {
        const slot = this.layout.slot();
        const isFar = slot.length > 1;
        if (isFar) this.before += `const v${name}s = ${slot}; `;
        names[name] = `v${name}`;
        reads += `const v${name} = ${laneAt(isFar ? `v${name}s` : slot, from)}; `;
      }
    });
    const rename = (text: string) =>
      text.replace(/\b(?:([abc])|[demnu])\b/g, (id, name: string | undefined) => {
        return name === undefined ? `v${id}` : names[name];
      });
    const define = (values: Readonly<Record<string, string>> = {}) =>
      Object.entries(values)
        .map(([name, text]) => `const v${name} = ${rename(text)}; `)
        .join("");
    this.before += define(once);
    this.within += reads + define(where);
    this.view = to;
    this.define(rename(each));
  }

  private defineWords(words: Words): void {
    this.define(`@word ${this.ofWord.length}@`);
    this.ofWord.push(words);
  }

  private define(value: string): void {
    this.result = `v${this.results % 2 === 0 ? "p" : "q"}${this.suffix}`;
    this.results++;
    this.within += `const ${this.result} = ${value}; `;
  }

  private store(): void {
    this.before += `const qi = S[${this.layout.slot()}]; ${bounds(this.layout, "q")}`;
    this.within += `mem.${GETS[this.view as "i32"].replace("get", "set")}(@lane qea vk@, ${this.result}, true); `;
    this.result = "";
  }

  end(isUnrolled: boolean): string {
    const { before, layout, result, view } = this;
    const write = result === "" ? "" : `${laneAt("x", view)} = ${result}; `;
    const lane = this.within + write;
    const loop = `for (let vk = 0; vk < 4; vk = (vk + ${LANE_WORDS[view]}) | 0) { ${lane}} `;
    let body = isUnrolled ? unrolled(lane, LANE_WORDS[view], this.ofWord) : loop;
    if (this.ofPair !== "")
      body = isUnrolled ? this.pair(lane, 0) + this.pair(lane, 1) : this.pairs(lane);
    return before + body + next(layout.words + 1);
  }

  /** A loop over pairs of words. */
  private pairs(lane: string): string {
    const order = this.descends
      ? "let vk = 1; vk >= 0; vk = (vk - 1) | 0"
      : "let vk = 0; vk < 2; vk = (vk + 1) | 0";
    return `for (${order}) { const vi = (vk + vk) | 0; ${this.pair(lane, null)}} `;
  }

  /** A pair of words: that of the loop, or one by its number. */
  private pair(lane: string, number: 0 | 1 | null): string {
    const words = [0, 1].map((n) => {
      const at = number === null ? `vi${n === 0 ? "" : " + 1"}` : 2 * number + n;
      return lane
        .replace(/@word (\d)@/g, (_, operand) => this.ofWord[operand][n])
        .replace(/\(([^()]+) \+ vk\) \| 0/g, at === 0 ? "$1" : `($1 + ${at}) | 0`);
    });
    if (number === null) return this.ofPair + words.join("");
    const place = number === 0 ? "$1" : "@second $1@";
    return this.ofPair.replace(/@lane (\w+) vk@/g, place) + words.join("");
  }
}

function sourceOf(name: string): string {
  const [rest, before] = name.split(" & ").reverse();
  const names = rest.split(" > ");
  const [first, second, third] = names;
  if (/^i32\.add/.test(first) && third === undefined) return loadFrom(first, second);
  if (name === "const 128 > i8x16.swizzle") return SWIZZLE_CONSTANT;
  const steps = new Steps();
  if (before !== undefined) steps.addFirst(before.split(" > "), names[names.length - 1]);
  names.forEach((step, i) => {
    steps.add(step, names[i + 1]);
  });
  return steps.end(UNROLLED.test(name));
}

function formOf(name: string, producer: string, consumer: string, position: "a" | "b"): FusedForm {
  return { name, source: sourceOf(name), producer, consumer, position, kind: "value" };
}

/** All fused forms of vectors. */
export const FUSED_VECTORS: readonly FusedForm[] = [
  ...NAMES.map((name) => {
    const steps = name.split(" > ");
    const last = steps[steps.length - 1];
    const producer = steps.slice(0, -1).join(" > ");
    return formOf(name, producer, last.replace(/ b$/, ""), last.endsWith(" b") ? "b" : "a");
  }),
  ...OF_BOTH.map(([first, form, position]) => {
    const name = `${first} & ${form}`;
    const [shorter, last] = /^(.*) > (.*)$/.exec(name)?.slice(1) ?? [];
    const hasShorter = OF_BOTH.some(([one, other]) => `${one} & ${other}` === shorter);
    return hasShorter ? formOf(name, shorter, last, "a") : formOf(name, first, form, position);
  }),
  ...OF_PAIRS.map(([first, form, position]) => {
    return formOf(`${first} > ${form}`, first, form, position);
  }),
];
