// The register instructions of the loop for vectors: a v128 is two neighbouring slots, four words
// (docs/rationale.md, "Why four words?"). Their names are those of forms.ts.

import type { Form } from "./forms.ts";
import { leave, next, word } from "./operations.ts";

/** Index of word `n` of the value that begins at `at`. */
const wordOf = (at: string, n: number) => (n === 0 ? at : `(${at} + ${n}) | 0`);

/** Copies four words in ascending order: the target may begin below the source and overlap it. */
function copy(to: (n: number) => string, from: (n: number) => string): string {
  return [0, 1, 2, 3].map((n) => `${to(n)} = ${from(n)}; `).join("");
}

const slot = (at: string) => (n: number) => `S[${wordOf(at, n)}]`;
const cell = (at: string) => (n: number) => `G[${wordOf(at, n)}]`;

/** Register instructions that only the loop for vectors knows. */
export const VECTORS: readonly Form[] = [
  { name: "move 128", source: copy(slot("x"), slot("y")) + next(1) },
  { name: "const 128", source: copy(slot("x"), (n) => word(n + 1)) + next(5) },
  {
    name: "select 128",
    source: [
      `const from = S[(fp + ${word(1)}) | 0] !== 0 ? y : z;`,
      copy(slot("x"), slot("from")) + next(2),
    ].join(" "),
  },
  {
    name: "global.get 128",
    source: `const i = ${word(1)}; ${copy(slot("x"), cell("i"))}${next(2)}`,
  },
  {
    name: "global.set 128",
    source: `const i = ${word(1)}; ${copy(cell("i"), slot("y"))}${next(2)}`,
  },
  {
    // As "memory", which is left to the loop for scalars together with their accesses: what it
    // selects does not outlive the loop.
    name: "memory 128",
    source: [
      `const m = (instance as ModuleInstance).memories[${word(1)}];`,
      `mem = m.view; memLength = @length m@; ${next(2)}`,
    ].join(" "),
  },
  {
    name: "return 128",
    source: `${copy(slot("fp"), slot("y"))}${leave}`,
  },
];
