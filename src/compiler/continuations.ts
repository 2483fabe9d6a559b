// The way up: frames that the interpreter has, of functions that the host executes, go on there at
// loops' headers, in continuations. These are made when the interpreter has spent enough in a
// function: its loops are looked up in register code first, then the continuation of the one that
// control has come to is written, and of those around it, which it will leave frames for.

import { LOOP, type Site as RegisterSite, type SiteTable } from "../code/sites.ts";
import type { FunctionCode } from "../code/space.ts";
import type { ValType } from "../isa/types.ts";
import { bodyOf, typeOfFunction } from "../module/module.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import type { Budgets, Continuation, Descent, Fault } from "../runtime/tier.ts";
import { learn } from "../state/tables.ts";
import { INSTANCE_BYTES } from "./account.ts";
import { bitsOfConstant, type HostGlobal } from "./border.ts";
import {
  type ContinuationModule,
  ContinuationWriter,
  entranceOf,
  functionCount,
  keptBudgetOf,
} from "./continuation-module.ts";
import type { Entered } from "./entry.ts";
import { CODE_BYTES } from "./host-code.ts";
import { compileAtOnce, type HostTable, hiddenTable, instantiateHidden } from "./host-objects.ts";
import type { RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import type { HostModule } from "./module.ts";
import { passedAt, type Site } from "./sites.ts";
import { offsetsIn } from "./stops.ts";
import { Transfer } from "./transfer.ts";
import { type Bits, passedAs } from "./values.ts";

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

/** A compiled continuation. */
interface Ready {
  readonly site: Site;
  /** Its arguments as the import of the site has got them: their indices there. */
  readonly order: readonly number[];
  readonly results: readonly ValType[];
  readonly run: (...values: readonly Bits[]) => unknown;
  readonly entered: Entered;
}

/** Host code that can be run in the frame at a word of the slots, and the module that it is in. */
export interface Stretch extends Entered {
  call(frame: number): unknown;
}

/** The same with what puts its results, or those of what goes on after it, where they belong. */
export interface Run extends Stretch {
  /** See `CompiledFunction`. */
  mayTake(frame: number): boolean;
  put(frame: number, result: unknown): void;
}

/** What continuations have of the instance whose functions they finish. */
export interface Surroundings {
  readonly instance: ModuleInstance;
  readonly leastRoom: number;
  readonly main: Pick<HostModule, "sites" | "target">;
  /** Another host module is to import the tables: whether there is room for that. */
  lendTables(): boolean;
  /** What the host's module of theirs imports. */
  importsOf(items: readonly RuntimeImport[], functions: HostTable): object;
  /** Runs host code, whose frame is at a word of the slots: see `CompiledFunction`. */
  enter(
    run: Run,
    frame: number,
    budget: number,
    room: number,
    thread: Budgets,
  ): Descent | Fault | null;
}

/** A loop's header, and what goes on there, once that is known. */
interface Header {
  readonly site: RegisterSite;
  continuation: Continuation | null;
}

/** The loops of a function, by where their headers are in its register code. */
interface Loops {
  readonly table: SiteTable;
  readonly byPosition: ReadonlyMap<number, readonly Header[]>;
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
  private work: Generator<unknown, void> | null = null;

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
    const header = loops?.byPosition.get(position)?.find(({ site }) => site.cost === cost);
    if (loops == null || header === undefined) return null;
    if (header.continuation !== null) return header.continuation;
    const { offset } = header.site;
    const ready = this.ready.get(offset);
    if (ready === undefined) this.begin(index, total, () => this.make(offset));
    if (ready == null) return null;
    header.continuation = this.continuation(ready, loops.table, header.site);
    return header.continuation;
  }

  private continuation(ready: Ready, table: SiteTable, header: RegisterSite): Continuation {
    const { around } = this;
    const { entered, results, run, site } = ready;
    const passed = argumentsOf(table, header, site);
    const returned = Transfer.of(results);
    const runHere: Run = {
      ...entered,
      mayTake: (frame) => !passed.transfer.mustBeSeen(frame),
      call: (frame) => run(...passed.at(frame)),
      put: (frame, result) => returned.putResult(frame, result),
    };
    return {
      worst: site.worst,
      get leastRoom() {
        return around.leastRoom;
      },
      mayTake: runHere.mayTake,
      enter: (frame, budget, room, thread) => around.enter(runHere, frame, budget, room, thread),
    };
  }

  /** What goes on where a continuation has left a frame, at a site; null: nothing does. */
  after(number: number, values: readonly Bits[]): Stretch | null {
    const ready = this.ready.get(this.around.main.sites.offsetAt(number));
    if (ready == null) return null;
    const { entered, order, run } = ready;
    return { ...entered, call: () => run(...order.map((i) => values[i])) };
  }

  private begin(index: number, spent: number, work: () => Generator<unknown, void>): void {
    const { end, start } = bodyOf(this.around.instance.module, index);
    const { units, unitsPerByte } = patience;
    const enough = units + unitsPerByte * (end - start);
    if (this.work !== null || spent < enough) return;
    this.spent.set(index, 0);
    this.work = work();
  }

  private *lookUp(code: FunctionCode): Generator<number, void> {
    const { sites } = this.around.main;
    const numbers = [...sites.numbersIn(bodyOf(code.module, code.index))];
    const offsets = numbers.filter((i) => sites.kindAt(i) === "loop").map((i) => sites.offsetAt(i));
    if (this.knownLoops + offsets.length > MOST_LOOPS) {
      this.loops = new WeakMap();
      this.knownLoops = 0;
    }
    if (offsets.length === 0 || offsets.length > MOST_LOOPS) {
      this.loops.set(code, null);
      return;
    }
    this.knownLoops += offsets.length;
    const others = () => offsetsIn(sites, code);
    const [table] = yield* learn(offsets.map((offset) => ({ code, offset, others })));
    const byPosition = new Map<number, Header[]>();
    for (const site of offsets.flatMap((offset) => table.atOffset(offset))) {
      if (site.kind !== LOOP) continue;
      const header = { site, continuation: null };
      const others = byPosition.get(site.position);
      if (others === undefined) byPosition.set(site.position, [header]);
      else others.push(header);
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
    const functions = this.instantiate(bytes, imports, functionCount(made.length));
    const keptBudget = functions?.get(keptBudgetOf(made.length)) as HostGlobal["get"];
    const entered = { written, keptBudget };
    made.forEach((site, i) => {
      const { results } = typeOfFunction(module, site.functionIndex);
      const run = functions?.get(entranceOf(i)) as Ready["run"] | undefined;
      const ready = run && { site, order: orderOf(site), results, run, entered };
      this.ready.set(site.offset, ready ?? null);
    });
  }

  /** The functions of a module; null if there is no room for it, or the host does not take it. */
  private instantiate(
    bytes: Uint8Array,
    imports: readonly RuntimeImport[],
    count: number,
  ): HostTable | null {
    if (!this.lease.extend(INSTANCE_BYTES + CODE_BYTES * bytes.length)) return null;
    if (!this.around.lendTables()) return null;
    try {
      const compiled = compileAtOnce(bytes);
      const functions = hiddenTable(count);
      instantiateHidden(compiled, this.around.importsOf(imports, functions));
      return functions;
    } catch {
      // An engine may have limits of its own.
      return null;
    }
  }
}

/** Where the arguments of a continuation are among what the import of its site gets. */
function orderOf(site: Site): number[] {
  const { locals, operands } = passedAt(site);
  const partsFrom = (type: ValType, first: number) => passedAs(type).map((_, i) => first + i);
  return [
    ...site.passedLocals.flatMap((local, i) => partsFrom(site.locals[local], locals[i])),
    ...site.operands.flatMap((type, i) => partsFrom(type, operands[i])),
  ];
}

/** The values of a frame of register code, as a continuation takes them. */
interface Arguments {
  readonly transfer: Transfer;
  at(frame: number): readonly Bits[];
}

function argumentsOf(
  { layout }: SiteTable,
  { operands }: RegisterSite,
  { locals, passedLocals }: Site,
): Arguments {
  const transfer = new Transfer();
  /** Those that are constants. */
  const values: Bits[] = [];
  const add = (type: ValType, slot: number) => {
    transfer.add(type, values.length, slot);
    for (const _ of passedAs(type)) values.push(0);
  };
  for (const local of passedLocals) add(locals[local], layout.localSlots[local]);
  for (const { slot, type, words } of operands) {
    if (slot >= 0) add(type, slot);
    else values.push(...bitsOfConstant(words, type));
  }
  return { transfer, at: (frame) => transfer.take(frame, values.slice()) };
}
