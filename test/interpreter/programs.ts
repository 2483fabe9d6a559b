// Random programs for comparing engines: modules of the fuzzing generator that end by themselves,
// changed so that engines have to agree to the bit. Where the specification leaves the bits of a
// NaN open (4.3.3), the NaN is replaced by the canonical one at once.

import { InstructionReader } from "../../src/binary/instructions.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { F32, F64, I32, type ValType } from "../../src/isa/types.ts";
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

/** Type of the result if the instruction may make a NaN of its own. */
function makesNan(op: number): ValType | null {
  if (op >= 0x8d && op <= 0x97) return F32;
  if (op >= 0x9b && op <= 0xa5) return F64;
  if (op === 0xb6) return F32; // f32.demote_f64
  return op === 0xbb ? F64 : null; // f64.promote_f32
}

const CANONICAL: Readonly<Record<ValType, readonly number[]>> = {
  [F32]: [0x43, 0, 0, 0xc0, 0x7f],
  [F64]: [0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
};

/** `x == x ? x : nan`, by way of a local. */
function canonicalise(w: ByteWriter, type: ValType, local: number): void {
  w.byte(0x22).u32(local).bytes(CANONICAL[type]); // local.tee, const
  w.byte(0x20).u32(local).byte(0x20).u32(local); // local.get, local.get
  w.byte(type === F32 ? 0x5b : 0x61).byte(0x1b); // eq, select
}

/** The body with canonical NaNs; `wide`: with many more locals. */
function rewriteBody(body: Uint8Array, params: number, wide: boolean): Uint8Array {
  const runs = new InstructionReader(body, ALL, DEFAULT_LIMITS).locals(params);
  const own = runs.reduce((sum, { count }) => sum + count, params);
  const w = new ByteWriter().u32(runs.length + 3);
  for (const { count, type } of runs) w.u32(count).valType(type);
  w.u32(1).valType(F32).u32(1).valType(F64);
  w.u32(wide ? MANY : 0).valType(I32);
  let from = -1;
  visitBody(body, ({ op, pos, start }) => {
    if (from < 0) from = start;
    const type = makesNan(op);
    if (type === null) return;
    w.bytes(body.subarray(from, pos));
    canonicalise(w, type, type === F32 ? own : own + 1);
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
