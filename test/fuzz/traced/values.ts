// Values of traced programs: each reference has a number of its own, so that one that was swapped
// for another shows.

import { EXNREF, EXTERNREF, FUNCREF, I32, V128, type ValType } from "../../../src/isa/types.ts";

export type Kind = "i32" | "v128" | "extern" | "func" | "exn";

/** A number, an object or function by number (null: the null reference), or an exception. */
export type Value =
  | { readonly kind: "i32" | "v128"; readonly is: number }
  | { readonly kind: "extern" | "func"; readonly is: number | null }
  | { readonly kind: "exn"; readonly is: Exception | null };

/** An exception with its identity. */
export interface Exception {
  readonly tag: number;
  readonly payload: readonly Value[];
}

export const TYPES: Readonly<Record<Kind, ValType>> = {
  i32: I32,
  v128: V128,
  extern: EXTERNREF,
  func: FUNCREF,
  exn: EXNREF,
};

/** The bytes of the vector with this number: four words that no other one has in their places. */
export function vectorOf(is: number): Uint8Array {
  return new Uint8Array(Int32Array.of(is, 3 * is, 5 * is, 7 * is).buffer);
}

/** How a call goes: with values, an exception of the guest's, or what a host function threw. */
export type Ending =
  | { readonly how: "returned"; readonly values: readonly Value[] }
  | { readonly how: "threw"; readonly exception: Exception }
  | { readonly how: "foreign"; readonly error: number };

export interface Signature {
  readonly params: readonly Kind[];
  readonly results: readonly Kind[];
}

/** What a host function does at one call. */
export interface HostCall {
  readonly callee: number;
  readonly args: readonly Value[];
  /** The guest function that it calls in between, and what that must come to. */
  readonly nested: NestedCall | null;
  /** Whether the result comes by way of a promise. */
  readonly later: boolean;
  readonly ending: Ending;
}

export interface NestedCall {
  readonly callee: number;
  readonly args: readonly Value[];
  readonly ending: Ending;
}

/** A program and everything that must happen when function `entry` is called. */
export interface TracedProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entry: number;
  readonly args: readonly Value[];
  readonly ending: Ending;
  /** Calls of host functions in their order. */
  readonly script: readonly HostCall[];
  readonly hostSignatures: readonly Signature[];
  /** Parameters of the tags that the host has too. */
  readonly hostTags: readonly (readonly Kind[])[];
  readonly functions: number;
  /** What globals and table elements must be at the end; exceptions cannot be looked at. */
  readonly globals: readonly Value[];
  readonly tables: readonly (readonly Value[])[];
}

/** A value for messages. */
export function show({ kind, is }: Value): string {
  if (kind === "exn") return is === null ? "null exn" : "an exception";
  return `${kind} ${is}`;
}

export function showEnding(ending: Ending): string {
  if (ending.how === "returned") return `returned ${ending.values.map(show).join(", ")}`;
  if (ending.how === "foreign") return `threw error ${ending.error}`;
  const { payload, tag } = ending.exception;
  return `threw tag ${tag} with ${payload.map(show).join(", ")}`;
}
