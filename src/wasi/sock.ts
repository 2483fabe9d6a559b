// sock_*: there are no sockets to be granted, so every descriptor is something else.

import { fail } from "./errno.ts";
import type { Process } from "./process.ts";

/** The functions for sockets. */
export function sockFunctions({ descriptors }: Process) {
  const refuse = (fd: number): never => {
    descriptors.get(fd);
    fail("notsock");
  };
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse };
}
