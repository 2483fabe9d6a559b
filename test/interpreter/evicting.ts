// Takes all code away, by asking the room for all of it.

import { PRICE_TABLE_2 } from "../../src/api/index.ts";
import { compile } from "../../src/code/compiled.ts";
import { CodeAccount } from "../../src/code/room.ts";
import { room } from "../../src/interpreter/registers.ts";
import { moduleOf } from "../api/support.ts";

/** A function that nobody calls. */
export const nobody = compile(moduleOf("(module (func))").record, PRICE_TABLE_2).code(0);

/** Evicts all code. */
export function evictAll(): void {
  room.reserve(nobody, room.limit, new CodeAccount(), true);
}
