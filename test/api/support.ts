// Modules from text for the tests of the embedder API, and errors as values.

import {
  type Execution,
  type ImportMap,
  type Instance,
  Module,
  type Outcome,
  Store,
} from "../../src/api/index.ts";
import { assemble } from "../validation/assemble.ts";

/** A module from text. */
export function moduleOf(text: string): Module {
  return Module.from(assemble(text));
}

/** An instance of a module in the text format, in a store of its own unless one is given. */
export function instanceOf(text: string, imports: ImportMap = {}, store = new Store()): Instance {
  return store.instantiate(moduleOf(text), imports);
}

type ErrorClass<E> = new (...args: never[]) => E;

function checked<E>(error: unknown, Class: ErrorClass<E>): E {
  if (error instanceof Class) return error;
  throw error;
}

/** The error of this class that `action` throws; anything else that it throws goes on. */
export function thrown<E>(Class: ErrorClass<E>, action: () => unknown): E {
  try {
    action();
  } catch (error) {
    return checked(error, Class);
  }
  throw new Error("nothing was thrown");
}

/** The error of this class that a promise is rejected with. */
export async function rejected<E>(Class: ErrorClass<E>, promise: Promise<unknown>): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return checked(error, Class);
  }
  throw new Error("nothing was thrown");
}

/** Runs an execution to its end in such slices; `pause` is called between them. */
export function inSlices(execution: Execution, slice: number, pause = () => {}): Outcome {
  let outcome = execution.run({ slice });
  while (outcome.kind === "suspended") {
    pause();
    outcome = execution.run({ slice });
  }
  return outcome;
}

/** Lets time pass. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a hostile guest does, and one function that behaves. */
export const HOSTILE = `(module
  (memory (export "memory") 1)
  (table (export "table") 1 funcref)
  (global $n (mut i32) (i32.const 0))
  (func (export "count") (result i32) (global.get $n))
  (func $loop (export "loop")
    (loop (global.set $n (i32.add (global.get $n) (i32.const 1))) (br 0)))
  (func $recurse (export "recurse") (call $recurse))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "allocate") (result i32)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (memory.size))
  (func (export "fill") (result i32)
    (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1)) (i32.const -1))))
    (table.size))
  (func (export "trap") (unreachable)))`;
