// wabt (Emscripten, C++): assembles text, prints it again, validates, says what is wrong.

import { failure, sha256 } from "./data.mjs";

export async function load() {
  const { default: initWabt } = await import("wabt");
  return initWabt();
}

function moduleText(functions) {
  const bodies = Array.from({ length: functions }, (_, i) =>
    [
      `  (func $f${i} (export "f${i}") (param $a i32) (param f64) (result i64) (local $x i64)`,
      `    (block $out (loop $again (br_if $out (i32.eqz (local.get $a)))`,
      `      (local.set $a (i32.sub (local.get $a) (i32.const ${i + 1})))`,
      `      (local.set $x (i64.add (local.get $x) (i64.const ${-i * 999_999_999})))`,
      `      (f64.store offset=${i} (i32.const 8) (f64.mul (local.get 1) (f64.const 0x1.8p${i % 9})))`,
      "      (br $again))) (local.get $x))",
    ].join("\n"),
  );
  return `(module (memory 1)\n${bodies.join("\n")}\n  (data (i32.const 0) "a\\00\\ff"))\n`;
}

const BROKEN = ["(module (func (result i32)))", "(module (func i32.add))", "(module"];

export function job(wabt) {
  const module = wabt.parseWat("many.wat", moduleText(60));
  module.validate();
  const { buffer, log } = module.toBinary({ log: true, write_debug_names: true });
  module.destroy();
  const read = wabt.readWasm(buffer, { readDebugNames: true });
  read.applyNames();
  const text = read.toText({ foldExprs: true, inlineExport: true });
  read.destroy();
  const errors = BROKEN.map((wat) => failure(() => wabt.parseWat("b.wat", wat).validate()));
  return {
    bytes: buffer.length,
    module: sha256(buffer),
    log: sha256(log),
    text: sha256(text),
    start: text.slice(0, 500),
    errors,
  };
}
