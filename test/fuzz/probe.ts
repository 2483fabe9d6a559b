// Finds out which proposals an engine has, by asking it about one tiny module for each. Both sides
// of a comparison are then restricted to the same features.

import { FEATURES, type Feature, type FeatureSet, featureBit } from "../../src/isa/features.ts";
import { EXNREF, EXTERNREF, I32, I64, refType, V128, type ValType } from "../../src/isa/types.ts";
import type { Host } from "./hosts.ts";
import { ModuleWriter, SECTION } from "./writer.ts";

/** A module with one function [] -> results of type 0, its memories first. */
function probe(
  code: readonly number[],
  results: readonly ValType[] = [],
  memories: readonly (readonly number[])[] = [],
): Uint8Array {
  const body = Uint8Array.of(0, ...code, 0x0b);
  return new ModuleWriter()
    .section(SECTION.type, (w) => {
      w.u32(1).byte(0x60).u32(0);
      w.vector(results, (type) => w.valType(type));
    })
    .section(SECTION.function, (w) => w.u32(1).u32(0))
    .vectorSection(SECTION.memory, memories, (w, limits) => w.bytes(limits))
    .code([body])
    .finish();
}

/** A module with one global. */
function globalProbe(mutable: boolean, init: readonly number[]): Uint8Array {
  return new ModuleWriter()
    .section(SECTION.global, (w) => {
      w.u32(1)
        .valType(I32)
        .byte(mutable ? 1 : 0)
        .bytes(init)
        .byte(0x0b);
    })
    .section(SECTION.export, (w) => w.u32(1).name("g").byte(3).u32(0))
    .finish();
}

const UNREACHABLE = 0x00;
const MEMORY = [0, 1];

const PROBES: { readonly [name in Feature]: Uint8Array } = {
  "mutable-globals": globalProbe(true, [0x41, 0]),
  "multi-value": probe([UNREACHABLE], [I32, I32]),
  "sign-extension": probe([0x41, 0, 0xc0, 0x1a]),
  "sat-float-to-int": probe([0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a]),
  "reference-types": probe([UNREACHABLE], [EXTERNREF]),
  "bulk-memory": probe([UNREACHABLE, 0xfc, 11, 0], [], [MEMORY]),
  simd: probe([UNREACHABLE], [V128]),
  "relaxed-simd": probe([UNREACHABLE, 0xfd, 0x80, 0x02, 0x1a]),
  "tail-call": probe([0x12, 0]),
  "extended-const": globalProbe(false, [0x41, 0, 0x41, 0, 0x6a]),
  "multi-memory": probe([], [], [MEMORY, MEMORY]),
  memory64: probe([], [], [[4, 1]]),
  exceptions: probe([UNREACHABLE], [EXNREF]),
  "function-references": probe([UNREACHABLE], [refType(0, false)]),
  gc: probe([UNREACHABLE, 0xfb, 28, 0x1a]),
  threads: probe([], [], [[3, 1, 1]]),
  "legacy-exceptions": probe([0x06, 0x40, 0x19, 0x0b]),
  "wide-arithmetic": probe([UNREACHABLE, 0xfc, 19], [I64, I64]),
  "custom-page-sizes": probe([], [], [[8, 0, 0]]),
  "compact-imports": new ModuleWriter()
    .section(SECTION.import, (w) => w.u32(1).name("m").name("").byte(0x7f).u32(0))
    .finish(),
};

/** The features that the engine has. */
export async function hostFeatures(host: Host): Promise<FeatureSet> {
  const answers = await host.validate(FEATURES.map((name) => PROBES[name]));
  return FEATURES.reduce((set, name, index) => set | (answers[index] ? featureBit(name) : 0), 0);
}
