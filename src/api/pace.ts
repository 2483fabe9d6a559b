// How many units of fuel pass between two looks at a guest where somebody looks: a piece of time,
// which only the clock can tell. Before the host has optimised the loop it is a hundred times
// slower (Node 20: the first 150,000 units of an endless loop took 50 ms), some guests are slow per
// unit, and a fixed number would be too long for these or too short for others. Each execution has
// a pace of its own, so that a slow guest shortens its own slices only. What is executed and billed
// is the same.

/** Milliseconds between two looks: no more than a tenant's share of a round. */
const TARGET = 0.05;

/** Units between two looks: in the first slice and at least, at most. */
const FEWEST = 10;
const MOST = 10_000;

/** Nothing that a guest does takes longer; what does is the host's own. */
const MOST_MILLISECONDS = 5;
/** What is this much longer than expected, and by so many milliseconds, counts as a pause. */
const LONGER = 2;
const LONGER_MILLISECONDS = 0.1;

/** Who forgives pauses that are not a guest's fault, up to a point. */
export interface Forgiving {
  /** The milliseconds that the guest is charged of what it has taken instead of `expected`. */
  forgive(taken: number, expected: number): number;
}

/** The pace of one execution. */
export class Pace {
  /** Units of fuel until the next look. */
  units = FEWEST;
  /** Milliseconds that the guest is charged since `begin`. */
  charged = 0;
  /** Milliseconds per unit; 0: not known yet. */
  private rate = 0;

  begin(): void {
    this.charged = 0;
  }

  /** Learns from a slice, which the guest is charged for. */
  took(units: number, milliseconds: number, tenant: Forgiving): void {
    const taken = Math.min(milliseconds, MOST_MILLISECONDS);
    const expected = this.rate === 0 ? TARGET : units * this.rate;
    const isPause = taken > Math.max(LONGER * expected, expected + LONGER_MILLISECONDS);
    this.charged += tenant.forgive(taken, isPause ? expected : taken);
    this.learn(taken / Math.max(units, 1));
  }

  /**
   * Twice as many or half as many units at most: one slice says little. That one was fast says more
   * than that one was slow: whose first slice the host has stood still in would have short ones,
   * and little done in its share of time, for thirty more.
   */
  private learn(rate: number): void {
    const before = this.units;
    if (this.rate === 0) this.rate = rate;
    else if (rate < this.rate) this.rate = (this.rate + rate) / 2;
    else this.rate = Math.min((3 * this.rate + rate) / 4, 2 * this.rate);
    const wanted = TARGET / Math.max(this.rate, TARGET / MOST);
    const next = Math.max(before / 2, Math.min(wanted, 2 * before));
    this.units = Math.max(FEWEST, Math.min(Math.round(next), MOST));
  }
}
