// Instructions on structs, arrays and references (spec: 4.6.4 to 4.6.6), outside of the loop.
// Operands lie in consecutive slots from the machine's register x up, a result goes to x. What may
// take long is done in pieces, as in bulk.ts.

import { bytesOfElement, wordsOf } from "../code/layout.ts";
import { PREPARE } from "../code/registers.ts";
import { instructionAt } from "../isa/index.ts";
import {
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  type HeapType,
  isReference,
  slotsOf,
  type ValType,
} from "../isa/types.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../runtime/instances.ts";
import { isInitial, Making } from "../runtime/making.ts";
import {
  type Aggregate,
  arrayLength,
  arrayWord,
  copyArray,
  externalize,
  fillArray,
  initArray,
  internalize,
  matchesHeap,
  newStruct,
  type ObjectType,
  setArrayWord,
} from "../runtime/objects.ts";
import {
  ARRAY_OUT_OF_BOUNDS,
  CAST_FAILURE,
  MEMORY_OUT_OF_BOUNDS,
  NULL_ARRAY_REFERENCE,
  NULL_STRUCTURE_REFERENCE,
  TABLE_OUT_OF_BOUNDS,
} from "../runtime/traps.ts";
import { heapIdMatches } from "../runtime/types.ts";
import { idMatches } from "../validation/type-ids.ts";
import { type Payer, PIECE_BYTES, PIECE_ELEMENTS, type Progress, payPart, UNPAID } from "./bulk.ts";
import { machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { int, reference, setInt, setReference } from "./operands.ts";
import { extra } from "./registers.ts";
import { TrapSignal } from "./trap-signal.ts";

/** What each word of a large struct counts for, see `Store.work`: V8 11 makes them slowly. */
const WORD_WORK = 2;

/** Executes an instruction of the page 0xFB that is no case of the loop, or one that it leaves. */
export function aggregateInstruction(op: number, instance: ModuleInstance, payer: Payer): Progress {
  const a = extra(2);
  const b = extra(3);
  switch (op) {
    case 0x100: // struct.new
      return structNew(instance.objectTypeAt(a), false, payer);
    case 0x101: // struct.new_default
      return structNew(instance.objectTypeAt(a), true, payer);
    case 0x102: // struct.get
      getVectorField(b);
      return "done";
    case 0x105: // struct.set
      setVectorField(b);
      return "done";
    case 0x106: // array.new
      return arrayNew(instance.objectTypeAt(a), payer);
    case 0x107: // array.new_default
      return arrayNewDefault(instance.objectTypeAt(a), payer);
    case 0x108: // array.new_fixed
      return arrayNewFixed(instance.objectTypeAt(a), b, payer);
    case 0x109: // array.new_data
      return arrayNewData(instance, a, b, payer);
    case 0x10a: // array.new_elem
      return arrayNewElem(instance, a, b, payer);
    case 0x10b: // array.get
      getVectorElement();
      return "done";
    case 0x10e: // array.set
      setVectorElement();
      return "done";
    case 0x110: // array.fill
      return arrayFill(payer);
    case 0x111: // array.copy
      return arrayCopy(payer);
    case 0x112: // array.init_data
      return arrayInitData(instance, b, payer);
    case 0x113: // array.init_elem
      return arrayInitElem(instance, b, payer);
    case 0x114: // ref.test
    case 0x115: // ref.test null
      setInt(0, passes(instance, a, op === 0x115) ? 1 : 0, false);
      return "done";
    case 0x116: // ref.cast
    case 0x117: // ref.cast null
      if (!passes(instance, a, op === 0x117)) throw new TrapSignal(CAST_FAILURE);
      return "done";
    case 0x11a: // any.convert_extern
      return anyConvertExtern(instance, payer);
    case 0x11b: // extern.convert_any
      return externConvertAny(instance, payer);
    case PREPARE:
      return prepare(instance.objectTypeAt(a), b, payer);
    default:
      throw new Error(`${instructionAt(op)?.name} is not executed here`);
  }
}

// Operands

/** The words of the value in the slot at a word. */
function wordsAt(at: number, storage: ValType): unknown[] {
  if (isReference(storage)) return [REFERENCES[at >> 1]];
  return [...SLOTS.subarray(at, at + wordsOf(storage))];
}

function objectAt(n: number, trap: number): Aggregate {
  const object = reference(n) as Aggregate | null;
  if (object === null) throw new TrapSignal(trap);
  return object;
}

function arrayAt(n: number): Aggregate {
  return objectAt(n, NULL_ARRAY_REFERENCE);
}

/** Sees to it that the loop finds a type and room for so many bytes when it enters again. */
function prepare({ account }: ObjectType, bytes: number, payer: Payer): Progress {
  if (account.reserve(bytes, payer)) account.charge(-bytes);
  return "more";
}

/** A struct of more words than the loop makes. */
function structNew(type: ObjectType, isDefault: boolean, payer: Payer): Progress {
  if (!type.account.reserve(type.structBytes, payer)) return "more";
  const made = newStruct(type);
  type.account.store.work += WORD_WORK * made.length;
  let at = machine.x;
  for (const [i, { type: storage }] of (isDefault ? [] : type.fields).entries()) {
    for (const [k, word] of wordsAt(at, storage).entries()) made[type.positions[i] + k] = word;
    at += 2 * slotsOf(storage);
  }
  setReference(made);
  return "done";
}

// New arrays

/** An array that is counted and paid, or why there is none yet. */
function newArray(
  type: ObjectType,
  length: number,
  payer: Payer,
  price: number,
  value: Value = null,
): Aggregate | Progress {
  const { account } = type;
  const bytes = type.arrayBytes(length);
  if (!account.reserve(bytes, payer)) return "more";
  if (!payer.chargeWork(price)) {
    account.charge(-bytes);
    return "unpaid";
  }
  return type.newArray(length, value);
}

function elementPrice({ account }: ObjectType, count: number): number {
  return Math.ceil(count / account.store.prices.elementsPerUnit);
}

function arrayNewDefault(type: ObjectType, payer: Payer): Progress {
  const length = int(0) >>> 0;
  const made = newArray(type, length, payer, elementPrice(type, length));
  if (typeof made === "string") return made;
  setReference(made);
  return "done";
}

function arrayNew(type: ObjectType, payer: Payer): Progress {
  const [{ type: storage }] = type.fields;
  const length = int(slotsOf(storage)) >>> 0;
  const words = wordsAt(machine.x, storage);
  const value = isReference(storage) ? words[0] : null;
  const price = elementPrice(type, length);
  return inPieces(
    payer,
    () => newArray(type, length, payer, price, value),
    (made, at, count) => fillArray(made, at, words, count),
    isInitial(storage, words),
  );
}

/** Makes an array and sets its elements by `fill`, unless they are what they shall be. */
function inPieces(
  payer: Payer,
  make: () => Aggregate | Progress,
  fill: (made: Aggregate, at: number, count: number) => void,
  isComplete = false,
): Progress {
  if (payer.making === null) {
    const made = make();
    if (typeof made === "string") return made;
    payer.making = new Making(made, isComplete, fill);
    // Where it is going to be: a census between two pieces finds it there, beside a number.
    setReference(made);
  }
  const { making } = payer;
  // It is paid for, but who watches the guest wants to look.
  making.object[0].type.account.store.work += making.advance();
  if (!making.isDone) return "more";
  payer.making = null;
  return "done";
}

function arrayNewFixed(type: ObjectType, count: number, payer: Payer): Progress {
  const [{ type: storage }] = type.fields;
  // The segment has paid for it.
  const made = newArray(type, count, payer, 0);
  if (typeof made === "string") return made;
  for (let i = 0; i < count; i++) {
    const words = wordsAt(machine.x + 2 * i * slotsOf(storage), storage);
    fillArray(made, i, words, 1);
  }
  setReference(made);
  return "done";
}

/** The bytes of a data segment from an offset on. */
function dataFrom({ module }: ModuleInstance, segment: number, offset: number): Uint8Array {
  const { bytes, data } = module;
  return bytes.subarray(data[segment].start + offset, data[segment].end);
}

function arrayNewData(
  instance: ModuleInstance,
  typeIndex: number,
  segment: number,
  payer: Payer,
): Progress {
  const type = instance.objectTypeAt(typeIndex);
  const size = bytesOfElement(type.fields[0].type);
  const [from, length] = [int(0) >>> 0, int(1) >>> 0];
  if (from + length * size > instance.dataLengths[segment]) {
    throw new TrapSignal(MEMORY_OUT_OF_BOUNDS);
  }
  const price = Math.ceil((length * size) / instance.store.prices.bytesPerUnit);
  return inPieces(
    payer,
    () => newArray(type, length, payer, price),
    (made, at, count) => {
      initArray(made, at, dataFrom(instance, segment, from + at * size), count);
    },
  );
}

function arrayNewElem(
  instance: ModuleInstance,
  typeIndex: number,
  segment: number,
  payer: Payer,
): Progress {
  const type = instance.objectTypeAt(typeIndex);
  const [from, length] = [int(0) >>> 0, int(1) >>> 0];
  if (from + length > instance.elements[segment].length) throw new TrapSignal(TABLE_OUT_OF_BOUNDS);
  const price = elementPrice(type, length);
  return inPieces(
    payer,
    () => newArray(type, length, payer, price),
    (made, at, count) => copyElements(instance, segment, from + at, made, at, count),
  );
}

function copyElements(
  instance: ModuleInstance,
  segment: number,
  from: number,
  target: Aggregate,
  to: number,
  count: number,
): void {
  const source = instance.elements[segment];
  for (let i = 0; i < count; i++) {
    const item = source[from + i];
    const isIndex = source instanceof Uint32Array;
    setArrayWord(target, to + i, isIndex ? instance.functionAt(item as number) : item);
  }
}

// Vectors: there are no cases of the loop for those in objects

/** The words of a v128. */
const VECTOR = [0, 1, 2, 3] as const;

/** The struct that is operand 0, and where the words of a field are in it. */
function fieldAt(field: number): { object: Aggregate; at: number } {
  const object = objectAt(0, NULL_STRUCTURE_REFERENCE);
  return { object, at: object[0].type.positions[field] };
}

function getVectorField(field: number): void {
  const { object, at } = fieldAt(field);
  for (const i of VECTOR) SLOTS[machine.x + i] = object[at + i] as number;
}

function setVectorField(field: number): void {
  const { object, at } = fieldAt(field);
  for (const i of VECTOR) object[at + i] = SLOTS[machine.x + 2 + i];
}

/** The array that is operand 0, and where the words of the element named by operand 1 begin. */
function elementAt(): { object: Aggregate; at: number } {
  const object = arrayAt(0);
  const index = int(1) >>> 0;
  if (index >= arrayLength(object)) throw new TrapSignal(ARRAY_OUT_OF_BOUNDS);
  return { object, at: index * VECTOR.length };
}

function getVectorElement(): void {
  const { object, at } = elementAt();
  for (const i of VECTOR) SLOTS[machine.x + i] = arrayWord(object, at + i) as number;
}

function setVectorElement(): void {
  const { object, at } = elementAt();
  for (const i of VECTOR) setArrayWord(object, at + i, SLOTS[machine.x + 4 + i]);
}

// Elements

/** Pays for the next of `count` elements of an array, from operand `n` on: how many, or UNPAID. */
function payElements(object: Aggregate, n: number, count: number, payer: Payer, unit: number) {
  const length = arrayLength(object);
  if ((int(n) >>> 0) + count > length) throw new TrapSignal(ARRAY_OUT_OF_BOUNDS);
  return payPart(payer, count, PIECE_ELEMENTS, true, length, unit);
}

/** Moves operand `n` on by a part that is done. */
function moveOn(n: number, part: number): void {
  setInt(n, int(n) + part, false);
}

function arrayFill(payer: Payer): Progress {
  const object = arrayAt(0);
  const { account, fields } = object[0].type;
  const last = 2 + slotsOf(fields[0].type);
  const count = int(last) >>> 0;
  const part = payElements(object, 1, count, payer, account.store.prices.elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  fillArray(object, int(1) >>> 0, wordsAt(machine.x + 4, fields[0].type), part);
  if (part === count) return "done";
  moveOn(1, part);
  moveOn(last, -part);
  return "more";
}

function arrayCopy(payer: Payer): Progress {
  const [target, source] = [arrayAt(0), arrayAt(2)];
  const [to, from, count] = [int(1) >>> 0, int(3) >>> 0, int(4) >>> 0];
  if (from + count > arrayLength(source)) throw new TrapSignal(ARRAY_OUT_OF_BOUNDS);
  const { elementsPerUnit } = target[0].type.account.store.prices;
  const part = payElements(target, 1, count, payer, elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  // A range that overlaps is copied from the end where the target lies above the source.
  const left = to <= from ? 0 : count - part;
  copyArray(target, to + left, source, from + left, part);
  if (part === count) return "done";
  if (left === 0) {
    moveOn(1, part);
    moveOn(3, part);
  }
  moveOn(4, -part);
  return "more";
}

function arrayInitData(instance: ModuleInstance, segment: number, payer: Payer): Progress {
  const object = arrayAt(0);
  const size = bytesOfElement(object[0].type.fields[0].type);
  const [to, from, count] = [int(1) >>> 0, int(2) >>> 0, int(3) >>> 0];
  if (to + count > arrayLength(object)) throw new TrapSignal(ARRAY_OUT_OF_BOUNDS);
  if (from + count * size > instance.dataLengths[segment]) {
    throw new TrapSignal(MEMORY_OUT_OF_BOUNDS);
  }
  const { bytesPerUnit } = instance.store.prices;
  const bytes = payPart(payer, count * size, PIECE_BYTES, true, count * size, bytesPerUnit);
  if (bytes === UNPAID) return "unpaid";
  const part = bytes / size;
  initArray(object, to, dataFrom(instance, segment, from), part);
  if (part === count) return "done";
  moveOn(1, part);
  moveOn(2, bytes);
  moveOn(3, -part);
  return "more";
}

function arrayInitElem(instance: ModuleInstance, segment: number, payer: Payer): Progress {
  const object = arrayAt(0);
  const [to, from, count] = [int(1) >>> 0, int(2) >>> 0, int(3) >>> 0];
  if (to + count > arrayLength(object)) throw new TrapSignal(ARRAY_OUT_OF_BOUNDS);
  if (from + count > instance.elements[segment].length) throw new TrapSignal(TABLE_OUT_OF_BOUNDS);
  const part = payElements(object, 1, count, payer, instance.store.prices.elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  copyElements(instance, segment, from, object, to, part);
  if (part === count) return "done";
  moveOn(1, part);
  moveOn(2, part);
  moveOn(3, -part);
  return "more";
}

// Casts and conversions

/** Whether the reference that is operand 0 has the heap type that an immediate names. */
function passes({ compiled }: ModuleInstance, heap: HeapType, nullable: boolean): boolean {
  const found = reference(0);
  if (found === null) return nullable;
  const closed = heap < 0 ? heap : compiled.typeIds[heap];
  if (heapIdMatches(closed, HEAP_FUNC)) {
    if (closed < 0) return closed === HEAP_FUNC;
    return idMatches((found as FunctionInstance).typeId, closed);
  }
  return closed === HEAP_EXTERN || closed === HEAP_EXN || matchesHeap(found, closed);
}

// What conversions make is counted when it is there: only then it is known whether it is needed.

function anyConvertExtern({ store: { objects } }: ModuleInstance, payer: Payer): Progress {
  if (!objects.reserve(0, payer)) return "more";
  setReference(internalize(reference(0), objects));
  return "done";
}

function externConvertAny({ store: { objects } }: ModuleInstance, payer: Payer): Progress {
  if (!objects.reserve(0, payer)) return "more";
  setReference(externalize(reference(0)));
  return "done";
}
