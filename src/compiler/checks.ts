// What is put in at the sites of a function once it is complete: the check whether the budget lasts
// up to the next one, and the way out with a frame's values.

import type { ValType } from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import type { SiteFacts } from "./flow.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import type { HostImports } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { EMPTY, OP } from "./opcodes.ts";
import type { RoomWriter } from "./room.ts";
import { type OpenSites, SAVING, type SiteKind } from "./sites.ts";
import {
  PASSED_ORDER,
  type PassedAs,
  passedAs,
  passedCount,
  typeOfPart,
  writeDummy,
  writePassed,
} from "./values.ts";

/** The JavaScript API takes a thousand parameters; two say where and with what budget. */
export const MOST_PASSED = 900;

/** What checks have to do with besides: globals, and the room for frames. */
export interface Around {
  readonly globals: HostGlobals;
  readonly access: GlobalAccess;
  /** See `FirstCalls`; -1: there is none. */
  readonly groupGlobal: number;
  readonly room: RoomWriter;
}

export class CheckWriter {
  private readonly type: FuncType;
  private readonly locals: readonly ValType[];
  /** Local of the budget, and the global that has it across calls. */
  private readonly budget: number;
  private readonly around: Around;
  /** In how many parts each local is passed. */
  private readonly parts: number[] = [];
  /** The locals, by the class of parameters that they are passed as, ascending. */
  private readonly passedLocals: Record<PassedAs, number[]> = {
    i32: [],
    i64: [],
    reference: [],
  };

  constructor(type: FuncType, locals: readonly ValType[], budget: number, around: Around) {
    this.type = type;
    this.locals = locals;
    this.budget = budget;
    this.around = around;
    for (let local = 0; local < locals.length; local++) {
      const parts = passedAs(locals[local]);
      this.parts.push(parts.length);
      this.passedLocals[parts[0]].push(local);
    }
  }

  /** How many locals may be passed at a site: at the entry, others are still zero. */
  private countAt(kind: SiteKind): number {
    return kind === "entry" ? this.type.params.length : this.locals.length;
  }

  /** Asks for budget, or comes down; where the `if` of that is. */
  check(
    out: ByteWriter,
    site: number,
    sites: OpenSites,
    facts: SiteFacts,
    imports: HostImports,
  ): number {
    const { budget } = this;
    const { access, globals, groupGlobal, room } = this.around;
    const kind = sites.kindAt(site);
    const isEntry = kind === "entry";
    const asksForRoom = isEntry && room.isAsked;
    const isInGroup = isEntry && groupGlobal >= 0;
    const isLoop = kind === "loop";
    if (!isLoop) access.get(out, globals.budget);
    this.compare(out, isLoop ? OP.localGet : OP.localTee, facts.worstOf(site));
    if (asksForRoom) room.orNone(out);
    if (isInGroup) {
      out.indexed(OP.globalGet, groupGlobal);
      out.u8(OP.i32Or);
    }
    const at = out.length;
    out.block(OP.if, EMPTY);
    if (asksForRoom) room.tell(out);
    if (isInGroup) {
      writeNumber(out, 0);
      out.indexed(OP.globalSet, groupGlobal);
    }
    const callee = this.pushValues(out, site, sites, facts, imports);
    out.indexed(OP.localGet, budget);
    writeNumber(out, facts.numberOf(site));
    out.indexed(OP.call, callee);
    out.indexed(OP.localTee, budget);
    writeNumber(out, 0);
    out.u8(OP.i32Less);
    out.block(OP.if, EMPTY);
    this.returnDummies(out);
    out.u8(OP.end);
    out.u8(OP.end);
    return at;
  }

  /** Leaves a frame in any case, as if others came down above it, but keeps the budget. */
  leave(
    out: ByteWriter,
    site: number,
    sites: OpenSites,
    facts: SiteFacts,
    imports: HostImports,
  ): void {
    const { access, globals } = this.around;
    out.indexed(OP.localGet, this.budget);
    access.set(out, globals.budget);
    const callee = this.pushValues(out, site, sites, facts, imports);
    writeNumber(out, SAVING);
    writeNumber(out, facts.numberOf(site));
    out.indexed(OP.call, callee);
    out.u8(OP.drop);
    this.returnDummies(out);
  }

  private returnDummies(out: ByteWriter): void {
    for (const type of this.type.results) writeDummy(out, type);
    out.u8(OP.return);
  }

  /** Whether the budget, as `op` gives it, may not last up to the next check. */
  compare(out: ByteWriter, op: number, worst: number): void {
    out.indexed(op, this.budget);
    writeNumber(out, worst);
    out.u8(OP.i32Less);
  }

  /** Pushes what a frame holds; the function that takes it. */
  private pushValues(
    out: ByteWriter,
    site: number,
    sites: OpenSites,
    facts: SiteFacts,
    imports: HostImports,
  ): number {
    const count = this.countAt(sites.kindAt(site));
    const firstOperand = sites.operandsFrom(site);
    const lastOperand = sites.operandsUpTo(site);
    const counts = { i32: 0, i64: 0, reference: 0 };
    let passed = 0;
    for (const kind of PASSED_ORDER) {
      const before = passed;
      for (const local of this.passedLocals[kind]) {
        if (local >= count) break;
        if (!facts.isLive(site, local)) continue;
        writeParts(out, this.locals[local], local, this.parts[local]);
        passed += this.parts[local];
      }
      for (let i = firstOperand; i < lastOperand; i++) {
        const type = sites.typeOf(i);
        const parts = passedAs(type);
        if (parts[0] !== kind) continue;
        writeParts(out, type, sites.localOf(i), parts.length);
        passed += parts.length;
      }
      const padded = passedCount(passed - before);
      for (; passed < before + padded; passed++) writeDummy(out, typeOfPart(kind));
      counts[kind] = padded;
    }
    if (passed > MOST_PASSED) throw new LeftOut(`${passed} values lie on its frame`);
    return imports.site(counts);
  }
}

/** Pushes a value in a local, in so many parts. */
function writeParts(out: ByteWriter, type: ValType, local: number, count: number): void {
  for (let part = 0; part < count; part++) writePassed(out, type, local, part);
}

export function writeNumber(out: ByteWriter, value: number): void {
  out.u8(OP.i32Const);
  out.s32(value);
}
