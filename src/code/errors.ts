// What can go wrong when a function is translated, on its first call.

/** An instruction that wasmeter validates but cannot run yet. */
export class UnsupportedError extends Error {
  /** Mnemonic. */
  readonly instruction: string;
  /** Offset in the module. */
  readonly offset: number;

  constructor(instruction: string, offset: number) {
    super(`${instruction} at offset 0x${offset.toString(16)} is not supported yet`);
    this.name = "UnsupportedError";
    this.instruction = instruction;
    this.offset = offset;
  }
}

/** A function or a process that needs more than the code format has room for. */
export class CodeLimitError extends Error {
  override readonly name = "CodeLimitError";
}
