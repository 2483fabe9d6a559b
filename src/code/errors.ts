// What can go wrong when a function is translated, on its first call.

/** A function or a process that needs more than the code format has room for. */
export class CodeLimitError extends Error {
  override readonly name = "CodeLimitError";
}
