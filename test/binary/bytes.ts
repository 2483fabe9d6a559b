// Hand-made modules for the decoder's tests, and what a decoder makes of chunks of bytes.

import { moduleDecoder } from "../../src/embedding/module.ts";
import { type FeatureSet, featureSet } from "../../src/isa/features.ts";
import { ModuleError } from "../../src/module/errors.ts";
import type { DecodingLimits } from "../../src/module/limits.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { leb, moduleOf, section } from "../isa/host.ts";

export { leb, moduleOf, section };

/** A name as the binary format writes it. */
export function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...leb(bytes.length), ...bytes];
}

/** A custom section. */
export function custom(title: string, payload: readonly number[] = []): number[] {
  return section(0, [...name(title), ...payload]);
}

/** A function body: local declarations, then code without its `end`. */
export function body(code: readonly number[], locals: readonly number[] = [0]): number[] {
  const bytes = [...locals, ...code, 0x0b];
  return [...leb(bytes.length), ...bytes];
}

/** A vector: its length, then its elements. */
export function vec(...elements: readonly (readonly number[])[]): number[] {
  return [...leb(elements.length), ...elements.flat()];
}

/** Type section with the one type [] -> []. */
export const TYPES = section(1, vec([0x60, 0, 0]));
/** Function section with one function of it. */
export const FUNCTIONS = section(3, vec([0]));
/** Code section with one empty body. */
export const CODE = section(10, vec(body([])));

/** One section of every kind, in the order that the format prescribes. */
export const ALL_SECTIONS: readonly (readonly [id: number, bytes: readonly number[]])[] = [
  [1, TYPES],
  [2, section(2, vec([...name("m"), ...name("f"), 0, 0]))],
  [3, FUNCTIONS],
  [4, section(4, vec([0x70, 0, 1]))],
  [5, section(5, vec([0, 1]))],
  [13, section(13, vec([0, 0]))],
  [6, section(6, vec([0x7f, 0, 0x41, 0, 0x0b]))],
  [7, section(7, vec([...name("e"), 0, 0]))],
  [8, section(8, [0])],
  [9, section(9, vec([0, 0x41, 0, 0x0b, 1, 0]))],
  [12, section(12, [1])],
  [10, CODE],
  [11, section(11, vec([0, 0x41, 0, 0x0b, 1, 0x61]))],
];

/** Everything about an error that a user can see. */
export function particulars(error: unknown) {
  if (!(error instanceof ModuleError)) throw error;
  const { name: className, message, offset, section: where, funcIndex, instruction } = error;
  const { expected, found, limit, phrase } = error;
  return {
    className,
    message,
    phrase,
    offset,
    where,
    funcIndex,
    instruction,
    expected,
    found,
    limit,
  };
}

/**
 * The outcome of decoding: the record's data, or the particulars of the error. With `units`, the
 * work is done in pieces of that size.
 */
export function outcomeOf(
  chunks: Iterable<Uint8Array>,
  limits: Partial<DecodingLimits> = {},
  features: FeatureSet = featureSet(),
  units = Number.POSITIVE_INFINITY,
) {
  const decoder = moduleDecoder({ features, limits });
  try {
    for (const chunk of chunks) {
      decoder.feed(chunk);
      while (decoder.work(units)) {}
    }
    return { record: snapshot(decoder.end()), error: null };
  } catch (error) {
    return { record: null, error: particulars(error) };
  }
}

/** The record as plain data, the decoded names included. */
function snapshot(record: ModuleRecord) {
  const { names, bytes, ...rest } = record;
  const fields = Object.fromEntries(Object.entries(rest).filter(([key]) => key !== "nameSection"));
  return { ...fields, bytes: Buffer.from(bytes).toString("latin1"), names: record.names };
}

/** The error that a module is refused with; fails if it is accepted. */
export function refusal(bytes: Uint8Array, limits: Partial<DecodingLimits> = {}) {
  const { error } = outcomeOf([bytes], limits);
  if (error === null) throw new Error("the module was accepted");
  return error;
}

/** The record of a module; raises what it is refused with. */
export function accepted(bytes: Uint8Array, limits: Partial<DecodingLimits> = {}): ModuleRecord {
  const decoder = moduleDecoder({ limits });
  decoder.push(bytes);
  return decoder.end();
}
