// How long a slice is where somebody wants to look at the guest now and then: a piece of time,
// which only the clock can tell. Before the host has optimised the loop it is a hundred times
// slower (Node 20: the first 150,000 units of an endless loop took 50 ms), and a fixed number of
// units would be too long then or too short later. What is executed and billed is the same.

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
