// The control flow of a body as events, to find the worst cost between two checks, and which locals
// are live at them. A check stands at the function's entry, at loop headers, behind calls and
// behind what the runtime executes, so what lies between two of them has no cycle, and one pass
// backwards over the events finds the dearest path.

import { LONGEST_SEGMENT } from "../code/segments.ts";
import { WordList } from "./words.ts";

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

/** Where segments end: a bit for each of these kinds. */
const TRANSFERS = [IF, ELSE, BRANCH, BRANCH_IF, TABLE, LEAVE, CALL, CUT].reduce(
  (kinds, kind) => kinds | (1 << kind),
  0,
);

/** Ways back over the events of a function, at most. */
const MOST_WAYS = 6;

/** What is dearer counts as much, which fits in a word: its function is nothing for the host. */
const DEAREST = 1 << 30;

/** Words of an event: its kind, the cost since the one before, an operand, where accesses end. */
const KIND = 0;
const COST = 1;
const OPERAND = 2;
const ACCESSES = 3;
const ROW = 4;

/** What is known at the sites of a function, when it is complete. */
export interface SiteFacts {
  /** Cost of the dearest path to the next check; at least 1, as who must be looked at has none. */
  worstOf(site: number): number;
  /** Whether a local may be read before it is written. */
  isLive(site: number, local: number): boolean;
  numberOf(site: number): number;
}

/** What has been found out at the sites of one function. */
export class FoundFacts implements SiteFacts {
  /** Costs of the dearest paths, and of what is left of the segments that the sites lie in. */
  worst = new Int32Array(64);
  rest = new Int32Array(64);
  /** Sets of locals, of so many words each, with 32 in a word. */
  live = new Int32Array(64);
  words = 0;
  private count = 0;
  private first = 0;

  /** Begins with a function of so many sites, which have numbers from `first` on: none is live. */
  begin(sites: number, words: number, first: number): void {
    this.count = sites;
    this.words = words;
    this.first = first;
    if (sites > this.worst.length) {
      this.worst = new Int32Array(2 * sites);
      this.rest = new Int32Array(2 * sites);
    }
    if (sites * words > this.live.length) this.live = new Int32Array(2 * sites * words);
    else this.live.fill(0, 0, sites * words);
  }

  worstOf(site: number): number {
    return this.worst[site];
  }

  restOf(site: number): number {
    return this.rest[site];
  }

  numberOf(site: number): number {
    return this.first + site;
  }

  isLive(site: number, local: number): boolean {
    return ((this.live[site * this.words + (local >> 5)] >> (local & 31)) & 1) !== 0;
  }

  /** Notes which locals are live at a site; whether that is news. */
  note(site: number, locals: Int32Array): boolean {
    const { live, words } = this;
    let isNew = false;
    for (let i = 0; i < words; i++) {
      if (live[site * words + i] !== locals[i]) isNew = true;
      live[site * words + i] = locals[i];
    }
    return isNew;
  }

  /** Adds to what is live at a site what is live at another one. */
  unite(site: number, other: number): void {
    const { live, words } = this;
    for (let i = 0; i < words; i++) live[site * words + i] |= live[other * words + i];
  }

  /** The most that a path costs. */
  get dearest(): number {
    let most = 0;
    for (let i = 0; i < this.count; i++) most = Math.max(most, this.worst[i]);
    return most;
  }
}

/**
 * What lies ahead of places on the way back, by numbers: the cost up to the next check, and the
 * locals that are live, in one row each. 0 is where nothing lies ahead.
 */
class Paths {
  private words = 0;
  private rows = new Int32Array(256);
  /** Where the way back has come to. */
  cost = 0;
  live = new Int32Array(8);

  /** Begins at the end of a function, of whose locals so many words know. */
  begin(words: number): void {
    this.words = words;
    if (words > this.live.length) this.live = new Int32Array(2 * words);
    this.live.fill(0, 0, words);
    this.cost = 0;
    this.note(0);
  }

  /** Notes where it has come to. */
  note(path: number): void {
    this.noteAs(path, this.cost, this.live, 0);
  }

  /** Notes a check, where these locals are live: the set begins at a word. */
  noteCheck(path: number, live: Int32Array, first: number): void {
    this.noteAs(path, 0, live, first);
  }

  private noteAs(path: number, cost: number, live: Int32Array, first: number): void {
    const { words } = this;
    const at = path * (1 + words);
    if (at + words >= this.rows.length) {
      const rows = new Int32Array(2 * (at + 1 + words));
      rows.set(this.rows);
      this.rows = rows;
    }
    this.rows[at] = cost;
    for (let i = 0; i < words; i++) this.rows[at + 1 + i] = live[first + i];
  }

  /** Control goes on there. */
  goTo(path: number): void {
    const { live, rows, words } = this;
    const at = path * (1 + words);
    this.cost = rows[at];
    for (let i = 0; i < words; i++) live[i] = rows[at + 1 + i];
  }

  /** Control may go on there as well. */
  orTo(path: number): void {
    const { live, rows, words } = this;
    const at = path * (1 + words);
    if (rows[at] > this.cost) this.cost = rows[at];
    for (let i = 0; i < words; i++) live[i] |= rows[at + 1 + i];
  }
}

/** The events of one function after the other, in order. */
export class Flow {
  private readonly events = new WordList();
  private readonly paths = new Paths();
  private readonly facts = new FoundFacts();
  private readonly tables: (readonly number[])[] = [];
  /** The site of each open frame that is a loop; 0: it is none. */
  private readonly loops: number[] = [];
  /** What is done to locals, twice the index, odd if it is written. */
  private readonly accesses = new WordList();
  /** Instructions since the last transfer of control. */
  private instructions = 0;
  /** Whether exceptions are handled, and may bring control to where it goes nowhere else. */
  private hasHandlers = false;

  /** Begins with another function. */
  clear(): void {
    this.events.length = 0;
    this.tables.length = 0;
    this.loops.length = 0;
    this.accesses.length = 0;
    this.instructions = 0;
    this.hasHandlers = false;
  }

  /** How many events there are: about as many control points has the function. */
  get length(): number {
    return this.events.length / ROW;
  }

  private add(kind: number, cost: number, operand = 0): void {
    this.events.row(kind, Math.min(cost, DEAREST), operand, this.accesses.length);
    if (((TRANSFERS >> kind) & 1) !== 0) this.instructions = 0;
  }

  /** Another instruction comes; whether the segment is so long that it ends in front of it. */
  next(): boolean {
    const isCut = this.instructions >= LONGEST_SEGMENT;
    this.instructions = isCut ? 1 : this.instructions + 1;
    return isCut;
  }

  /** How many instructions may come before the segment ends. */
  get mostInSegment(): number {
    return LONGEST_SEGMENT - this.instructions;
  }

  /** So many plain instructions come, which do this to locals. */
  run(instructions: number, accesses: Int32Array, count: number): void {
    this.instructions += instructions;
    this.accesses.append(accesses, count);
  }

  read(local: number): void {
    this.accesses.push(2 * local);
  }

  write(local: number): void {
    this.accesses.push(2 * local + 1);
  }

  /** Exceptions are handled: what handlers read of locals is not known, so all are live. */
  protect(): void {
    this.hasHandlers = true;
  }

  // Each of these takes the cost since the event before it, its own instruction included.

  block(cost: number): void {
    this.add(BLOCK, cost);
    this.loops.push(0);
  }

  loop(cost: number, site: number): void {
    this.add(LOOP, cost, site);
    this.loops.push(site);
  }

  if(cost: number): void {
    this.add(IF, cost);
    this.loops.push(0);
  }

  else(cost: number): void {
    this.add(ELSE, cost);
  }

  end(cost: number): void {
    this.add(END, cost, this.loops.pop());
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

  /**
   * The facts of each site, up to the next function; the entry is site 0, and has the number
   * `first`.
   */
  siteFacts(sites: number, locals: number, first: number): FoundFacts {
    const { facts } = this;
    facts.begin(sites, (locals + 31) >> 5, first);
    // What is live at a loop's header is so at branches to it as well, which come first on the way
    // back. So it is gone again until nothing is news; a function needs more than some ways only if
    // branches leave many loops within each other.
    let isNew = true;
    for (let i = 0; i < MOST_WAYS && isNew; i++) isNew = this.goBack(facts);
    if (isNew) this.addLoops(facts);
    if (this.hasHandlers) facts.live.fill(-1);
    return facts;
  }

  /** Finds out on one way back; whether more is live at loops' headers than on the way before. */
  private goBack(facts: FoundFacts): boolean {
    const { accesses, events, paths } = this;
    const { words: sizeOfSet } = facts;
    let isNew = false;
    paths.begin(sizeOfSet);
    const { live } = paths;
    // Of each open label: the path that branches to it take, and the one in front of the block.
    const targets: number[] = [];
    const begins: number[] = [];
    const targetOf = (label: number) => targets[targets.length - 1 - label];
    const close = (): number => {
      targets.pop();
      return begins.pop() as number;
    };
    // What is still to come up to the next transfer of control: segments go on through headers of
    // loops, and who enters one has to afford all of it (code/segments.ts).
    let segment = 0;
    const site = (number: number): boolean => {
      facts.worst[number] = Math.max(1, paths.cost);
      facts.rest[number] = segment;
      paths.cost = 0;
      return facts.note(number, live);
    };
    for (let row = events.length - ROW; row >= 0; row -= ROW) {
      const { words } = events;
      const kind = words[row + KIND];
      const operand = words[row + OPERAND];
      const depth = targets.length;
      switch (kind) {
        case END: {
          const end = 1 + 2 * depth;
          paths.note(end);
          begins.push(end);
          if (operand === 0) {
            targets.push(end);
            break;
          }
          // A branch to a loop meets the check of its header.
          paths.noteCheck(end + 1, facts.live, operand * sizeOfSet);
          targets.push(end + 1);
          break;
        }
        case ELSE:
          paths.note(2 * depth);
          paths.goTo(2 * depth - 1);
          begins[depth - 1] = 2 * depth;
          break;
        case IF:
          paths.orTo(close());
          break;
        case BLOCK:
          close();
          break;
        case LOOP:
          close();
          if (site(operand)) isNew = true;
          paths.cost = segment;
          break;
        case INSTRUCTION:
          site(operand);
          paths.cost = segment;
          break;
        case CUT:
          break;
        case CALL:
          site(operand);
          break;
        case BRANCH:
          paths.goTo(targetOf(operand));
          break;
        case BRANCH_IF:
          paths.orTo(targetOf(operand));
          break;
        case TABLE:
          paths.goTo(0);
          for (const label of this.tables[operand]) paths.orTo(targetOf(label));
          break;
        default:
          paths.goTo(0);
      }
      const cost = words[row + COST];
      const behind = ((TRANSFERS >> kind) & 1) !== 0 ? 0 : segment;
      segment = Math.min(cost + behind, DEAREST);
      paths.cost = Math.min(paths.cost + cost, DEAREST);
      const first = row === 0 ? 0 : words[row - ROW + ACCESSES];
      for (let at = words[row + ACCESSES] - 1; at >= first; at--) {
        const access = accesses.words[at];
        const bit = 1 << ((access >> 1) & 31);
        if ((access & 1) === 0) live[access >> 6] |= bit;
        else live[access >> 6] &= ~bit;
      }
    }
    site(0);
    return isNew;
  }

  /**
   * What is live at a loop's header is taken as live in all of the loop: that is enough, since a
   * path over several branches back may as well enter the inner loops the first time.
   */
  private addLoops(facts: FoundFacts): void {
    const { length, words } = this.events;
    /** Sites of the loops around, of each open block; -1: there is none. */
    const around: number[] = [-1];
    for (let row = 0; row < length; row += ROW) {
      const site = words[row + OPERAND];
      const loop = around[around.length - 1];
      switch (words[row + KIND]) {
        case BLOCK:
        case IF:
          around.push(loop);
          break;
        case LOOP:
          if (loop >= 0) facts.unite(site, loop);
          around.push(site);
          break;
        case CALL:
        case INSTRUCTION:
          if (loop >= 0) facts.unite(site, loop);
          break;
        case END:
          around.pop();
      }
    }
  }
}
