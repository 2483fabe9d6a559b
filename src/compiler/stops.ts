// Frames that calls of compiled code leave where they have to come down: what the import of a site
// has got goes straight into the slots, by a plan of that site. Deep calls stop often, so plans are
// kept, and nothing is made for a value.

import type { CompiledModule } from "../code/compiled.ts";
import { BEHIND, CALL, ENTRY, LOOP, type SiteKind, type SiteTable, WITHIN } from "../code/sites.ts";
import type { FunctionCode, Place } from "../code/space.ts";
import { REFERENCES, SLOTS } from "../interpreter/loop.generated.ts";
import { reserveReferences } from "../interpreter/registers.ts";
import { writeSlot } from "../interpreter/values.ts";
import type { ValType } from "../isa/types.ts";
import { bodyOf } from "../module/module.ts";
import type { ModuleInstance, RawValue } from "../runtime/instances.ts";
import type { Root } from "../runtime/roots.ts";
import type { FrameShape } from "../runtime/saved.ts";
import type { Descent } from "../runtime/tier.ts";
import { shapeOf, siteOf } from "../state/frames.ts";
import { KeptFor } from "../state/kept.ts";
import { learn } from "../state/tables.ts";
import { passedAt, type Site, type Sites } from "./sites.ts";
import { Transfer } from "./transfer.ts";

const KINDS: Readonly<Record<Site["kind"], SiteKind>> = {
  entry: ENTRY,
  loop: LOOP,
  call: BEHIND,
  instruction: WITHIN,
};

/** Calls, and instructions that the runtime executes, have not been done if they come down. */
function kindOf({ kind }: Site, isAbove: boolean): SiteKind {
  return isAbove && kind === "call" ? CALL : KINDS[kind];
}

/** How a frame is written that stands at a site. */
class Plan implements FrameShape {
  readonly place: Place;
  readonly words: number;
  readonly references: number;
  /** Price of what comes next; 0 if that is a call, which somebody is about to make. */
  readonly cost: number;
  private readonly transfer = new Transfer();
  /** Types and slots of an instruction's operands that has not been done; -1: a constant. */
  private readonly undone: (readonly [ValType, number])[] = [];

  /** @param isAbove whether others have come down in front of it */
  constructor(site: Site, isAbove: boolean, table: SiteTable) {
    const kind = kindOf(site, isAbove);
    const registerSite = siteOf({ kind, offset: site.offset }, table);
    const isCall = kind === CALL;
    const shape = shapeOf(registerSite, isCall, table);
    this.place = shape.place;
    this.words = shape.words;
    this.references = shape.references;
    this.cost = isCall ? 0 : registerSite.cost;
    const at = passedAt(site);
    site.passedLocals.forEach((local, i) => {
      this.add(at.locals[i], site.locals[local], table.layout.localSlots[local]);
    });
    const hasDummies = isAbove && site.kind !== "loop";
    const kept = site.operands.length - (hasDummies ? site.results : 0);
    const count = isCall ? registerSite.beneath : registerSite.operands.length;
    registerSite.operands.slice(0, count).forEach(({ slot, type }, i) => {
      // One that is in a local is written, too: the local may be dead.
      if (i < kept) this.add(at.operands[i], type, slot);
      else this.undone.push([type, slot]);
    });
  }

  private add(index: number, type: ValType, slot: number): void {
    if (slot >= 0) this.transfer.add(type, index, slot);
  }

  /** What it takes, in values. */
  get size(): number {
    return 8 + this.transfer.size;
  }

  /** Writes the frame that begins at the word `at`, where all words are zero. */
  put(at: number, values: readonly unknown[]): void {
    const first = at >> 1;
    if (this.references > 0) reserveReferences(first + this.references);
    for (let i = 0; i < this.references; i++) REFERENCES[first + i] = null;
    this.transfer.put(at, values);
  }

  /** Writes the operands of the instruction that has not been done. */
  putUndone(at: number, operands: readonly RawValue[]): void {
    this.undone.forEach(([type, slot], i) => {
      if (slot >= 0) writeSlot(at + 2 * slot, type, operands[i]);
    });
  }
}

/** Sites and operands of a function that are found out about at once. */
const MOST_LEARNT = 1 << 13;

/** Offsets of all sites of a function; none if these are too much to be found out about at once. */
export function offsetsIn(sites: Sites, { index, module }: FunctionCode): readonly number[] {
  const offsets: number[] = [];
  let size = 0;
  for (const number of sites.numbersIn(bodyOf(module, index))) {
    size += 1 + sites.heightAt(number);
    if (size > MOST_LEARNT) return [];
    offsets.push(sites.offsetAt(number));
  }
  return offsets;
}

/** Values in plans that are kept: some megabytes, for all modules together. */
const MOST_KEPT = 1 << 17;

/** By the module's register code and the frames' keys. */
const kept = new KeptFor(MOST_KEPT, (_: CompiledModule) => new Map<number, Plan>());

/** What a frame that has been passed takes in V8, and a value of it. */
const FRAME_BYTES = 100;
const VALUE_BYTES = 32;

/** What a call from outside has come down with. */
export class Stop implements Descent {
  readonly kind = "descent";
  readonly instance: ModuleInstance;
  frames: readonly Plan[] = [];
  private readonly sites: Sites;
  /** For each frame, the innermost first: its site's number, and whether others are above it. */
  private readonly keys: number[] = [];
  /** And what was passed there. */
  private readonly values: (readonly unknown[])[] = [];
  /** Operands of an instruction that it has to stop in front of. */
  undone: readonly RawValue[] = [];
  /** What of the values a census has to see; null: nothing. */
  private seen: Root | null = null;
  private work: Generator<number, void> | null = null;
  /** What is taken while it is being found out where the frames are. */
  private workBytes = 0;

  constructor(instance: ModuleInstance, sites: Sites) {
    this.instance = instance;
    this.sites = sites;
  }

  /** Keeps a frame; `isAbove`: others have come down in front of it. */
  keep(number: number, values: readonly unknown[], isAbove: boolean): void {
    this.keys.push(2 * number + (isAbove ? 1 : 0));
    this.values.push(values);
  }

  /** The same where nobody is above, with values that a census has to see. */
  keepSeen(number: number, values: readonly unknown[]): void {
    this.keep(number, values, false);
    this.seen = this.instance.store.objects.hold(values);
  }

  get isEmpty(): boolean {
    return this.keys.length === 0;
  }

  /** The innermost frame: its site's number, and what was passed. */
  get innermost(): readonly [number: number, values: readonly unknown[]] {
    return [this.keys[0] >> 1, this.values[0]];
  }

  /** The frames are of no use any more. */
  clear(): void {
    this.keys.length = 0;
    this.values.length = 0;
  }

  get hostBytes(): number {
    return this.values.reduce((sum, { length }) => {
      return sum + FRAME_BYTES + VALUE_BYTES * length;
    }, this.workBytes);
  }

  get cost(): number {
    return this.frames[0]?.cost ?? 0;
  }

  advance(): boolean {
    this.work ??= this.findPlans();
    const { done, value } = this.work.next();
    this.workBytes = done === true ? 0 : value;
    return done === true;
  }

  private *findPlans(): Generator<number, void> {
    kept.bound();
    const plans = kept.of(this.instance.compiled);
    const keys = [...new Set(this.keys.filter((key) => !plans.has(key)))];
    if (keys.length > 0) {
      const sites = keys.map((key) => this.sites.at(key >> 1));
      const wanted = sites.map(({ functionIndex, offset }) => {
        const code = this.instance.compiled.code(functionIndex);
        return { code, offset, others: () => offsetsIn(this.sites, code) };
      });
      const tables = yield* learn(wanted);
      keys.forEach((key, i) => {
        const plan = new Plan(sites[i], (key & 1) === 1, tables[i]);
        plans.set(key, plan);
        kept.grew(plan.size);
      });
    }
    this.frames = this.keys.map((key) => plans.get(key) as Plan);
  }

  put(at: number): void {
    const { frames, values } = this;
    let words = 0;
    for (let i = 0; i < frames.length; i++) words += frames[i].words;
    SLOTS.fill(0, at, at + words);
    let frame = at;
    for (let i = frames.length - 1; i >= 0; i--) {
      frames[i].put(frame, values[i]);
      if (i > 0) frame += frames[i].words;
    }
    frames[0]?.putUndone(frame, this.undone);
    if (this.seen !== null) this.instance.store.objects.drop(this.seen);
  }
}
