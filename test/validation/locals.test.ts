// Locals without a default value (spec: 3.4.9, appendix 7.3): they must be set before they are
// read, and what a block sets is forgotten at its end. Bodies are bytes; wabt has no typed
// references.

import { describe, expect, it } from "vitest";
import { body, moduleOf, section, vec } from "../binary/bytes.ts";
import { load, refused } from "./assemble.ts";

/** Parameter 0 is a (ref func), local 1 a (ref func) without a value, local 2 a funcref. */
const TYPE = [0x60, 1, 0x64, 0x70, 0];
const LOCALS = [2, 1, 0x64, 0x70, 1, 0x70];

function withCode(...code: number[]): Uint8Array {
  return moduleOf(
    section(1, vec(TYPE, [0x60, 0, 0])),
    section(3, vec([0])),
    section(10, vec(body(code, LOCALS))),
  );
}

const GET_1 = [0x20, 1, 0x1a];
const SET_1 = [0x20, 0, 0x21, 1];
const TEE_1 = [0x20, 0, 0x22, 1, 0x1a];
const CONDITION = [0x41, 0];

describe("a local without a default", () => {
  it.each([
    ["set, then read", [...SET_1, ...GET_1]],
    ["teed, then read", [...TEE_1, ...GET_1]],
    ["never read", []],
    ["a parameter is set by the caller", [0x20, 0, 0x1a]],
    ["a nullable one has null", [0x20, 2, 0x1a]],
    ["set before a block, read inside", [...SET_1, 0x02, 0x40, ...GET_1, 0x0b]],
    ["set before a loop, read inside and after", [...SET_1, 0x03, 0x40, ...GET_1, 0x0b, ...GET_1]],
    [
      "set and read in each arm",
      [...CONDITION, 0x04, 0x40, ...SET_1, ...GET_1, 0x05, ...SET_1, ...GET_1, 0x0b],
    ],
    ["set again in a block, read after", [...SET_1, 0x02, 0x40, ...SET_1, 0x0b, ...GET_1]],
    ["set in unreachable code, read there", [0x00, ...SET_1, ...GET_1]],
  ])("%s: accepted", (_, code) => {
    expect(load(withCode(...code)).bodyStarts).toHaveLength(1);
  });

  it.each([
    ["read at once", GET_1],
    ["set in a block, read after", [0x02, 0x40, ...SET_1, 0x0b, ...GET_1]],
    ["teed in a loop, read after", [0x03, 0x40, ...TEE_1, 0x0b, ...GET_1]],
    [
      "set in both arms, read after",
      [...CONDITION, 0x04, 0x40, ...SET_1, 0x05, ...SET_1, 0x0b, ...GET_1],
    ],
    [
      "set in the first arm, read in the second",
      [...CONDITION, 0x04, 0x40, ...SET_1, 0x05, ...GET_1, 0x0b],
    ],
    ["set in a try, read in its handler", [0x06, 0x40, ...SET_1, 0x19, ...GET_1, 0x0b]],
    ["set in a try_table, read after", [0x1f, 0x40, 0, ...SET_1, 0x0b, ...GET_1]],
    ["read in unreachable code", [0x00, ...GET_1]],
    [
      "set two blocks deep, read one deep",
      [0x02, 0x40, 0x02, 0x40, ...SET_1, 0x0b, ...GET_1, 0x0b],
    ],
  ])("%s: refused", (_, code) => {
    const bytes = withCode(...code);
    const error = refused(bytes);
    expect(error).toMatchObject({ name: "InvalidError", phrase: "uninitialized local" });
    expect(error).toMatchObject({ detail: "local 1", instruction: "local.get", funcIndex: 0 });
    // It is the read that is wrong: local.get 1, drop.
    expect([...bytes.slice(error.offset, error.offset! + 3)]).toEqual(GET_1);
  });

  it("starts anew in every body", () => {
    const bodies = [body([...SET_1, ...GET_1], LOCALS), body(GET_1, LOCALS)];
    const types = section(1, vec(TYPE));
    const bytes = moduleOf(types, section(3, vec([0], [0])), section(10, vec(...bodies)));
    expect(refused(bytes)).toMatchObject({ phrase: "uninitialized local", funcIndex: 1 });
  });
});

describe("many locals", () => {
  /** 300 i32, 300 i64, 300 (ref func): beyond what the validator keeps in its fast array. */
  const MANY = [3, 0xac, 2, 0x7f, 0xac, 2, 0x7e, 0xac, 2, 0x64, 0x70];
  const index = (value: number) => [(value & 0x7f) | 0x80, value >> 7];
  const check = (...code: number[]) => {
    return moduleOf(
      section(1, vec(TYPE)),
      section(3, vec([0])),
      section(10, vec(body(code, MANY))),
    );
  };

  it("have the type of the run they are in, at the borders of runs too", () => {
    // Parameter 0, then i32 1 … 300, i64 301 … 600, (ref func) 601 … 900.
    const operations = [
      [1, 0x45],
      [300, 0x45],
      [301, 0x50],
      [600, 0x50],
    ] as const;
    for (const [local, test] of operations) {
      load(check(0x20, ...index(local), test, 0x1a));
      const other = test === 0x45 ? 0x50 : 0x45;
      expect(refused(check(0x20, ...index(local), other, 0x1a)).phrase).toBe("type mismatch");
    }
    for (const local of [601, 900]) {
      expect(refused(check(0x20, ...index(local), 0x1a)).detail).toBe(`local ${local}`);
      load(check(0x20, 0, 0x21, ...index(local), 0x20, ...index(local), 0x1a));
    }
    for (const opcode of [0x20, 0x21, 0x22]) {
      const phrase = "unknown local 901";
      expect(refused(check(0x20, 0, opcode, ...index(901))).phrase).toBe(phrase);
    }
  });
});
