// Shared memories that are sent to other workers. `postMessage` and `structuredClone` send the
// host's own, so objects of ours are made of those; what arrives is one of the host's again, and
// guests may import it as it is.

import { DEFAULT_PAGE_LOG2, type MemoryType } from "../module/module.ts";
import { bufferOfHost, HOST_PAGE, type HostMemory, hostNamespace } from "../runtime/host-memory.ts";
import type { MemoryInstance } from "../runtime/memory.ts";

/** What is sent in place of a memory's object, if it can be. */
export function sendableOf({ shared }: MemoryInstance): HostMemory | undefined {
  if (shared === null || shared.parts.bytes instanceof SharedArrayBuffer) return undefined;
  return shared.parts.bytes;
}

/** The buffer of one of the host's memories that is shared; null for every other value. */
function sharedBuffer(value: object): SharedArrayBuffer | null {
  try {
    const buffer = bufferOfHost(value);
    return buffer instanceof SharedArrayBuffer ? buffer : null;
  } catch {
    return null;
  }
}

/** Most pages of a type, by the type of addresses. */
const MOST = { i32: 2 ** 16, i64: 2 ** 37 - 1 } as const;

/** The type of one of the host's memories that is shared; null for every other value. */
export function sharedTypeOf(value: object): MemoryType | null {
  const buffer = sharedBuffer(value);
  if (buffer === null) return null;
  const pages = buffer.byteLength / HOST_PAGE;
  const address = links(value, "i32", MOST.i32) ? "i32" : "i64";
  // The host does not say what the maximum is, but which ones it takes it for.
  let [least, most] = [pages, MOST[address]];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (links(value, address, middle)) most = middle;
    else least = middle + 1;
  }
  const limits = { min: BigInt(pages), max: BigInt(most), address64: address === "i64" };
  return { ...limits, shared: true, pageSizeLog2: DEFAULT_PAGE_LOG2 };
}

/** Whether the host lets a module have the memory that wants one with at most so many pages. */
function links(memory: object, address: keyof typeof MOST, pages: number): boolean {
  const [flags, size] = address === "i64" ? [7, 10] : [3, 5];
  const most = Array.from({ length: size }, (_, i) => (Math.floor(pages / 128 ** i) % 128) | 0x80);
  most[size - 1] &= 0x7f;
  const section = [1, 0, 0, 2, flags, 0, ...most];
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, section.length];
  try {
    const { Instance, Module } = hostNamespace as NonNullable<typeof hostNamespace>;
    return (
      new Instance(new Module(Uint8Array.from([...head, ...section])), { "": { "": memory } }) !==
      null
    );
  } catch {
    return false;
  }
}
