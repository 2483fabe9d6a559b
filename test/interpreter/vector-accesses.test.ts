// Loads and stores of vectors wherever a memory can be: not the first one, with 64-bit addresses,
// beyond 2 GiB, behind offsets that the loop's check does not take. They must do what the same
// instruction does in memory 0, which vectors.test.ts holds against the host.

import { describe, expect, it } from "vitest";
import { type Instance, type Memory, Store, Trap } from "../../src/api/index.ts";
import { allInstructions } from "../../src/isa/index.ts";
import { moduleOf } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";

const PAGE = 65536;
/** A memory with a page beyond 2 GiB, the last one. */
const FAR_PAGES = 32769;
const FAR = 2 ** 31;

const ACCESSES = allInstructions().filter(({ access, feature }) => {
  return access !== null && feature === "simd";
});

/** A memory, where in it the bytes begin that are accessed, and how these are reached. */
interface Place {
  readonly memory: string;
  readonly begin: number;
  readonly offset: number;
  readonly wide?: true;
}

const PLACES: readonly Place[] = [
  { memory: "a", begin: 0, offset: 0 },
  { memory: "a", begin: 0, offset: 3 },
  { memory: "b", begin: 0, offset: 0 },
  { memory: "b", begin: 0, offset: 3 },
  { memory: "c", begin: 0, offset: 3, wide: true },
  { memory: "d", begin: FAR, offset: FAR },
  { memory: "d", begin: FAR, offset: FAR - 20 },
  { memory: "e", begin: FAR, offset: FAR, wide: true },
];

/** Where accesses begin, from the begin of the bytes; the last ones are in part outside. */
const ADDRESSES = [
  20,
  21,
  4096,
  PAGE - 16,
  PAGE - 15,
  PAGE - 8,
  PAGE - 4,
  PAGE - 2,
  PAGE - 1,
  PAGE,
];

/** The address operand that reaches `$at` by the place's offset. */
function address({ begin, offset, wide }: Place): string {
  const left = begin - offset;
  if (!wide) return `(i32.add (local.get $at) (i32.const ${left}))`;
  return `(i64.add (i64.extend_i32_u (local.get $at)) (i64.const ${left}))`;
}

/** Functions `f(i)_(k)`: each access at each place. */
function functions(places: readonly Place[]): string[] {
  return ACCESSES.flatMap(({ access, immediates, name, params, results }, i) => {
    return places.map((place, k) => {
      const lane = immediates === "memarg lane" ? ` ${16 / (access?.bytes ?? 1) - 1}` : "";
      const vector = (params?.length ?? 0) > 1 ? "(local.get $v)" : "";
      const offset = place.offset === 0 ? "" : ` offset=${place.offset}`;
      const code = `(${name} $${place.memory}${offset}${lane} ${address(place)} ${vector})`;
      const result = results.length > 0 ? "(result v128)" : "";
      return `(func (export "f${i}_${k}") (param $at i32) (param $v v128) ${result} ${code})`;
    });
  });
}

const NEAR = [
  '(memory $a (export "a") 1)',
  '(memory $b (export "b") 1)',
  '(memory $c (export "c") i64 1)',
];
/** With these the loops for large memories run. */
const BEYOND = [
  `(memory $d (export "d") ${FAR_PAGES})`,
  `(memory $e (export "e") i64 ${FAR_PAGES})`,
];

function instance(memories: readonly string[], places: readonly Place[]): Instance {
  const text = [...memories, ...functions(places)].join(" ");
  const store = new Store({ limits: { memoryBytes: 2 ** 34 } });
  return store.instantiate(moduleOf(`(module ${text})`));
}

/** What a call gives or writes, as text. */
function outcome(
  found: Instance,
  name: string,
  at: number,
  vector: Uint8Array,
  memory: Memory,
  begin: number,
) {
  const around = [begin + Math.max(0, at - 20), Math.min(60, PAGE - at + 20)] as const;
  try {
    const result = found.func(name).call(at, vector) as Uint8Array | undefined;
    return `${result} ${memory.read(...around)}`;
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
    return `${error.code} ${memory.read(...around)}`;
  }
}

describe("accesses of vectors", () => {
  const near = PLACES.filter(({ begin }) => begin === 0);
  const sides = [
    { found: instance(NEAR, near), places: near },
    { found: instance([...NEAR, ...BEYOND], PLACES), places: PLACES },
  ];
  const random = Random.of(5, 0);

  it.each(ACCESSES.map(({ name }, i) => [name, i] as const))("%s", (_, i) => {
    for (const at of ADDRESSES) {
      const bytes = new Uint8Array(random.times(PAGE, () => random.below(256)));
      const vector = new Uint8Array(random.times(16, () => random.below(256)));
      const outcomes = sides.flatMap(({ found, places }) => {
        return places.map(({ begin, memory: name }, k) => {
          const memory = found.memory(name);
          memory.write(begin, bytes);
          return outcome(found, `f${i}_${k}`, at, vector, memory, begin);
        });
      });
      for (const [k, text] of outcomes.entries()) expect([k, text]).toEqual([k, outcomes[0]]);
    }
  });
});
