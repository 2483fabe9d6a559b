// How long a slice is where somebody wants to look at the guest now and then: a piece of time, which
// only the clock can tell. The loop is up to a hundred times slower before the host has optimised
// it (cold, on Node 20: 20,000 units in 5 ms), and a fixed number of units would be either too
// long then or too short later. What is executed and billed does not depend on it.

/** A slice should take about so many milliseconds. */
const TOO_SHORT = 0.2;
const TOO_LONG = 0.4;

const FEWEST = 1_000;
const MOST = 50_000;

/** Units of fuel of the next slice. One for all: what changes it is the state of the realm. */
let units = 2 * FEWEST;

/** Units of fuel until the next look. */
export function unitsUntilLook(): number {
  return units;
}

/** Learns from a slice that took so long. */
export function sliceTook(milliseconds: number): void {
  if (milliseconds > TOO_LONG) units = Math.max(FEWEST, units >> 1);
  else if (milliseconds < TOO_SHORT) units = Math.min(MOST, 2 * units);
}
