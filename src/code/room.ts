// Who has which part of the realm's register code. A module's code is made on the first calls of
// its functions and may be taken away at any time, all of it at once, so that calls inside a module
// can name positions: it is made again when it is called again. Nothing that runs or waits stands
// in the way: whoever keeps positions is told before (`beforeEviction`), and keeps functions and
// offsets in them instead.
//
// When there is no room, the account with the most code loses what it has not run for longest. So
// nobody who has less than an equal share loses anything to others.

import type { CompiledModule } from "./compiled.ts";
import { lastUpTo } from "./search.ts";
import type { FunctionCode } from "./space.ts";

/** The code of a store: of the modules that were called there first. */
export class CodeAccount {
  /** Words of register code, of 4 bytes each. */
  words = 0;
}

/** Words of the smallest piece of the room that belongs to one module. */
const BLOCK = 512;
/** What is evicted at once, as a part of the room: looking for positions takes a while. */
const EVICTED = 1 / 16;

/** Holdings that it is not worth looking through. */
const LEAST_MANY = 64;

/** A part of the room in which functions of one module lie. */
interface Chunk {
  readonly holding: Holding;
  /** Index of its first block, and how many there are. */
  readonly block: number;
  readonly blocks: number;
  /** First free word. */
  top: number;
  /** Positions of the functions and their indices in the module, ascending. */
  readonly starts: number[];
  readonly functions: number[];
}

/** What a module has. A module that nobody else knows any more is not kept alive by its code. */
export interface Holding {
  readonly module: { deref(): CompiledModule | undefined };
  readonly account: CodeAccount;
  readonly chunks: Chunk[];
  words: number;
}

/** In very small engines modules stay until their code is evicted. */
function weakly(module: CompiledModule): Holding["module"] {
  return typeof WeakRef === "undefined" ? { deref: () => module } : new WeakRef(module);
}

/** The realm's register code: a fixed array, and who has which part of it. */
export class CodeRoom {
  readonly words: Int32Array;
  /** Words that a function may have at most: then all others are evicted for it. */
  readonly limit: number;
  /**
   * Called before code is evicted, while it is still there: with whether the code at a position
   * goes.
   */
  beforeEviction: (goes: (position: number) => boolean) => void = () => {};
  private readonly owners: (Chunk | null)[];
  private readonly firstBlock: number;
  private readonly holdings = new Set<Holding>();
  /** So many holdings are a reason to look for those of modules that nobody knows any more. */
  private many = LEAST_MANY;
  private clock = 0;

  /** @param reserved words at the begin that belong to the machine */
  constructor(words: Int32Array, reserved: number) {
    this.words = words;
    this.firstBlock = Math.ceil(reserved / BLOCK);
    this.owners = new Array<Chunk | null>(Math.floor(words.length / BLOCK)).fill(null);
    this.limit = (this.owners.length - this.firstBlock) * BLOCK;
  }

  /** The time, for which modules were used last. */
  tick(): number {
    return ++this.clock;
  }

  /** The function whose code is at `position`; undefined for the machine's own code. */
  at(position: number): FunctionCode | undefined {
    const chunk = this.owners[Math.floor(position / BLOCK)];
    if (chunk == null) return undefined;
    const { functions, holding, starts } = chunk;
    return holding.module.deref()?.code(functions[Math.max(0, lastUpTo(starts, position))]);
  }

  /** Words that modules have, those that nobody can call any more included. */
  get used(): number {
    let words = 0;
    for (const holding of this.holdings) words += holding.words;
    return words;
  }

  /**
   * Where `size` words of a function can be written; -1 if there is no room, and `evict` does not
   * allow to make some.
   */
  reserve(code: FunctionCode, size: number, account: CodeAccount, evict: boolean): number {
    const { compiled } = code;
    compiled.usedAt = this.tick();
    let chunk = compiled.holding?.chunks.at(-1);
    if (chunk === undefined || chunk.top + size > (chunk.block + chunk.blocks) * BLOCK) {
      chunk = this.newChunk(compiled, size, account, evict);
      if (chunk === undefined) return -1;
    }
    const start = chunk.top;
    chunk.top += size;
    chunk.starts.push(start);
    chunk.functions.push(code.index);
    return start;
  }

  private newChunk(
    compiled: CompiledModule,
    size: number,
    account: CodeAccount,
    evict: boolean,
  ): Chunk | undefined {
    const needed = Math.ceil(size / BLOCK);
    // Later functions shall have room beside this one, in proportion to what there is already.
    const held = compiled.holding?.words ?? 0;
    let blocks = Math.max(needed, Math.floor(held / (4 * BLOCK)));
    let block = this.freeRun(blocks);
    if (block < 0) {
      blocks = needed;
      block = this.freeRun(blocks);
      if (block < 0 && evict) block = this.makeRoom(blocks);
      if (block < 0) return undefined;
    }
    const holding = this.holdingOf(compiled, account);
    const top = block * BLOCK;
    const chunk: Chunk = { holding, block, blocks, top, starts: [], functions: [] };
    this.owners.fill(chunk, block, block + blocks);
    holding.chunks.push(chunk);
    holding.words += blocks * BLOCK;
    holding.account.words += blocks * BLOCK;
    return chunk;
  }

  private holdingOf(compiled: CompiledModule, account: CodeAccount): Holding {
    if (compiled.holding === null) {
      if (this.holdings.size >= this.many) this.sweep();
      compiled.holding = { module: weakly(compiled), account, chunks: [], words: 0 };
      this.holdings.add(compiled.holding);
    }
    return compiled.holding;
  }

  /** Gives back what modules have that nobody knows any more, and so nobody is in. */
  private sweep(): void {
    for (const holding of this.holdings) {
      if (holding.module.deref() === undefined) this.release(holding);
    }
    this.many = Math.max(LEAST_MANY, 2 * this.holdings.size);
  }

  /** The first of so many blocks in a row that are free, or will be; -1 if there are none. */
  private freeRun(blocks: number, going: ReadonlySet<Holding> | null = null): number {
    const { owners } = this;
    let free = 0;
    for (let i = this.firstBlock; i < owners.length; i++) {
      const owner = owners[i];
      free = owner === null || going?.has(owner.holding) ? free + 1 : 0;
      if (free === blocks) return i + 1 - blocks;
    }
    return -1;
  }

  /** Evicts modules until there are so many blocks in a row; -1 if there cannot be. */
  private makeRoom(blocks: number): number {
    this.sweep();
    const going = new Set<Holding>();
    const queues = new Queues();
    let freed = 0;
    for (const holding of this.holdings) {
      queues.add(holding, holding.module.deref()?.usedAt ?? 0);
    }
    queues.sort();
    let block = this.freeRun(blocks);
    for (let wanted = this.limit * EVICTED; block < 0; wanted *= 2) {
      while (freed < wanted) {
        const next = queues.next();
        if (next === undefined) break;
        going.add(next);
        freed += next.words;
      }
      block = this.freeRun(blocks, going);
      if (freed < wanted) break;
    }
    if (block < 0 || going.size === 0) return block;
    this.beforeEviction((position) => {
      const owner = this.owners[Math.floor(position / BLOCK)];
      return owner != null && going.has(owner.holding);
    });
    for (const holding of going) this.release(holding);
    return block;
  }

  private release(holding: Holding): void {
    const module = holding.module.deref();
    for (const { block, blocks, functions } of holding.chunks) {
      this.owners.fill(null, block, block + blocks);
      if (module !== undefined) for (const index of functions) module.code(index).forget();
    }
    if (module !== undefined) module.holding = null;
    holding.account.words -= holding.words;
    this.holdings.delete(holding);
  }
}

/** What an account has, the module that was not used for longest first. */
interface Queue {
  words: number;
  readonly modules: { readonly holding: Holding; readonly usedAt: number }[];
  next: number;
}

/** Whether `a` gives something up before `b`. */
function before(a: Queue, b: Queue): boolean {
  if (a.words !== b.words) return a.words > b.words;
  return a.modules[a.next].usedAt < b.modules[b.next].usedAt;
}

/** In which order code is evicted. */
class Queues {
  private readonly byAccount = new Map<CodeAccount, Queue>();
  /** The last one is the next to give something up. */
  private readonly queues: Queue[] = [];

  add(holding: Holding, usedAt: number): void {
    let queue = this.byAccount.get(holding.account);
    if (queue === undefined) {
      queue = { words: 0, modules: [], next: 0 };
      this.byAccount.set(holding.account, queue);
      this.queues.push(queue);
    }
    queue.words += holding.words;
    queue.modules.push({ holding, usedAt });
  }

  /** To be called once, when all have been added. */
  sort(): void {
    for (const { modules } of this.queues) modules.sort((a, b) => a.usedAt - b.usedAt);
    this.queues.sort((a, b) => (before(a, b) ? 1 : -1));
  }

  next(): Holding | undefined {
    const { queues } = this;
    const queue = queues.pop();
    if (queue === undefined) return undefined;
    const { holding } = queue.modules[queue.next++];
    queue.words -= holding.words;
    if (queue.next < queue.modules.length) {
      let low = 0;
      let high = queues.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (before(queue, queues[middle])) low = middle + 1;
        else high = middle;
      }
      queues.splice(low, 0, queue);
    }
    return holding;
  }
}
