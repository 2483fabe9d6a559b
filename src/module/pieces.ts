// Work in pieces: what takes long, because a module is large or hostile, stops after a bounded
// amount of work and goes on when it is asked to.

/** Units in a piece. A unit is about what an instruction or a byte takes: 20 to 100 ns. */
export const PIECE = 4096;

/** Units of the first piece in a process, where code is cold and takes a hundred times as long. */
const FIRST_PIECE = 64;
let coldPiece = FIRST_PIECE;

/** Units of the next piece: each is twice as long as the one before, up to `PIECE`. */
export function nextPiece(): number {
  const units = coldPiece;
  coldPiece = Math.min(2 * units, PIECE);
  return units;
}

/** What is left of something that may take long: each step is a piece. null: nothing is left. */
export type Rest = Generator<void, void> | null;

/** Does all that is left at one go. */
export function finishRest(rest: Rest): void {
  if (rest !== null) while (rest.next().done !== true) {}
}

/** Counts work, and says when a piece is full. */
export class Piece {
  private done = 0;

  /** Counts `units` more; true, and counting from 0 again, if that is a piece. */
  isFull(units: number): boolean {
    this.done += units;
    if (this.done < PIECE) return false;
    this.done = 0;
    return true;
  }
}
