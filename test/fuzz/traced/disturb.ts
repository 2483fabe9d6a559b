// A guest that gets in the way of others: it runs between their slices, or below them, so that their
// frames have to be moved away and are put back somewhere else.

import { Module, Store } from "../../../src/api/index.ts";
import { EXTERNREF, I32 } from "../../../src/isa/types.ts";
import { build } from "../../attacks/build.ts";

/** Goes down `local 0` calls, each with references of its own, and calls the host there. */
function recursion(): Uint8Array<ArrayBuffer> {
  return build({
    types: [
      [[], []],
      [[I32, EXTERNREF], [EXTERNREF]],
    ],
    imports: [["h", 0]],
    functions: [
      {
        type: 1,
        export: "down",
        locals: [[5, EXTERNREF]],
        code: (code) =>
          code
            .op("local.get", 1)
            .op("local.set", 4)
            .op("local.get", 0)
            .op("i32.eqz")
            .block("if", (c) => c.op("call", 0).op("local.get", 4).op("return"))
            .op("local.get", 0)
            .i32(1)
            .op("i32.sub")
            .op("local.get", 4)
            .op("call", 1),
      },
    ],
  });
}

const JUNK = Object.freeze({ junk: true });

/** What there is to do with one. */
export interface Disturber {
  /** Runs `inner` in a host function below so many calls. */
  inside<T>(depth: number, inner: () => T): T;
  /** Uses the machine's stacks for something else. */
  scribble(depth: number): void;
}

let shared: Disturber | null = null;

/** The one of this process. */
export function disturber(): Disturber {
  shared ??= makeDisturber();
  return shared;
}

function makeDisturber(): Disturber {
  let action: () => unknown = () => undefined;
  let result: unknown;
  const h = () => {
    result = action();
  };
  const { down } = new Store().instantiate(Module.from(recursion()), { env: { h } }).exports;
  return {
    inside<T>(depth: number, inner: () => T): T {
      action = inner;
      if (down(depth, JUNK) !== JUNK) throw new Error("the disturbed guest lost a reference");
      return result as T;
    },
    scribble(depth: number): void {
      action = () => undefined;
      down(depth, JUNK);
    },
  };
}
