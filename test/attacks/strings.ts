// Guests that keep strings which the builtins of js-string have made for them.

import { EXTERNREF, HEAP_EXTERN, I32, refType } from "../../src/isa/types.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { build, type Code } from "./build.ts";
import type { Attack } from "./probe.ts";

const STRING = refType(HEAP_EXTERN, false);
const MIB = 2 ** 20;
const [CONCAT, CHAR_CODE_AT, SUBSTRING, FROM_CHAR_CODE] = [0, 1, 2, 3];
/** Locals: a string of 2^20 characters, the string that is being made, the round. */
const [LONG, MADE, ROUND] = [0, 1, 2];

/** Puts into a table what `make` leaves in the local MADE, round by round. */
function keeping(name: string, make: (code: Code) => unknown, timeout = 20_000): Attack {
  return {
    name: `js-string: ${name}`,
    item: 0,
    megabytes: 64,
    async run(probe) {
      const bytes = build({
        types: [
          [[EXTERNREF, EXTERNREF], [STRING]],
          [[EXTERNREF, I32], [I32]],
          [[EXTERNREF, I32, I32], [STRING]],
          [[I32], [STRING]],
          [[], []],
        ],
        imports: ["concat", "charCodeAt", "substring", "fromCharCode"].map((builtin, i) => {
          return [builtin, i, "wasm:js-string"] as const;
        }),
        tables: [[EXTERNREF, [1_000_000]]],
        functions: [
          {
            type: 4,
            export: "run",
            locals: [
              [2, EXTERNREF],
              [1, I32],
            ],
            code(code) {
              code.i32(65).op("call", FROM_CHAR_CODE).op("local.tee", LONG).op("local.set", MADE);
              code.repeat(20, (c) => {
                c.op("local.get", LONG).op("local.get", LONG).op("call", CONCAT);
                c.op("local.set", LONG);
              });
              code.forever((c) => {
                make(c);
                c.op("local.get", ROUND).op("local.get", MADE).op("table.set", 0);
                c.op("local.get", ROUND).i32(1).op("i32.add").op("local.set", ROUND);
              });
            },
          },
        ],
      });
      const namespace = createNamespace({ timeout, limits: { gcBytes: 32 * MIB } });
      const module = new namespace.Module(probe.uses(bytes), { builtins: ["js-string"] });
      const { run } = new namespace.Instance(module, {}).exports as { run(): void };
      let message = "nothing";
      await probe.attempt(() => {
        try {
          run();
        } catch (error) {
          if (!(error instanceof namespace.RuntimeError)) throw error;
          ({ message } = error as Error);
        }
      });
      // Small ones take long to fill the account; they are so many that the heap would be full.
      const expected = timeout < 20_000 ? /limit exceeded|deadline/ : /object limit exceeded/;
      probe.check(expected.test(message), `ended with ${message}`);
    },
  };
}

/** Another long string. */
function longer(code: Code): Code {
  code.op("local.get", LONG).op("local.get", ROUND).op("call", FROM_CHAR_CODE);
  return code.op("call", CONCAT).op("local.set", MADE);
}

export const STRING_ATTACKS: readonly Attack[] = [
  keeping("long strings kept", (code) => {
    longer(code).op("local.get", MADE).i32(0).op("call", CHAR_CODE_AT).op("drop");
  }),
  keeping(
    "parts of long strings kept",
    (code) => {
      longer(code).op("local.get", MADE).i32(5).i32(25).op("call", SUBSTRING).op("local.set", MADE);
    },
    3_000,
  ),
  keeping("halves of long strings kept", (code) => {
    longer(code).op("local.get", MADE).i32(5).i32(500_000).op("call", SUBSTRING);
    code.op("local.set", MADE);
  }),
  keeping(
    "ropes of single characters kept",
    (code) => {
      code.i32(300).op("call", FROM_CHAR_CODE).op("local.set", MADE);
      code.repeat(1_000, (c) => {
        c.op("local.get", MADE).op("local.get", ROUND).op("call", FROM_CHAR_CODE);
        c.op("call", CONCAT).op("local.set", MADE);
      });
    },
    3_000,
  ),
];
