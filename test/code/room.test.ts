// Whose code goes when there is no room: nobody loses anything to others who has less than they.

import { describe, expect, it } from "vitest";
import { Module, PRICE_TABLE_2, Store } from "../../src/api/index.ts";
import { type CompiledModule, compile } from "../../src/code/compiled.ts";
import { CodeAccount, CodeRoom } from "../../src/code/room.ts";
import { room } from "../../src/interpreter/registers.ts";
import { moduleOf } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";

const WORDS = 1 << 16;
const FUNCTIONS = 40;
const text = `(module ${"(func)".repeat(FUNCTIONS)})`;

function newModule(): CompiledModule {
  return compile(moduleOf(text).record, PRICE_TABLE_2);
}

function newRoom() {
  const made = new CodeRoom(new Int32Array(WORDS), 2048);
  let evictions = 0;
  made.beforeEviction = () => {
    evictions++;
  };
  /** Gives a function of a module `size` words, as its translation does. */
  const place = (module: CompiledModule, index: number, size: number, account: CodeAccount) => {
    const start = made.reserve(module.code(index), size, account, true);
    if (start >= 0) module.code(index).placed(start);
    return start;
  };
  return { room: made, place, evictions: () => evictions };
}

describe("the room for code", () => {
  it("finds the function that a position belongs to", () => {
    const { room: made, place } = newRoom();
    const [a, b] = [newModule(), newModule()];
    const account = new CodeAccount();
    for (let i = 0; i < 20; i++) {
      place(a, i, 100 + i, account);
      place(b, i, 300, account);
    }
    for (const module of [a, b]) {
      for (let i = 0; i < 20; i++) {
        const { start } = module.code(i);
        expect(made.at(start)).toBe(module.code(i));
        expect(made.at(start + 99)).toBe(module.code(i));
      }
    }
    expect(made.at(8)).toBeUndefined();
  });

  it("is given to the largest function that there can be", () => {
    const { room: made, place } = newRoom();
    const account = new CodeAccount();
    for (let i = 0; i < 10; i++) place(newModule(), 0, 5_000, account);
    const large = newModule();
    expect(place(large, 0, made.limit, account)).toBe(2048);
    expect(account.words).toBe(made.limit);
  });

  it("is taken from the account that has most, from the module not used for longest", () => {
    const { room: made, place } = newRoom();
    const [few, many] = [new CodeAccount(), new CodeAccount()];
    const own = newModule();
    place(own, 0, 4_096, few);
    // Many modules of one account, one of which is used again and again.
    const favourite = newModule();
    let previous = favourite;
    place(favourite, 0, 2_048, many);
    for (let i = 0; i < 200; i++) {
      const next = newModule();
      place(next, 0, 2_048, many);
      expect(next.code(0).entry).toBeGreaterThan(0);
      if (i > 0) expect(previous.code(0).entry).toBeGreaterThan(0);
      previous = next;
      favourite.usedAt = made.tick();
      expect(own.code(0).entry).toBeGreaterThan(0);
      expect(favourite.code(0).entry).toBeGreaterThan(0);
    }
    expect(few.words + many.words).toBe(made.used);
    expect(made.used).toBeLessThanOrEqual(made.limit);
  });

  it("is shared equally by those who want more than there is", () => {
    const { room: made, place } = newRoom();
    const accounts = Array.from({ length: 4 }, () => new CodeAccount());
    const modules = accounts.map(() => Array.from({ length: 40 }, newModule));
    for (let i = 0; i < 40; i++) {
      for (const [k, account] of accounts.entries()) place(modules[k][i], 0, 1_024, account);
    }
    const fair = made.limit / 4;
    for (const { words } of accounts) expect(Math.abs(words - fair)).toBeLessThan(fair / 3);
  });

  it("is looked through seldom", () => {
    const { place, evictions } = newRoom();
    const account = new CodeAccount();
    for (let i = 0; i < 1_000; i++) place(newModule(), 0, 512, account);
    expect(evictions()).toBeLessThan(1_000 / 5);
  });

  it("is not made for who does not want others to lose theirs", () => {
    const { room: made, place } = newRoom();
    const account = new CodeAccount();
    const all = newModule();
    place(all, 0, made.limit, account);
    expect(made.reserve(newModule().code(0), 1, account, false)).toBe(-1);
    expect(all.code(0).entry).toBeGreaterThan(0);
  });
});

const template = assemble(`(module (func (export "f") (param i32) (result i32)
  ${"(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 7)))".repeat(2_200)}
  (i32.const 1000)))`);

/** A module of 22 KB, all of it executed, whose result is a number from 64 to 8,191. */
function plugin(seed: number): Module {
  const bytes = template.slice();
  bytes.set([(seed & 0x7f) | 0x80, seed >> 7], bytes.length - 3);
  return Module.from(bytes);
}

describe("what is never run again", () => {
  it("takes nobody's room, though one execution waits all the time: a thousand reloads", () => {
    const waiting = new Store().instantiate(plugin(64)).func("f").start(1);
    expect(waiting.run({ slice: 1 }).kind).toBe("suspended");
    let words = 0;
    for (let i = 0; i < 1_000; i++) {
      const f = new Store().instantiate(plugin(1_000 + i)).func("f");
      expect(f.call(1)).toBe(1_000 + i);
      words += f.target.code.size;
    }
    expect(words).toBeGreaterThan(room.limit);
    expect(waiting.run()).toMatchObject({ kind: "returned", value: 64 });
  }, 60_000);

  it("takes nobody's room: ten thousand executions that were dropped", () => {
    const f = new Store().instantiate(plugin(3_000)).func("f");
    for (let i = 0; i < 10_000; i++) f.start(i).run({ slice: 1 });
    const nobody = compile(moduleOf("(module (func))").record, PRICE_TABLE_2).code(0);
    expect(room.reserve(nobody, room.limit, new CodeAccount(), true)).toBeGreaterThan(0);
    expect(f.call(1)).toBe(3_000);
  });
});
