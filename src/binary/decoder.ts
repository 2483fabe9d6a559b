// The push decoder (spec: 5.5.2 Sections, 5.5.16 Modules). Bytes arrive in any chunks; sections and
// function bodies are handed on when their last byte is there. Each step runs when its bytes are
// complete and depends on nothing else, so every chunking gives the same result and the same error.

import type { FeatureSet } from "../isa/features.ts";
import { ModuleError } from "../module/errors.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import { type ModuleRecord, SECTION_NAMES } from "../module/module.ts";
import { ModuleBuilder } from "./builder.ts";
import { InstructionReader } from "./instructions.ts";
import { checkSegmentCount, DATA, ELEMENT, readSection, readSegment } from "./sections.ts";

const CUSTOM = 0;
const CODE = 10;
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [0x01, 0x00, 0x00, 0x00];
/** Section ids in the order in which sections may follow each other. */
const SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
/** Bytes of the longest u32. */
const MAX_U32_BYTES = 5;
const SIZES_DIFFER = "function and code section have inconsistent lengths";

/** What validation needs to hear while a module is decoded. */
export interface DecodeListener {
  /** The section has been recorded completely. Not called for custom sections and code. */
  section(id: number): void;
  /** A segment of an element or data section is recorded. */
  segment(id: number, index: number): void;
  /** The body of the function `index` (imports count) is complete. */
  body(index: number, start: number, end: number): void;
  /** The module is complete. */
  end(): void;
}

const IGNORE: DecodeListener = {
  section() {},
  segment() {},
  body() {},
  end() {},
};

type Step =
  | "header"
  | "section"
  | "payload"
  | "segments"
  | "segment"
  | "bodies"
  | "bodySize"
  | "body";

/** Decodes one module from chunks. A failed decoder stays failed with the same error. */
export class Decoder {
  private readonly module: ModuleBuilder;
  private readonly limits: DecodingLimits;
  private readonly reader: InstructionReader;
  private readonly listener: DecodeListener;
  private buffer = new Uint8Array(0);
  private length = 0;
  /** Offset up to which everything is decoded, and how many bytes the next step waits for. */
  private pos = 0;
  private needed = MAGIC.length + VERSION.length;
  private step: Step = "header";
  private sectionId = 0;
  private sectionEnd = 0;
  /** Position in SECTION_ORDER that the next section must not be below. */
  private order = 0;
  private lastId = CUSTOM;
  private segmentCount = 0;
  private bodyCount = 0;
  private bodyEnd = 0;
  private failure: unknown = null;
  private finished = false;

  constructor(
    features: FeatureSet,
    limits: DecodingLimits,
    listen: (module: ModuleRecord) => DecodeListener = () => IGNORE,
  ) {
    this.module = new ModuleBuilder(features);
    this.limits = limits;
    this.reader = new InstructionReader(this.buffer, features, limits);
    this.listener = listen(this.module);
  }

  /**
   * Takes the next bytes (they are copied).
   * @throws MalformedError or whatever the listener raises, as soon as the bytes so far show it
   */
  push(chunk: Uint8Array): void {
    if (this.failure !== null) throw this.failure;
    if (this.finished) throw new Error("push after end: this decoder has finished its module");
    const room = this.limits.moduleBytes - this.length;
    this.append(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.attempt(() => {
      this.advance();
      // How much more there is depends on the chunk, and the error must not.
      limitOn(this.limits, "moduleBytes", this.length + (chunk.length > room ? 1 : 0), 0);
    });
  }

  /**
   * Says that no bytes follow, and gives the module.
   * @throws MalformedError if it is not complete
   */
  end(): ModuleRecord {
    if (this.failure !== null) throw this.failure;
    if (!this.finished) {
      this.attempt(() => this.finish());
      this.finished = true;
    }
    return this.module;
  }

  private attempt(action: () => void): void {
    try {
      action();
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

  private advance(): void {
    while (this.length - this.pos >= this.needed && this.runStep()) {}
  }

  /** Runs the next step if its bytes are complete; else returns false and raises `needed`. */
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
      case "segments":
        return this.segments();
      case "segment":
        return this.segment();
      case "bodies":
        return this.bodies();
      case "bodySize":
        return this.bodySize();
      case "body":
        this.body();
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
    else if (id === ELEMENT || id === DATA) this.expect("segments", 1);
    else this.expect("payload", size);
    return true;
  }

  private checkOrder(id: number): void {
    if (SECTION_ORDER.indexOf(id) >= this.order) return;
    const detail = `a ${SECTION_NAMES[id]} section after a ${SECTION_NAMES[this.lastId]} section`;
    throw this.error("unexpected content after last section", detail, this.pos);
  }

  private payload(): void {
    const { reader, module } = this;
    reader.reset(this.buffer, this.pos, this.sectionEnd);
    try {
      if (this.sectionId === CUSTOM) {
        const name = reader.name(this.limits.nameBytes);
        const span = { start: reader.pos, end: this.sectionEnd };
        limitOn(this.limits, "customSections", module.customs.length + 1, this.pos);
        module.customs.push({ name, ...span, after: this.lastId });
      } else {
        readSection(this.sectionId, reader, module);
        this.listener.section(this.sectionId);
      }
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      // A rule about the section as a whole knows no better place than its start.
      throw error.within({ section: this.sectionName(), offset: this.pos });
    }
    this.pos = this.sectionEnd;
    this.expect("section", 1);
  }

  private segments(): boolean {
    const { reader, module, sectionId } = this;
    const start = this.pos;
    const count = this.u32InSection();
    if (count === null) return false;
    this.inSection(() => {
      checkSegmentCount(sectionId, count, reader, module, start);
      const left = this.sectionEnd - this.pos;
      if (count <= left) return;
      const detail = `${count} entries in ${left} bytes`;
      throw this.error("unexpected end of section or function", detail, start);
    });
    this.segmentCount = count;
    this.nextSegment();
    return true;
  }

  private recordedSegments(): number {
    const { elements, data } = this.module;
    return this.sectionId === ELEMENT ? elements.length : data.length;
  }

  private nextSegment(): void {
    if (this.recordedSegments() < this.segmentCount) {
      this.expect("segment", this.pos < this.sectionEnd ? 1 : 0);
      return;
    }
    this.requireSectionEnd();
    this.inSection(() => this.listener.section(this.sectionId));
    this.expect("section", 1);
  }

  /** A segment does not say how long it is: it is tried, and tried again with twice the bytes. */
  private segment(): boolean {
    const { reader, module, sectionId } = this;
    const available = Math.min(this.length, this.sectionEnd);
    reader.reset(this.buffer, this.pos, available);
    const complete = this.inSection(() => {
      try {
        readSegment(sectionId, reader, module);
      } catch (error) {
        if (reader.ranOut && available < this.sectionEnd) return false;
        throw error;
      }
      const end = reader.pos;
      this.listener.segment(sectionId, this.recordedSegments() - 1);
      this.pos = end;
      return true;
    });
    if (!complete) {
      const twice = 2 * (available - this.pos);
      this.needed = Math.min(Math.max(twice, 1), this.sectionEnd - this.pos);
      return false;
    }
    this.nextSegment();
    return true;
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

  private requireSectionEnd(): void {
    if (this.pos === this.sectionEnd) return;
    const detail = `${this.sectionEnd - this.pos} bytes are left over`;
    throw this.error("section size mismatch", detail, this.pos, this.sectionName());
  }

  private nextBody(): void {
    const left = this.bodyCount - this.module.bodyStarts.length;
    if (left > 0) {
      // A section that ends early shows when the size is read; zero bytes are enough for that.
      this.expect("bodySize", this.pos < this.sectionEnd ? 1 : 0);
      return;
    }
    this.requireSectionEnd();
    this.expect("section", 1);
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

  private body(): void {
    const { module } = this;
    const index = module.importedFunctions + module.bodyStarts.length;
    module.bodyStarts.push(this.pos);
    module.bodyEnds.push(this.bodyEnd);
    this.listener.body(index, this.pos, this.bodyEnd);
    this.pos = this.bodyEnd;
    this.nextBody();
  }

  private finish(): void {
    const { module } = this;
    if (this.step === "header") {
      if (this.length >= MAGIC.length) this.checkHeader(this.length);
      throw this.error("unexpected end", `${this.length} bytes are no module header`, this.length);
    }
    if (this.step === "segment") {
      // What came since the last try may show an error that other chunks have shown already.
      this.needed = 0;
      this.advance();
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
