// What was found out about functions and modules and may be asked for again: kept until it is too
// much, for all of them together, and then forgotten.

/** Values that are kept for objects, as long as these live. */
export class KeptFor<K extends object, V> {
  private readonly most: number;
  private readonly make: (key: K) => V;
  private values = new WeakMap<K, V>();
  private size = 0;

  /** `most`: up to what size they are kept; `make`: what there is for an object at first. */
  constructor(most: number, make: (key: K) => V) {
    this.most = most;
    this.make = make;
  }

  /** What is kept for an object. */
  of(key: K): V {
    let value = this.values.get(key);
    if (value === undefined) {
      value = this.make(key);
      this.values.set(key, value);
    }
    return value;
  }

  /** So much more is kept now. */
  grew(size: number): void {
    this.size += size;
  }

  /** Forgets everything if it has become too much. */
  bound(): void {
    if (this.size <= this.most) return;
    this.values = new WeakMap();
    this.size = 0;
  }
}
