// Values between JavaScript and the slots of the machine. A slot is two words of SLOTS and one
// entry of REFERENCES.

import { I32, isReference, slotsOf, type ValType } from "../isa/types.ts";
import {
  ExceptionInstance,
  putRaw,
  type RawValue,
  rawAt,
  type TagInstance,
  type Value,
} from "../runtime/instances.ts";
import { toHost } from "../runtime/objects.ts";
import { Bits, fromRaw, toRaw } from "../runtime/values.ts";
import { REFERENCES, SLOTS } from "./loop.generated.ts";

/** What the slot at word `at` holds, and of a v128 the next one. */
function readSlot(at: number, type: ValType): RawValue {
  return rawAt(SLOTS, at, type, isReference(type) ? REFERENCES[at >> 1] : null);
}

/** Writes a value into the slot at word `at`, and of a v128 the next one. */
export function writeSlot(at: number, type: ValType, value: RawValue): void {
  if (isReference(type)) REFERENCES[at >> 1] = value.reference;
  else putRaw(SLOTS, at, type, value);
}

/** The values that an exception carries, for the host. */
export function payloadOf(exception: ExceptionInstance): Value[] {
  return exception.tag.type.params.map((type, i) => toHost(fromRaw(exception.value(i), type)));
}

/** An exception whose values lie in consecutive slots. */
export function exceptionAt(at: number, tag: TagInstance): ExceptionInstance {
  if (tag.slots === 0) return ExceptionInstance.of(tag, []);
  const words = SLOTS.slice(at, at + 2 * tag.slots);
  if (!tag.hasReferences) return new ExceptionInstance(tag, words);
  let slot = at >> 1;
  const references = tag.type.params.map((type) => {
    // A number's slot may still have somebody else's reference beside it.
    const reference = isReference(type) ? REFERENCES[slot] : null;
    slot += slotsOf(type);
    return reference;
  });
  return new ExceptionInstance(tag, words, references);
}

/** Writes what an exception carries into consecutive slots. */
export function writeException(at: number, exception: ExceptionInstance): void {
  const { references, tag, words } = exception;
  SLOTS.set(words, at);
  if (!tag.hasReferences) return;
  let slot = at >> 1;
  for (const [i, type] of tag.type.params.entries()) {
    if (isReference(type)) REFERENCES[slot] = references[i];
    slot += slotsOf(type);
  }
}

/** What consecutive slots hold, without loss. */
export function readRaw(at: number, types: readonly ValType[]): RawValue[] {
  let word = at;
  return types.map((type) => {
    const raw = readSlot(word, type);
    word += 2 * slotsOf(type);
    return raw;
  });
}

/** Writes into consecutive slots what `readRaw` reads. */
export function writeRaw(at: number, types: readonly ValType[], values: readonly RawValue[]): void {
  let word = at;
  for (const [i, type] of types.entries()) {
    writeSlot(word, type, values[i]);
    word += 2 * slotsOf(type);
  }
}

/** Reads the JavaScript values of consecutive slots. */
export function readValues(at: number, types: readonly ValType[]): Value[] {
  let word = at;
  return types.map((type) => {
    // The common case needs no object.
    const value = type === I32 ? SLOTS[word] : fromRaw(readSlot(word, type), type);
    word += 2 * slotsOf(type);
    return value;
  });
}

/** Writes JavaScript values into consecutive slots. */
export function writeValues(at: number, types: readonly ValType[], values: readonly Value[]): void {
  let word = at;
  types.forEach((type, i) => {
    const value = values[i];
    if (type === I32 && !(value instanceof Bits)) SLOTS[word] = value as number;
    else writeSlot(word, type, toRaw(value, type));
    word += 2 * slotsOf(type);
  });
}

/** The values that a host function returned: none, one, or an array of several. */
export function resultsOf(value: unknown, types: readonly ValType[], name: string): Value[] {
  if (types.length === 0) return [];
  if (types.length === 1) return [value];
  const values = isIterable(value) ? [...value] : null;
  if (values?.length === types.length) return values;
  throw new TypeError(`${name} must return an array of ${types.length} values`);
}

function isIterable(value: unknown): value is Iterable<Value> {
  return value != null && typeof (value as Iterable<Value>)[Symbol.iterator] === "function";
}
