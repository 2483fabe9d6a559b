// The tools of fuzzing themselves: randomness, encoding, taking modules apart, reduction.

import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { generateModule } from "./generate/module.ts";
import { mutate } from "./mutate.ts";
import { joinSections, spliceBytes, splitBodies, splitSections } from "./parts.ts";
import { Random } from "./random.ts";
import { reduce, toHex } from "./reduce.ts";
import { judge } from "./verdict.ts";
import { ByteWriter, ModuleWriter, SECTION } from "./writer.ts";

const ALL = parseFeatures("all");

describe("Random", () => {
  it("repeats itself for the same seed and differs for others", () => {
    const draw = (random: Random) => random.times(8, () => random.u32());
    expect(draw(Random.of(1, 2))).toEqual(draw(Random.of(1, 2)));
    expect(draw(Random.of(1, 2))).not.toEqual(draw(Random.of(1, 3)));
    expect(draw(Random.of(1, 2))).not.toEqual(draw(Random.of(2, 2)));
  });

  it("draws every value of a small range about equally often", () => {
    const counts = [0, 0, 0, 0, 0];
    const random = new Random(9);
    for (let i = 0; i < 10_000; i++) counts[random.below(5)]++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});

describe("ByteWriter", () => {
  // Examples of the DWARF standard, figures 7.22 and 7.23, and the bounds of 32 and 64 bits.
  it.each([
    [2, "02"],
    [127, "7f"],
    [128, "8001"],
    [129, "8101"],
    [12857, "b964"],
    [4294967295, "ffffffff0f"],
  ])("writes unsigned %d as %s", (value, hex) => {
    expect(toHex(new ByteWriter().u32(value).finish())).toBe(hex);
    expect(toHex(new ByteWriter().u64(BigInt(value)).finish())).toBe(hex);
  });

  it.each([
    [2n, "02"],
    [-2n, "7e"],
    [127n, "ff00"],
    [-127n, "817f"],
    [128n, "8001"],
    [-128n, "807f"],
    [-129n, "ff7e"],
    [-0x8000_0000_0000_0000n, "8080808080808080807f"],
  ])("writes signed %d as %s", (value, hex) => {
    expect(toHex(new ByteWriter().signed(value).finish())).toBe(hex);
  });

  it("pads to a width", () => {
    expect(toHex(new ByteWriter().u32(1, 5).finish())).toBe("8180808000");
  });
});

describe("parts of a module", () => {
  it("come together again", () => {
    for (let i = 0; i < 50; i++) {
      const bytes = generateModule(Random.of(1, i), { features: ALL });
      const parts = splitSections(bytes);
      expect(parts).not.toBeNull();
      expect(joinSections(parts ?? [])).toEqual(bytes);
    }
  });

  it("are refused where a size is wrong", () => {
    expect(splitSections(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 0))).toBeNull();
    expect(splitBodies(Uint8Array.of(1, 9, 0, 0x0b))).toBeNull();
  });
});

describe("mutate", () => {
  it("changes nearly every module and repeats itself", () => {
    const seed = generateModule(Random.of(1, 1), { features: ALL });
    const donor = generateModule(Random.of(1, 2), { features: ALL });
    let changed = 0;
    for (let i = 0; i < 400; i++) {
      const { bytes } = mutate(Random.of(3, i), seed, donor);
      expect(mutate(Random.of(3, i), seed, donor).bytes).toEqual(bytes);
      if (toHex(bytes) !== toHex(seed)) changed++;
    }
    expect(changed).toBeGreaterThan(360);
  });

  it("takes anything, the empty module and no module at all", () => {
    const inputs = [new Uint8Array(), new ModuleWriter().finish(), Uint8Array.of(1, 2, 3)];
    for (let i = 0; i < 600; i++) {
      const random = Random.of(4, i);
      const { bytes } = mutate(random, random.pick(inputs), random.pick(inputs));
      expect(judge(bytes, ALL).kind).not.toBe("defect");
    }
  });
});

describe("reduce", () => {
  it("finds the few bytes that matter in a large module", async () => {
    const original = generateModule(Random.of(11, 3), { features: ALL });
    const parts = splitSections(original) ?? [];
    const code = parts.findIndex(({ id }) => id === SECTION.code);
    const { payload } = parts[code];
    // A byte that is no opcode before the `end` of the last body.
    const broken = parts.map((part, index) =>
      index === code
        ? { id: part.id, payload: spliceBytes(payload, payload.length - 1, 1, [0xf5]) }
        : part,
    );
    const isIllegal = async (bytes: Uint8Array) =>
      judge(bytes, ALL).message.startsWith("illegal opcode f5");
    const input = joinSections(broken);
    expect(await isIllegal(input)).toBe(true);
    const small = await reduce(input, isIllegal);
    expect(await isIllegal(small)).toBe(true);
    expect(small.length).toBeLessThan(40);
  });
});
