// Shows every case of the loop to the host's compiler. V8 leaves out what has not been executed
// yet, and gives up the optimised loop when a program comes to it: each new instruction costs a
// fifth of a second of slow code. So when a run proves hot, every register instruction is executed
// a few times, with operands that lead both ways at branches (design: section 3.7). It takes a few
// milliseconds and changes nothing but the type feedback. docs/rationale.md has the measurements.

import { CHAINS, OP, SHAPES } from "../code/opcodes.generated.ts";
import { OPCODE_BITS, OPCODE_MASK, SLOT_BITS } from "../code/registers.ts";
import { featureSet } from "../isa/features.ts";
import { decodingLimits } from "../module/limits.ts";
import { FunctionInstance, type ModuleInstance } from "../runtime/instances.ts";
import { instantiate } from "../runtime/instantiate.ts";
import { Store } from "../runtime/store.ts";
import { validatingDecoder } from "../validation/module.ts";
import { KNOWN, KNOWN_TO_OBJECTS } from "./known.ts";
import {
  CALL_LAZY,
  CODE,
  CONTROL,
  CONTROL_WORDS,
  FINISHED,
  machine,
  REFERENCES,
  REFERENCES_SHORT,
  RETURN_CALL_LAZY,
  SLOT_WORDS,
  SLOTS,
} from "./loop.generated.ts";
import { type Loop, SCALAR_LOOP } from "./loops.ts";
import { placeAt } from "./places.ts";
import {
  EXIT_PC,
  extra,
  patchCall,
  reserveReferences,
  SCRATCH,
  translateAtOnce,
} from "./registers.ts";
import { OBJECTS_MODULE, TRAINING_MODULE } from "./training.generated.ts";

const FRAME_WORDS = 64;
/** Instructions that are executed in one go. */
const BATCH = 64;
const BUDGET = 1 << 20;
/** In `SHAPES`: an instruction with a pair for either way, behind so many words. */
const BRANCH = 16;
const JUMP = 32;
/** All its words are immediates. */
const IMMEDIATES = 64;

/**
 * Words of the first and second operand and of immediates: equal, smaller, larger, negative and
 * NaN, zero and ordinary floats, the ends of the ranges, what becomes zero when the immediate is
 * added, shifts by more than 32, products whose halves leave 32 bits when they are added; a NaN to
 * store.
 */
const OPERANDS: readonly (readonly [number, number, number, number, number, number])[] = [
  [8, 16, 8, 16, 8, 16],
  [4, 4, 9, 9, 8, 16],
  [9, 9, 4, 4, 40, 16],
  [-1, -1, 5, 0, 40, 0],
  [0, 0, 0x40000000, 0x3ff00000, 8, 16],
  [0x40800000, 0x40100000, 0x40000000, 0x3ff00000, 33, -1],
  [-(2 ** 31), -(2 ** 30), 2 ** 31 - 1, 0x7fefffff, -1, -1],
  [-8, -1, 0, 0, 8, 16],
  [0x7fffffff, -16, -1, 0x7fffffff, -1, 0x7fffffff],
  [0x7fffffff, -16, 0, 0, -1, 0x7fffffff],
  [0x7fffffff, -16, -1, -16, -1, -16],
  [8, 16, -1, -1, 8, 16],
];

/** Parts in which the instructions are executed with the same operands. */
const PARTS = 2;

/** How many steps there are: each takes a millisecond or less, the first ones up to five. */
export const TRAINING_STEPS = 1 + PARTS * OPERANDS.length + OPERANDS.length;

let trainee: ModuleInstance | null = null;
let objectsTrainee: ModuleInstance | null = null;

/**
 * Does a step of the training: the preparation, every second register instruction with one choice
 * of operands, or calls and returns. The machine is as before when it comes back.
 */
export function trainStep(step: number, loop: Loop = SCALAR_LOOP): void {
  const before = { ...machine };
  const references = REFERENCES.length;
  // Above the frame that is current, and what its next instruction may still read there.
  const frame = machine.fp + frameWords() + 4 * FRAME_WORDS;
  const ksp = machine.ksp + 2;
  const room = frame + 8 * FRAME_WORDS < SLOT_WORDS && ksp + 64 < CONTROL_WORDS;
  if (!room) return;
  reserveReferences((frame >> 1) + FRAME_WORDS);
  machine.slotLimit = SLOT_WORDS;
  machine.controlLimit = CONTROL_WORDS;
  try {
    const instance = traineeOf();
    machine.instance = instance;
    if (step > 0) train(loop, instance, step - 1, frame, ksp);
  } finally {
    REFERENCES.length = references;
    Object.assign(machine, before);
  }
}

function train(
  loop: Loop,
  instance: ModuleInstance,
  step: number,
  frame: number,
  ksp: number,
): void {
  const argument = step - PARTS * OPERANDS.length;
  if (argument >= 0) {
    trainCalls(loop, instance, argument, frame, ksp);
    if (loop.bit === KNOWN_TO_OBJECTS) trainObjects(loop, argument, frame, ksp);
    return;
  }
  const operands = OPERANDS[Math.floor(step / PARTS)];
  trainInstructions(loop, instance, step % PARTS, operands, frame, ksp);
}

/** The instance that is in the loop when no guest is. */
export function traineeOf(): ModuleInstance {
  if (trainee === null) {
    trainee = instanceOf(TRAINING_MODULE);
    const { code, type, typeId } = trainee.functionAt(0);
    trainee.tables[0].set(2, new FunctionInstance(type, typeId, null, code));
  }
  return trainee;
}

/** The instance whose functions make and use objects. */
function objectsTraineeOf(): ModuleInstance {
  if (objectsTrainee === null) {
    objectsTrainee = instanceOf(OBJECTS_MODULE);
    const { functions, types } = objectsTrainee.module;
    // The loop wants to find them.
    for (const [index, { composite }] of types.entries()) {
      if (composite.kind !== "func") objectsTrainee.objectTypeAt(index);
    }
    for (const index of functions.keys()) objectsTrainee.functionAt(index);
  }
  return objectsTrainee;
}

function instanceOf(bytes: Uint8Array): ModuleInstance {
  const decoder = validatingDecoder(featureSet(), decodingLimits());
  decoder.push(bytes);
  return instantiate(new Store(), decoder.end(), [], () => {});
}

/** Words of the frame that the machine is in. */
function frameWords(): number {
  return placeAt(machine.ksp)?.code.frameWords ?? 0;
}

type Operands = (typeof OPERANDS)[number];

/** An instruction to write: how it is shaped, and the chain that takes its place, if any. */
type Sample = readonly [shape: number, op: number];

/** Returns leave the code that they stand in: they are executed one at a time. */
const isReturn = (op: number) => (op >= OP.RETURN && op <= OP.RETURN_REF) || op === OP.RETURN_128;

const everything = new Map<Loop, readonly (readonly Sample[])[]>();

/** What a loop knows and has a shape, in runs of instructions that go on to the next one. */
function batchesOf(loop: Loop): readonly (readonly Sample[])[] {
  let runs = everything.get(loop);
  if (runs === undefined) {
    runs = batches((op) => (KNOWN[op] & loop.bit) !== 0);
    everything.set(loop, runs);
  }
  return runs;
}

function batches(isKnown: (op: number) => boolean): Sample[][] {
  const single: Sample[] = [];
  const runs: Sample[][] = [];
  SHAPES.forEach((shape, op) => {
    if (!isKnown(op)) return;
    if (isReturn(op)) runs.push([[op, op]]);
    else if (shape !== 0) single.push([op, op]);
  });
  for (const [key, chain] of CHAINS) {
    const [first, second] = [key >> OPCODE_BITS, key & OPCODE_MASK];
    if (![first, second, chain].every(isKnown)) continue;
    runs.push([
      [first, chain],
      [second, second],
    ]);
  }
  for (let i = 0; i < single.length; i += BATCH) runs.push(single.slice(i, i + BATCH));
  return runs;
}

function trainInstructions(
  loop: Loop,
  instance: ModuleInstance,
  part: number,
  operands: Operands,
  frame: number,
  ksp: number,
): void {
  const { bytes } = instance.memories[0];
  const runs = batchesOf(loop);
  for (let next = part; next < runs.length; next += PARTS) {
    const batch = runs[next];
    const starts: number[] = [];
    let at: number = SCRATCH.begin;
    for (const [shape, op] of batch) {
      starts.push(at);
      at = writeInstruction(op, SHAPES[shape], at, operands);
    }
    CODE[at] = OP.FINISH;
    prepareFrame(operands, frame, bytes);
    CONTROL[ksp] = EXIT_PC - 2;
    CONTROL[ksp + 1] = 0;
    // What traps ends the run; the rest of the batch goes on behind it.
    for (let i = 0; i < starts.length; ) {
      const status = enter(loop, starts[i], frame, ksp + 2);
      if (status === FINISHED) break;
      while (i < starts.length && starts[i] <= machine.pc) i++;
    }
  }
}

/** Operands in slots 1 and 2, and further ones where the words of an instruction say. */
function prepareFrame([low, high, low2, high2]: Operands, frame: number, bytes: Uint8Array): void {
  for (let at = frame; at < frame + FRAME_WORDS; at += 2) {
    SLOTS[at] = low2;
    SLOTS[at + 1] = high2;
    REFERENCES[at >> 1] = low > 0 ? bytes : null;
  }
  SLOTS[frame + 2] = low;
  SLOTS[frame + 3] = high;
  // What is loaded equals the third word of an instruction, or is zero.
  for (let at = 0; at < FRAME_WORDS; at += 4) bytes[at] = low === 8 ? 24 : 0;
}

/** Writes `op` and goes on behind it, whichever way it branches; where that is. */
function writeInstruction(op: number, shape: number, at: number, operands: Operands): number {
  const slots = 3 | (1 << SLOT_BITS) | (2 << (2 * SLOT_BITS));
  CODE[at] = op | (slots << OPCODE_BITS);
  const count = shape === JUMP ? 1 : shape & (BRANCH - 1);
  const pairs = shape === JUMP ? 1 : (shape & BRANCH) !== 0 ? 2 : 0;
  // Offsets and sizes of accesses that are in bounds, further slots, indices of globals.
  const selects = op === OP.MEMORY || op === OP.MEMORY_128;
  for (let i = 1; i < count; i++) CODE[at + i] = selects ? 0 : 8 * i;
  if ((shape & IMMEDIATES) !== 0) {
    for (let i = 1; i < count; i++) CODE[at + i] = operands[i % 2 === 1 ? 4 : 5];
  }
  const next = at + count + 2 * pairs;
  for (let pair = at + count; pair < next; pair += 2) {
    CODE[pair] = next;
    CODE[pair + 1] = 0;
  }
  return next;
}

/** Runs from a position, however it ends. */
function enter(loop: Loop, pc: number, frame: number, ksp: number, budget = BUDGET): number {
  machine.pc = pc;
  machine.fp = frame;
  machine.ksp = ksp;
  machine.budget = budget;
  return loop.run();
}

/** Instructions on objects, by a program of their own. */
function trainObjects(loop: Loop, argument: number, frame: number, ksp: number): void {
  const instance = objectsTraineeOf();
  machine.instance = instance;
  trainCalls(loop, instance, argument, frame, ksp);
}

/** Calls and returns: from one exported function, with calls written out as they are found. */
function trainCalls(
  loop: Loop,
  instance: ModuleInstance,
  argument: number,
  frame: number,
  ksp: number,
): void {
  const main = instance.exports.get("train");
  if (main?.kind !== "func") return;
  const entry = translateAtOnce(main.value);
  if (entry < 0) return;
  SLOTS[frame] = argument;
  CONTROL[ksp] = EXIT_PC - 2;
  CONTROL[ksp + 1] = 0;
  // A guest that finds the loop optimised has to come to the end of its budget, too.
  enter(loop, entry, frame, ksp + 2, 0);
  let status = enter(loop, entry, frame, ksp + 2);
  while (status === CALL_LAZY || status === RETURN_CALL_LAZY || status === REFERENCES_SHORT) {
    if (status === REFERENCES_SHORT) {
      reserveReferences((machine.fp >> 1) + extra(1));
      status = loop.run();
      continue;
    }
    const [op, at] =
      status === CALL_LAZY ? ([OP.CALL, 2] as const) : ([OP.RETURN_CALL, 1] as const);
    const callee = translateAtOnce(instance.functionAt(extra(at)));
    if (callee < 0) return;
    patchCall(op, at, callee);
    status = loop.run();
  }
}
