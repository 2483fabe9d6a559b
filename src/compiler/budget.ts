// What a function does with its budget between sites: pays for what it executes, in a local, and
// puts what is left where it is found by those who go on after it, or after a trap.

import type { ByteWriter } from "./bytes.ts";
import { writeNumber } from "./checks.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import { OP } from "./opcodes.ts";

export class BudgetWriter {
  private readonly code: ByteWriter;
  private readonly globals: HostGlobals;
  private readonly access: GlobalAccess;
  /** The local that has it. */
  local = 0;
  /** Price of what has been written since the budget was changed. */
  private unpaid = 0;
  /** Whether it is known what the local has: should the next instruction trap, and to others. */
  private isKept = true;
  private isHandedOver = true;

  constructor(code: ByteWriter, access: GlobalAccess, globals: HostGlobals) {
    this.code = code;
    this.access = access;
    this.globals = globals;
  }

  /** Takes what others have left. */
  takeOver(): void {
    this.access.get(this.code, this.globals.budget);
    this.code.indexed(OP.localSet, this.local);
    this.returned();
  }

  /** Others have left it in its global, and the local has it, too. */
  returned(): void {
    this.isHandedOver = true;
    this.isKept = this.access.keepsInGlobal;
  }

  pay(price: number): void {
    this.unpaid += price;
  }

  /** Price of what has been written and is not paid yet. */
  get owed(): number {
    return this.unpaid;
  }

  /** Straight-line code ends here: pays for it. */
  charge(): void {
    if (this.unpaid === 0) return;
    this.subtract();
    this.code.indexed(OP.localSet, this.local);
  }

  /** The same, and what follows traps. */
  chargeAndKeep(): void {
    if (this.unpaid === 0) {
      this.keep();
      return;
    }
    this.subtract();
    this.code.indexed(OP.localTee, this.local);
    this.keepTop();
  }

  /** The same, and others go on. */
  chargeAndHandOver(): void {
    this.chargeAndKeep();
    this.handOver();
  }

  private subtract(): void {
    const { code, local, unpaid } = this;
    code.indexed(OP.localGet, local);
    writeNumber(code, unpaid);
    code.u8(OP.i32Sub);
    this.merge();
  }

  /** What is left is what another local has. */
  replace(local: number): void {
    this.code.indexed(OP.localGet, local);
    this.code.indexed(OP.localSet, this.local);
    this.merge();
    this.handOver();
  }

  /** What follows may trap: the budget goes where it is found then. */
  keep(): void {
    if (this.isKept) return;
    this.code.indexed(OP.localGet, this.local);
    this.keepTop();
  }

  private keepTop(): void {
    const { access } = this;
    access.keepBudget(this.code);
    this.isKept = true;
    this.isHandedOver ||= access.keepsInGlobal;
  }

  /** What follows may trap, or leave the function: the budget goes where others find it, too. */
  handOver(): void {
    this.keep();
    this.leave();
    this.isHandedOver = true;
  }

  /** The function is left for good, on a path besides which others go on. */
  leave(): void {
    if (this.isHandedOver) return;
    this.code.indexed(OP.localGet, this.local);
    this.access.set(this.code, this.globals.budget);
  }

  /** Control arrives from several places, each of which has paid. */
  merge(): void {
    this.unpaid = 0;
    this.isKept = false;
    this.isHandedOver = false;
  }
}
