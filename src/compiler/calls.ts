// Calls in host Wasm: the budget goes along in its global, and a check stands behind them.

import type { ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { LeftOut } from "./left-out.ts";
import type { HostTarget } from "./target.ts";
import { canHold } from "./values.ts";

const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const RETURN_CALL = 0x12;
const RETURN_CALL_INDIRECT = 0x13;

/** Writes calls. */
export class CallWriter {
  private readonly target: HostTarget;
  private readonly body: HostBody;

  constructor(target: HostTarget, body: HostBody) {
    this.target = target;
    this.body = body;
  }

  private typeAt(index: number): FuncType {
    return funcTypeAt(this.target.module, index) as FuncType;
  }

  /** Writes a call; `left` if control does not come back. */
  write(op: number, { instruction }: BodyFacts): "no call" | "returns" | "left" {
    const { a, b, start } = instruction;
    const { functions } = this.target.module;
    switch (op) {
      case CALL:
      case RETURN_CALL: {
        const type = this.typeAt(functions[a]);
        this.begin(type.params.length);
        this.direct(op, a, type);
        return this.end(op === CALL, start, type.results);
      }
      case CALL_INDIRECT:
      case RETURN_CALL_INDIRECT: {
        const type = this.typeAt(a);
        if (b >= this.target.tables) throw new LeftOut("its table is nothing for the host");
        this.begin(type.params.length + 1);
        this.body.code.indexed(op, a);
        this.body.code.u32(b);
        return this.end(op === CALL_INDIRECT, start, type.results);
      }
      default:
        return "no call";
    }
  }

  /** The operands are on the host's stack, all others in locals. */
  private begin(operands: number): void {
    const { body } = this;
    if (body.operands.hasBeneath(operands)) body.operands.settle();
    body.charge();
    body.store();
    body.operands.pop(operands);
  }

  private end(returns: boolean, offset: number, results: readonly ValType[]): "returns" | "left" {
    const { body } = this;
    if (returns) body.checkBehind("call", offset, results);
    else body.flow.leave(body.takeCost());
    return returns ? "returns" : "left";
  }

  private direct(op: number, index: number, { params, results }: FuncType): void {
    const { importedFunctions } = this.target.module;
    if (index >= importedFunctions) {
      this.body.call(op, index - importedFunctions);
      return;
    }
    if (![...params, ...results].every(canHold)) {
      throw new LeftOut("it calls an import with vectors or references that JavaScript has not");
    }
    this.body.code.indexed(op, index);
  }
}
