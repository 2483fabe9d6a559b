// The code of one function under construction: it pays as it goes, and at its sites something is
// put in once the function is complete, when the worst cost up to the next check is known.

import { I32, I64, type ValType } from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import { ByteWriter } from "./bytes.ts";
import { Flow, isLive, type SiteFacts } from "./flow.ts";
import type { HostImports } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { EMPTY, OP } from "./opcodes.ts";
import { HostOperands } from "./operands.ts";
import type { Site, SiteKind } from "./sites.ts";
import {
  KEPT,
  PASSED_ORDER,
  type PassedAs,
  passedAs,
  typeCode,
  writeDummy,
  writePassed,
} from "./values.ts";

/** The JavaScript API takes a thousand parameters; two say where and with what budget. */
export const MOST_PASSED = 900;
/**
 * How long the host's compiler may be busy with a function, which it does not do in pieces: some
 * 10 ms. A unit is a local at a control point; a byte takes as long as some of these.
 */
const MOST_EFFORT = 1 << 20;
const BYTE_EFFORT = 5;
/** Control points of a check. */
const CHECK_POINTS = 2;
/** A path that costs more would bring a budget near the mark of frames that are being saved. */
const MOST_COST = 1 << 28;

type SiteCosts = Pick<Site, "rest" | "worst">;

/** A site, and the locals in which its operands are. */
interface OpenSite extends Omit<Site, "functionIndex" | "passedLocals" | keyof SiteCosts> {
  readonly operandLocals: readonly number[];
}

/** A local, or half of one of type v128, as it is passed at a site. */
interface PassedPart {
  readonly local: number;
  readonly part: number;
  readonly type: ValType;
}

/**
 * What is put in when the function is complete: a check, one at a loop's branches, a site's number,
 * a callee.
 */
type Insertion = { readonly at: number } & (
  | { readonly kind: "check" | "loop" | "number"; readonly site: number }
  | { readonly kind: "callee"; readonly callee: number }
);

/** One function's code. */
export class HostBody {
  readonly code = new ByteWriter();
  readonly flow = new Flow();
  readonly operands = new HostOperands(this.code);
  private readonly functionIndex: number;
  private readonly type: FuncType;
  private locals: readonly ValType[] = [];
  /** The parts of the locals, by the class of parameters that they are passed as. */
  private readonly passedLocals: Record<PassedAs, PassedPart[]> = {
    i32: [],
    i64: [],
    funcref: [],
    externref: [],
  };
  /** Local of the budget, and the global that has it across calls. */
  private budget = 0;
  private readonly budgetGlobal: number;
  private readonly insertions: Insertion[] = [];
  private readonly sites: OpenSite[] = [];
  /** Where the instructions `if` of checks are in the complete function. */
  readonly checks: number[] = [];
  /** How many blocks are open. */
  level = 0;
  /** Pairs: from where code was copied, and where it has come to in the complete function. */
  private readonly moves: number[] = [];
  /** Price of what has been written since the budget was changed, and since the last event. */
  private unpaid = 0;
  private cost = 0;
  /** Whether the global has what the local has, so that it is known after a trap. */
  private stored = true;

  constructor(functionIndex: number, type: FuncType, budgetGlobal: number) {
    this.functionIndex = functionIndex;
    this.type = type;
    this.budgetGlobal = budgetGlobal;
  }

  /** The locals are known, parameters first: writes the check of the entry. */
  begin(locals: readonly ValType[], offset: number): void {
    for (const type of locals) typeCode(type);
    this.locals = locals;
    locals.forEach((type, local) => {
      passedAs(type).forEach((kind, part) => {
        this.passedLocals[kind].push({ local, part, type });
      });
    });
    this.budget = locals.length;
    this.operands.first = this.budget + 1;
    this.check("entry", offset, 0);
    this.stored = true;
  }

  // Blocks

  open(op: number): void {
    this.code.indexed(op, EMPTY);
    this.level++;
  }

  close(): void {
    this.code.u8(OP.end);
    this.level--;
  }

  /** A branch to the block that was opened as the one at this level. */
  branch(op: number, level: number): void {
    this.code.indexed(op, this.level - level);
  }

  // Fuel

  pay(price: number): void {
    this.unpaid += price;
    this.cost += price;
  }

  /** Another instruction comes, of this segment or of the next one. */
  beginInstruction(): void {
    if (this.flow.next()) this.flow.cut(this.takeCost());
  }

  /** Price of what has been written and is not paid yet. */
  get owed(): number {
    return this.unpaid;
  }

  /** What has been written since the last event of the control flow. */
  takeCost(): number {
    const { cost } = this;
    this.cost = 0;
    return cost;
  }

  /** Straight-line code ends here: pays for it. */
  charge(): void {
    if (this.unpaid === 0) return;
    this.subtract();
    this.code.indexed(OP.localSet, this.budget);
    this.stored = false;
  }

  /** The same, and what follows may leave the function. */
  chargeAndStore(): void {
    if (this.unpaid === 0) {
      this.store();
      return;
    }
    this.subtract();
    this.code.indexed(OP.localTee, this.budget);
    this.code.indexed(OP.globalSet, this.budgetGlobal);
    this.stored = true;
  }

  private subtract(): void {
    const { budget, code, unpaid } = this;
    code.indexed(OP.localGet, budget);
    writeNumber(code, unpaid);
    code.u8(OP.i32Sub);
    this.unpaid = 0;
  }

  /** What follows may leave the function: the budget goes where it is found then. */
  store(): void {
    this.storeOnThisPath();
    this.stored = true;
  }

  /** The same, where control may go on without having been here. */
  storeOnThisPath(): void {
    if (this.stored) return;
    this.code.indexed(OP.localGet, this.budget);
    this.code.indexed(OP.globalSet, this.budgetGlobal);
  }

  /** Control arrives from several places, each of which has paid. */
  merge(): void {
    this.unpaid = 0;
    this.stored = false;
  }

  /** Keeps what lies on top of the host's stack, to know it if the next instruction traps. */
  keep(type: ValType): void {
    const { code, operands } = this;
    const local = operands.take(type);
    code.indexed(OP.localTee, local);
    if (type === I64) code.u8(OP.i32Wrap);
    const kept = KEPT.indexOf(type === I64 ? I32 : type);
    code.indexed(OP.globalSet, this.budgetGlobal + 1 + kept);
    code.indexed(OP.localGet, local);
    operands.giveBack(type, local);
  }

  // Sites

  /**
   * A loop, whose parameters are operands in locals. It is two of the host's: the inner one, to
   * which branches go, leaves for the outer one when the budget is used up. So there is no call
   * in a short loop, which V8 then handles as it would the guest's.
   */
  openLoop(offset: number): void {
    const site = this.sites.length;
    this.flow.loop(this.takeCost(), site);
    this.open(OP.loop);
    this.check("loop", offset, 0);
    this.open(OP.loop);
    this.insertions.push({ at: this.code.length, kind: "loop", site });
    this.merge();
  }

  closeLoop(): void {
    this.close();
    this.close();
  }

  /**
   * In front of what may run other functions and takes so many operands: these are on the host's
   * stack, all others in locals, and what was executed is paid.
   */
  beginCall(count: number): void {
    const { operands } = this;
    if (operands.hasBeneath(count)) operands.settle();
    this.chargeAndStore();
    operands.pop(count);
  }

  /** Behind a call that has left results of these types. */
  checkBehind(offset: number, results: readonly ValType[]): void {
    this.flow.call(this.takeCost(), this.sites.length);
    this.checkResults("call", offset, results);
  }

  /**
   * Behind `beginCall`: an instruction that a function of the runtime executes. That gets what is
   * left of the budget and the number of the site behind it, besides the operands.
   */
  runtimeInstruction(callee: number, offset: number, results: readonly ValType[]): void {
    const { code } = this;
    code.indexed(OP.localGet, this.budget);
    this.insertions.push({ at: code.length, kind: "number", site: this.sites.length });
    code.indexed(OP.call, callee);
    this.flow.instruction(this.takeCost(), this.sites.length);
    this.checkResults("instruction", offset, results);
  }

  private checkResults(kind: SiteKind, offset: number, results: readonly ValType[]): void {
    for (const type of results) this.operands.push(type);
    this.operands.settle();
    this.check(kind, offset, results.length);
    this.stored = true;
  }

  private check(kind: SiteKind, offset: number, results: number): void {
    const { locals, operands } = this;
    this.insertions.push({ at: this.code.length, kind: "check", site: this.sites.length });
    this.sites.push({
      kind,
      offset,
      locals,
      operands: operands.allTypes(),
      operandLocals: operands.allLocals(),
      results,
    });
  }

  /** A call or tail call of a function that the module defines, by its number among these. */
  call(op: number, callee: number): void {
    this.code.u8(op);
    this.insertions.push({ at: this.code.length, kind: "callee", callee });
  }

  // The complete function

  /**
   * Called now and then while the function is written, which may well be too dear half-way.
   * @throws LeftOut if the host's compiler would be busy with it for too long
   */
  checkEffort(bytes = this.code.length): void {
    const locals = this.budget + 1 + this.operands.added.length;
    const points = this.flow.length + CHECK_POINTS * this.sites.length;
    if (BYTE_EFFORT * bytes + locals * points <= MOST_EFFORT) return;
    throw new LeftOut("the host's compiler would be busy with it for too long");
  }

  /**
   * Writes locals and code to `out`, which is empty, adds the sites to `sites`, and to `calls` the
   * places of indices of functions, which count from the first that is defined.
   * @throws LeftOut
   */
  finish(out: ByteWriter, sites: Site[], calls: number[], imports: HostImports): void {
    const { code, insertions, moves } = this;
    this.checkEffort();
    const facts = this.flow.siteFacts(this.sites.length, this.locals.length);
    const dearest = facts.reduce((most, { worst }) => Math.max(most, worst), 0);
    if (dearest > MOST_COST) throw new LeftOut(`a path costs ${dearest}`);
    const firstSite = sites.length;
    this.writeLocals(out);
    let from = 0;
    for (const item of insertions) {
      moves.push(from, out.length);
      out.copy(code.bytes, from, item.at);
      from = item.at;
      this.checkEffort(out.length);
      if (item.kind === "callee") calls.push(out.padded(item.callee));
      else if (item.kind === "number") writeNumber(out, firstSite + item.site);
      else if (item.kind === "check") this.writeCheck(out, item.site, facts, firstSite, imports);
      else {
        this.writeComparison(out, OP.localGet, facts[item.site]);
        out.indexed(OP.brIf, 1);
      }
    }
    moves.push(from, out.length);
    out.copy(code.bytes, from, code.length);
    this.checkEffort(out.length);
    const { functionIndex } = this;
    this.sites.forEach(({ kind, locals, offset, operands, results }, i) => {
      const passedLocals = this.passedAt(kind, facts[i]);
      const { rest, worst } = facts[i];
      // Each property is named: faster than a copy of the rest of an object.
      const values = { locals, passedLocals, operands, results };
      sites.push({ kind, functionIndex, offset, ...values, worst, rest });
    });
  }

  /** Where in `code` lies what has come to `at` in the complete function; -1: it was put in. */
  before(at: number): number {
    const { code, moves } = this;
    for (let i = moves.length - 2; i >= 0; i -= 2) {
      const from = moves[i] + at - moves[i + 1];
      if (from >= moves[i]) return from < (moves[i + 2] ?? code.length) ? from : -1;
    }
    return -1;
  }

  /** The locals that are passed: those that are live and, at the entry, parameters. */
  private passedAt(kind: SiteKind, { live }: SiteFacts): number[] {
    const count = kind === "entry" ? this.type.params.length : this.locals.length;
    const passed: number[] = [];
    for (let local = 0; local < count; local++) if (isLive(live, local)) passed.push(local);
    return passed;
  }

  private writeLocals(out: ByteWriter): void {
    const codes = [...this.locals.slice(this.type.params.length).map(typeCode), typeCode(I32)];
    for (const type of this.operands.added) codes.push(typeCode(type));
    const runs: [count: number, code: number][] = [];
    for (const code of codes) {
      const last = runs.at(-1);
      if (last?.[1] === code) last[0]++;
      else runs.push([1, code]);
    }
    out.u32(runs.length);
    for (const [count, code] of runs) {
      out.u32(count);
      out.u8(code);
    }
  }

  private writeCheck(
    out: ByteWriter,
    number: number,
    facts: readonly SiteFacts[],
    firstSite: number,
    imports: HostImports,
  ): void {
    const { budget } = this;
    const site = this.sites[number];
    if (site.kind !== "loop") out.indexed(OP.globalGet, this.budgetGlobal);
    this.writeComparison(out, site.kind === "loop" ? OP.localGet : OP.localTee, facts[number]);
    this.checks.push(out.length);
    out.indexed(OP.if, EMPTY);
    const callee = this.writeValues(out, site, facts[number].live, imports);
    out.indexed(OP.localGet, budget);
    writeNumber(out, firstSite + number);
    out.indexed(OP.call, callee);
    out.indexed(OP.localTee, budget);
    writeNumber(out, 0);
    out.u8(OP.i32Less);
    out.indexed(OP.if, EMPTY);
    for (const type of this.type.results) writeDummy(out, type);
    out.u8(OP.return);
    out.u8(OP.end);
    out.u8(OP.end);
  }

  /** Whether the budget, as `op` gives it, may not last up to the next check. */
  private writeComparison(out: ByteWriter, op: number, { worst }: SiteFacts): void {
    out.indexed(op, this.budget);
    writeNumber(out, worst);
    out.u8(OP.i32Less);
  }

  /** Pushes what a frame holds; the function that takes it. */
  private writeValues(
    out: ByteWriter,
    { kind: siteKind, operandLocals, operands }: OpenSite,
    live: SiteFacts["live"],
    imports: HostImports,
  ): number {
    const count = siteKind === "entry" ? this.type.params.length : this.locals.length;
    const counts = { i32: 0, i64: 0, funcref: 0, externref: 0 };
    let passed = 0;
    for (const kind of PASSED_ORDER) {
      const before = passed;
      for (const { local, part, type } of this.passedLocals[kind]) {
        if (local >= count) break;
        if (!isLive(live, local)) continue;
        writePassed(out, type, local, part);
        passed++;
      }
      for (let i = 0; i < operands.length; i++) {
        const parts = passedAs(operands[i]);
        if (parts[0] !== kind) continue;
        for (let part = 0; part < parts.length; part++) {
          writePassed(out, operands[i], operandLocals[i], part);
          passed++;
        }
      }
      counts[kind] = passed - before;
    }
    if (passed > MOST_PASSED) throw new LeftOut(`${passed} values lie on its frame`);
    return imports.site(counts);
  }
}

function writeNumber(out: ByteWriter, value: number): void {
  out.u8(OP.i32Const);
  out.s32(value);
}
