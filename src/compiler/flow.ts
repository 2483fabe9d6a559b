// The control flow of a body as events, to find the worst cost between two checks, and which locals
// are live at them. A check stands at the function's entry, at loop headers, behind calls and
// behind what the runtime executes, so what lies between two of them has no cycle, and one pass
// backwards over the events finds the dearest path.

import { LONGEST_SEGMENT } from "../code/segments.ts";

const BLOCK = 0;
const LOOP = 1;
const IF = 2;
const ELSE = 3;
const END = 4;
const BRANCH = 5;
const BRANCH_IF = 6;
const TABLE = 7;
const LEAVE = 8;
const CALL = 9;
const INSTRUCTION = 10;
const CUT = 11;

/** Where segments end. */
const TRANSFERS: ReadonlySet<number> = new Set([
  ...[IF, ELSE, BRANCH, BRANCH_IF, TABLE, LEAVE, CALL, CUT],
]);

/** A label on the way back: what follows its end, and where an `if` goes for zero. */
interface OpenLabel {
  readonly target: PathAhead;
  readonly end: PathAhead;
  otherwise: PathAhead | null;
}

/** What lies ahead of a place, up to the next check; for locals, up to the function's end. */
interface PathAhead {
  cost: number;
  readonly live: Locals;
}

/** A set of locals, 32 a word. */
type Locals = Int32Array;

/** What is known at a site. */
export interface SiteFacts {
  /** Cost of the dearest path to the next check; at least 1, as who must be looked at has none. */
  readonly worst: number;
  /** Cost of what is left of the segment that the site lies in. */
  readonly rest: number;
  /** Locals that may be read before they are written. */
  readonly live: Locals;
}

function union(into: Locals, other: Locals): void {
  for (let i = 0; i < into.length; i++) into[i] |= other[i];
}

/** The set of these locals, of so many. */
export function setOf(members: readonly number[], count: number): Locals {
  const set = new Int32Array((count + 31) >> 5);
  for (const local of members) set[local >> 5] |= 1 << (local & 31);
  return set;
}

export function isLive(live: Locals, local: number): boolean {
  return ((live[local >> 5] >> (local & 31)) & 1) !== 0;
}

/** The events of one function, in order. */
export class Flow {
  private readonly kinds: number[] = [];
  private readonly costs: number[] = [];
  private readonly operands: number[] = [];
  private readonly tables: (readonly number[])[] = [];
  /** Whether each open frame is a loop. */
  private readonly loops: boolean[] = [];
  /** What is done to locals, twice the index, odd if it is written; how much by each event. */
  private readonly accesses: number[] = [];
  private readonly accessEnds: number[] = [];
  /** Instructions since the last transfer of control. */
  private instructions = 0;

  /** How many events there are: about as many control points has the function. */
  get length(): number {
    return this.kinds.length;
  }

  private add(kind: number, cost: number, operand = 0): void {
    this.kinds.push(kind);
    this.costs.push(cost);
    this.operands.push(operand);
    this.accessEnds.push(this.accesses.length);
    if (TRANSFERS.has(kind)) this.instructions = 0;
  }

  /** Another instruction comes; whether the segment is so long that it ends in front of it. */
  next(): boolean {
    const isCut = this.instructions >= LONGEST_SEGMENT;
    this.instructions = isCut ? 1 : this.instructions + 1;
    return isCut;
  }

  read(local: number): void {
    this.accesses.push(2 * local);
  }

  write(local: number): void {
    this.accesses.push(2 * local + 1);
  }

  // Each of these takes the cost since the event before it, its own instruction included.

  block(cost: number): void {
    this.add(BLOCK, cost);
    this.loops.push(false);
  }

  loop(cost: number, site: number): void {
    this.add(LOOP, cost, site);
    this.loops.push(true);
  }

  if(cost: number): void {
    this.add(IF, cost);
    this.loops.push(false);
  }

  else(cost: number): void {
    this.add(ELSE, cost);
  }

  end(cost: number): void {
    this.add(END, cost, this.loops.pop() ? 1 : 0);
  }

  branch(cost: number, label: number): void {
    this.add(BRANCH, cost, label);
  }

  branchIf(cost: number, label: number): void {
    this.add(BRANCH_IF, cost, label);
  }

  table(cost: number, labels: readonly number[]): void {
    this.add(TABLE, cost, this.tables.length);
    this.tables.push(labels);
  }

  /** `return` and `unreachable`. */
  leave(cost: number): void {
    this.add(LEAVE, cost);
  }

  /** A segment ends in straight-line code. */
  cut(cost: number): void {
    this.add(CUT, cost);
  }

  /** What the runtime executes, with a check behind it: the segment goes on. */
  instruction(cost: number, site: number): void {
    this.add(INSTRUCTION, cost, site);
  }

  /** A call, which has a check behind it. */
  call(cost: number, site: number): void {
    this.add(CALL, cost, site);
  }

  /** The facts of each site, by its number; the function's entry has the number 0. */
  siteFacts(sites: number, locals: number): SiteFacts[] {
    const facts = new Array<SiteFacts>(sites);
    const words = (locals + 31) >> 5;
    const none: PathAhead = { cost: 0, live: new Int32Array(words) };
    const labels: OpenLabel[] = [];
    const targetOf = (label: number) => labels[labels.length - 1 - label].target;
    const live = new Int32Array(words);
    let cost = 0;
    // What closed labels had is used again: there may be many of them, but few are open at once.
    const spare: PathAhead[] = [];
    const ahead = (): PathAhead => {
      const path = spare.pop() ?? { cost, live: new Int32Array(words) };
      path.cost = cost;
      path.live.set(live);
      return path;
    };
    const goTo = (path: PathAhead) => {
      cost = path.cost;
      live.set(path.live);
    };
    const orTo = (path: PathAhead) => {
      cost = Math.max(cost, path.cost);
      union(live, path.live);
    };
    const close = (): PathAhead => {
      const { end, otherwise } = labels.pop() as OpenLabel;
      spare.push(end);
      if (otherwise !== null) spare.push(otherwise);
      return otherwise ?? end;
    };
    // What is still to come up to the next transfer of control: segments go on through headers of
    // loops, and who enters one has to afford all of it (code/segments.ts).
    let segment = 0;
    const site = (number: number) => {
      facts[number] = { worst: Math.max(1, cost), rest: segment, live: live.slice() };
      cost = 0;
    };
    for (let i = this.kinds.length - 1; i >= 0; i--) {
      const operand = this.operands[i];
      switch (this.kinds[i]) {
        case END: {
          // A branch to a loop meets the check of its header; for locals see `addLoops`.
          const end = ahead();
          labels.push({ target: operand === 1 ? none : end, end, otherwise: null });
          break;
        }
        case ELSE: {
          const label = labels[labels.length - 1];
          label.otherwise = ahead();
          goTo(label.end);
          break;
        }
        case IF:
          orTo(close());
          break;
        case BLOCK:
          close();
          break;
        case LOOP:
          close();
          site(operand);
          cost = segment;
          break;
        case INSTRUCTION:
          site(operand);
          cost = segment;
          break;
        case CUT:
          break;
        case CALL:
          site(operand);
          break;
        case BRANCH:
          goTo(targetOf(operand));
          break;
        case BRANCH_IF:
          orTo(targetOf(operand));
          break;
        case TABLE:
          goTo(none);
          for (const label of this.tables[operand]) orTo(targetOf(label));
          break;
        default:
          goTo(none);
      }
      if (TRANSFERS.has(this.kinds[i])) segment = 0;
      segment += this.costs[i];
      cost += this.costs[i];
      this.accessBackwards(i, live);
    }
    site(0);
    this.addLoops(facts);
    return facts;
  }

  /** Goes back over the accesses between the event before and event `i`. */
  private accessBackwards(i: number, live: Locals): void {
    const first = i === 0 ? 0 : this.accessEnds[i - 1];
    for (let at = this.accessEnds[i] - 1; at >= first; at--) {
      const access = this.accesses[at];
      const bit = 1 << ((access >> 1) & 31);
      if ((access & 1) === 0) live[access >> 6] |= bit;
      else live[access >> 6] &= ~bit;
    }
  }

  /**
   * What is live at a loop's header is taken as live in all of the loop, since its branches back
   * were left out: a path over several of them may as well enter the inner loops the first time.
   */
  private addLoops(facts: readonly SiteFacts[]): void {
    const loops: Locals[] = [new Int32Array(facts[0].live.length)];
    for (let i = 0; i < this.kinds.length; i++) {
      const operand = this.operands[i];
      const around = loops[loops.length - 1];
      switch (this.kinds[i]) {
        case BLOCK:
        case IF:
          loops.push(around);
          break;
        case LOOP:
          union(facts[operand].live, around);
          loops.push(facts[operand].live);
          break;
        case CALL:
        case INSTRUCTION:
          union(facts[operand].live, around);
          break;
        case END:
          loops.pop();
      }
    }
  }
}
