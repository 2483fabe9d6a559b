// A module together with what is derived from it when it is used: type ids and, function by
// function on the first call, register code. Shared by all instances of the module that have the
// same price table.

import type { PriceTable } from "../isa/prices.ts";
import type { FuncType, ModuleRecord } from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import { functionValidator } from "../validation/module.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import { MadeOnce } from "./made-once.ts";
import type { CodeAccount, CodeRoom, Holding } from "./room.ts";
import { FunctionCode } from "./space.ts";
import { Translation } from "./translation.ts";

/** Translations that a module has begun and not ended: each of them keeps what it has so far. */
const MOST_TRANSLATIONS = 4;

function nowhere(): boolean {
  return false;
}

/** A validated module ready to run under one price table. */
export class CompiledModule {
  readonly module: ModuleRecord;
  readonly prices: PriceTable;
  readonly elsewhere: (index: number) => boolean;
  /** Ids of the module's types, by type index. */
  readonly typeIds: readonly number[];
  /** How many type indices there are up to the last one of a struct or array. */
  readonly aggregateTypes: number;
  /** The room of its code, and when it was used last, on the clock of the room. */
  holding: Holding | null = null;
  usedAt = 0;
  private readonly codes: FunctionCode[] = [];
  /** The oldest one first. */
  private readonly translations: Translation[] = [];
  private idle: BodyValidator | null = null;

  /** @param elsewhere whether something else executes a function: its callers leave the loop */
  constructor(
    module: ModuleRecord,
    prices: PriceTable,
    elsewhere: (index: number) => boolean = nowhere,
  ) {
    this.module = module;
    this.prices = prices;
    this.elsewhere = elsewhere;
    this.typeIds = typeIdsOf(module);
    let count = module.types.length;
    while (count > 0 && module.types[count - 1].composite.kind === "func") count--;
    this.aggregateTypes = count;
  }

  /** The function type with this type index, which validation has shown to exist. */
  funcType(typeIndex: number): FuncType {
    const { composite } = this.module.types[typeIndex];
    if (composite.kind !== "func") throw new Error(`type ${typeIndex} is no function type`);
    return composite;
  }

  /** The code of a defined function, translated or not. */
  code(index: number): FunctionCode {
    this.codes[index] ??= new FunctionCode(this, index);
    return this.codes[index];
  }

  /**
   * Translates a function into register code, or does a piece of that: the code's entry says
   * whether it is done. Gives the work it was, roughly in words, of which `piece` are wanted.
   * @throws CodeLimitError if it needs more than there can be, or if there is no room for it and
   *   `evict` does not allow to make some
   */
  translate(
    code: FunctionCode,
    room: CodeRoom,
    account: CodeAccount,
    piece: number,
    evict = true,
  ): number {
    if (code.failure !== null) throw code.failure;
    const { translations } = this;
    let translation = translations.find((one) => one.code === code);
    if (translation === undefined) {
      // Whoever comes when many are under way helps the first of them, so that each of them ends.
      if (translations.length < MOST_TRANSLATIONS) {
        translation = new Translation(this, code, this.takeValidator(), room);
        translations.push(translation);
      } else [translation] = translations;
    }
    try {
      const work = translation.advance(piece, room, account, evict);
      if (translation.code.entry >= 0) {
        this.remove(translation);
        this.giveBack(translation.validator);
      }
      return work;
    } catch (error) {
      this.remove(translation);
      // It would be the same the next time, and take as long.
      if (!translation.isComplete) translation.code.failure = error;
      if (translation.code === code) throw error;
      return 0;
    }
  }

  /** What the translations that are under way take of the host's memory. */
  get draftBytes(): number {
    let bytes = 0;
    for (const translation of this.translations) bytes += translation.bytes;
    return bytes;
  }

  /** Forgets the translations that are under way. */
  dropDrafts(): void {
    this.translations.length = 0;
  }

  private remove(translation: Translation): void {
    this.translations.splice(this.translations.indexOf(translation), 1);
  }

  /** A validator of the module's bodies, to be given back when it has ended one. */
  takeValidator(): BodyValidator {
    const { idle } = this;
    this.idle = null;
    return idle ?? functionValidator(this.module);
  }

  giveBack(validator: BodyValidator): void {
    this.idle = validator;
  }
}

const compiled = new MadeOnce((module, prices) => new CompiledModule(module, prices));

/** The compiled module of a record under a price table; made once. */
export function compile(module: ModuleRecord, prices: PriceTable): CompiledModule {
  return compiled.of(module, prices);
}
