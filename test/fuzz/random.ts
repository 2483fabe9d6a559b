// The seeded source of randomness of all fuzzing: one 32-bit state (the mulberry32 generator), so
// that an input is named by its seed and number alone and is the same on every machine.

/** A deterministic stream of random numbers. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** The stream of input `index` in the campaign `seed`; neighbours do not resemble each other. */
  static of(seed: number, index: number): Random {
    const mixer = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
    return new Random(mixer.u32() ^ index);
  }

  /** The next 32 random bits, unsigned. */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let bits = this.state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  /** The next 64 random bits, unsigned. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer from 0 to `bound` - 1; 0 if there is none. */
  below(bound: number): number {
    return bound <= 0 ? 0 : Math.floor((this.u32() / 2 ** 32) * bound);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** An element of a list that is not empty. */
  pick<T>(list: ArrayLike<T>): T {
    return list[this.below(list.length)];
  }

  /** An element of a list, or undefined if the list is empty. */
  pickFrom<T>(list: ArrayLike<T>): T | undefined {
    return list.length === 0 ? undefined : this.pick(list);
  }

  /** An element, each as likely as its weight; the sum of the weights must be above 0. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    let total = 0;
    for (const { weight } of list) total += weight;
    let rest = (this.u32() / 2 ** 32) * total;
    for (const item of list) {
      rest -= item.weight;
      if (rest < 0) return item;
    }
    return list[list.length - 1];
  }

  /** `count` results of `make`. */
  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}
