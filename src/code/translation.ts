// The translation of one function into register code, in pieces: its body goes once through a
// validator of its own, then the words are copied to where they will lie. Whoever calls the
// function goes on with it.

import { CodeLimitError } from "../module/errors.ts";
import { bodyOf } from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import type { CompiledModule } from "./compiled.ts";
import { Draft } from "./draft.ts";
import { Emitter } from "./emitter.ts";
import type { CodeAccount, CodeRoom, Holding } from "./room.ts";
import type { FunctionCode } from "./space.ts";

/** Instructions, or entries of a br_table, between two looks at how much work that was. */
const INSTRUCTIONS = 8;
const ENTRIES = 128;
/** Words that are copied in one piece. */
const COPIED = 1 << 16;

/** The way of a function's body through a validator to an emitter, in pieces. */
export class Pass {
  readonly emitter: Emitter;
  readonly validator: BodyValidator;
  private readonly code: FunctionCode;
  private begun = false;

  constructor(code: FunctionCode, emitter: Emitter, validator: BodyValidator) {
    this.code = code;
    this.emitter = emitter;
    this.validator = validator;
  }

  /**
   * Does a piece of about so much work; true if that was all, and the emitter has finished.
   * @throws CodeLimitError
   */
  advance(piece: number): boolean {
    const { code, emitter, validator } = this;
    const end = emitter.work + piece;
    if (!this.begun) {
      this.begun = true;
      const { end: bodyEnd, start } = bodyOf(code.module, code.index);
      validator.beginFunction(code.index, start, bodyEnd, emitter);
    }
    let ended = false;
    while (!ended && emitter.work < end) {
      if (emitter.isInTable) emitter.writeEntries(ENTRIES);
      else ended = validator.advance(INSTRUCTIONS);
    }
    if (ended) emitter.finish();
    return ended;
  }
}

/** A function's code while it is made. */
export class Translation {
  readonly code: FunctionCode;
  private readonly pass: Pass;
  private readonly draft: Draft;
  /** Whether all words are there. */
  isComplete = false;
  /** Whose room it is copied to, and how much is there already. */
  private holding: Holding | null = null;
  private start = -1;
  private copied = 0;
  private relocated = 0;

  constructor(
    compiled: CompiledModule,
    code: FunctionCode,
    validator: BodyValidator,
    room: CodeRoom,
  ) {
    this.code = code;
    this.draft = new Draft(room.limit);
    this.pass = new Pass(code, new Emitter(compiled, code, this.draft), validator);
  }

  get validator(): BodyValidator {
    return this.pass.validator;
  }

  get bytes(): number {
    return this.draft.bytes;
  }

  /**
   * Does a piece of about so much work, in words; how much it was. The function has code when all
   * is done.
   * @throws CodeLimitError
   */
  advance(piece: number, room: CodeRoom, account: CodeAccount, evict: boolean): number {
    const { emitter } = this.pass;
    const before = emitter.work;
    if (!this.isComplete) this.isComplete = this.pass.advance(piece);
    const work = emitter.work - before;
    return this.isComplete && work < piece ? work + this.copy(room, account, evict) : work;
  }

  /** Copies the words to their place, the next of them; again if that was evicted meanwhile. */
  private copy(room: CodeRoom, account: CodeAccount, evict: boolean): number {
    const { code, draft } = this;
    if (this.holding === null || this.holding !== code.compiled.holding) {
      this.start = room.reserve(code, code.size, account, evict);
      if (this.start < 0) throw new CodeLimitError("there is no room for more register code");
      this.holding = code.compiled.holding;
      this.copied = 0;
      this.relocated = 0;
    }
    const { relocationCount, relocations, words } = draft;
    const { start } = this;
    const end = Math.min(this.copied + COPIED, code.size);
    room.words.set(words.subarray(this.copied, end), start + this.copied);
    while (this.relocated < relocationCount && relocations[this.relocated] < end) {
      room.words[start + relocations[this.relocated++]] += start;
    }
    const work = (end - this.copied) >> 4;
    this.copied = end;
    if (end === code.size) code.placed(start);
    return work;
  }
}
