// The sizes of pieces in a process that has done nothing yet.

import { expect, it } from "vitest";
import { nextPiece, PIECE } from "../../src/module/pieces.ts";

it("the first pieces of a process are small: its code is cold", () => {
  const pieces = Array.from({ length: 10 }, nextPiece);
  expect(pieces.slice(0, 7)).toEqual([64, 128, 256, 512, 1024, 2048, PIECE]);
  expect(pieces.slice(7)).toEqual([PIECE, PIECE, PIECE]);
});
