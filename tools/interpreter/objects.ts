// The register instructions of the loop for objects: references to structs, arrays and i31. Their
// names are those of forms.ts.

import type { Form } from "./forms.ts";
import { next } from "./operations.ts";

/** Register instructions that only the loop for objects knows. */
export const OBJECTS: readonly Form[] = [
  {
    name: "ref.eq",
    of: "ref.eq",
    role: "registers",
    source: `S[x] = R[y >> 1] === R[z >> 1] ? 1 : 0; ${next(1)}`,
  },
];
