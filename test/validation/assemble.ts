// Modules for the validator's tests from text, and what a sink hears of their bodies.

import loadWabt from "wabt";
import { moduleLoad } from "../../src/embedding/module.ts";
import { FEATURES, featureSet } from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import { formatValType } from "../../src/isa/types.ts";
import { ModuleError } from "../../src/module/errors.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { finishRest } from "../../src/module/pieces.ts";
import { BodyValidator } from "../../src/validation/body.ts";
import { ModuleContext } from "../../src/validation/context.ts";
import type { BodyFacts, BodySink } from "../../src/validation/sink.ts";
import { WABT_FEATURES } from "../isa/assembled.ts";

const wabt = await loadWabt();

/** Every feature there is. */
export const ALL = featureSet(Object.fromEntries(FEATURES.map((name) => [name, true])));

/** Bytes of a module in the text format; wabt does not validate it. */
export function assemble(text: string): Uint8Array {
  const module = wabt.parseWat("test.wat", text, WABT_FEATURES);
  const { buffer } = module.toBinary({});
  module.destroy();
  return buffer;
}

/** Decodes and validates with all features. */
export function load(bytes: Uint8Array): ModuleRecord {
  return moduleLoad(bytes, { features: ALL });
}

/** The error that a module is refused with; fails if it is accepted. */
export function refused(bytes: Uint8Array): ModuleError {
  try {
    load(bytes);
  } catch (error) {
    if (error instanceof ModuleError) return error;
    throw error;
  }
  throw new Error("the module was accepted");
}

/** A validator for the bodies of a module that is known to be valid. */
export function validatorOf(record: ModuleRecord): BodyValidator {
  const context = new ModuleContext(record, DEFAULT_LIMITS);
  for (const index of record.types.keys()) finishRest(context.types.add(index, 0));
  context.refresh();
  for (const index of record.functions.keys()) context.declare(index);
  return new BodyValidator(context);
}

/** Validates every body again, this time with a sink. */
export function listen(record: ModuleRecord, sink: BodySink): void {
  const validator = validatorOf(record);
  for (const [i, start] of record.bodyStarts.entries()) {
    validator.function(record.importedFunctions + i, start, record.bodyEnds[i], sink);
  }
}

/** The operand stack after an instruction, as text. */
export function stackOf(facts: BodyFacts): string {
  const types = Array.from({ length: facts.height }, (_, i) => facts.operandType(i));
  return types.map((type) => formatValType(type)).join(" ");
}

/** What a listener notes about each instruction of the bodies of a module. */
export function trace<T>(text: string, note: (facts: BodyFacts, name: string) => T): T[] {
  const notes: T[] = [];
  const instruction = (facts: BodyFacts) => {
    notes.push(note(facts, instructionAt(facts.instruction.op)?.name ?? "?"));
  };
  listen(load(assemble(text)), { instruction });
  return notes;
}
