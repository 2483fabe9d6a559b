// The two ways a module can be refused (spec: 5 Binary Format, 3 Validation). Both say what is
// wrong in the conformance suite's words, then the particulars, then where. A valid function may
// still be beyond what can be run.

/** Where in a module an error was found; what is not known is absent. */
export interface Location {
  /** Byte offset from the start of the module. */
  readonly offset?: number;
  /** Name of the section, e.g. `code`. */
  readonly section?: string;
  /** Index in the function index space, imports first. */
  readonly funcIndex?: number;
  /** Name by the name section or an export, as far as it was known when the error was found. */
  readonly funcName?: string;
  /** Mnemonic of the instruction. */
  readonly instruction?: string;
}

/** The particulars of an error. */
export interface Particulars extends Location {
  /** Type or value that the specification asks for. */
  readonly expected?: string;
  /** Type or value that was there instead. */
  readonly found?: string;
  /** The decoding limit that was exceeded, a key of `DecodingLimits`. */
  readonly limit?: string;
}

/** A module was refused; base of `MalformedError` and `InvalidError`. */
export class ModuleError extends Error {
  /** What is wrong, in the first words of the conformance suite's message. */
  readonly phrase: string;
  /** The particulars in words; may be empty. */
  readonly detail: string;
  readonly offset: number | undefined;
  readonly section: string | undefined;
  readonly funcIndex: number | undefined;
  readonly funcName: string | undefined;
  readonly instruction: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly limit: string | undefined;

  constructor(phrase: string, detail: string, particulars: Particulars = {}) {
    super(messageOf(phrase, detail, particulars));
    this.name = new.target.name;
    this.phrase = phrase;
    this.detail = detail;
    this.offset = particulars.offset;
    this.section = particulars.section;
    this.funcIndex = particulars.funcIndex;
    this.funcName = particulars.funcName;
    this.instruction = particulars.instruction;
    this.expected = particulars.expected;
    this.found = particulars.found;
    this.limit = particulars.limit;
  }

  /** The same error with the parts of `where` that it did not know yet. */
  within(where: Location): this {
    const Class = this.constructor as new (p: string, d: string, w: Particulars) => this;
    const known = Object.entries(this).filter(([, value]) => value !== undefined);
    return new Class(this.phrase, this.detail, { ...where, ...Object.fromEntries(known) });
  }
}

/** The bytes are not a module in the binary format (spec: 5), or exceed a decoding limit. */
export class MalformedError extends ModuleError {}

/** The module breaks a validation rule (spec: 3). */
export class InvalidError extends ModuleError {}

/** A function or a process that needs more than the code format has room for. */
export class CodeLimitError extends Error {
  override readonly name = "CodeLimitError";
}

/** Characters of one of the guest's texts that messages show. */
export const SHOWN = 200;

/** A text of at most so many characters, with a sign if that is not all. */
export function cut(text: string, most: number = SHOWN): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/** A name as messages show it: quoted, and cut where it is longer than 200 characters. */
export function quote(text: string): string {
  if (text.length <= SHOWN) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, SHOWN))}… (${text.length} characters)`;
}

/** Items of a list that messages show. */
const LISTED = 16;

/** A list as messages show it: the first 16, and how many more there are. */
export function listed<T>(items: readonly T[], format: (item: T) => string, between: string) {
  if (items.length <= LISTED) return items.map((item) => format(item)).join(between);
  const first = items.slice(0, LISTED).map((item) => format(item));
  return [...first, `… ${items.length - LISTED} more`].join(between);
}

function messageOf(phrase: string, detail: string, where: Particulars): string {
  const places: string[] = [];
  if (where.instruction !== undefined) places.push(where.instruction);
  if (where.funcIndex !== undefined) {
    const name = where.funcName === undefined ? "" : ` ${quote(where.funcName)}`;
    places.push(`function ${where.funcIndex}${name}`);
  } else if (where.section !== undefined) {
    places.push(`${where.section} section`);
  }
  if (where.offset !== undefined) places.push(`offset 0x${where.offset.toString(16)}`);
  const place = places.length === 0 ? "" : ` (${places.join(", ")})`;
  return `${phrase}${detail === "" ? "" : `: ${detail}`}${place}`;
}
