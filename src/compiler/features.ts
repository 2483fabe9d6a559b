// Which proposals the host's own engine has: it is asked about one tiny module for each.

import { FEATURES, type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import { validates } from "./host-objects.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const EXTERNREF = 0x6f;
const EXNREF = 0x69;
const UNREACHABLE = 0x00;
const DROP = 0x1a;
const END = 0x0b;

function section(id: number, content: readonly number[]): readonly number[] {
  return [id, content.length, ...content];
}

/** A module with one function from nothing to `results`; `memories` are their limits. */
function program(
  code: readonly number[],
  results: readonly number[] = [],
  memories: readonly (readonly number[])[] = [],
): readonly number[] {
  return [
    ...section(1, [1, 0x60, 0, results.length, ...results]),
    ...section(3, [1, 0]),
    ...(memories.length === 0 ? [] : section(5, [memories.length, ...memories.flat()])),
    ...section(10, [1, code.length + 2, 0, ...code, END]),
  ];
}

/** A module with one global of type i32, which it exports. */
function global(mutable: number, init: readonly number[]): readonly number[] {
  const globals = section(6, [1, I32, mutable, ...init, END]);
  return [...globals, ...section(7, [1, 1, 0x67, 3, 0])];
}

/** Limits of a memory: flags, then the least and, where the flags say so, the most pages. */
const MEMORY = [0, 1];

/** Modules that are valid where there is the feature. */
const PROBES: { readonly [name in Feature]: readonly number[] } = {
  "mutable-globals": global(1, [0x41, 0]),
  "multi-value": program([UNREACHABLE], [I32, I32]),
  "sign-extension": program([0x41, 0, 0xc0, DROP]), // i32.extend8_s
  "sat-float-to-int": program([0x43, 0, 0, 0, 0, 0xfc, 0, DROP]), // i32.trunc_sat_f32_s
  "reference-types": program([UNREACHABLE], [EXTERNREF]),
  "bulk-memory": program([UNREACHABLE, 0xfc, 11, 0], [], [MEMORY]), // memory.fill
  simd: program([UNREACHABLE], [V128]),
  "relaxed-simd": program([UNREACHABLE, 0xfd, 0x80, 0x02, DROP]), // i8x16.relaxed_swizzle
  "tail-call": program([0x12, 0]), // return_call
  "extended-const": global(0, [0x41, 0, 0x41, 0, 0x6a]), // i32.add
  "multi-memory": program([], [], [MEMORY, MEMORY]),
  memory64: program([], [], [[4, 1]]),
  exceptions: program([UNREACHABLE], [EXNREF]),
  "function-references": program([UNREACHABLE], [0x64, 0]), // (ref 0)
  gc: program([UNREACHABLE, 0xfb, 28, DROP]), // ref.i31
  threads: program([], [], [[3, 1, 1]]), // shared
  "legacy-exceptions": program([0x06, 0x40, 0x19, END]), // try, catch_all
  "wide-arithmetic": program([UNREACHABLE, 0xfc, 19], [I64, I64]), // i64.add128
  "custom-page-sizes": program([], [], [[8, 0, 0]]), // pages of a byte
  // A group of imports from one module, of which there is none.
  "compact-imports": section(2, [1, 1, 0x6d, 0, 0x7f, 0]),
};

let known: FeatureSet | null = null;

/** What the host's engine has; nothing where there is none. */
export function hostFeatures(): FeatureSet {
  known ??= FEATURES.reduce((set, name) => set | (has(name) ? featureBit(name) : 0), 0);
  return known;
}

function has(name: Feature): boolean {
  return validates(Uint8Array.of(...HEADER, ...PROBES[name]));
}
