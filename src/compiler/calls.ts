// Calls in host Wasm: the budget goes along in its global, and a check stands behind them.

import { I32, I64, type ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import type { HostTarget } from "./target.ts";
import { canHold } from "./values.ts";

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
      case OP.call:
      case OP.returnCall: {
        const type = this.typeAt(functions[a]);
        this.begin(op === OP.call, type.params.length);
        this.direct(op, a, type);
        return this.end(op === OP.call, start, type.results);
      }
      case OP.callIndirect:
      case OP.returnCallIndirect: {
        const type = this.typeAt(a);
        if (b >= this.target.tables) throw new LeftOut("its table is nothing for the host");
        this.begin(op === OP.callIndirect, type.params.length + 1);
        // Of an element that it cannot call V8 does not say whether there was one.
        this.body.keep(this.target.module.tables[b].type.address64 ? I64 : I32);
        this.body.code.indexed(op, this.target.typeIndex(a));
        this.body.code.u32(b);
        return this.end(op === OP.callIndirect, start, type.results);
      }
      default:
        return "no call";
    }
  }

  private begin(returns: boolean, count: number): void {
    if (returns) this.body.beginCall(count);
    else this.body.beginTailCall(count);
  }

  private end(returns: boolean, offset: number, results: readonly ValType[]): "returns" | "left" {
    const { body } = this;
    if (returns) body.checkBehind(offset, results);
    else body.flow.leave(body.takeCost());
    return returns ? "returns" : "left";
  }

  private direct(op: number, index: number, { params, results }: FuncType): void {
    const isImport = index < this.target.module.importedFunctions;
    if (isImport && ![...params, ...results].every(canHold)) {
      throw new LeftOut("it calls an import with vectors or references that JavaScript has not");
    }
    this.body.call(op, index);
  }
}
