// WebAssembly.Memory (JS-API: 5.3 Memories). The buffer belongs to the memory instance, which knows
// when it must be detached: runtime/memory.ts.

import { DEFAULT_PAGE_LOG2 } from "../module/module.ts";
import { allocateMemory, joinMemory } from "../runtime/allocate.ts";
import { HOST_PAGE, type HostMemory } from "../runtime/host-memory.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { SharedBytes } from "../runtime/shared-bytes.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { limitsIn } from "./descriptors.ts";
import { DETACHED } from "./errors.ts";
import { sendableOf, sharedTypeOf } from "./host-memories.ts";
import { describeInterface, fromAddress, get, isObject, toAddress, Uncloneable } from "./webidl.ts";

const WHERE = "WebAssembly.Memory()";
/** 4 GiB, and the most pages of a 64-bit memory's type (JS-API: 7.3). */
const BOUNDS = { most32: 65_536n, most64: 2n ** 37n - 1n };

function allocate(context: Context, descriptor: unknown): MemoryInstance {
  if (!isObject(descriptor)) {
    throw new TypeError(`${WHERE}: Argument 0 must be a memory descriptor`);
  }
  const limits = limitsIn(descriptor, WHERE, BOUNDS);
  const shared = Boolean(get(descriptor, "shared"));
  if (shared && limits.max === null) {
    throw new TypeError(`${WHERE}: If shared is true, maximum property should be defined.`);
  }
  try {
    return allocateMemory(
      context.store,
      { ...limits, shared, pageSizeLog2: DEFAULT_PAGE_LOG2 },
      true,
    );
  } catch (error) {
    if (!(error instanceof Exhaustion)) throw error;
    throw new RangeError(`${WHERE}: could not allocate memory`, { cause: error });
  }
}

function growMemory(target: MemoryInstance, delta: unknown): number | bigint {
  const where = "WebAssembly.Memory.grow()";
  const { address64, max } = target.type;
  const pages = toAddress(delta, address64, () => `${where}: Argument 0`);
  const most = max ?? (address64 ? BOUNDS.most64 : BOUNDS.most32);
  if (BigInt(target.pages) + pages > most) {
    throw new RangeError(`${where}: Maximum memory size exceeded`);
  }
  if (target.isDetached) throw new RangeError(`${where}: ${DETACHED}`);
  const before = target.grow(Number(pages));
  if (before < 0) throw new RangeError(`${where}: Unable to grow instance memory`);
  return fromAddress(before, address64);
}

/** The class `Memory` of a namespace, and the way between its objects and memory instances. */
export function memoryInterface(context: Context): Defined<MemoryInstance> {
  let brand: (value: unknown) => MemoryInstance | null = () => null;

  class Memory extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #target in value ? value.#target : null);
    }

    readonly #target: MemoryInstance;

    constructor(descriptor: unknown) {
      const existing = Existing.is<MemoryInstance>(descriptor);
      const target = existing ? descriptor.target : allocate(context, descriptor);
      super(sendableOf(target));
      this.#target = target;
      context.adopt(target, this);
    }

    grow(delta: unknown): number | bigint {
      return growMemory(receiver(this, "grow()"), delta);
    }

    toFixedLengthBuffer(): ArrayBufferLike {
      return receiver(this, "toFixedLengthBuffer()").exposeFixed();
    }

    toResizableBuffer(): ArrayBuffer {
      return receiver(this, "toResizableBuffer()").exposeResizable();
    }

    get buffer(): ArrayBufferLike {
      return receiver(this, "buffer").expose();
    }
  }

  function receiver(value: unknown, member: string): MemoryInstance {
    const target = brand(value);
    if (target !== null) return target;
    throw new TypeError(`WebAssembly.Memory.${member}: Receiver is not a WebAssembly.Memory`);
  }

  /** Memories that stand for what has arrived from elsewhere. */
  const arrived = new WeakMap<object, MemoryInstance>();

  function arrivedTarget(value: unknown): MemoryInstance | null {
    if (!isObject(value)) return null;
    const known = arrived.get(value);
    if (known !== undefined) return known;
    const type = sharedTypeOf(value);
    if (type === null) return null;
    const shared = SharedBytes.of(value as HostMemory, HOST_PAGE);
    const target = joinMemory(context.store, type, shared, true);
    arrived.set(value, target);
    context.adopt(target, value);
    return target;
  }

  const wrapper: Wrapper<MemoryInstance> = {
    create: (target) => new Memory(new Existing(target)),
    targetOf: (value) => brand(value) ?? arrivedTarget(value),
  };
  return { Interface: describeInterface("Memory", Memory), wrapper };
}
