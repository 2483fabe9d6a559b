// The control flow of a body as events, to find the worst cost between two checks. A check stands
// at the function's entry, at loop headers and behind calls, so what lies between two of them has
// no cycle, and one pass backwards over the events finds the dearest path.

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

/** A label on the way back: what follows its end, and where an `if` goes for zero. */
interface OpenLabel {
  readonly target: number;
  readonly end: number;
  otherwise: number;
}

/** The events of one function, in order. */
export class Flow {
  private readonly kinds: number[] = [];
  private readonly costs: number[] = [];
  private readonly operands: number[] = [];
  private readonly tables: (readonly number[])[] = [];
  /** Whether each open frame is a loop. */
  private readonly loops: boolean[] = [];

  /** How many events there are: about as many control points has the function. */
  get length(): number {
    return this.kinds.length;
  }

  private add(kind: number, cost: number, operand = 0): void {
    this.kinds.push(kind);
    this.costs.push(cost);
    this.operands.push(operand);
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

  /** A call, or what else has a check behind it. */
  call(cost: number, site: number): void {
    this.add(CALL, cost, site);
  }

  /** The dearest path from each site, by its number; the function's entry has the number 0. */
  worstCosts(sites: number): number[] {
    const worst = new Array<number>(sites).fill(0);
    const labels: OpenLabel[] = [];
    const targetOf = (label: number) => labels[labels.length - 1 - label].target;
    let cost = 0;
    for (let i = this.kinds.length - 1; i >= 0; i--) {
      const operand = this.operands[i];
      switch (this.kinds[i]) {
        case END:
          // A branch to a loop meets the check of its header.
          labels.push({ target: operand === 1 ? 0 : cost, end: cost, otherwise: cost });
          break;
        case ELSE: {
          const label = labels[labels.length - 1];
          label.otherwise = cost;
          cost = label.end;
          break;
        }
        case IF:
          cost = Math.max(cost, (labels.pop() as OpenLabel).otherwise);
          break;
        case BLOCK:
          labels.pop();
          break;
        case LOOP:
          labels.pop();
          worst[operand] = cost;
          cost = 0;
          break;
        case CALL:
          worst[operand] = cost;
          cost = 0;
          break;
        case BRANCH:
          cost = targetOf(operand);
          break;
        case BRANCH_IF:
          cost = Math.max(cost, targetOf(operand));
          break;
        case TABLE:
          cost = this.tables[operand].reduce((most, label) => Math.max(most, targetOf(label)), 0);
          break;
        default:
          cost = 0;
      }
      cost += this.costs[i];
    }
    worst[0] = cost;
    return worst;
  }
}
