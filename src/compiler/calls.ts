// Calls in host Wasm: the budget goes along in its global, and a check stands behind them.

import { I32, type ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { EMPTY, OP } from "./opcodes.ts";
import { MOST_ELEMENTS } from "./tables.ts";
import type { HostTarget } from "./target.ts";

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
        this.body.call(op, a);
        return this.end(op === OP.call, start, type.results);
      }
      case OP.callIndirect:
      case OP.returnCallIndirect: {
        const type = this.typeAt(a);
        const { tables } = this.target;
        const table = tables.use(b, a);
        this.begin(op === OP.callIndirect, type.params.length + 1);
        // Of an element that it cannot call V8 does not say whether there was one; besides,
        // functions of others are found by the index.
        this.body.keep(I32);
        if (table.mayOutgrow) this.resolve(b);
        this.body.code.indexed(op, this.target.typeIndex(a));
        this.body.code.u32(tables.numberOf(table));
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

  /** What the host's table has not is looked for. */
  private resolve(table: number): void {
    const { code, operands } = this.body;
    const local = operands.take(I32);
    code.indexed(OP.localTee, local);
    code.u8(OP.i32Const);
    code.s32(MOST_ELEMENTS);
    code.u8(OP.i32NotBelow);
    code.indexed(OP.if, EMPTY);
    code.indexed(OP.localGet, local);
    code.indexed(OP.call, this.target.imports.resolve(table));
    code.indexed(OP.localSet, local);
    code.u8(OP.end);
    code.indexed(OP.localGet, local);
    operands.giveBack(I32, local);
  }
}
