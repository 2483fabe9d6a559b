// Random programs for comparing engines: modules of the fuzzing generator that end by themselves,
// changed so that engines have to agree to the bit. Where the specification leaves the bits of a
// NaN open (4.3.3), the NaN is replaced by the canonical one at once.

import { InstructionReader } from "../../src/binary/instructions.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import { F32, F64, I32, V128, type ValType } from "../../src/isa/types.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import { funcTypeAt, type ModuleRecord } from "../../src/module/module.ts";
import { generateModule } from "../fuzz/generate/module.ts";
import { visitBody } from "../fuzz/instructions.ts";
import { joinBodies, joinSections, splitBodies, splitSections } from "../fuzz/parts.ts";
import { Random } from "../fuzz/random.ts";
import { ByteWriter, SECTION } from "../fuzz/writer.ts";
import { ALL, load } from "../validation/assemble.ts";

/** Locals that push the operands of a function out of the reach of narrow instructions. */
const MANY = 200;

/** Where a NaN can be: a type of value, and of its lanes. */
interface Floats {
  readonly type: ValType;
  /** The canonical NaN, in every lane. */
  readonly canonical: readonly number[];
  readonly eq: number;
  /** What chooses between two values, or between lanes of two, by what `eq` gives. */
  readonly choose: number;
}

const NAN_32 = [0, 0, 0xc0, 0x7f];
const NAN_64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];
const V128_CONST = [0xfd, 0x0c];
const SELECT = 0x1b;
const BITSELECT = 0x352;

const FLOATS: ReadonlyMap<string, Floats> = new Map([
  ["f32", { type: F32, canonical: [0x43, ...NAN_32], eq: 0x5b, choose: SELECT }],
  ["f64", { type: F64, canonical: [0x44, ...NAN_64], eq: 0x61, choose: SELECT }],
  [
    "f32x4",
    {
      type: V128,
      canonical: [...V128_CONST, ...NAN_32, ...NAN_32, ...NAN_32, ...NAN_32],
      eq: 0x341,
      choose: BITSELECT,
    },
  ],
  [
    "f64x2",
    {
      type: V128,
      canonical: [...V128_CONST, ...NAN_64, ...NAN_64],
      eq: 0x347,
      choose: BITSELECT,
    },
  ],
]);

/** Operations that may make a NaN of their own. */
const MAKES_NAN =
  /^(f\w+)\.(ceil|floor|trunc|nearest|sqrt|add|sub|mul|div|min|max|demote_\w+|promote_\w+)$/;

/** What the result of an instruction is if it may be a NaN that it has made. */
function madeFloats(op: number): Floats | null {
  const [, type = ""] = MAKES_NAN.exec(instructionAt(op)?.name ?? "") ?? [];
  return FLOATS.get(type) ?? null;
}

/** `x == x ? x : nan`, by way of a local. */
function canonicalise(w: ByteWriter, floats: Floats, local: number): void {
  w.byte(0x22).u32(local).bytes(floats.canonical); // local.tee, const
  w.byte(0x20).u32(local).byte(0x20).u32(local); // local.get, local.get
  w.opcode(floats.eq).opcode(floats.choose);
}

/** The types of the locals that NaNs of a body are put in. */
const PUT_IN: readonly ValType[] = [F32, F64, V128];

/** The body with canonical NaNs; `wide`: with many more locals. */
function rewriteBody(body: Uint8Array, params: number, wide: boolean): Uint8Array {
  const runs = new InstructionReader(body, ALL, DEFAULT_LIMITS).locals(params);
  const own = runs.reduce((sum, { count }) => sum + count, params);
  const made = new Set<ValType>();
  visitBody(body, ({ op }) => made.add(madeFloats(op)?.type ?? I32));
  const types = PUT_IN.filter((type) => made.has(type));
  const w = new ByteWriter().u32(runs.length + types.length + 1);
  for (const { count, type } of runs) w.u32(count).valType(type);
  for (const type of types) w.u32(1).valType(type);
  w.u32(wide ? MANY : 0).valType(I32);
  let from = -1;
  visitBody(body, ({ op, pos, start }) => {
    if (from < 0) from = start;
    const floats = madeFloats(op);
    if (floats === null) return;
    w.bytes(body.subarray(from, pos));
    canonicalise(w, floats, own + types.indexOf(floats.type));
    from = pos;
  });
  return w.bytes(body.subarray(from)).finish();
}

/** A valid module with canonical NaNs only; `wide`: and with many more locals. */
export function withCanonicalNans(
  bytes: Uint8Array,
  record: ModuleRecord,
  wide = false,
): Uint8Array<ArrayBuffer> {
  const parts = (splitSections(bytes) ?? []).map((part) => {
    const bodies = part.id === SECTION.code ? splitBodies(part.payload) : null;
    if (bodies === null) return part;
    const changed = bodies.map((body, i) => {
      const type = funcTypeAt(record, record.functions[record.importedFunctions + i]);
      return rewriteBody(body, type?.params.length ?? 0, wide);
    });
    return { id: part.id, payload: joinBodies(changed) };
  });
  return joinSections(parts);
}

/** Program `index` of the series `seed`. */
export function randomProgram(
  seed: number,
  index: number,
  features: FeatureSet,
): Uint8Array<ArrayBuffer> {
  const random = Random.of(seed, index);
  const bodySize = random.pick([40, 120, 300]);
  const bytes = generateModule(random, { features, bounded: true, bodySize });
  return withCanonicalNans(bytes, load(bytes), random.oneIn(4));
}
