// Traps of the instructions that leave the loop, on their way to the driver.

/** A trap with a code of runtime/traps.ts. */
export class TrapSignal {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** Raises the trap with this code, unless it is 0. */
export function check(trap: number): void {
  if (trap !== 0) throw new TrapSignal(trap);
}
