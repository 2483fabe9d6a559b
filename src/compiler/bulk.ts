// memory.copy and memory.fill: most are short, and these the host executes itself, with the bill
// paid by the compiled code. Others are the runtime's, which does them in pieces.

import { SHORT_BULK } from "../interpreter/meter.ts";
import { I32, type ValType } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { writeNumber } from "./checks.ts";
import { handlingOf } from "./handling.ts";
import { EMPTY, OP } from "./opcodes.ts";
import type { HostTarget } from "./target.ts";

const MEMORY_COPY = 0x20a;
const MEMORY_FILL = 0x20b;
const OPERANDS: readonly ValType[] = [I32, I32, I32];

/** Bytes of a page: what is no longer costs as much if it traps, in a memory that has a page. */
const PAGE = 1 << 16;

/** Writes instructions that the host executes where they are short. */
export class ShortBulk {
  private readonly target: HostTarget;
  private readonly body: HostBody;

  constructor(target: HostTarget, body: HostBody) {
    this.target = target;
    this.body = body;
  }

  /** Whether it is anything for the host. */
  has(op: number, { instruction: { a, b } }: BodyFacts): boolean {
    const { features } = this.target;
    const { feature } = handlingOf(op);
    if ((features & feature) !== feature) return false;
    return op === MEMORY_COPY
      ? this.hasPage(a) && this.hasPage(b)
      : op === MEMORY_FILL && this.hasPage(a);
  }

  private hasPage(memory: number): boolean {
    const { memories, module } = this.target;
    if (memory >= memories) return false;
    const { address64, min } = module.memories[memory].type;
    return !address64 && min > 0;
  }

  /** Writes it; `callee` is the function of the runtime's for what is not short. */
  write(facts: BodyFacts, callee: number): void {
    const { body } = this;
    const { code, operands } = body;
    const { bytesPerUnit } = this.target.prices;
    const { height, instruction } = facts;
    operands.drop(height);
    const locals = OPERANDS.map((type) => operands.take(type));
    const push = () => {
      for (const local of locals) code.indexed(OP.localGet, local);
    };
    const [to, from, count] = locals;
    for (const local of [count, from, to]) code.indexed(OP.localSet, local);
    operands.save(height, facts);
    body.budget.chargeAndHandOver();
    body.open(OP.block, EMPTY);
    body.open(OP.block, EMPTY);
    code.indexed(OP.localGet, count);
    writeNumber(code, Math.min(PAGE, SHORT_BULK * bytesPerUnit));
    code.u8(OP.i32Above);
    code.indexed(OP.brIf, 0);
    body.payBill(() => {
      // More bytes for a unit than there can be are as good as these.
      const unit = Math.min(PAGE, bytesPerUnit);
      code.indexed(OP.localGet, count);
      writeNumber(code, unit - 1);
      code.u8(OP.i32Add);
      writeNumber(code, unit);
      code.u8(OP.i32Divide);
    });
    push();
    code.copy(instruction.bytes, instruction.start, instruction.pos);
    code.indexed(OP.br, 1);
    body.close();
    body.beginCall();
    push();
    body.runtimeInstruction(callee, 0, facts);
    body.close();
    OPERANDS.forEach((type, i) => {
      operands.giveBack(type, locals[i]);
    });
  }
}
