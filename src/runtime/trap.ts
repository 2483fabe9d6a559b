// How linking and execution can go wrong (spec: 4.2.2 Results, 4.5.4 Instantiation). Every message
// begins with the conformance suite's words where it has some, then the particulars, then where.
// The numbers of traps are in traps.ts; running out of something is no trap and can be undone.

import { listed, quote } from "../module/errors.ts";
import type { ExceptionInstance, TagInstance, Value } from "./instances.ts";
import type { RuntimeLimits } from "./store.ts";
import { TRAPS } from "./traps.ts";
import { formatFunc } from "./types.ts";

/** A call in progress: which function, and how far it has come. */
export interface BacktraceFrame {
  /** Index in its module's function index space. */
  readonly funcIndex: number;
  /** Name by the name section, an export or an import. */
  readonly funcName?: string;
  /** Offset of the instruction from the start of the module. */
  readonly offset: number;
  /** The module's own name. */
  readonly moduleName?: string;
}

/** Calls in progress, the innermost first. */
export type Backtrace = readonly BacktraceFrame[];

/** `phrase: detail (function 3 "div", offset 0x2f)`. */
function messageOf(phrase: string, detail: string, [frame]: Backtrace = []): string {
  const text = detail === "" ? phrase : `${phrase}: ${detail}`;
  return frame === undefined ? text : `${text} (${formatFrame(frame)})`;
}

/** `function 3 "div", offset 0x2f, module "m"`. */
export function formatFrame({ funcIndex, funcName, moduleName, offset }: BacktraceFrame): string {
  const name = funcName === undefined ? "" : ` ${quote(funcName)}`;
  const module = moduleName === undefined ? "" : `, module ${quote(moduleName)}`;
  return `function ${funcIndex}${name}, offset 0x${offset.toString(16)}${module}`;
}

/** Execution trapped: the call is over, its instance stays usable. */
export class Trap extends Error {
  override readonly name = "Trap";
  /** Stable name of the kind of trap, e.g. `divideByZero`. */
  readonly code: string;
  /** The conformance suite's text for it, e.g. `integer divide by zero`. */
  readonly phrase: string;
  readonly backtrace: Backtrace;

  /** `code` is one of the numbers in traps.ts. */
  constructor(code: number, backtrace: Backtrace = [], detail = "", options?: ErrorOptions) {
    const [name, phrase] = TRAPS[code];
    super(messageOf(phrase, detail, backtrace), options);
    this.code = name;
    this.phrase = phrase;
    this.backtrace = backtrace;
  }
}

/** What a link error is about. */
export interface LinkParticulars {
  readonly importModule: string;
  readonly importName: string;
  /** The import's type. */
  readonly expected: string;
  /** Type of what was given instead; absent where nothing was. */
  readonly found?: string;
  /** What makes them different, where the types do not show it. */
  readonly because?: string;
}

/** An import is missing or has another type (spec: 4.5.4, external typing). */
export class LinkError extends Error {
  override readonly name = "LinkError";
  /** What is wrong in the conformance suite's words. */
  readonly phrase: "unknown import" | "incompatible import type";
  readonly importModule: string;
  readonly importName: string;
  readonly expected: string;
  readonly found: string | undefined;

  constructor(what: LinkParticulars, options?: ErrorOptions) {
    const { because, expected, found, importModule, importName } = what;
    const phrase = found === undefined ? "unknown import" : "incompatible import type";
    const place = `${quote(importModule)}.${quote(importName)}`;
    const is = found === undefined ? "" : `, found ${found}`;
    const why = because === undefined ? "" : ` (${because})`;
    super(`${phrase}: ${place} must be ${expected}${is}${why}`, options);
    this.phrase = phrase;
    this.importModule = importModule;
    this.importName = importName;
    this.expected = expected;
    this.found = found;
  }
}

/**
 * What has run out: fuel, time (`deadline`, `epoch`), one of the store's limits (`callDepth`,
 * `memoryBytes` …), or memory of the host.
 */
export type ExhaustionKind = "fuel" | "deadline" | "epoch" | "hostMemory" | keyof RuntimeLimits;

const EXHAUSTION_PHRASES: Readonly<Record<ExhaustionKind, string>> = {
  fuel: "out of fuel",
  deadline: "deadline exceeded",
  epoch: "epoch deadline exceeded",
  hostMemory: "out of memory",
  callDepth: "call stack exhausted",
  stackBytes: "call stack exhausted",
  memoryBytes: "memory limit exceeded",
  tableElements: "table limit exceeded",
  instances: "instance limit exceeded",
  globals: "global limit exceeded",
  hostBytes: "host memory limit exceeded",
  gcBytes: "object limit exceeded",
  compiledBytes: "compiled code limit exceeded",
};

/** Something that was granted is used up. The store and its instances stay usable. */
export class Exhaustion extends Error {
  override readonly name = "Exhaustion";
  readonly kind: ExhaustionKind;
  readonly phrase: string;
  readonly backtrace: Backtrace;

  constructor(
    kind: ExhaustionKind,
    detail = "",
    backtrace: Backtrace = [],
    options?: ErrorOptions,
  ) {
    const phrase = EXHAUSTION_PHRASES[kind];
    super(messageOf(phrase, detail, backtrace), options);
    this.kind = kind;
    this.phrase = phrase;
    this.backtrace = backtrace;
  }
}

function formatValue(value: Value): string {
  if (value === null) return "null";
  return typeof value === "number" || typeof value === "bigint" ? String(value) : "a reference";
}

/** A Wasm exception that nothing has caught. */
export class WasmException extends Error {
  override readonly name = "WasmException";
  /** The exception itself; thrown into Wasm again, it is the same one. */
  readonly exception: ExceptionInstance;
  /** The values it carries, by the parameters of its tag's type. */
  readonly payload: readonly Value[];
  readonly backtrace: Backtrace;

  constructor(
    exception: ExceptionInstance,
    payload: readonly Value[],
    backtrace: Backtrace = [],
    options?: ErrorOptions,
  ) {
    const values = payload.length === 0 ? "" : ` with ${listed(payload, formatValue, ", ")}`;
    const detail = `${formatFunc(exception.tag.type, "tag")}${values}`;
    super(messageOf("uncaught exception", detail, backtrace), options);
    this.exception = exception;
    this.payload = payload;
    this.backtrace = backtrace;
  }

  get tag(): TagInstance {
    return this.exception.tag;
  }
}

/** A Wasm exception that has left the guest: thrown as it is, for who calls to make an error of. */
export class Uncaught {
  readonly exception: ExceptionInstance;

  constructor(exception: ExceptionInstance) {
    this.exception = exception;
  }
}
