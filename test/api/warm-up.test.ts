// `warmUp`: that it ends, may be called again and at any time, and disturbs nobody. How fast the
// interpreter is afterwards is for the benchmarks: here the machine may be busy.

import { describe, expect, it } from "vitest";
import { warmUp } from "../../src/api/index.ts";
import { instanceOf } from "./support.ts";

const DEEP = `(module (func $deep (export "deep") (param i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0))
    (then (i32.const 0))
    (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))))))`;

describe("warmUp", () => {
  it("ends, and leaves suspended guests as they are", async () => {
    const deep = instanceOf(DEEP).func("deep");
    const execution = deep.start(1_000);
    execution.run({ slice: 3_000 });
    const running = deep.callAsync(1_000);
    expect(typeof (await warmUp())).toBe("boolean");
    expect(await running).toBe(1_000);
    expect(execution.run()).toMatchObject({ kind: "returned", value: 1_000 });
    expect(typeof (await warmUp())).toBe("boolean");
  });
});
