// Work of a host function that is cut into pieces. Between two of them the guest's slice may end,
// and with it everything that can stop or pause a guest is looked at: work that nobody goes on with
// is never done. Only functions of the package's own give this, WASI's above all.

/** What such a function returns, or its promise gives, instead of a result. */
export class Unfinished {
  /** Does the next piece: gives the result, a promise, or what is unfinished then. */
  readonly proceed: () => unknown;

  constructor(proceed: () => unknown) {
    this.proceed = proceed;
  }
}
