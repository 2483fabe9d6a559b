// What the validator tells a sink about each instruction, compared with expectations worked out by
// hand, and with the instruction table over real modules.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { instructionAt } from "../../src/isa/index.ts";
import { formatValType, type ValType } from "../../src/isa/types.ts";
import type { BodyFacts } from "../../src/validation/sink.ts";
import type { ControlFrame } from "../../src/validation/state.ts";
import { listen, load, stackOf, trace } from "./assemble.ts";

const words = (types: readonly ValType[]) => types.map((type) => formatValType(type)).join(" ");

/** A frame as `opcode@height params -> results / label types`. */
function frame({ op, height, params, results, labelTypes }: ControlFrame): string {
  const code = op.toString(16).padStart(2, "0");
  return `${code}@${height} ${words(params)} -> ${words(results)} / ${words(labelTypes)}`;
}

/** `name before>after [stack] depth`, with `!` before what control cannot reach. */
function line(facts: BodyFacts, name: string): string {
  const { reachable, heightBefore, height, controlDepth } = facts;
  const mark = reachable ? "" : "!";
  return `${mark}${name} ${heightBefore}>${height} [${stackOf(facts)}] ${controlDepth}`;
}

describe("heights, stack and depth", () => {
  it("of a block that takes and leaves operands", () => {
    const text = `(module (func (param i64)
      i32.const 7
      local.get 0
      block (param i64) (result i64 f32)
        f32.const 1
        br 0
        i32.add
        drop
      end
      drop
      drop
      drop))`;
    expect(trace(text, line)).toEqual([
      "i32.const 0>1 [i32] 1",
      "local.get 1>2 [i32 i64] 1",
      "block 2>2 [i32 i64] 2",
      "f32.const 2>3 [i32 i64 f32] 2",
      "br 3>1 [i32] 2",
      "!i32.add 1>2 [i32 i32] 2",
      "!drop 2>1 [i32] 2",
      "!end 1>3 [i32 i64 f32] 1",
      "drop 3>2 [i32 i64] 1",
      "drop 2>1 [i32] 1",
      "drop 1>0 [] 1",
      "end 0>0 [] 0",
    ]);
  });

  it("of both arms of an if, and of calls", () => {
    const text = `(module
      (func $pair (param f32) (result i32 i64) unreachable)
      (func (result i64)
        i32.const 1
        if (result i64)
          f32.const 0
          call $pair
          return
        else
          i64.const 2
        end))`;
    expect(trace(text, line).slice(2)).toEqual([
      "i32.const 0>1 [i32] 1",
      "if 1>0 [] 2",
      "f32.const 0>1 [f32] 2",
      "call 1>2 [i32 i64] 2",
      "return 2>0 [] 2",
      "!else 0>0 [] 2",
      "i64.const 0>1 [i64] 2",
      "end 1>1 [i64] 1",
      "end 1>0 [] 0",
    ]);
  });

  it("of branches that may not be taken", () => {
    const text = `(module (func (param i32) (result i32)
      block (result i32)
        f64.const 0
        i32.const 3
        local.get 0
        br_if 0
        i32.const 4
        br_table 0 1 0
      end))`;
    expect(trace(text, line)).toEqual([
      "block 0>0 [] 2",
      "f64.const 0>1 [f64] 2",
      "i32.const 1>2 [f64 i32] 2",
      "local.get 2>3 [f64 i32 i32] 2",
      "br_if 3>2 [f64 i32] 2",
      "i32.const 2>3 [f64 i32 i32] 2",
      "br_table 3>0 [] 2",
      "!end 0>1 [i32] 1",
      "end 1>0 [] 0",
    ]);
  });

  it("says of every block inside unreachable code that control cannot reach it", () => {
    const text = `(module (func
      block
        return
        block
          nop
          i32.const 0
          if
            nop
          else
            nop
          end
        end
        nop
      end
      nop))`;
    const reached = trace(text, ({ reachable }, name) => `${reachable ? "" : "!"}${name}`);
    expect(reached.join(" ")).toBe(
      "block return !block !nop !i32.const !if !nop !else !nop !end !end !nop !end nop end",
    );
  });
});

describe("frames", () => {
  it("of labels, innermost first, with what a branch to them carries", () => {
    const text = `(module (func (param i32) (result f32)
      f32.const 1
      i64.const 2
      loop (param i64)
        local.get 0
        if (param i64) (result i64)
          nop
        end
        drop
      end))`;
    const frames = trace(text, (facts, name) => {
      return name === "nop" ? [0, 1, 2].map((label) => frame(facts.frameAt(label))) : [];
    });
    expect(frames.flat()).toEqual([
      "04@1 i64 -> i64 / i64",
      "03@1 i64 ->  / i64",
      "00@0  -> f32 / f32",
    ]);
  });

  it("that an instruction has closed", () => {
    const text = `(module (tag $t (param i32)) (func
      i32.const 5
      block (result f64)
        f64.const 0
      end
      drop
      try (result i32)
        i32.const 1
      catch $t
      end
      drop
      try
      delegate 0
      drop))`;
    const closing = new Set(["end", "catch", "delegate"]);
    const closed = trace(text, (facts, name) => {
      if (!closing.has(name)) return [];
      const { height, results } = facts.closed;
      return [`${name} ${height} -> ${words(results)} [${stackOf(facts)}]`];
    });
    expect(closed.flat()).toEqual([
      "end 1 -> f64 [i32 f64]",
      "catch 2 -> i32 [i32 (ref exn) i32]",
      "end 2 -> i32 [i32 i32]",
      "delegate 1 ->  [i32]",
      "end 0 ->  []",
    ]);
  });
});

describe("the operand type that an instruction was resolved to", () => {
  it("of drop, select, globals and tables", () => {
    const text = `(module
      (global $g (mut f64) (f64.const 0))
      (table $t 1 externref)
      (func (param externref)
        i64.const 1 i64.const 2 i32.const 3 select drop
        local.get 0 local.get 0 i32.const 3 select (result externref) drop
        global.get $g global.set $g
        i32.const 0 table.get $t ref.is_null drop
        i32.const 0 local.get 0 table.set $t
        unreachable select drop))`;
    const wanted = new Set([
      "drop",
      "select",
      "global.get",
      "global.set",
      "table.get",
      "table.set",
      "ref.is_null",
    ]);
    const types = trace(text, ({ operand }, name) => {
      return wanted.has(name) ? [`${name} ${formatValType(operand)}`] : [];
    });
    expect(types.flat()).toEqual([
      "select i64",
      "drop i64",
      "select externref",
      "drop externref",
      "global.get f64",
      "global.set f64",
      "table.get externref",
      "ref.is_null externref",
      "drop i32",
      "table.set externref",
      "select bot",
      "drop bot",
    ]);
  });

  it("of locals and of the rest of the table instructions", () => {
    const text = `(module
      (table $t 1 externref)
      (func (param externref f32)
        local.get 1 local.tee 1 local.set 1
        local.get 0 i32.const 1 table.grow $t drop
        i32.const 0 local.get 0 i32.const 1 table.fill $t))`;
    const wanted = /^(local|table)/;
    const types = trace(text, ({ operand }, name) => {
      return wanted.test(name) ? [`${name} ${formatValType(operand)}`] : [];
    });
    expect(types.flat()).toEqual([
      "local.get f32",
      "local.tee f32",
      "local.set f32",
      "local.get externref",
      "table.grow externref",
      "local.get externref",
      "table.fill externref",
    ]);
  });
});

const NPM_MODULES = [
  "sql.js/dist/sql-wasm.wasm",
  "tiktoken/lite/tiktoken_bg.wasm",
  "@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm",
];

describe("over real modules", () => {
  it.each(NPM_MODULES)("%s: heights follow the table, depth ends at 0", (path) => {
    const file = new URL(`../../node_modules/${path}`, import.meta.url);
    const record = load(new Uint8Array(readFileSync(file)));
    const wrong: string[] = [];
    let instructions = 0;
    let bodies = 0;
    let depth = 1;
    let height = 0;
    let offset = 0;
    const instruction = (facts: BodyFacts) => {
      const { op, start, pos } = facts.instruction;
      const row = instructionAt(op)!;
      const say = (what: string) => wrong.push(`${row.name} at ${start}: ${what}`);
      instructions++;
      if (facts.heightBefore !== height) say(`height ${height} before, ${facts.heightBefore} told`);
      // Nothing is left out: instructions follow each other without gaps.
      if (depth > 1 && start !== offset) say(`a gap from ${offset}`);
      if (row.params !== null && facts.reachable) {
        const change = row.results.length - row.params.length;
        if (facts.height - facts.heightBefore !== change)
          say(`height changed by other than ${change}`);
        row.results.forEach((type, i) => {
          const found = facts.operandType(facts.height - row.results.length + i);
          if (type > 0 && found !== type) say(`left ${found}, not ${type}`);
        });
      }
      const opens = [0x02, 0x03, 0x04].includes(op);
      const expectedDepth = depth + (opens ? 1 : op === 0x0b ? -1 : 0);
      if (facts.controlDepth !== expectedDepth) say(`depth ${facts.controlDepth}`);
      depth = facts.controlDepth;
      height = facts.height;
      offset = pos;
      if (depth > 0) return;
      bodies++;
      if (height !== 0) say(`${height} operands after the last end`);
      depth = 1;
      height = 0;
    };
    listen(record, { instruction });
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(bodies).toBe(record.bodyStarts.length);
    expect(instructions).toBeGreaterThan(100_000);
  });
});
