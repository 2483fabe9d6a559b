// The way up: frames that the interpreter has, of functions that the host executes, go on there at
// loops' headers, in continuations. These are made when the interpreter has spent enough in a
// function: its loops are looked up in register code first, then the continuation of the one that
// control has come to is written, and of those around it, which it will leave frames for.

import { LOOP, type Site as RegisterSite, type SiteTable } from "../code/sites.ts";
import type { FunctionCode } from "../code/space.ts";
import type { ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import type { Budgets, Continuation, Descent, Fault } from "../runtime/tier.ts";
import type { Frame } from "../state/frames.ts";
import { learn } from "../state/tables.ts";
import { INSTANCE_BYTES } from "./account.ts";
import { bitsAt, bitsOfRaw, bitsOfWords, partsOfResult, putBits } from "./border.ts";
import { type ContinuationModule, ContinuationWriter, passedTypes } from "./continuation-module.ts";
import { CODE_BYTES } from "./host-code.ts";
import { instantiateHidden } from "./host-objects.ts";
import type { RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import type { HostModule } from "./module.ts";
import type { Written } from "./places.ts";
import { NAMES } from "./sections.ts";
import type { Site } from "./sites.ts";
import type { Bits } from "./values.ts";

/** Units that are spent in a function before its loops are looked up, and continuations made. */
export const patience = { units: 1_000, unitsPerByte: 1 };

/** Units of fuel that take about as long as a piece of that work. */
const PIECE_WORK = 20_000;
/** Continuations that are made at once: of a loop, and of those around it. */
const MOST_AT_ONCE = 4;
/** Loops that are known by their positions, in all functions of an instance. */
const MOST_LOOPS = 1 << 14;
/** Host modules of an instance, and bytes of these for each of the module's, and besides. */
const MOST_MODULES = 256;
const MOST_BYTES = 1 << 18;
const BYTES_PER_BYTE = 8;

type Exports = Readonly<Record<string, Ready["run"]>>;

/** A compiled continuation. */
interface Ready {
  readonly site: Site;
  readonly types: readonly ValType[];
  readonly results: readonly ValType[];
  readonly run: (...values: readonly Bits[]) => unknown;
  readonly written: Written;
}

/** Host code that is about to be run, and the module that it is in. */
export interface Stretch {
  readonly written: Written;
  call(): unknown;
}

/** The same with what puts its results, or those of what goes on after it, where they belong. */
export interface Run extends Stretch {
  put(result: unknown): void;
}

/** What continuations have of the instance whose functions they finish. */
export interface Surroundings {
  readonly instance: ModuleInstance;
  readonly leastRoom: number;
  readonly main: Pick<HostModule, "sites" | "target">;
  /** What the host's module of theirs imports. */
  importsOf(items: readonly RuntimeImport[]): object;
  /** Runs host code, whose frame is at a word of the slots: see `CompiledFunction`. */
  enter(
    run: Run,
    frame: number,
    budget: number,
    room: number,
    thread: Budgets,
  ): Descent | Fault | null;
}

/** The loops of a function, by where their headers are in its register code. */
interface Loops {
  readonly table: SiteTable;
  readonly byPosition: ReadonlyMap<number, readonly RegisterSite[]>;
}

/** The continuations of an instance. */
export class Continuations {
  private readonly around: Surroundings;
  /** Units that the interpreter has spent in functions, by index, since something came of it. */
  private readonly spent = new Map<number, number>();
  private loops = new WeakMap<FunctionCode, Loops | null>();
  private knownLoops = 0;
  /** By the headers' offsets; null: it cannot be had. */
  private readonly ready = new Map<number, Ready | null>();
  private modules = 0;
  private bytes = 0;
  /** What is being found out or made. */
  private work: Generator<void, void> | null = null;

  private readonly lease: Lease;

  constructor(around: Surroundings) {
    this.around = around;
    this.lease = around.instance.store.lease("compiledBytes", this);
  }

  /** See `InstanceTier`. */
  ascend(code: FunctionCode, position: number, cost: number, spent: number): Continuation | null {
    const { index } = code;
    const total = (this.spent.get(index) ?? 0) + spent;
    this.spent.set(index, total);
    if (this.work !== null) {
      if (this.work.next().done) this.work = null;
      this.around.instance.store.work += PIECE_WORK;
    }
    const loops = this.loops.get(code);
    if (loops === undefined) this.begin(index, total, () => this.lookUp(code));
    const site = loops?.byPosition.get(position)?.find((one) => one.cost === cost);
    if (loops == null || site === undefined) return null;
    const ready = this.ready.get(site.offset);
    if (ready === undefined) this.begin(index, total, () => this.make(site.offset));
    if (ready == null) return null;
    const values = (frame: number) => argumentsAt(frame, loops.table, site, ready.site);
    return {
      worst: ready.site.worst,
      leastRoom: this.around.leastRoom,
      enter: (frame, budget, room, thread) => {
        const { results, run, written } = ready;
        const call = () => run(...values(frame));
        const put = (result: unknown) => putBits(frame, results, partsOfResult(results, result));
        return this.around.enter({ written, call, put }, frame, budget, room, thread);
      },
    };
  }

  /** What goes on where a continuation has left this frame; null: nothing does. */
  after({ locals, offset, operands }: Frame): Stretch | null {
    const ready = this.ready.get(offset);
    if (ready == null) return null;
    const { site, types, written } = ready;
    const values = [...site.passedLocals.map((local) => locals[local]), ...operands];
    const bits = values.flatMap((value, i) => bitsOfRaw(value, types[i]));
    return { written, call: () => ready.run(...bits) };
  }

  private begin(index: number, spent: number, work: () => Generator<void, void>): void {
    const { bodyEnds, bodyStarts, importedFunctions } = this.around.instance.module;
    const body = index - importedFunctions;
    const { units, unitsPerByte } = patience;
    const enough = units + unitsPerByte * (bodyEnds[body] - bodyStarts[body]);
    if (this.work !== null || spent < enough) return;
    this.spent.set(index, 0);
    this.work = work();
  }

  private *lookUp(code: FunctionCode): Generator<void, void> {
    const { sites } = this.around.main;
    const { bodyEnds, bodyStarts, importedFunctions } = code.module;
    const body = code.index - importedFunctions;
    const offsets: number[] = [];
    const first = sites.numberOf(bodyStarts[body]);
    for (let i = first; i >= 0 && i < sites.end && sites.offsetAt(i) < bodyEnds[body]; i++) {
      if (sites.kindAt(i) === "loop") offsets.push(sites.offsetAt(i));
    }
    if (this.knownLoops + offsets.length > MOST_LOOPS) {
      this.loops = new WeakMap();
      this.knownLoops = 0;
    }
    if (offsets.length === 0 || offsets.length > MOST_LOOPS) {
      this.loops.set(code, null);
      return;
    }
    this.knownLoops += offsets.length;
    const [table] = yield* learn(offsets.map((offset) => ({ code, offset })));
    const byPosition = new Map<number, RegisterSite[]>();
    for (const site of offsets.flatMap((offset) => table.atOffset(offset))) {
      if (site.kind !== LOOP) continue;
      const others = byPosition.get(site.position);
      if (others === undefined) byPosition.set(site.position, [site]);
      else others.push(site);
    }
    this.loops.set(code, { table, byPosition });
  }

  private *make(header: number): Generator<void, void> {
    const { sites, target } = this.around.main;
    const most = MOST_BYTES + BYTES_PER_BYTE * target.module.bytes.length;
    if (this.modules === MOST_MODULES || this.bytes > most) {
      this.ready.set(header, null);
      return;
    }
    const writer = new ContinuationWriter(target, sites);
    const made: Site[] = [];
    const offsets = [header];
    for (let i = 0; i < offsets.length && i < MOST_AT_ONCE; i++) {
      const site = sites.at(sites.numberOf(offsets[i]));
      try {
        const around = yield* writer.write(site);
        made.push(site);
        offsets.push(...around.filter((one) => !this.ready.has(one) && !offsets.includes(one)));
      } catch (error) {
        if (!(error instanceof LeftOut)) throw error;
        this.ready.set(offsets[i], null);
      }
      yield;
    }
    if (made.length > 0) this.compile(writer.finish(), made);
  }

  private compile({ bytes, imports, written }: ContinuationModule, made: readonly Site[]): void {
    this.modules++;
    this.bytes += bytes.length;
    const { module } = this.around.instance;
    const exports = this.instantiate(bytes, imports);
    for (const site of made) {
      const { results } = funcTypeAt(module, module.functions[site.functionIndex]) as FuncType;
      const run = exports?.[NAMES.continuation(site.offset)];
      const ready = run && { site, types: passedTypes(site), results, run, written };
      this.ready.set(site.offset, ready ?? null);
    }
  }

  /** What a module exports; null if there is no room for it, or the host does not take it. */
  private instantiate(bytes: Uint8Array, imports: readonly RuntimeImport[]): Exports | null {
    if (hostNamespace === undefined) return null;
    if (!this.lease.extend(INSTANCE_BYTES + CODE_BYTES * bytes.length)) return null;
    try {
      const compiled = new hostNamespace.Module(bytes as Uint8Array<ArrayBuffer>);
      return instantiateHidden(compiled, this.around.importsOf(imports)) as Exports;
    } catch {
      // An engine may have limits of its own.
      return null;
    }
  }
}

/** The values that a frame of register code has, as a continuation takes them. */
function argumentsAt(
  frame: number,
  { layout }: SiteTable,
  { operands }: RegisterSite,
  { locals, passedLocals }: Site,
): Bits[] {
  const values = passedLocals.flatMap((local) =>
    bitsAt(frame + 2 * layout.localSlots[local], locals[local]),
  );
  for (const { slot, type, words } of operands) {
    values.push(...(slot >= 0 ? bitsAt(frame + 2 * slot, type) : bitsOfWords(words, type)));
  }
  return values;
}
