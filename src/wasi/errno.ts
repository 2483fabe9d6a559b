// Error codes of WASI preview 1 (witx: typename $errno), in the one place where they have numbers,
// and the error that carries one. What a guest does wrong is a code that it gets back; only what
// is thrown as something else passes through to the embedder.

/** The names in the order of their numbers; `success` is 0. */
const NAMES = [
  "success",
  "2big",
  "acces",
  "addrinuse",
  "addrnotavail",
  "afnosupport",
  "again",
  "already",
  "badf",
  "badmsg",
  "busy",
  "canceled",
  "child",
  "connaborted",
  "connrefused",
  "connreset",
  "deadlk",
  "destaddrreq",
  "dom",
  "dquot",
  "exist",
  "fault",
  "fbig",
  "hostunreach",
  "idrm",
  "ilseq",
  "inprogress",
  "intr",
  "inval",
  "io",
  "isconn",
  "isdir",
  "loop",
  "mfile",
  "mlink",
  "msgsize",
  "multihop",
  "nametoolong",
  "netdown",
  "netreset",
  "netunreach",
  "nfile",
  "nobufs",
  "nodev",
  "noent",
  "noexec",
  "nolck",
  "nolink",
  "nomem",
  "nomsg",
  "noprotoopt",
  "nospc",
  "nosys",
  "notconn",
  "notdir",
  "notempty",
  "notrecoverable",
  "notsock",
  "notsup",
  "notty",
  "nxio",
  "overflow",
  "ownerdead",
  "perm",
  "pipe",
  "proto",
  "protonosupport",
  "prototype",
  "range",
  "rofs",
  "spipe",
  "srch",
  "stale",
  "timedout",
  "txtbsy",
  "xdev",
  "notcapable",
] as const;

/** The specification's name of an error code. */
export type ErrnoName = (typeof NAMES)[number];

const NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, number) => [name, number]));

export const SUCCESS = 0;

/** The number of an error code. */
export function errnoOf(name: ErrnoName): number {
  return NUMBERS.get(name) as number;
}

/**
 * The code for an error code of POSIX such as `ENOENT`; undefined where WASI has none.
 */
export function errnoNamed(code: string): ErrnoName | undefined {
  const name = code.replace(/^E/, "").toLowerCase();
  return NUMBERS.has(name) ? (name as ErrnoName) : undefined;
}

/**
 * What a file system or stream throws so that the guest gets an error code. Any other error ends
 * the guest's call and reaches the embedder unchanged.
 *
 * ```ts
 * const stdout = () => { throw new WasiError("pipe"); };
 * ```
 */
export class WasiError extends Error {
  override readonly name = "WasiError";
  readonly code: ErrnoName;

  constructor(code: ErrnoName, detail = "") {
    super(detail === "" ? code : `${code}: ${detail}`);
    this.code = code;
  }

  get errno(): number {
    return errnoOf(this.code);
  }
}

/** Ends the function of WASI that is running: the guest gets this code. */
export function fail(code: ErrnoName, detail = ""): never {
  throw new WasiError(code, detail);
}
