// The code of one function under construction: it pays as it goes, and at its sites something is
// put in once the function is complete, when the worst cost up to the next check is known.

import { I32, I64, type ValType } from "../isa/types.ts";
import type { FuncType, ModuleRecord } from "../module/module.ts";
import type { Run } from "../validation/runs.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { ControlFrame } from "../validation/state.ts";
import { BudgetWriter } from "./budget.ts";
import type { ByteWriter } from "./bytes.ts";
import { type Around, CheckWriter, MOST_PASSED, writeNumber } from "./checks.ts";
import type { HostDraft } from "./draft.ts";
import type { Flow, SiteFacts } from "./flow.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import type { HostImports } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import { HostOperands } from "./operands.ts";
import { RoomWriter } from "./room.ts";
import type { OpenSites, SiteKind, Sites } from "./sites.ts";
import type { HostTarget } from "./target.ts";
import { requireHeld, writeLocals } from "./values.ts";
import type { WordList } from "./words.ts";

/**
 * How long the host's compiler may be busy with a function, which it does not do in pieces: some
 * 10 ms. A unit is a local or operand at a control point; a byte takes as long as some of these,
 * but less where it is put in at sites, which mostly pass locals.
 */
const MOST_EFFORT = 1 << 20;
const BYTE_EFFORT = 5;
const SITE_BYTE_EFFORT = 2;
/** Control points of a check. */
const CHECK_POINTS = 2;
/** A path that costs more would bring a budget near the mark of frames that are being saved. */
const MOST_COST = 1 << 28;

/**
 * What is put in when the function is complete: a check, one at a loop's branches, what leaves a
 * frame in any case, a site's number and worst cost, a callee; what takes room for calls, and gives
 * it back.
 */
const CHECK = 0;
const LOOP = 1;
const LEAVE = 2;
const NUMBER = 3;
const WORST = 4;
const CALLEE = 5;
const TAKE_ROOM = 6;
const GIVE_ROOM_BACK = 7;
/** Words of one: where it is put in, its kind, the site or callee, where what follows goes to. */
const ROW = 4;
const KIND = 1;
const SUBJECT = 2;
const BEHIND = 3;

/** One function's code. */
export class HostBody {
  readonly code: ByteWriter;
  readonly flow: Flow;
  readonly operands: HostOperands;
  private readonly functionIndex: number;
  private readonly module: ModuleRecord;
  private readonly type: FuncType;
  private locals: readonly ValType[] = [];
  /** How many of the host's locals, from the first on, are parameters. */
  private params = 0;
  readonly budget: BudgetWriter;
  private readonly globals: HostGlobals;
  private readonly access: GlobalAccess;
  private readonly around: Around;
  private checkWriter: CheckWriter;
  private readonly room: RoomWriter;
  private readonly insertions: WordList;
  private readonly sites: OpenSites;
  /** Where the instructions `if` of checks are in the complete function. */
  readonly checks: number[] = [];
  /** What its instructions take besides: see `checkEffort`. */
  effort = 0;
  /** How many blocks are open. */
  level = 0;
  /** Where its code begins in the complete function. */
  private beginning = 0;
  /** Price of what has been written since the last event. */
  private cost = 0;

  /**
   * @param groupGlobal see `FirstCalls`; -1: there is none
   * @param draft where it is written while it is not complete, all to itself
   */
  constructor(
    functionIndex: number,
    type: FuncType,
    target: Pick<HostTarget, "access" | "globals" | "module">,
    groupGlobal: number,
    draft: HostDraft,
  ) {
    draft.clear();
    const { code, flow, insertions, sites } = draft;
    this.code = code;
    this.flow = flow;
    this.insertions = insertions;
    this.sites = sites;
    this.operands = new HostOperands(code);
    this.functionIndex = functionIndex;
    this.type = type;
    const { access, globals, module } = target;
    this.module = module;
    this.access = access;
    this.globals = globals;
    this.budget = new BudgetWriter(code, access, globals);
    this.room = new RoomWriter(target, this.operands, this.code);
    this.around = { access, globals, groupGlobal, room: this.room };
    this.checkWriter = new CheckWriter(type, [], 0, this.around);
  }

  /** The locals are known, parameters first: writes the check of the entry. */
  begin(locals: readonly ValType[], offset: number): void {
    this.setLocals(locals, this.type.params.length, locals.length);
    this.check("entry", offset, 0);
    this.budget.returned();
  }

  /** The same where the code begins in the midst: locals and operands are parameters. */
  beginWithin(locals: readonly ValType[], operands: readonly ValType[]): void {
    const params = locals.length + operands.length;
    if (params > MOST_PASSED) throw new LeftOut(`${params} values lie on its frame`);
    this.setLocals(locals, params, params);
    this.budget.takeOver();
  }

  /** Of the host's locals the first `params` are parameters, and one is the budget. */
  private setLocals(locals: readonly ValType[], params: number, budget: number): void {
    requireHeld(this.module, [...locals, ...this.type.results]);
    this.locals = locals;
    this.params = params;
    this.budget.local = budget;
    this.operands.first = budget + 2;
    this.room.begin(locals, budget + 1);
    this.insert(TAKE_ROOM, 0);
    this.checkWriter = new CheckWriter(this.type, locals, budget, this.around);
  }

  /** Something is to be put in here. */
  private insert(kind: number, subject: number): void {
    this.insertions.row(this.code.length, kind, subject, 0);
  }

  // Blocks

  open(op: number, type: number): void {
    this.code.block(op, type);
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
    this.budget.pay(price);
    this.cost += price;
  }

  /** Copies plain instructions, which stay in this segment. */
  run({
    accessCount,
    accesses,
    bytes,
    end,
    highest,
    instructions,
    lowest,
    price,
    start,
    trap,
  }: Run): void {
    const { code, flow, operands } = this;
    operands.reach(highest);
    operands.drop(lowest);
    this.pay(price);
    flow.run(instructions, accesses, accessCount);
    if (trap < 0) {
      code.copy(bytes, start, end);
      return;
    }
    code.copy(bytes, start, trap);
    this.budget.keep();
    code.copy(bytes, trap, end);
  }

  /** Another instruction comes, of this segment or of the next one. */
  beginInstruction(): void {
    if (this.flow.next()) this.flow.cut(this.takeCost());
  }

  /** What has been written since the last event of the control flow. */
  takeCost(): number {
    const { cost } = this;
    this.cost = 0;
    return cost;
  }

  /**
   * Pays a bill besides, of which `write` pushes what it comes to; or goes to the end of the block
   * around where the budget would not last up to the next check behind the site that comes next.
   */
  payBill(write: () => void): void {
    const { budget, code, operands } = this;
    const left = operands.take(I32);
    code.indexed(OP.localGet, budget.local);
    write();
    code.u8(OP.i32Sub);
    code.indexed(OP.localTee, left);
    this.insert(WORST, this.sites.count);
    code.u8(OP.i32AtMost);
    code.indexed(OP.brIf, 0);
    budget.replace(left);
    operands.giveBack(I32, left);
  }

  /** Keeps what lies on top of the host's stack, to know it if the next instruction traps. */
  keep(type: ValType): void {
    const { code, operands } = this;
    const local = operands.take(type);
    code.indexed(OP.localTee, local);
    if (type === I64) code.u8(OP.i32Wrap);
    this.access.set(code, this.globals.kept(type === I64 ? I32 : type));
    code.indexed(OP.localGet, local);
    operands.giveBack(type, local);
  }

  // Sites

  /**
   * A loop, with operands above this height as its parameters. It is two of the host's: the inner
   * one, to which branches go, leaves for the outer one when the budget is used up. So there is no
   * call in a short loop, which V8 then handles as it would the guest's.
   */
  openLoop(offset: number, height: number, type: number): void {
    const { operands } = this;
    const site = this.sites.count;
    this.flow.loop(this.takeCost(), site);
    this.open(OP.loop, type);
    operands.set(height);
    this.check("loop", offset, 0);
    this.open(OP.loop, type);
    this.insert(LOOP, site);
    this.budget.merge();
    operands.drop(height);
  }

  closeLoop(): void {
    this.close();
    this.close();
  }

  /**
   * A loop in which the code began further on. Of its two blocks the inner one is left by branches
   * to the header, with the loop's parameters, and leaves a frame there.
   */
  closeLoopAround({ height, offset, params }: ControlFrame, reachable: boolean): void {
    const { operands } = this;
    if (reachable) this.branch(OP.br, this.level - 1);
    this.close();
    operands.save(height + params.length, { operandType: (i) => params[i - height] });
    this.insert(LEAVE, this.sites.add("loop", offset, 0, operands));
    operands.drop(height);
    this.close();
  }

  /** In front of what may run other functions: what was executed is paid. */
  beginCall(): void {
    this.budget.chargeAndHandOver();
    this.room.call(this.code);
  }

  /** The same, where the callee takes the function's place. */
  beginTailCall(): void {
    this.budget.chargeAndHandOver();
    this.room.tailCall();
    this.insert(GIVE_ROOM_BACK, 0);
  }

  /** Behind a call that has left so many results. */
  checkBehind(results: number, facts: BodyFacts): void {
    this.flow.call(this.takeCost(), this.sites.count);
    this.checkResults("call", results, facts);
  }

  /**
   * Behind `beginCall`: an instruction that a function of the runtime executes. That gets what is
   * left of the budget and the number of the site behind it, besides the operands.
   */
  runtimeInstruction(callee: number, results: number, facts: BodyFacts): void {
    const { code } = this;
    code.indexed(OP.localGet, this.budget.local);
    this.insert(NUMBER, this.sites.count);
    code.indexed(OP.call, callee);
    this.flow.instruction(this.takeCost(), this.sites.count);
    this.checkResults("instruction", results, facts);
  }

  /** All operands are on the host's stack, and go into locals for those who look at the frame. */
  private checkResults(kind: SiteKind, results: number, facts: BodyFacts): void {
    const { height, instruction } = facts;
    this.operands.drop(height - results);
    this.operands.save(height, facts);
    this.check(kind, instruction.start, results);
    this.budget.returned();
  }

  private check(kind: SiteKind, offset: number, results: number): void {
    this.insert(CHECK, this.sites.add(kind, offset, results, this.operands));
  }

  /** A call or tail call of a function of the module. */
  call(op: number, callee: number): void {
    this.code.u8(op);
    this.insert(CALLEE, callee);
  }

  // The complete function

  /**
   * Called now and then while the function is written, which may well be too dear half-way; so
   * many bytes have been put in.
   * @throws LeftOut if the host's compiler would be busy with it for too long
   */
  checkEffort(putIn = 0): void {
    const { added, first, highest } = this.operands;
    const locals = first + added.length + highest;
    const points = this.flow.length + CHECK_POINTS * this.sites.count;
    const bytes = BYTE_EFFORT * this.code.length + SITE_BYTE_EFFORT * putIn;
    if (this.effort + bytes + locals * points <= MOST_EFFORT) return;
    throw new LeftOut("the host's compiler would be busy with it for too long");
  }

  /**
   * Writes locals and code to `out`, which is empty, adds the sites to `sites`, and to `calls` the
   * places of indices of functions, which are those of the module.
   * @throws LeftOut
   */
  finish(out: ByteWriter, sites: Sites, calls: number[], imports: HostImports): void {
    this.checkEffort();
    const { functionIndex, locals, type } = this;
    const facts = this.flow.siteFacts(this.sites.count, locals.length, sites.end);
    const { dearest } = facts;
    if (dearest > MOST_COST) throw new LeftOut(`a path costs ${dearest}`);
    this.write(out, facts, calls, imports);
    sites.addAll(functionIndex, locals, type.params.length, this.sites, facts);
  }

  /** Bytes of stack that a call of it takes. */
  get frameBytes(): number {
    return this.room.bytes;
  }

  /** Where in `code` lies what has come to `at` in the complete function; -1: it was put in. */
  before(at: number): number {
    const { beginning, code, insertions } = this;
    const { length, words } = insertions;
    let from = 0;
    let behind = beginning;
    for (let row = 0; row <= length; row += ROW) {
      const end = row === length ? code.length : words[row];
      if (at < behind) return -1;
      if (at < behind + end - from) return from + at - behind;
      from = end;
      behind = words[row + BEHIND];
    }
    return -1;
  }

  /** The same where the sites are known already, by their offsets. */
  finishWithin(
    out: ByteWriter,
    factsOf: (sites: OpenSites) => SiteFacts,
    calls: number[],
    imports: HostImports,
  ): void {
    this.write(out, factsOf(this.sites), calls, imports);
  }

  private write(out: ByteWriter, facts: SiteFacts, calls: number[], imports: HostImports): void {
    const { code, insertions } = this;
    const added = [I32, I32, ...this.operands.added];
    writeLocals(out, [...this.locals.slice(this.params), ...added]);
    this.beginning = out.length;
    let from = 0;
    for (let row = 0; row < insertions.length; row += ROW) {
      const { words } = insertions;
      out.copy(code.bytes, from, words[row]);
      from = words[row];
      this.checkEffort(out.length - from);
      const subject = words[row + SUBJECT];
      if (words[row + KIND] === CALLEE) calls.push(out.padded(subject));
      else this.writeAt(out, words[row + KIND], subject, facts, imports);
      words[row + BEHIND] = out.length;
    }
    out.copy(code.bytes, from, code.length);
    this.checkEffort(out.length - code.length);
  }

  private writeAt(
    out: ByteWriter,
    kind: number,
    site: number,
    facts: SiteFacts,
    imports: HostImports,
  ): void {
    const { checkWriter, checks, room, sites } = this;
    switch (kind) {
      case CHECK:
        checks.push(checkWriter.check(out, site, sites, facts, imports));
        return;
      case LOOP:
        checkWriter.compare(out, OP.localGet, facts.worstOf(site));
        out.indexed(OP.brIf, 1);
        return;
      case LEAVE:
        return checkWriter.leave(out, site, sites, facts, imports);
      case NUMBER:
        return writeNumber(out, facts.numberOf(site));
      case WORST:
        return writeNumber(out, facts.worstOf(site));
      case TAKE_ROOM:
        return room.take(out);
      case GIVE_ROOM_BACK:
        return room.giveBack(out);
    }
  }
}
