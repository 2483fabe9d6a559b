// Which loop knows which register instruction: one knows all scalar ones, the loop for vectors and
// that for objects know theirs and the commonest scalar ones (tools/interpreter/loops.ts).

import {
  FIRST_OBJECT,
  FIRST_VECTOR,
  SCALARS_OF_OBJECTS,
  SCALARS_OF_VECTORS,
  SHAPES,
} from "../code/opcodes.generated.ts";

export const KNOWN_TO_SCALARS = 1;
export const KNOWN_TO_VECTORS = 2;
export const KNOWN_TO_OBJECTS = 4;

/** The loops that know a register instruction, by opcode: a bit for each. */
export const KNOWN: Uint8Array = new Uint8Array(SHAPES.length);

KNOWN.fill(KNOWN_TO_SCALARS, 1, FIRST_VECTOR);
KNOWN.fill(KNOWN_TO_VECTORS, FIRST_VECTOR, FIRST_OBJECT);
KNOWN.fill(KNOWN_TO_OBJECTS, FIRST_OBJECT);
for (const opcode of SCALARS_OF_VECTORS) KNOWN[opcode] |= KNOWN_TO_VECTORS;
for (const opcode of SCALARS_OF_OBJECTS) KNOWN[opcode] |= KNOWN_TO_OBJECTS;
