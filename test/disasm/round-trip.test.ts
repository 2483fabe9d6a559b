// What `print` prints assembles back to an equal module: over the whole specification suite,
// through every assembler there is. A module that wabt neither reads nor parses is beyond wabt; one
// that it reads but does not parse must be in the list below.

import { expect, test } from "vitest";
import { moduleText } from "../../src/disasm/index.ts";
import { moduleDecode } from "../../src/embedding/module.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { type Assemble, assembleWithWabt, loadWasmTools, wabtReads } from "./assemblers.ts";
import { describeModule, type Freedom, firstDifference } from "./describe.ts";
import { type SuiteModule, validSuiteModules } from "./suite.ts";

/**
 * Modules that wabt 1.0.39 reads but whose text it refuses. Its parser takes no type index after
 * `call_ref`, which the text format asks for. This list may only shrink.
 */
const WABT_CANNOT_PARSE = [
  "v3-funcref/call_ref.1.wasm",
  "v3-funcref/call_ref.2.wasm",
  "v3-funcref/call_ref.3.wasm",
  "v3-funcref/unreached-valid.0.wasm",
];

/**
 * Modules that wabt assembles to something malformed: it writes `(ref 0)` as `0x6b 0`, the encoding
 * of an early draft of typed function references. This list may only shrink.
 */
const WABT_WRITES_A_DRAFT = [
  "mvp/linking.18.wasm",
  "mvp/linking.19.wasm",
  "mvp/linking.20.wasm",
  "mvp/linking.21.wasm",
  "mvp/linking.34.wasm",
  "mvp/linking.35.wasm",
  "mvp/linking.36.wasm",
  "mvp/linking.37.wasm",
  "mvp/table.32.wasm",
  "v3-funcref/type-equivalence.0.wasm",
  "v3-funcref/type-equivalence.1.wasm",
  "v3-funcref/type-equivalence.2.wasm",
  "v3-funcref/type-equivalence.3.wasm",
  "v3-funcref/type-equivalence.7.wasm",
  "v3-funcref/type-equivalence.10.wasm",
  "v3-funcref/type-equivalence.11.wasm",
  "v3-funcref/type-equivalence.12.wasm",
  "v3-funcref/type-equivalence.13.wasm",
  "v3-funcref/type-equivalence.14.wasm",
  "v3-funcref/type-equivalence.15.wasm",
  "v3-gc/type-rec.4.wasm",
  "v3-gc/type-rec.20.wasm",
];

/**
 * wabt.js writes an active data segment for a memory other than the first without the index of the
 * memory, because `toBinary` takes no features and so believes that multi-memory is off.
 */
function wabtLosesMemory(module: ModuleRecord): boolean {
  return module.data.some(({ memory }) => memory !== 0);
}

const features = parseFeatures("all");
const modules = validSuiteModules();

/** Its custom sections stand between sections that are empty, which no text can say. */
const EMPTY_SECTIONS = "mvp/custom.1.wasm";

function print(bytes: Uint8Array, customs: boolean): string {
  const module = moduleDecode(bytes, { features });
  const text = moduleText(module, { customs });
  // The comment about a custom section cannot survive where the section itself does not.
  return text.replace(/^ {2};; custom section .*\n/gm, "");
}

interface Options {
  readonly assemble: Assemble;
  readonly freedom: Freedom;
  /** Whether the assembler reads `(@custom …)`. */
  readonly customs: boolean;
}

function difference(a: Uint8Array, b: Uint8Array, freedom: Freedom): string | null {
  const [before, after] = [a, b].map((input) =>
    describeModule(moduleDecode(input, { features }), freedom),
  );
  return firstDifference(before, after);
}

/** What is wrong with `again`, the assembled form of `text`, which is `bytes` printed; or null. */
function judge(bytes: Uint8Array, again: Uint8Array, text: string, options: Options) {
  const problem = difference(bytes, again, options.freedom);
  if (problem !== null) return problem;
  const second = print(again, options.customs);
  const same = difference(bytes, again, {}) === null;
  // Where the assembler used its freedom the text differs, but once: the next one is the same.
  const next = same ? text : print(options.assemble(second), options.customs);
  return firstDifference(next.split("\n"), second.split("\n"));
}

interface Tally {
  equal: number;
  /** Assembled, but not to a module. */
  garbled: string[];
  refused: string[];
  different: string[];
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}

function roundTrip(list: readonly SuiteModule[], options: Options): Tally {
  const tally: Tally = { equal: 0, garbled: [], refused: [], different: [] };
  for (const { name, bytes } of list) {
    const text = print(bytes, options.customs && name !== EMPTY_SECTIONS);
    const again = attempt(() => options.assemble(text));
    if (again === null) {
      tally.refused.push(name);
      continue;
    }
    if (attempt(() => moduleDecode(again, { features })) === null) {
      tally.garbled.push(name);
      continue;
    }
    const problem = judge(bytes, again, text, options);
    if (problem === null) tally.equal++;
    else tally.different.push(`${name}: ${problem}`);
  }
  return tally;
}

test.skipIf(modules.length === 0)("the suite, through wabt", () => {
  const list = modules.filter(({ bytes }) => !wabtLosesMemory(moduleDecode(bytes, { features })));
  const { equal, garbled, refused, different } = roundTrip(list, {
    assemble: assembleWithWabt,
    freedom: { inlineBlockTypes: true, functionLists: true },
    customs: false,
  });
  expect(different).toEqual([]);
  const byName = new Map(modules.map((module) => [module.name, module]));
  const read = refused.filter((name) => wabtReads((byName.get(name) as SuiteModule).bytes));
  expect(read).toEqual(WABT_CANNOT_PARSE);
  expect(garbled).toEqual(WABT_WRITES_A_DRAFT);
  const faults = modules.length - list.length + read.length + garbled.length;
  const beyond = refused.length - read.length;
  console.log(`wabt: ${equal} equal, ${faults} by its own fault, ${beyond} beyond it`);
  expect(equal).toBeGreaterThanOrEqual(2475);
});

const wasmTools = await loadWasmTools();

test.skipIf(modules.length === 0 || wasmTools === null)("the suite, through wasm-tools", () => {
  if (wasmTools === null) return;
  const { equal, garbled, refused, different } = roundTrip(modules, {
    assemble: wasmTools,
    freedom: {},
    customs: true,
  });
  expect(different).toEqual([]);
  expect([...refused, ...garbled]).toEqual([]);
  expect(equal).toBe(modules.length);
});

/** Everything that wabt's name section can name. */
const NAMED = `(module $m
  (type $t (func (param i32) (result i32)))
  (import "env" "log" (func $log (type $t) (param i32) (result i32)))
  (table $table 1 funcref)
  (memory $memory 1)
  (tag $tag (param i32))
  (global $global (mut i32) (i32.const 0))
  (elem $elem (i32.const 0) func $log)
  (func $main (type $t) (param $x i32) (result i32)
    (local $y i64)
    (local.set $y (i64.const 1))
    (global.set $global (call $log (local.get $x)))
    (memory.init $data (i32.const 0) (i32.const 0) (i32.const 0))
    (call_indirect $table (type $t) (i32.const 1) (i32.const 0)))
  (data $data "x"))`;

test("names survive the round trip", () => {
  const text = print(assembleWithWabt(NAMED), false);
  expect(print(assembleWithWabt(text), false)).toBe(text);
  const definition = /\((type|func|table|memory|tag|global|elem|data|param|local) \$([^\s)]+) /g;
  const ids = [...text.matchAll(definition)].map(([, kind, id]) => `${kind} ${id}`);
  expect(ids.sort()).toEqual(
    ["data data", "elem elem", "func log", "func main", "global global", "local y", "memory memory"]
      .concat(["param x", "table table", "tag tag", "type t"])
      .sort(),
  );
  const uses = ["call $log", "local.set $y", "global.set $global", "memory.init $data"];
  for (const use of uses) expect(text).toContain(`    ${use}\n`);
});

const FIELDS_AND_LABELS = `(module
  (type $point (struct (field $x i32) (field $y (mut i64))))
  (rec (type $a (sub (array (ref null $b)))) (type $b (sub final $a (array (ref null $b)))))
  (func $f (param $p (ref $point)) (result i32)
    block $outer (result i32)
      local.get $p
      struct.get $point $x
      br $outer
    end))`;

test.skipIf(wasmTools === null)("names of fields and labels survive, through wasm-tools", () => {
  if (wasmTools === null) return;
  const text = print(wasmTools(FIELDS_AND_LABELS), true);
  expect(print(wasmTools(text), true)).toBe(text);
  for (const part of [
    "(field $y (mut i64))",
    "struct.get $point $x",
    "br $outer",
    "(ref $point)",
  ]) {
    expect(text).toContain(part);
  }
});
