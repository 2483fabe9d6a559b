// Decoding limits: what a module may cost before a byte of it runs (spec: 7.2 Implementation
// Limitations). The defaults are those that the JS-API specification prescribes, where it does.

import { MalformedError } from "./errors.ts";
import { amount, checkedOptions, type OptionTable, tableOf } from "./options.ts";

/** Upper bounds on a module; exceeding one is a MalformedError that names it. */
export interface DecodingLimits {
  /** Bytes of the whole module. Default 1 GiB. */
  readonly moduleBytes: number;
  /** Types, over all recursion groups. Default 1,000,000. */
  readonly types: number;
  /** Functions, imports included. Default 1,000,000. */
  readonly functions: number;
  /** Default 1,000,000. */
  readonly imports: number;
  /** Default 1,000,000. */
  readonly exports: number;
  /** Default 1,000,000. */
  readonly globals: number;
  /** Default 1,000,000. */
  readonly tags: number;
  /** Default 100,000. */
  readonly tables: number;
  /** Default 100,000. */
  readonly memories: number;
  /** Default 100,000, like data segments: a segment of three bytes is 300 when it is decoded. */
  readonly elementSegments: number;
  /** Elements of one segment. Default 10,000,000. */
  readonly elements: number;
  /** Data segments. Default 100,000. */
  readonly dataSegments: number;
  /**
   * Bytes that the description of the module takes besides its own, as they are estimated: all that
   * is not code, up to 50 bytes for one of the module. Default 256 MiB.
   */
  readonly recordBytes: number;
  /** Bytes of one function body. Default 7,654,321. */
  readonly bodyBytes: number;
  /** Parameters and locals of one function. Default 50,000. */
  readonly locals: number;
  /** Parameters of a function type. Default 1,000. */
  readonly params: number;
  /** Results of a function type. Default 1,000. */
  readonly results: number;
  /** Fields of a struct type. Default 10,000. */
  readonly fields: number;
  /** Operands on the stack of one function body at once. Default 1,000,000. */
  readonly operands: number;
  /** Custom sections. Default 100,000. */
  readonly customSections: number;
  /** Supertypes above a type. Default 63. */
  readonly subtypingDepth: number;
  /** Nested blocks in one function body. Default 100,000. */
  readonly nesting: number;
  /** Targets of one br_table, the default included. Default 65,521. */
  readonly branchTargets: number;
  /** Catch clauses of one try_table. Default 1,000. */
  readonly catches: number;
  /** Operands of one array.new_fixed. Default 10,000. */
  readonly arrayFixedLength: number;
  /** Bytes of one name (import, export, custom section). Default 100,000. */
  readonly nameBytes: number;
}

export const DEFAULT_LIMITS: DecodingLimits = {
  moduleBytes: 2 ** 30,
  types: 1_000_000,
  functions: 1_000_000,
  imports: 1_000_000,
  exports: 1_000_000,
  globals: 1_000_000,
  tags: 1_000_000,
  tables: 100_000,
  memories: 100_000,
  elementSegments: 100_000,
  elements: 10_000_000,
  dataSegments: 100_000,
  recordBytes: 2 ** 28,
  bodyBytes: 7_654_321,
  locals: 50_000,
  params: 1_000,
  results: 1_000,
  fields: 10_000,
  operands: 1_000_000,
  customSections: 100_000,
  subtypingDepth: 63,
  nesting: 100_000,
  branchTargets: 65_521,
  catches: 1_000,
  arrayFixedLength: 10_000,
  nameBytes: 100_000,
};

/** What decoding limits given from outside must be. */
export const DECODING_LIMIT_OPTIONS: OptionTable<Partial<DecodingLimits>> = tableOf(
  Object.keys(DEFAULT_LIMITS) as (keyof DecodingLimits)[],
  amount(),
);

/**
 * The default limits with some replaced.
 * @throws TypeError for a limit that there is not, or that is no number; RangeError below 0
 */
export function decodingLimits(changes: Partial<DecodingLimits> = {}): DecodingLimits {
  const checked = checkedOptions("the decoding limits", changes, DECODING_LIMIT_OPTIONS);
  return { ...DEFAULT_LIMITS, ...checked };
}

/** What is counted, in words, where the limit's own name is none. */
const WORDS: { readonly [Name in keyof DecodingLimits]?: string } = {
  moduleBytes: "bytes",
  elementSegments: "element segments",
  elements: "elements in a segment",
  dataSegments: "data segments",
  recordBytes: "bytes for the description of the module",
  bodyBytes: "bytes in a function body",
  params: "parameters",
  operands: "operands on the stack",
  customSections: "custom sections",
  subtypingDepth: "supertypes above a type",
  nesting: "nested blocks",
  branchTargets: "targets of a branch table",
  catches: "catch clauses",
  arrayFixedLength: "operands of array.new_fixed",
  nameBytes: "bytes in a name",
};

/** The error of a limit that is exceeded. */
export function limitError(
  name: keyof DecodingLimits,
  found: number,
  allowed: number,
  offset?: number,
): MalformedError {
  const detail = `${found}, at most ${allowed} are allowed`;
  return new MalformedError(`too many ${WORDS[name] ?? name}`, detail, {
    ...(offset !== undefined && { offset }),
    limit: name,
    expected: `at most ${allowed}`,
    found: String(found),
  });
}

/** Raises the error of a limit if `value` exceeds it. */
export function limitOn(
  limits: DecodingLimits,
  name: keyof DecodingLimits,
  value: number,
  offset: number | undefined,
): void {
  if (value > limits[name]) throw limitError(name, value, limits[name], offset);
}
