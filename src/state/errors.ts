// What can go wrong when the state of a call is taken or put back.

/** A suspended call that cannot be told as frames now, or frames that are none of this module's. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}
