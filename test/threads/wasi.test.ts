// Programs for WASI whose memory is shared: what they read and write lies there.

import { expect, it } from "vitest";
import { Memory, Store } from "../../src/api/index.ts";
import { wasi } from "../../src/wasi/index.ts";
import { instanceOf } from "../api/support.ts";

const PAGE = 65_536;

const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (memory (export "memory") 1 3 shared)
  ;; Reads to an address and writes what was there, by vectors at 0.
  (func (export "echo") (param $at i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.const 5))
    (drop (call $args (i32.const 100) (i32.const 200)))
    (drop (call $random (i32.const 300) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`;

it("a program reads and writes, also where another store has made its memory longer", () => {
  const store = new Store();
  const written: string[] = [];
  const world = wasi({
    args: ["echo", "é"],
    stdin: new TextEncoder().encode("hello"),
    stdout: (bytes) => void written.push(new TextDecoder().decode(bytes)),
  });
  const instance = instanceOf(PROGRAM, world.imports, store);
  const memory = instance.memory("memory");
  expect(Memory.from(new Store(), memory.share()).grow(1)).toBe(1);
  expect(instance.exports.echo(PAGE)).toBe(0);
  expect(written).toEqual(["hello"]);
  expect(new TextDecoder().decode(memory.read(200, 8))).toBe("echo\0é\0");
});
