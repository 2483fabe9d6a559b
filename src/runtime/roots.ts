// What guests make on the host's heap and keep by references alone (spec: 4.2.12 and following:
// exception instances; aggregates are to come). Such objects have no owner whose end gives their
// bytes back, so they are counted when they are made, and when the account is full a census finds
// out which of them the store's roots still reach: tables, globals, element segments, frames.

/** An object that a guest has made, and that lives as long as a reference to it. */
export abstract class GuestObject {
  /** The last census that has counted it. */
  census = 0;

  /** What it takes of the host's memory. */
  abstract get hostBytes(): number;

  /** What it refers to. */
  abstract get references(): readonly unknown[];
}
