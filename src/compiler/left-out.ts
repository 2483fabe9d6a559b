// Why a function, or a module, is not written for the host: the interpreter runs it instead.

/** Thrown where a function turns out to be nothing for the host. */
export class LeftOut extends Error {
  override readonly name = "LeftOut";
}
