// When a thread looks for another tier to go on in, in the midst of a function: at loops' headers,
// which a budget hardly ever ends at. So every now and then some segments are executed one by one.
// Where nothing comes of that, it is done less and less often.

export const ascent = {
  /** Units up to the first look. */
  units: 256,
  /** Segments that are executed one by one. */
  steps: 32,
  /** It is worth going for so many times what is spent there before more is asked for. */
  stay: 8,
};
/** Units between two looks at most. */
const MOST_UNITS = 1 << 14;

/** How often a thread looks. */
export class Looks {
  /** Units from the look before to the next one. */
  units = ascent.units;
  private stretch = ascent.units;
  private steps = 0;

  /** It has found something: the next time will be soon. */
  found(): void {
    this.stretch = ascent.units;
    this.units = ascent.units;
    this.steps = 0;
  }

  /** It has found nothing: units to the next look. */
  next(): number {
    if (this.steps++ < ascent.steps) this.units = 0;
    else {
      this.steps = 0;
      this.units = this.stretch;
      this.stretch = Math.min(2 * this.stretch, MOST_UNITS);
    }
    return this.units;
  }
}
