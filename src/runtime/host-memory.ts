// What the host has to offer for buffers that somebody outside holds (JS-API: 5.3, "refresh the
// Memory buffer"): detaching them, and, where there is a WebAssembly of the host's own, memory that
// grows in place. Everything here has a substitute for hosts that have neither.

/** A memory of the host's own WebAssembly. */
export interface HostMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

interface HostMemoryDescriptor {
  readonly initial: number;
  readonly maximum: number;
  readonly shared?: boolean;
}

/** The host's own namespace, as far as memories need it. */
interface HostNamespace {
  readonly Memory:
    | ((new (
        descriptor: HostMemoryDescriptor,
      ) => HostMemory) & {
        readonly prototype: HostMemory;
      })
    | undefined;
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
  readonly compile: (bytes: Uint8Array<ArrayBuffer>) => Promise<object>;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => object;
  readonly Global: new (descriptor: object, value?: unknown) => object;
  readonly Table: (new (descriptor: object) => object) & { readonly prototype: object };
  readonly RuntimeError: new () => Error;
}

function lookedUp(): HostNamespace | undefined {
  const { WebAssembly: found } = globalThis as { readonly WebAssembly?: HostNamespace };
  if (found === undefined) return undefined;
  const { Global, Instance, Memory, Module, RuntimeError, Table, compile, validate } = found;
  return { Global, Instance, Memory, Module, RuntimeError, Table, compile, validate };
}

/** A copy, made once: afterwards the global may be ours, or what is in it somebody else's. */
export const hostNamespace: HostNamespace | undefined = lookedUp();
const HostMemoryClass = hostNamespace?.Memory;

/** Its methods, since the objects may be made ours, which have other ones. */
const hostGrow = HostMemoryClass?.prototype.grow;
const hostBuffer =
  HostMemoryClass && Object.getOwnPropertyDescriptor(HostMemoryClass.prototype, "buffer")?.get;

/** The buffer of one of the host's memories. @throws TypeError for every other value */
export function bufferOfHost(memory: object): ArrayBufferLike {
  return Reflect.apply(hostBuffer as () => ArrayBufferLike, memory, []);
}

/** Bytes in a page of the host's memories. */
export const HOST_PAGE = 65_536;
/** The most of them, in a memory with addresses of 32 bits. */
const MOST_HOST_PAGES = 65_536;

/** Bytes that grow in place, with buffers as the JavaScript API wants them. */
export class GrowingBytes {
  /** The host's object, which other workers can be sent if it is shared. */
  readonly memory: HostMemory;

  constructor(memory: HostMemory) {
    this.memory = memory;
  }

  /** As long as the memory; another one after each growth, which detaches it unless shared. */
  get buffer(): ArrayBufferLike {
    return bufferOfHost(this.memory);
  }

  /** The former size in pages; -1 if the host has no more, or the maximum is reached. */
  grow(pages: number): number {
    try {
      return Reflect.apply(hostGrow as HostMemory["grow"], this.memory, [pages]);
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
  }
}

/** Bytes that grow in place; null where the host has none to give. Sizes are in bytes. */
export function growingBytes(length: number, most: number, shared: boolean): GrowingBytes | null {
  if (HostMemoryClass === undefined || length % HOST_PAGE !== 0) return null;
  const initial = length / HOST_PAGE;
  if (initial > MOST_HOST_PAGES) return null;
  const maximum = Math.max(initial, Math.min(Math.floor(most / HOST_PAGE), MOST_HOST_PAGES));
  try {
    const descriptor = { initial, maximum };
    return new GrowingBytes(new HostMemoryClass(shared ? { ...descriptor, shared } : descriptor));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** `ArrayBuffer.prototype.transfer`, which came with ES2024. */
type Transferable = ArrayBuffer & { transfer?(): ArrayBuffer };

type Clone = (value: unknown, options: { transfer: ArrayBuffer[] }) => unknown;

/** Detaches a buffer. Where the host cannot, it stays what it was: a copy of former contents. */
export function detach(buffer: ArrayBuffer): void {
  const { transfer } = buffer as Transferable;
  if (transfer !== undefined) {
    transfer.call(buffer);
    return;
  }
  const { structuredClone } = globalThis as { readonly structuredClone?: Clone };
  structuredClone?.(buffer, { transfer: [buffer] });
}

type Resize = (this: ArrayBuffer, length: number) => void;
type ResizableClass = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

/** Bytes in a buffer that changes its length in place, which came with ES2024. */
export class ResizableBytes {
  readonly buffer: ArrayBuffer;
  private readonly change: Resize;

  /**
   * A copy of `bytes`. The buffer's own method `resize` calls `onResize`.
   * @throws TypeError where the host has no such buffers
   */
  constructor(bytes: Uint8Array, maxByteLength: number, onResize: (length: number) => void) {
    const { resize } = ArrayBuffer.prototype as { readonly resize?: Resize };
    if (resize === undefined) throw new TypeError("the host has no resizable buffers");
    this.change = resize;
    this.buffer = new (ArrayBuffer as unknown as ResizableClass)(bytes.length, { maxByteLength });
    new Uint8Array(this.buffer).set(bytes);
    Object.defineProperty(this.buffer, "resize", { value: onResize });
  }

  setLength(length: number): void {
    this.change.call(this.buffer, length);
  }
}
