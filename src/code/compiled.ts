// A module together with what is derived from it when it is used: type ids and, function by
// function on the first call, register code. Shared by all instances of the module that have the
// same price table.

import type { FuncType, ModuleRecord } from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import { functionValidator } from "../validation/module.ts";
import { Emitter } from "./emitter.ts";
import type { PriceTable } from "./prices.ts";
import { type CodeSpace, FunctionCode } from "./space.ts";
import { typeIdsOf } from "./type-ids.ts";

/** A validated module ready to run under one price table. */
export class CompiledModule {
  readonly module: ModuleRecord;
  readonly prices: PriceTable;
  /** Ids of the module's types, by type index. */
  readonly typeIds: readonly number[];
  private readonly codes: FunctionCode[] = [];
  private validator: BodyValidator | null = null;

  constructor(module: ModuleRecord, prices: PriceTable) {
    this.module = module;
    this.prices = prices;
    this.typeIds = typeIdsOf(module);
  }

  /** The function type with this type index, which validation has shown to exist. */
  funcType(typeIndex: number): FuncType {
    const { composite } = this.module.types[typeIndex];
    if (composite.kind !== "func") throw new Error(`type ${typeIndex} is no function type`);
    return composite;
  }

  /** The code of a defined function, translated or not. */
  code(index: number): FunctionCode {
    this.codes[index] ??= new FunctionCode(this.module, index);
    return this.codes[index];
  }

  /** Translates a function into register code: its body goes once through the validator. */
  translate(code: FunctionCode, space: CodeSpace): void {
    const { module } = this;
    this.validator ??= functionValidator(module);
    const body = code.index - module.importedFunctions;
    const emitter = new Emitter(this, code, space);
    const { bodyStarts, bodyEnds } = module;
    this.validator.function(code.index, bodyStarts[body], bodyEnds[body], emitter);
    emitter.finish();
  }
}

const compiled = new WeakMap<ModuleRecord, WeakMap<PriceTable, CompiledModule>>();

/** The compiled module of a record under a price table; made once. */
export function compile(module: ModuleRecord, prices: PriceTable): CompiledModule {
  let byPrices = compiled.get(module);
  if (byPrices === undefined) {
    byPrices = new WeakMap();
    compiled.set(module, byPrices);
  }
  let result = byPrices.get(prices);
  if (result === undefined) {
    result = new CompiledModule(module, prices);
    byPrices.set(prices, result);
  }
  return result;
}
