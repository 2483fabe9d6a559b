// Differences between wasmeter and V8 that are known and justified. A filter is a predicate on the
// module as well as on both verdicts, so that it takes no more than the difference it names.
// Section numbers are those of the WebAssembly 3.0 specification.

import { BY_OPCODE } from "../../src/isa/index.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { visitBody } from "./instructions.ts";
import type { Verdict } from "./verdict.ts";

/** Both verdicts on a module about which they differ. */
export interface Disagreement {
  readonly bytes: Uint8Array;
  readonly ours: Verdict;
  /** Message of the host where it refuses; null where it accepts. */
  readonly theirs: string | null;
}

export interface Filter {
  readonly name: string;
  /** Why the difference is right, with the section of the specification. */
  readonly reason: string;
  applies(disagreement: Disagreement): boolean;
}

/** The module if wasmeter accepts it and the host's refusal reads like this. */
function refusedByHost({ ours, theirs }: Disagreement, message: RegExp): ModuleRecord | null {
  return theirs !== null && message.test(theirs) ? ours.module : null;
}

/** The error if the host accepts the module and wasmeter calls it invalid. */
function acceptedByHost({ ours, theirs }: Disagreement) {
  return theirs === null && ours.kind === "invalid" ? ours.error : null;
}

function bodies({ bytes, bodyStarts, bodyEnds }: ModuleRecord): Uint8Array[] {
  return bodyStarts.map((start, index) => bytes.subarray(start, bodyEnds[index]));
}

/** Mnemonics that only one of the two exceptions proposals has. */
const LEGACY: ReadonlySet<string> = new Set(["try", "catch", "catch_all", "rethrow", "delegate"]);
const NEW: ReadonlySet<string> = new Set(["try_table", "throw_ref"]);

function mixesExceptions(module: ModuleRecord): boolean {
  let legacy = false;
  let standard = false;
  for (const body of bodies(module)) {
    visitBody(body, ({ op }) => {
      const name = BY_OPCODE[op]?.name ?? "";
      legacy ||= LEGACY.has(name);
      standard ||= NEW.has(name);
    });
  }
  return legacy && standard;
}

/** V8's bound on the initial size of a table. */
const V8_TABLE_ELEMENTS = 10_000_000n;

export const FILTERS: readonly Filter[] = [
  {
    name: "legacy and new exceptions",
    reason:
      "V8 refuses modules that use both. The legacy proposal is not part of the standard and the " +
      "standard forbids nothing beyond its own rules (3.4.1); wasmeter takes both.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /mix of legacy and new exception handling/);
      return module !== null && mixesExceptions(module);
    },
  },
  {
    name: "table size",
    reason: "An implementation limit of V8 (7.2.1): 10,000,000 elements; wasmeter has 2^32 - 1.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /table size .* larger than implementation limit/);
      return module?.tables.some(({ type }) => type.min > V8_TABLE_ELEMENTS) ?? false;
    },
  },
  {
    name: "bottom reference",
    reason:
      "ref.as_non_null and br_on_null leave a reference also where their operand is of unknown " +
      "type (3.4.7, appendix 7.3: pop_ref); V8 takes it for a number if need be.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      return error?.phrase === "type mismatch" && error.found === "(ref bot)";
    },
  },
  {
    name: "label of br_on_non_null",
    reason:
      "The label must end in a reference type (3.4.1); V8 does not ask for it where the label " +
      "has no types at all.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      return error?.instruction === "br_on_non_null" && error.found === "[]";
    },
  },
  {
    name: "atomic alignment",
    reason:
      "The alignment of an atomic access must be its natural one (threads proposal, validation of " +
      "atomic instructions); V8 up to 11.x accepts smaller ones.",
    applies(disagreement) {
      return acceptedByHost(disagreement)?.phrase === "atomic alignment must be natural";
    },
  },
];
