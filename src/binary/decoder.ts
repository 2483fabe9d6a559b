// The push decoder (spec: 5.5.2 Sections, 5.5.16 Modules). Bytes arrive in any chunks; sections and
// function bodies are handed on when their last byte is there. Each step runs when its bytes are
// complete and depends on nothing else, so every chunking gives the same result and the same error.
// So does every division of the work: `work` does a bounded amount and can be called again.

import type { FeatureSet } from "../isa/features.ts";
import { ModuleError } from "../module/errors.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import { type ModuleRecord, SECTION_NAMES } from "../module/module.ts";
import { nextPiece, PIECE, type Rest } from "../module/pieces.ts";
import { ModuleBuilder } from "./builder.ts";
import { InstructionReader } from "./instructions.ts";
import { SectionDecoder, type SectionListener } from "./sections.ts";

const CUSTOM = 0;
const CODE = 10;
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [0x01, 0x00, 0x00, 0x00];
/** Section ids in the order in which sections may follow each other. */
const SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
/** Bytes of the longest u32. */
const MAX_U32_BYTES = 5;
/** Bytes that a custom section takes in memory, besides its name. */
const CUSTOM_COST = 200;
/** Units of a step that does next to nothing. */
const STEP = 16;
const SIZES_DIFFER = "function and code section have inconsistent lengths";

/** What validation needs to hear while a module is decoded. Custom sections are not reported. */
export interface DecodeListener extends SectionListener {
  /** The body of the function `index` (imports count) is complete. */
  beginBody(index: number, start: number, end: number): void;
  /** Does so many units of the work on that body; the units left over, or -1 if there is more. */
  advanceBody(units: number): number;
  /** The module is complete. */
  end(): void;
}

/** Hears nothing: for decoding alone. */
export const NO_LISTENER: DecodeListener = {
  entry: () => null,
  section() {},
  beginBody() {},
  advanceBody: (units) => units,
  end() {},
};

type Step = "header" | "section" | "payload" | "bodies" | "bodySize" | "body" | "inBody";

/** Decodes one module from chunks. A failed decoder stays failed with the same error. */
export class Decoder {
  private readonly module: ModuleBuilder;
  private readonly limits: DecodingLimits;
  private readonly reader: InstructionReader;
  private readonly listener: DecodeListener;
  private readonly sections: SectionDecoder;
  private buffer = new Uint8Array(0);
  private length = 0;
  /** Whether bytes were given that are more than a module may have. */
  private tooLong = false;
  /** Offset up to which everything is decoded, and how many bytes the next step waits for. */
  private pos = 0;
  private needed = MAGIC.length + VERSION.length;
  private step: Step = "header";
  /** Units of work that may still be done in this piece. */
  private units = 0;
  private sectionId = 0;
  private sectionEnd = 0;
  /** What is left of the section in progress. */
  private payloadRest: Rest = null;
  /** Position in SECTION_ORDER that the next section must not be below. */
  private order = 0;
  private lastId = CUSTOM;
  private bodyCount = 0;
  private bodyEnd = 0;
  private failure: unknown = null;
  private finished = false;

  constructor(
    features: FeatureSet,
    limits: DecodingLimits,
    listen: (module: ModuleRecord) => DecodeListener = () => NO_LISTENER,
  ) {
    this.module = new ModuleBuilder(features, limits);
    this.limits = limits;
    this.reader = new InstructionReader(this.buffer, features, limits);
    this.listener = listen(this.module);
    this.sections = new SectionDecoder(this.reader, this.module, this.listener);
  }

  /**
   * Takes the next bytes (they are copied) and does everything that can be done with them.
   * @throws MalformedError or whatever the listener raises, as soon as the bytes so far show it
   */
  push(chunk: Uint8Array): void {
    this.feed(chunk);
    this.work(Number.POSITIVE_INFINITY);
  }

  /** Takes the next bytes (they are copied), and does nothing with them until `work` is called. */
  feed(chunk: Uint8Array): void {
    if (this.failure !== null) throw this.failure;
    if (this.finished) throw new Error("push after end: this decoder has finished its module");
    const room = this.limits.moduleBytes - this.length;
    this.append(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.tooLong ||= chunk.length > room;
  }

  /**
   * Does a piece of the work on the bytes that are there: about so many units (an instruction, or
   * a byte of a section), or one indivisible step. Returns whether there is more to do.
   * @throws MalformedError or whatever the listener raises
   */
  work(units: number = nextPiece()): boolean {
    if (this.failure !== null) throw this.failure;
    if (this.finished) return false;
    this.units = units;
    return this.attempt(() => {
      while (this.length - this.pos >= this.needed) {
        if (this.units <= 0) return true;
        if (!this.runStep()) break;
        this.units -= STEP;
      }
      // How much more there is depends on the chunk, and the error must not.
      limitOn(this.limits, "moduleBytes", this.length + (this.tooLong ? 1 : 0), 0);
      return false;
    });
  }

  /**
   * Says that no bytes follow, does what is left to do, and gives the module.
   * @throws MalformedError if it is not complete
   */
  end(): ModuleRecord {
    if (!this.finished) {
      this.work(Number.POSITIVE_INFINITY);
      this.attempt(() => this.finish());
      this.finished = true;
    }
    return this.module;
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  private append(chunk: Uint8Array): void {
    const length = this.length + chunk.length;
    if (length > this.buffer.length) {
      // The first chunk is often the whole module: then nothing is wasted.
      const capacity = this.length === 0 ? length : Math.max(length, this.buffer.length * 2);
      this.replaceBuffer(new Uint8Array(capacity));
    }
    this.buffer.set(chunk, this.length);
    this.length = length;
  }

  private replaceBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    buffer.set(this.buffer.subarray(0, this.length));
    this.buffer = buffer;
    this.module.bytes = buffer;
  }

  private error(phrase: string, detail: string, offset: number, section?: string) {
    const error = this.reader.error(phrase, detail, offset);
    return section === undefined ? error : error.within({ section });
  }

  private sectionName(): string {
    return SECTION_NAMES[this.sectionId];
  }

  /**
   * Runs the next step, whose bytes are complete. False: not even its own size is there yet, and
   * `needed` is more now.
   */
  private runStep(): boolean {
    switch (this.step) {
      case "header":
        this.header();
        return true;
      case "section":
        return this.sectionHeader();
      case "payload":
        this.payload();
        return true;
      case "bodies":
        return this.bodies();
      case "bodySize":
        return this.bodySize();
      case "body":
        this.beginBody();
        return true;
      case "inBody":
        this.advanceBody();
        return true;
    }
  }

  private expect(step: Step, needed: number): void {
    this.step = step;
    this.needed = needed;
  }

  private header(): void {
    this.checkHeader(MAGIC.length + VERSION.length);
    this.pos = MAGIC.length + VERSION.length;
    this.expect("section", 1);
  }

  /** Compares as many bytes of magic number and version as there are. */
  private checkHeader(available: number): void {
    for (let i = 0; i < available; i++) {
      if (i < 4 && this.buffer[i] !== MAGIC[i]) {
        const hint = describeContent(this.buffer.subarray(0, available));
        throw this.error("magic header not detected", hint, 0);
      }
      if (i >= 4 && this.buffer[i] !== VERSION[i - 4]) {
        const found = this.buffer[4] | (this.buffer[5] << 8);
        const component = available === 8 && this.buffer[6] === 1;
        const what = component ? "this is a component, not a module" : `${found}, not 1`;
        throw this.error("unknown binary version", what, 4);
      }
    }
  }

  /** Reads a u32 if all of its bytes are there and before `end`; null if some are missing. */
  private u32At(pos: number, end: number): number | null {
    const available = Math.min(this.length, end);
    for (let i = pos; ; i++) {
      if (i >= available) {
        if (i < end && i - pos < MAX_U32_BYTES) return null;
        break;
      }
      if (this.buffer[i] < 0x80) break;
    }
    this.reader.reset(this.buffer, pos, available);
    return this.reader.u32();
  }

  private sectionHeader(): boolean {
    const id = this.buffer[this.pos];
    if (id >= SECTION_NAMES.length) {
      throw this.error("malformed section id", String(id), this.pos);
    }
    if (id !== CUSTOM) this.checkOrder(id);
    const size = this.u32At(this.pos + 1, Number.POSITIVE_INFINITY);
    if (size === null) {
      this.needed = this.length - this.pos + 1;
      return false;
    }
    this.sectionId = id;
    this.pos = this.reader.pos;
    this.sectionEnd = this.pos + size;
    limitOn(this.limits, "moduleBytes", this.sectionEnd, this.pos);
    this.module.sections.push({ id, start: this.pos, end: this.sectionEnd });
    if (id !== CUSTOM) {
      this.order = SECTION_ORDER.indexOf(id) + 1;
      this.lastId = id;
    }
    if (id === CODE) this.expect("bodies", 1);
    else this.expect("payload", size);
    return true;
  }

  private checkOrder(id: number): void {
    if (SECTION_ORDER.indexOf(id) >= this.order) return;
    const detail = `a ${SECTION_NAMES[id]} section after a ${SECTION_NAMES[this.lastId]} section`;
    throw this.error("unexpected content after last section", detail, this.pos);
  }

  private *custom(): Generator<void, void> {
    const { limits, module, reader } = this;
    const name = reader.name(limits.nameBytes);
    const span = { start: reader.pos, end: this.sectionEnd };
    limitOn(limits, "customSections", module.customs.length + 1, this.pos);
    module.charge(CUSTOM_COST + 2 * name.length, this.pos);
    module.customs.push({ name, ...span, after: this.lastId });
    if (name === "name") yield* module.functionNames.scan(this.buffer, span.start, span.end);
  }

  /** Decodes the section, or goes on with it; a piece of it, or to its end. */
  private payload(): void {
    const { reader, sections } = this;
    if (this.payloadRest === null) {
      reader.reset(this.buffer, this.pos, this.sectionEnd);
      sections.entryStart = this.pos;
      const isCustom = this.sectionId === CUSTOM;
      this.payloadRest = isCustom ? this.custom() : sections.decode(this.sectionId);
    }
    const before = reader.pos;
    try {
      if (this.payloadRest.next().done !== true) {
        this.units -= PIECE;
        return;
      }
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      throw error.within({ section: this.sectionName(), offset: sections.entryStart });
    }
    this.units -= Math.min(reader.pos - before, PIECE);
    this.payloadRest = null;
    this.endSection();
  }

  private endSection(): void {
    this.pos = this.sectionEnd;
    this.expect("section", 1);
  }

  private bodies(): boolean {
    const start = this.pos;
    const count = this.u32InSection();
    if (count === null) return false;
    const declared = this.module.functions.length - this.module.importedFunctions;
    if (count !== declared) {
      throw this.error(SIZES_DIFFER, `${declared} and ${count}`, start, "code");
    }
    this.bodyCount = count;
    this.nextBody();
    return true;
  }

  private u32InSection(): number | null {
    return this.inSection(() => {
      const value = this.u32At(this.pos, this.sectionEnd);
      if (value === null) this.needed = this.length - this.pos + 1;
      else this.pos = this.reader.pos;
      return value;
    });
  }

  /** Runs an action whose errors are in the current section. */
  private inSection<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw error instanceof ModuleError ? error.within({ section: this.sectionName() }) : error;
    }
  }

  private nextBody(): void {
    const left = this.bodyCount - this.module.bodyStarts.length;
    if (left > 0) {
      // A section that ends early shows when the size is read; zero bytes are enough for that.
      this.expect("bodySize", this.pos < this.sectionEnd ? 1 : 0);
      return;
    }
    if (this.pos !== this.sectionEnd) {
      const detail = `${this.sectionEnd - this.pos} bytes are left over`;
      throw this.error("section size mismatch", detail, this.pos, this.sectionName());
    }
    this.endSection();
  }

  private bodySize(): boolean {
    const offset = this.pos;
    const size = this.u32InSection();
    if (size === null) return false;
    if (size > this.sectionEnd - this.pos) {
      const detail = `a body of ${size} bytes, ${this.sectionEnd - this.pos} are left`;
      throw this.error("unexpected end of section or function", detail, offset, "code");
    }
    limitOn(this.limits, "bodyBytes", size, offset);
    this.bodyEnd = this.pos + size;
    this.expect("body", size);
    return true;
  }

  private beginBody(): void {
    const { module } = this;
    const index = module.importedFunctions + module.bodyStarts.length;
    module.bodyStarts.push(this.pos);
    module.bodyEnds.push(this.bodyEnd);
    this.listener.beginBody(index, this.pos, this.bodyEnd);
    this.step = "inBody";
  }

  private advanceBody(): void {
    const left = this.listener.advanceBody(this.units);
    this.units = Math.max(left, 0);
    if (left < 0) return;
    this.pos = this.bodyEnd;
    this.nextBody();
  }

  private finish(): void {
    const { module } = this;
    if (this.step === "header") {
      if (this.length >= MAGIC.length) this.checkHeader(this.length);
      throw this.error("unexpected end", `${this.length} bytes are no module header`, this.length);
    }
    if (this.step !== "section" || this.pos < this.length) this.incomplete();
    const declared = module.functions.length - module.importedFunctions;
    if (declared !== module.bodyStarts.length) {
      const detail = `${declared} functions, no code section`;
      throw this.error(SIZES_DIFFER, detail, this.length);
    }
    if (module.dataCount !== null && module.dataCount !== module.data.length) {
      const phrase = "data count and data section have inconsistent lengths";
      throw this.error(phrase, `${module.dataCount} and ${module.data.length}`, this.length);
    }
    if (this.length * 4 < this.buffer.length * 3)
      this.replaceBuffer(this.buffer.slice(0, this.length));
    else module.bytes = this.buffer.subarray(0, this.length);
    this.listener.end();
  }

  private incomplete(): never {
    const { length } = this;
    if (this.step === "section") {
      throw this.error("unexpected end", "in the header of a section", length);
    }
    const missing = this.sectionEnd - length;
    const inCode = this.sectionId === CODE;
    const phrase = inCode ? "unexpected end" : "length out of bounds";
    throw this.error(phrase, `${missing} bytes are missing`, length, this.sectionName());
  }
}

/** Says what a file looks like that is no module, from its first (at most 8) bytes. */
function describeContent(bytes: Uint8Array): string {
  const starts = (text: string) =>
    text.length <= bytes.length && [...text].every((char, i) => bytes[i] === char.charCodeAt(0));
  if (starts("\x7fELF")) return "this is an ELF file";
  if (starts("PK")) return "this is a zip archive";
  if (starts("\x1f\x8b")) return "this is gzip data";
  if (starts("(module") || starts(";;") || starts("(;")) return "this looks like a .wat text file";
  if (starts("<")) return "this looks like HTML or XML";
  const isText = bytes.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32);
  if (isText && bytes.length > 0) return "this looks like text";
  const found = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `found ${found.join(" ")}`;
}
