// Random programs that are executed while they are written: of each value it is known which one it
// is, so what must come out needs no other engine. They are about references and values of two
// slots: in locals, operands, globals and tables, across calls, tail calls, exceptions and calls of
// the host. Each function is called once.

import { build, Code, type FunctionPart } from "../../attacks/build.ts";
import type { Random } from "../random.ts";
import {
  type Ending,
  type Exception,
  type HostCall,
  type Kind,
  type Signature,
  type TracedProgram,
  TYPES,
  type Value,
  vectorOf,
} from "./values.ts";

const KINDS = ["i32", "v128", "v128", "extern", "extern", "func", "func", "exn"] as const;
/** What may cross to the host. */
const HOST_KINDS = ["i32", "v128", "extern", "func"] as const;
const OBJECTS = 12;
const ELEMENTS = 6;
const MOST_DEPTH = 10;
const MOST_BLOCKS = 5;
/** Tables, one of each kind. */
const STORED = ["extern", "func", "exn"] as const;
/** Globals, one of each kind. */
const GLOBALS = ["extern", "v128", "func", "exn"] as const;
const HOST_FUNCTIONS = 6;
/** Type of ref.null as a heap type. */
const HEAP = { extern: 0x6f, func: 0x70, exn: 0x69 } as const;

/** A call in progress: what the frame holds while its code is written. */
interface Frame {
  readonly code: Code;
  readonly locals: Value[];
  readonly stack: Value[];
  readonly results: readonly Kind[];
  readonly depth: number;
  blocks: number;
}

/** How a call ends at a step. `gone`: its frame, with its handlers, is not there any more. */
interface Exit {
  readonly ending: Ending;
  readonly gone: boolean;
}

function isNumber(kind: Kind): kind is "i32" | "v128" {
  return kind === "i32" || kind === "v128";
}

function nothing(kind: Kind): Value {
  return isNumber(kind) ? { kind, is: 0 } : { kind, is: null };
}

function thrownBy(ending: Ending): Exception | null {
  return ending.how === "threw" ? ending.exception : null;
}

function returned(values: readonly Value[]): Ending {
  return { how: "returned", values };
}

class Tracer {
  private readonly random: Random;
  private readonly signatures: Signature[] = [];
  private readonly functions: (FunctionPart | null)[] = [];
  private readonly hosts: readonly Signature[];
  /** The first ones are the host's, too; the last one is like the first and is never thrown. */
  private readonly tags: readonly (readonly Kind[])[];
  private readonly hostTags = 2;
  private readonly globals = GLOBALS.map(nothing);
  private readonly tables = STORED.map((kind) => new Array<Value>(ELEMENTS).fill(nothing(kind)));
  private readonly script: HostCall[] = [];
  private budget: number;
  /** Calls from host functions in progress: in them nobody can wait for a promise. */
  private nested = 0;
  private errors = 0;

  constructor(random: Random) {
    this.random = random;
    this.budget = random.between(40, 400);
    this.hosts = random.times(HOST_FUNCTIONS, () => {
      return { params: this.kinds(4, HOST_KINDS), results: this.kinds(3, HOST_KINDS) };
    });
    const [first, second] = random.times(2, () => this.kinds(3, HOST_KINDS));
    this.tags = [first, second, this.kinds(3, KINDS), first];
  }

  program(): TracedProgram {
    const { hosts, script, tags } = this;
    const params = this.kinds(6, HOST_KINDS);
    const entry = this.reserve();
    const args = params.map((kind) => this.hostValue(kind));
    const signature = { params, results: this.kinds(3, HOST_KINDS) };
    const ending = this.writeFunction(entry, signature, args, 0);
    const hostTypes = hosts.map((host) => this.typeOf(host));
    const tagTypes = tags.map((kinds) => this.typeOf({ params: kinds, results: [] }));
    const all = hosts.length + this.functions.length;
    const tables = STORED.map((kind) => [TYPES[kind], [ELEMENTS]] as const);
    const exports = Object.fromEntries([
      ...this.functions.map((_, i) => [`f${hosts.length + i}`, [0, hosts.length + i]] as const),
      ...STORED.map((_, i) => [`t${i}`, [1, i]] as const),
      ...GLOBALS.map((_, i) => [`g${i}`, [3, i]] as const),
    ]);
    const bytes = build({
      types: this.signatures.map((item) => [item.params.map(type), item.results.map(type)]),
      imports: hosts.map((_, i) => [`h${i}`, hostTypes[i]]),
      importedTags: tags.slice(0, this.hostTags).map((_, i) => [`t${i}`, tagTypes[i]]),
      tags: tagTypes.slice(this.hostTags),
      functions: this.functions.map((part) => part as FunctionPart),
      tables,
      globals: GLOBALS.map((kind) => [
        TYPES[kind],
        (c) => {
          if (kind === "v128") writeVector(c, 0);
          else c.op("ref.null").byte(HEAP[kind]);
        },
      ]),
      exports,
      // Declares all functions, so that ref.func may name them.
      elements: [
        (w) =>
          w
            .u32(3)
            .byte(0)
            .vector(Array.from({ length: all }), (_, i) => w.u32(i)),
      ],
    });
    return {
      bytes,
      entry,
      args,
      ending,
      script,
      hostSignatures: hosts,
      hostTags: tags.slice(0, this.hostTags),
      functions: all,
      globals: this.globals,
      tables: this.tables,
    };
  }

  // Types and values

  private kinds(most: number, of: readonly Kind[]): Kind[] {
    return this.random.times(this.random.below(most + 1), () => this.random.pick(of));
  }

  private typeOf({ params, results }: Signature): number {
    const key = `${params} ${results}`;
    const found = this.signatures.findIndex((item) => `${item.params} ${item.results}` === key);
    return found >= 0 ? found : this.signatures.push({ params, results }) - 1;
  }

  /** A value that the host may give. */
  private hostValue(kind: Kind): Value {
    if (kind === "extern" && !this.random.oneIn(6)) {
      return { kind, is: this.random.below(OBJECTS) };
    }
    if (isNumber(kind)) return { kind, is: this.random.below(100) };
    if (kind === "func" && !this.random.oneIn(3)) {
      return { kind, is: this.hosts.length + this.random.below(this.functions.length) };
    }
    return nothing(kind);
  }

  private reserve(): number {
    return this.hosts.length + this.functions.push(null) - 1;
  }

  // Functions

  private writeFunction(
    index: number,
    signature: Signature,
    args: readonly Value[],
    depth: number,
  ): Ending {
    const { random } = this;
    const kinds = random.times(random.pick([0, 3, 8, 20]), () => random.pick(KINDS));
    // Slots beyond the reach of narrow instructions, now and then.
    const filler = random.oneIn(5) ? 140 : 0;
    const code = new Code();
    const locals = [
      ...args,
      ...new Array<Value>(filler).fill(nothing("i32")),
      ...kinds.map(nothing),
    ];
    const { results } = signature;
    const frame: Frame = { code, locals, stack: [], results, depth, blocks: 0 };
    const exit = this.steps(frame, random.between(3, 14), true) ?? this.leave(frame, 0, results);
    const own = [[filler, TYPES.i32] as const, ...kinds.map((kind) => [1, TYPES[kind]] as const)];
    const write = (w: Code) => w.bytes(code.view());
    const part = { type: this.typeOf(signature), locals: own, code: write };
    this.functions[index - this.hosts.length] = part;
    return exit?.ending ?? returned(frame.stack.slice());
  }

  /** Leaves exactly these kinds above `base`. */
  private leave(frame: Frame, base: number, kinds: readonly Kind[]): null {
    while (frame.stack.length > base) this.consume(frame);
    for (const kind of kinds) this.push(frame, kind);
    return null;
  }

  /** Some steps; how the call ends, if it does here. Whether `outermost` decides about returns. */
  private steps(frame: Frame, count: number, outermost = false): Exit | null {
    const base = frame.stack.length;
    for (let i = 0; i < count && this.budget > 0; i++) {
      this.budget--;
      const exit = this.step(frame, base);
      if (exit !== null) return exit;
    }
    if (!this.random.oneIn(outermost ? 4 : 12)) return null;
    return this.lastStep(frame);
  }

  private step(frame: Frame, base: number): Exit | null {
    const { random } = this;
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        this.push(frame, random.pick(KINDS));
        return null;
      case 3:
      case 4:
        if (frame.stack.length > base) this.consume(frame);
        return null;
      case 5:
        return this.burst(frame);
      case 6:
        if (frame.stack.length > base) this.isNull(frame);
        return null;
      case 7:
        this.select(frame);
        return null;
      case 8:
      case 9:
      case 10:
        return this.call(frame, false);
      case 11:
      case 12:
        return this.callHost(frame, false);
      case 13:
        return frame.blocks < MOST_BLOCKS ? this.block(frame) : null;
      default:
        return frame.blocks < MOST_BLOCKS ? this.tryTable(frame) : null;
    }
  }

  /** What ends the function: return, throw, tail call. */
  private lastStep(frame: Frame): Exit | null {
    switch (this.random.below(6)) {
      case 0: {
        for (const kind of frame.results) this.push(frame, kind);
        frame.code.op("return");
        const values = frame.stack.slice(frame.stack.length - frame.results.length);
        return { ending: returned(values), gone: true };
      }
      case 1:
        return this.throwTag(frame);
      case 2:
        return this.throwReference(frame);
      case 3:
        return this.callHost(frame, true);
      default:
        return this.call(frame, true);
    }
  }

  // Operands

  private push(frame: Frame, kind: Kind): void {
    const { random } = this;
    const { code, locals, stack } = frame;
    const fitting = locals.flatMap((value, i) => (value.kind === kind ? [i] : []));
    const local = random.pickFrom(fitting);
    if (local !== undefined && !random.oneIn(3)) {
      code.op("local.get", local);
      stack.push(locals[local]);
      return;
    }
    if (kind === "i32") {
      const is = random.below(1000);
      code.i32(is);
      stack.push({ kind, is });
      return;
    }
    const global = GLOBALS.indexOf(kind);
    if (random.oneIn(3)) {
      code.op("global.get", global);
      stack.push(this.globals[global]);
      return;
    }
    if (kind === "v128") {
      const is = random.below(1000);
      writeVector(code, is);
      stack.push({ kind, is });
      return;
    }
    const place = STORED.indexOf(kind);
    const way = random.below(kind === "func" ? 3 : 2);
    if (way === 0) {
      code.op("ref.null").byte(HEAP[kind]);
      stack.push(nothing(kind));
    } else if (way === 1) {
      const at = random.below(ELEMENTS);
      code.i32(at).op("table.get", place);
      stack.push(this.tables[place][at]);
    } else {
      const is = random.below(this.hosts.length + this.functions.length);
      code.op("ref.func", is);
      stack.push({ kind: "func", is });
    }
  }

  /** Takes an operand away: dropped, or kept somewhere. */
  private consume(frame: Frame): void {
    const { random } = this;
    const { code, locals, stack } = frame;
    const value = stack[stack.length - 1];
    const { kind } = value;
    const fitting = locals.flatMap((item, i) => (item.kind === kind ? [i] : []));
    const local = random.pickFrom(fitting);
    const way = random.below(4);
    if (way <= 1 && local !== undefined) {
      locals[local] = value;
      code.op(way === 0 ? "local.set" : "local.tee", local);
      if (way === 1) return;
    } else if (way === 2 && kind !== "i32") {
      if (kind === "v128" || random.oneIn(2)) {
        const global = GLOBALS.indexOf(kind);
        code.op("global.set", global);
        this.globals[global] = value;
      } else {
        const place = STORED.indexOf(kind);
        const copy = this.spare(frame, kind);
        if (copy === null) code.op("drop");
        else this.setElement(frame, place, copy, value);
      }
    } else code.op("drop");
    stack.pop();
  }

  /** A local of this kind, for what an operand has to be put aside. */
  private spare(frame: Frame, kind: Kind): number | null {
    const at = frame.locals.findIndex((item) => item.kind === kind);
    return at < 0 ? null : at;
  }

  private setElement(frame: Frame, place: number, local: number, value: Value): void {
    const at = this.random.below(ELEMENTS);
    frame.code.op("local.set", local).i32(at).op("local.get", local).op("table.set", place);
    frame.locals[local] = value;
    this.tables[place][at] = value;
  }

  /** Many references that are alive across a call. */
  private burst(frame: Frame): Exit | null {
    const base = frame.stack.length;
    for (let i = this.random.between(5, 30); i > 0; i--) this.push(frame, this.random.pick(KINDS));
    const exit = this.random.oneIn(2) ? this.call(frame, false) : this.callHost(frame, false);
    if (exit !== null) return exit;
    while (frame.stack.length > base) this.consume(frame);
    return null;
  }

  private isNull(frame: Frame): void {
    const top = frame.stack[frame.stack.length - 1];
    if (isNumber(top.kind)) return;
    frame.stack.pop();
    frame.code.op("ref.is_null");
    frame.stack.push({ kind: "i32", is: top.is === null ? 1 : 0 });
  }

  private select(frame: Frame): void {
    const kind = this.random.pick(KINDS);
    this.push(frame, kind);
    this.push(frame, kind);
    const first = this.random.oneIn(2);
    frame.code
      .i32(first ? 1 : 0)
      .byte(0x1c)
      .u32(1)
      .valType(TYPES[kind]);
    const second = frame.stack.pop() as Value;
    if (!first) frame.stack[frame.stack.length - 1] = second;
  }

  private pushAll(frame: Frame, kinds: readonly Kind[]): Value[] {
    for (const kind of kinds) this.push(frame, kind);
    return frame.stack.slice(frame.stack.length - kinds.length);
  }

  // Calls

  /** Calls a new function, in one of the ways there are. */
  private call(frame: Frame, tail: boolean): Exit | null {
    if (frame.depth >= MOST_DEPTH || this.budget <= 0) return null;
    const { random } = this;
    const params = this.kinds(random.pick([2, 6, 12]), KINDS);
    const results = tail ? frame.results : this.kinds(4, KINDS);
    const signature = { params, results };
    const index = this.reserve();
    this.transfer(frame, index, signature, tail);
    const { stack } = frame;
    const args = stack.splice(stack.length - params.length);
    const ending = this.writeFunction(index, signature, args, frame.depth + 1);
    return this.after(frame, ending, tail);
  }

  /** Pushes arguments and writes the instruction that calls; the operands stay on the stack. */
  private transfer(frame: Frame, index: number, signature: Signature, tail: boolean): void {
    const { code } = frame;
    const prefix = tail ? "return_" : "";
    const type = this.typeOf(signature);
    switch (this.random.below(3)) {
      case 0: {
        // By way of the table of functions.
        const at = this.random.below(ELEMENTS);
        const place = STORED.indexOf("func");
        code.i32(at).op("ref.func", index).op("table.set", place);
        this.tables[place][at] = { kind: "func", is: index };
        this.pushAll(frame, signature.params);
        code.i32(at).op(`${prefix}call_indirect`, type, place);
        return;
      }
      case 1:
        this.pushAll(frame, signature.params);
        code.op("ref.func", index).op(`${prefix}call_ref`, type);
        return;
      default:
        this.pushAll(frame, signature.params);
        code.op(`${prefix}call`, index);
    }
  }

  /** Goes on behind a call: what a tail call comes to is what its caller comes to. */
  private after(frame: Frame, ending: Ending, tail: boolean): Exit | null {
    if (tail) return { ending, gone: true };
    if (ending.how !== "returned") return this.dead(frame, { ending, gone: false });
    frame.stack.push(...ending.values);
    return null;
  }

  private callHost(frame: Frame, tail: boolean): Exit | null {
    const { hosts, random } = this;
    const fitting = [...hosts.keys()].filter((i) => {
      return !tail || hosts[i].results.join() === frame.results.join();
    });
    const callee = random.pickFrom(fitting);
    if (callee === undefined) return null;
    this.transfer(frame, callee, hosts[callee], tail);
    const { stack } = frame;
    const args = stack.splice(stack.length - hosts[callee].params.length);
    const at = this.script.length;
    const call = { callee, args, nested: null, later: false, ending: this.hostEnding(callee) };
    this.script.push(call);
    const nested = random.oneIn(3) ? this.nestedCall(frame.depth) : null;
    const later = this.nested === 0 && random.oneIn(4);
    this.script[at] = { ...call, nested, later };
    return this.after(frame, call.ending, tail);
  }

  private hostEnding(callee: number): Ending {
    const { random } = this;
    if (random.oneIn(6)) {
      const tag = random.below(this.hostTags);
      const payload = this.tags[tag].map((kind) => this.hostValue(kind));
      return { how: "threw", exception: { tag, payload } };
    }
    if (random.oneIn(12)) return { how: "foreign", error: this.errors++ };
    return returned(this.hosts[callee].results.map((kind) => this.hostValue(kind)));
  }

  /** A call that the host function makes before it ends. */
  private nestedCall(depth: number) {
    if (depth >= MOST_DEPTH || this.budget <= 0 || this.nested >= 3) return null;
    const params = this.kinds(4, HOST_KINDS);
    const args = params.map((kind) => this.hostValue(kind));
    const callee = this.reserve();
    const signature = { params, results: this.kinds(3, HOST_KINDS) };
    this.nested++;
    const ending = this.writeFunction(callee, signature, args, depth + 1);
    this.nested--;
    return { callee, args, ending };
  }

  // Blocks

  /** After code that is never left the normal way. */
  private dead(frame: Frame, exit: Exit): Exit {
    frame.code.op("unreachable");
    return exit;
  }

  private open(frame: Frame, name: string, results: readonly Kind[]): void {
    frame.code.op(name).signed(this.typeOf({ params: [], results }));
    frame.blocks++;
  }

  private close(frame: Frame): void {
    frame.code.op("end");
    frame.blocks--;
  }

  private block(frame: Frame): Exit | null {
    const results = this.kinds(3, KINDS);
    const base = frame.stack.length;
    this.open(frame, "block", results);
    const exit = this.steps(frame, this.random.between(1, 6)) ?? this.leave(frame, base, results);
    if (exit === null && this.random.oneIn(2)) frame.code.op("br", 0);
    this.close(frame);
    return exit === null ? null : this.dead(frame, exit);
  }

  /** block (result R) block (result P) try_table (catch …) … end, br; end … end */
  private tryTable(frame: Frame): Exit | null {
    const { random } = this;
    const kind = random.below(4);
    const tag = random.pick([0, 0, 1, 2]);
    const results = this.kinds(2, KINDS);
    const caught: Kind[] = kind < 2 ? [...this.tags[tag]] : [];
    if (kind % 2 === 1) caught.push("exn");
    const base = frame.stack.length;
    this.open(frame, "block", results);
    this.open(frame, "block", caught);
    this.open(frame, "try_table", results);
    this.writeClauses(frame, kind, tag);
    const inside = this.steps(frame, random.between(1, 8)) ?? this.leave(frame, base, results);
    this.close(frame);
    frame.code.op("br", 1);
    this.close(frame);
    const exception = inside === null || inside.gone ? null : thrownBy(inside.ending);
    if (exception === null || (kind < 2 && exception.tag !== tag)) {
      // The code of the handler is never reached.
      frame.code.op("unreachable");
      this.close(frame);
      return inside === null ? null : this.dead(frame, inside);
    }
    frame.stack.length = base;
    if (kind < 2) frame.stack.push(...exception.payload);
    if (kind % 2 === 1) frame.stack.push({ kind: "exn", is: exception });
    this.leave(frame, base, results);
    this.close(frame);
    return null;
  }

  private writeClauses({ code }: Frame, kind: number, tag: number): void {
    const decoy = kind < 2 && tag === 0 && this.random.oneIn(2);
    code.u32(decoy ? 2 : 1);
    // A tag of the same type that nobody throws.
    if (decoy)
      code
        .byte(kind)
        .u32(this.tags.length - 1)
        .u32(0);
    code.byte(kind);
    if (kind < 2) code.u32(tag);
    code.u32(0);
  }

  // Exceptions

  private throwTag(frame: Frame): Exit {
    const tag = this.random.below(3);
    const payload = this.pushAll(frame, this.tags[tag]);
    frame.code.op("throw", tag);
    return { ending: { how: "threw", exception: { tag, payload } }, gone: false };
  }

  /** throw_ref of an exception that was caught before; null would trap. */
  private throwReference(frame: Frame): Exit | null {
    const at = frame.locals.findIndex(({ kind, is }) => kind === "exn" && is !== null);
    if (at < 0) return null;
    frame.code.op("local.get", at).op("throw_ref");
    const exception = frame.locals[at].is as Exception;
    return { ending: { how: "threw", exception }, gone: false };
  }
}

function writeVector(code: Code, is: number): void {
  code.op("v128.const").bytes(vectorOf(is));
}

function type(kind: Kind) {
  return TYPES[kind];
}

/** A random program and what it does. */
export function tracedProgram(random: Random): TracedProgram {
  return new Tracer(random).program();
}
