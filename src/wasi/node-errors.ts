// Errors of Node's file system as error codes of WASI. Node's own errors carry the code of POSIX.

import { errnoNamed, WasiError } from "./errno.ts";

/** The codes that POSIX and WASI name differently. */
const OTHERS: Readonly<Record<string, string>> = { EOPNOTSUPP: "ENOTSUP", EWOULDBLOCK: "EAGAIN" };

function translated(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof WasiError || typeof code !== "string") return error;
  // Node refuses some arguments itself. Its messages would tell guests about paths of the host.
  const other = code.startsWith("ERR_") ? "inval" : "io";
  return new WasiError(errnoNamed(OTHERS[code] ?? code) ?? other);
}

/** Runs an operation of the host: what it throws becomes a `WasiError`. */
export function hosted<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw translated(error);
  }
}

/** The same for one that calls back. */
export function hostedAsync(operation: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => (error ? reject(translated(error)) : resolve()));
  });
}
