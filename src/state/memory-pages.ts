// Memories in pages of 64 KiB, whatever the pages of their types are: those that are all zero, or
// as their module begins them, need not be kept.

import { unsigned64 } from "../runtime/bulk.ts";
import { ConstantEvaluation } from "../runtime/constant.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { PageRun } from "./store-state.ts";

export const PAGE_BYTES = 1 << 16;

/** The active data segments of a module for one of the memories that it defines. */
export class InitialPages {
  private readonly bytes: Uint8Array;
  /** Where each segment's bytes are in the module, and where they go, by pages. */
  private readonly parts = new Map<number, { from: number; length: number; to: number }[]>();

  /** Offsets of segments are constants, and so are immutable globals: they are still the same. */
  constructor(instance: ModuleInstance, memory: number, byteLength: number) {
    const { module } = instance;
    this.bytes = module.bytes;
    for (const { at, end, memory: target, start } of module.data) {
      if (at === null || target !== memory) continue;
      const evaluation = new ConstantEvaluation(instance, at);
      let value = evaluation.advance();
      while (value === null) value = evaluation.advance();
      const wide = module.memories[memory].type.address64;
      const offset = wide ? unsigned64(value.low, value.high) : value.low >>> 0;
      if (offset + end - start <= byteLength) this.add(start, end, offset);
    }
  }

  private add(start: number, end: number, offset: number): void {
    for (let from = start; from < end; ) {
      const to = offset + from - start;
      const page = Math.floor(to / PAGE_BYTES);
      const length = Math.min(end - from, (page + 1) * PAGE_BYTES - to);
      const parts = this.parts.get(page);
      if (parts === undefined) this.parts.set(page, [{ from, length, to }]);
      else parts.push({ from, length, to });
      from += length;
    }
  }

  /** Whether a page begins with anything but zeros. */
  has(page: number): boolean {
    return this.parts.has(page);
  }

  /** Writes what a page begins with to the memory's bytes, or to those of the page alone. */
  write(page: number, target: Uint8Array, at = 0): void {
    for (const { from, length, to } of this.parts.get(page) ?? []) {
      target.set(this.bytes.subarray(from, from + length), at + to - page * PAGE_BYTES);
    }
  }
}

/** Words of bytes, as many as there are whole ones; they begin where words may. */
function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

function isZero(bytes: Uint8Array): boolean {
  const words = wordsOf(bytes);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  for (let i = 4 * words.length; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function areSame(bytes: Uint8Array, others: Uint8Array): boolean {
  if (bytes.length !== others.length) return false;
  const [words, found] = [wordsOf(bytes), wordsOf(others)];
  for (let i = 0; i < words.length; i++) if (words[i] !== found[i]) return false;
  for (let i = 4 * words.length; i < bytes.length; i++) if (bytes[i] !== others[i]) return false;
  return true;
}

function hashOf(bytes: Uint8Array): number {
  const words = wordsOf(bytes);
  let hash = bytes.length;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash;
}

/** Pages that are kept, each once, where they are: until a guest runs again. */
export class PageStore {
  readonly pages: Uint8Array[] = [];
  private readonly byHash = new Map<number, number[]>();

  /** The number of a page like this one. */
  private put(page: Uint8Array): number {
    const hash = hashOf(page);
    const alike = this.byHash.get(hash) ?? [];
    const known = alike.find((number) => areSame(page, this.pages[number]));
    if (known !== undefined) return known;
    const number = this.pages.push(page) - 1;
    this.byHash.set(hash, [...alike, number]);
    return number;
  }

  /** The pages of a memory; `initial`: what it begins with, if its module says that. */
  runsOf(bytes: Uint8Array, initial: InitialPages | null): PageRun[] {
    const runs: { count: number; page: PageRun["page"] }[] = [];
    const scratch = new Uint8Array(PAGE_BYTES);
    for (let at = 0, index = 0; at < bytes.length; at += PAGE_BYTES, index++) {
      const page = this.pageOf(bytes.subarray(at, at + PAGE_BYTES), index, initial, scratch);
      const last = runs.at(-1);
      if (last !== undefined && last.page === page) last.count++;
      else runs.push({ count: 1, page });
    }
    return runs;
  }

  private pageOf(
    bytes: Uint8Array,
    index: number,
    initial: InitialPages | null,
    scratch: Uint8Array,
  ): PageRun["page"] {
    if (initial?.has(index)) {
      scratch.fill(0);
      initial.write(index, scratch);
      if (areSame(bytes, scratch.subarray(0, bytes.length))) return "initial";
    }
    return isZero(bytes) ? "zero" : this.put(bytes);
  }
}
