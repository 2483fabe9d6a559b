// What a module calls its functions, for backtraces and messages: where the names are, not they.
// The name section is gone through once, while the module is decoded, and four bytes are kept per
// function; a name is read when somebody asks for it, and no more of it than he wants.

import { cut, MalformedError } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { FunctionNames } from "../module/names.ts";
import { PIECE } from "../module/pieces.ts";
import { Cursor } from "./cursor.ts";
import { nextSubsection } from "./name-section.ts";
import { decodeUtf8 } from "./utf8.ts";

const MODULE_NAME = 0;
const FUNCTION_NAMES = 1;
/** Bytes of the longest character. */
const CHARACTER = 4;

/** Numbers by function index; 0 where there is none. */
class Column {
  private values = new Uint32Array(0);

  set(index: number, value: number): void {
    if (index >= this.values.length) {
      const grown = new Uint32Array(Math.max(16, 2 * index));
      grown.set(this.values);
      this.values = grown;
    }
    this.values[index] = value;
  }

  get(index: number): number {
    return this.values[index] ?? 0;
  }
}

/** Where the names of a module's functions are. */
export class NameIndex implements FunctionNames {
  private readonly module: Pick<ModuleRecord, "bytes" | "exports" | "imports">;
  private readonly limits: DecodingLimits;
  /** Offsets of the names that the name section gives to the module and to functions. */
  private moduleOffset = 0;
  private readonly named = new Column();
  /** Position in the exports and the imports, plus one. */
  private readonly exported = new Column();
  private readonly imported = new Column();
  private scanned = false;

  constructor(module: Pick<ModuleRecord, "bytes" | "exports" | "imports">, limits: DecodingLimits) {
    this.module = module;
    this.limits = limits;
  }

  noteExport(index: number, position: number): void {
    // The first name is the one that is given.
    if (this.exported.get(index) === 0) this.exported.set(index, position + 1);
  }

  noteImport(index: number, position: number): void {
    this.imported.set(index, position + 1);
  }

  /** Goes through the payload of a name section; the first one counts, and what is whole of it. */
  *scan(bytes: Uint8Array, start: number, end: number): Generator<void, void> {
    if (this.scanned) return;
    this.scanned = true;
    const cursor = new Cursor(bytes, start, end);
    try {
      while (!cursor.atEnd) {
        const { content, id } = nextSubsection(bytes, cursor);
        if (id === MODULE_NAME) this.moduleOffset = content.pos;
        if (id === FUNCTION_NAMES) yield* this.scanFunctions(content);
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
  }

  private *scanFunctions(cursor: Cursor): Generator<void, void> {
    // A module has no more functions than bytes.
    const most = Math.min(this.limits.functions, cursor.end);
    let pause = cursor.pos + PIECE;
    for (let left = cursor.u32(); left > 0; left--) {
      const index = cursor.u32();
      const at = cursor.pos;
      cursor.skip(cursor.u32());
      if (index < most) this.named.set(index, at);
      if (cursor.pos < pause) continue;
      pause = cursor.pos + PIECE;
      yield;
    }
  }

  moduleName(most: number): string | undefined {
    return this.moduleOffset === 0 ? undefined : this.read(this.moduleOffset, most);
  }

  functionName(index: number, most: number): string | undefined {
    const { exports, imports } = this.module;
    const named = this.named.get(index);
    const name = named === 0 ? undefined : this.read(named, most);
    if (name !== undefined) return name;
    const exported = this.exported.get(index);
    if (exported > 0) return cut(exports[exported - 1].name, most);
    const imported = this.imported.get(index);
    if (imported === 0) return undefined;
    const { module, name: field } = imports[imported - 1];
    return cut(`${cut(module, most)}.${cut(field, most)}`, most);
  }

  /** The name at an offset, or its begin; undefined if it is broken. */
  private read(offset: number, most: number): string | undefined {
    const { bytes } = this.module;
    const cursor = new Cursor(bytes, offset);
    const length = cursor.u32();
    let end = cursor.pos + length;
    if (end > bytes.length) return undefined;
    if (length > CHARACTER * (most + 1)) {
      end = cursor.pos + CHARACTER * (most + 1);
      // Not in the middle of a character.
      while ((bytes[end] & 0xc0) === 0x80 && end > cursor.pos) end--;
    }
    const text = decodeUtf8(bytes, cursor.pos, end);
    return text === null ? undefined : cut(text, most);
  }
}
