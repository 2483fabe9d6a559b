// Scripts for the tests of `wasmeter spec`, written by hand: each kind of command once as it passes
// and in every way it can fail, and the modules they need.

import { assemble } from "../validation/assemble.ts";
import { EMPTY, INVALID, MALFORMED, WIDE_ARITHMETIC } from "./support.ts";

export type Command = Readonly<Record<string, unknown>>;

/** A module that can end in every way there is, and what is needed to link to it. */
const PROGRAM = assemble(`(module
  (tag $t (param i32))
  (memory (export "m") 1)
  (global (export "g") i64 (i64.const -1))
  (global (export "f32") f32 (f32.const nan:0x200001))
  (func (export "f"))
  (func (export "same") (param f32) (result f32) (local.get 0))
  (func (export "host") (param externref) (result externref) (local.get 0))
  (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "self") (result funcref) (ref.func 0))
  (func (export "__proto__") (result i32) (i32.const 42))
  (func (export "trap") (unreachable))
  (func (export "throw") (throw $t (i32.const 1)))
  (func $forever (export "recurse") (call $forever))
  (func (export "loop") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 0))
  (func (export "vector") (param v128) (result v128) (local.get 0))
)`);
/** Imports from a registered program and from spectest. */
const IMPORTER = assemble(`(module
  (import "p" "two" (func $two (result i32 i64)))
  (import "spectest" "print_i32_f32" (func $print (param i32 f32)))
  (import "spectest" "global_i64" (global $g i64))
  (import "spectest" "table64" (table i64 10 20 funcref))
  (import "spectest" "memory" (memory 1 2))
  (func (export "sum") (result i64) (local i64)
    (call $print (i32.const 1) (f32.const 2))
    (call $two) (local.set 0 (i64.add (global.get $g)))
    (i64.add (i64.extend_i32_u) (local.get 0)))
)`);
const UNKNOWN = assemble(`(module (import "spectest" "nothing" (func)))`);
const MISTYPED = assemble(`(module (import "spectest" "global_i32" (global i64)))`);
const SHARED = assemble(`(module (import "spectest" "shared_memory" (memory 1 2 shared)))`);
/** Its second segment is out of bounds: the first one stays written. */
const TRAPPING = assemble(`(module (import "p" "m" (memory 1))
  (data (i32.const 0) "x") (data (i32.const 65536) "y"))`);
const STARTING = assemble(`(module (import "p" "trap" (func $trap)) (start $trap))`);
const READER = assemble(`(module (import "p" "m" (memory 1))
  (func (export "read") (result i32) (i32.load8_u (i32.const 0))))`);

/** The modules that commands may name, by file name. */
export const MODULES = [
  ["valid.wasm", EMPTY],
  ["invalid.wasm", INVALID],
  ["malformed.wasm", MALFORMED],
  ["wide.wasm", WIDE_ARITHMETIC],
  ["program.wasm", PROGRAM],
  ["importer.wasm", IMPORTER],
  ["unknown.wasm", UNKNOWN],
  ["mistyped.wasm", MISTYPED],
  ["shared.wasm", SHARED],
  ["trapping.wasm", TRAPPING],
  ["starting.wasm", STARTING],
  ["reader.wasm", READER],
] as const;

const VALID = { filename: "valid.wasm", module_type: "binary" };
export const BAD = { filename: "invalid.wasm", module_type: "binary", text: "type mismatch" };
const BROKEN = { filename: "malformed.wasm", module_type: "binary", text: "unexpected end" };
export const TEXT = { filename: "some.wat", module_type: "text", text: "unexpected token" };
export const binary = (name: string) => ({ filename: `${name}.wasm`, module_type: "binary" });

export const ACTION = { type: "invoke", field: "f", args: [] };
export const invoke = (field: string, ...args: Command[]) => ({ type: "invoke", field, args });
export const i32 = (value: string) => ({ type: "i32", value });
export const f32 = (value: string) => ({ type: "f32", value });
export const v128 = (laneType: string, ...value: readonly string[]) => {
  return { type: "v128", lane_type: laneType, value };
};
export const returned = (action: Command, ...expected: Command[]) => ({
  type: "assert_return",
  action,
  expected,
});

export const PAYLOAD = "2141192193"; // 0x7fa00001, a signalling NaN with a payload
const MINUS_ONE = "18446744073709551615";
const TWO_OF_ONES = ["4294967295", "4294967295"];

/** Each kind of command, all of them fulfilled. */
export const GOOD: readonly Command[] = [
  { type: "module", name: "$P", ...binary("program") },
  { type: "register", as: "p", name: "$P" },
  { type: "action", action: ACTION },
  returned(ACTION),
  returned(invoke("same", f32(PAYLOAD)), f32(PAYLOAD)),
  returned(invoke("nan"), f32("nan:canonical")),
  returned(invoke("nan"), { type: "either", values: [f32("0"), f32("nan:arithmetic")] }),
  returned(invoke("two"), i32("1"), { type: "i64", value: "2" }),
  returned(
    invoke("vector", v128("f32", PAYLOAD, "0", "2143289344", "1")),
    v128("f32", PAYLOAD, "0", "nan:canonical", "1"),
  ),
  returned(invoke("vector", v128("i64", "1", MINUS_ONE)), v128("i32", "1", "0", ...TWO_OF_ONES)),
  returned(invoke("host", { type: "externref", value: "7" }), { type: "externref", value: "7" }),
  returned(invoke("host", { type: "externref", value: "null" }), { type: "refnull" }),
  returned(invoke("self"), { type: "funcref" }),
  returned(invoke("__proto__"), i32("42")),
  returned({ type: "get", field: "g" }, { type: "i64", value: MINUS_ONE }),
  returned({ type: "get", field: "f32" }, f32(PAYLOAD)),
  { type: "assert_trap", action: invoke("trap"), text: "unreachable" },
  { type: "assert_exception", action: invoke("throw") },
  { type: "assert_exhaustion", action: invoke("recurse"), text: "call stack exhausted" },
  { type: "module", ...binary("importer") },
  returned(invoke("sum"), { type: "i64", value: "669" }),
  returned({ ...ACTION, module: "$P" }),
  { type: "assert_unlinkable", ...binary("unknown"), text: "unknown import" },
  { type: "assert_unlinkable", ...binary("mistyped"), text: "incompatible import type" },
  { type: "assert_unlinkable", ...binary("shared"), text: "unknown import" },
  { type: "assert_uninstantiable", ...binary("trapping"), text: "out of bounds memory access" },
  { type: "assert_uninstantiable", ...binary("starting"), text: "unreachable" },
  { type: "assert_trap", ...binary("starting"), text: "unreachable" },
  { type: "module", ...binary("reader") },
  returned(invoke("read"), i32("120")),
  { type: "module_definition", name: "$D", ...binary("program") },
  { type: "module_instance", instance: "$I", module: "$D" },
  { type: "module_instance", instance: "$J" },
  returned({ ...invoke("__proto__"), module: "$I" }, i32("42")),
  returned({ ...invoke("__proto__"), module: "$J" }, i32("42")),
  { type: "assert_invalid", ...BAD },
  { type: "assert_malformed", ...BROKEN },
].map((command, i) => ({ line: i + 1, ...command }));

/** What is skipped, whatever it is about. */
export const NOT_JUDGED: readonly Command[] = [
  { type: "assert_malformed", line: 101, ...TEXT },
  { type: "assert_malformed_custom", line: 102, ...TEXT },
  { type: "assert_invalid_custom", line: 103, ...VALID, text: "no such" },
  { type: "thread", line: 104 },
  { type: "module", line: 105, ...TEXT, text: "" },
  { ...returned(ACTION), line: 106 },
];

/** Each kind of command, none of them fulfilled, with the beginning of the report. */
export const BROKEN_PROMISES: readonly (readonly [report: RegExp, command: Command])[] = [
  [/there is no module instance yet/, returned(ACTION)],
  [/the module was refused: InvalidError: t/, { type: "module", ...BAD }],
  [/the module was refused: MalformedError: un/, { type: "module_definition", ...BROKEN }],
  [/MalformedError: unexpected end/, { type: "module_instance" }],
  [/the module was accepted/, { type: "assert_invalid", ...VALID, text: "type mismatch" }],
  [/InvalidError expected: MalformedError/, { type: "assert_invalid", ...BROKEN }],
  [/the module was accepted/, { type: "assert_malformed", ...VALID, text: "unexpected end" }],
  [/MalformedError expected: InvalidError/, { type: "assert_malformed", ...BAD }],
  [/refused: InvalidError/, { type: "assert_unlinkable", ...BAD, text: "unknown import" }],
  [/LinkError expected, but it ended/, { type: "assert_unlinkable", ...VALID }],
  [/LinkError expected, but it ended/, { type: "assert_unlinkable", ...binary("program") }],
  [/LinkError: unknown import/, { type: "assert_uninstantiable", ...binary("unknown") }],
  [/Trap expected, but it ended/, { type: "assert_uninstantiable", ...VALID }],
  [/refused: MalformedError/, { type: "assert_trap", ...BROKEN, text: "unreachable" }],
  [/cannot read .*nosuch\.wasm: no such file/, { type: "module", ...binary("nosuch") }],
  [/assert_invalid without a module file/, { type: "assert_invalid", text: "type mismatch" }],
  [/LinkError: unknown import/, { type: "module", ...binary("unknown") }],
  [/LinkError: unknown import/, returned(ACTION)],
  [/there is no module instance \$Q/, { type: "register", as: "q", name: "$Q" }],
  [/there is no module instance \$Q/, returned({ ...ACTION, module: "$Q" })],
];

/** The same about actions, on an instance of the program. */
export const BROKEN_ACTIONS: readonly (readonly [report: RegExp, command: Command])[] = [
  [/found \(i32 42\), expected \(i32 43\)/, returned(invoke("__proto__"), i32("43"))],
  [/found \(\), expected \(i32 0\)/, returned(ACTION, i32("0"))],
  [/found \(i32 42\), expected \(\)/, returned(invoke("__proto__"))],
  [
    /found \(v128 i64 2 0\), expected \(v128 i64 1 0\)/,
    returned(invoke("vector", v128("i64", "2", "0")), v128("i64", "1", "0")),
  ],
  [/v128 with lanes of i64 is no argument/, returned(invoke("vector", v128("i64", "2")))],
  [/expected \(i64 42\)/, returned(invoke("__proto__"), { type: "i64", value: "42" })],
  [/expected \(f32 nan:canonical\)/, returned(invoke("same", f32(PAYLOAD)), f32("nan:canonical"))],
  [
    /found \(externref 7\), expected \(refnull null\)/,
    returned(invoke("host", { type: "externref", value: "7" }), { type: "refnull", value: "null" }),
  ],
  [/Trap: unreachable/, returned(invoke("trap"))],
  [/Trap: unreachable/, { type: "action", action: invoke("trap") }],
  [/Trap: unreachable/, { type: "assert_exception", action: invoke("trap") }],
  [/Trap: unreachable/, { type: "assert_exhaustion", action: invoke("trap") }],
  [/Trap expected, but it ended normally/, { type: "assert_trap", action: ACTION }],
  [/WasmException: uncaught exception/, { type: "assert_trap", action: invoke("throw") }],
  [/Exhaustion: call stack exhausted/, { type: "assert_trap", action: invoke("recurse") }],
  [/nothing to invoke that is called "nosuch"/, returned(invoke("nosuch"))],
  [/nothing to invoke that is called "g"/, returned(invoke("g"))],
  [/nothing to get that is called "f"/, returned({ type: "get", field: "f" })],
  [/1 arguments for 0 parameters/, returned(invoke("f", i32("1")))],
  [/there is no action/, { type: "assert_trap", text: "unreachable" }],
  [/nothing to compare/, { type: "assert_return", action: ACTION }],
];

function numbered(list: typeof BROKEN_PROMISES, from: number): Command[] {
  return list.map(([, command], i) => ({ line: from + i, ...command }));
}

export const PROGRAM_COMMAND = { type: "module", line: 1, ...binary("program") };
export const WRONG = [
  ...numbered(BROKEN_PROMISES, 1),
  { ...PROGRAM_COMMAND, line: 50 },
  ...numbered(BROKEN_ACTIONS, 51),
];
export const FAILING = WRONG.length - 1;
