// Calls in host Wasm: the budget goes along in its global, and a check stands behind them.

import { EXNREF, I32, type ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { areBits } from "./adapters.ts";
import type { HostBody } from "./body.ts";
import { LeftOut } from "./left-out.ts";
import { EMPTY, OP } from "./opcodes.ts";
import type { UsedTable } from "./tables.ts";
import type { HostTarget } from "./target.ts";
import { passedAs, requireHeld, writePassed } from "./values.ts";

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
  write(op: number, facts: BodyFacts): "no call" | "returns" | "left" {
    const { a, b } = facts.instruction;
    const { functions } = this.target.module;
    switch (op) {
      case OP.call:
      case OP.returnCall: {
        const type = this.typeAt(functions[a]);
        this.begin(op === OP.call);
        this.body.call(op, a);
        return this.end(op === OP.call, type, facts);
      }
      case OP.callIndirect:
      case OP.returnCallIndirect: {
        const type = this.typeAt(a);
        const { tables } = this.target;
        const table = tables.use(b, a);
        this.begin(op === OP.callIndirect);
        // Of an element that it cannot call V8 does not say whether there was one; besides,
        // functions of others are found by the index.
        this.body.keep(I32);
        this.resolve(table);
        this.body.code.indexed(op, this.target.typeIndex(a));
        this.body.code.u32(tables.numberOf(table));
        return this.end(op === OP.callIndirect, type, facts);
      }
      case OP.throw:
        return this.throw(op, this.typeAt(this.target.module.tags[a]).params, facts);
      case OP.throwRef:
        return this.throw(op, [EXNREF], facts);
      default:
        return "no call";
    }
  }

  /** The interpreter throws, and searches for handlers: all comes down in front of it. */
  private throw(op: number, params: readonly ValType[], facts: BodyFacts): "left" {
    const { body, target } = this;
    const { height, heightBefore, instruction } = facts;
    // What is beneath is gone behind it, but not in front of it.
    if (heightBefore - params.length > height) throw new LeftOut("it throws above other operands");
    const immediates = op === OP.throw ? [instruction.a] : [];
    body.beginCall();
    this.pass(params);
    body.runtimeInstruction(target.imports.instruction(op, immediates, params, []), 0, facts);
    body.code.u8(OP.unreachable);
    body.flow.leave(body.takeCost());
    return "left";
  }

  /** What lies on the host's stack becomes what is passed. */
  private pass(types: readonly ValType[]): void {
    if (areBits(types)) return;
    const { code, operands } = this.body;
    const locals = types.map((type) => operands.take(type));
    for (let i = types.length - 1; i >= 0; i--) code.indexed(OP.localSet, locals[i]);
    types.forEach((type, i) => {
      for (let part = 0; part < passedAs(type).length; part++) {
        writePassed(code, type, locals[i], part);
      }
      operands.giveBack(type, locals[i]);
    });
  }

  private begin(returns: boolean): void {
    if (returns) this.body.beginCall();
    else this.body.beginTailCall();
  }

  private end(returns: boolean, { results }: FuncType, facts: BodyFacts): "returns" | "left" {
    const { body } = this;
    requireHeld(this.target.module, results);
    if (returns) body.checkBehind(results.length, facts);
    else body.flow.leave(body.takeCost());
    return returns ? "returns" : "left";
  }

  /** What the host's table may not have is looked for. */
  private resolve({ index, limit }: UsedTable): void {
    const { code, operands } = this.body;
    const local = operands.take(I32);
    code.indexed(OP.localTee, local);
    this.target.access.get(code, limit);
    code.u8(OP.i32NotBelow);
    code.block(OP.if, EMPTY);
    code.indexed(OP.localGet, local);
    code.indexed(OP.call, this.target.imports.resolve(index));
    code.indexed(OP.localSet, local);
    code.u8(OP.end);
    code.indexed(OP.localGet, local);
    operands.giveBack(I32, local);
  }
}
