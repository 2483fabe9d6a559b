// Writes the source of a loop: one switch over the cases it knows. What none of them is leaves it,
// and the driver goes on with the loop that knows it (src/interpreter/loops.ts).

import { readFileSync } from "node:fs";
import * as numerics from "../../src/interpreter/numerics.ts";
import * as traps from "../../src/runtime/traps.ts";
import { type Form, OPCODES, SCALARS } from "./forms.ts";
import { casesOf, type LoopFile } from "./loops.ts";
import { expandAccesses } from "./operations.ts";

/** Modules that cases may use what they export of, and what that is. */
const IMPORTABLE: readonly (readonly [path: string, names: readonly string[]])[] = [
  ["./known.ts", ["KNOWN", "KNOWN_TO_OBJECTS", "KNOWN_TO_VECTORS"]],
  ["./numerics.ts", Object.keys(numerics)],
  ["../runtime/traps.ts", Object.keys(traps)],
];

function template(name: string): string {
  return readFileSync(new URL(`${name}.template.ts.txt`, import.meta.url), "utf8");
}

const uses = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);

function importSource(path: string, names: readonly string[]): string {
  const list = [...names].sort().join(",\n  ");
  return list === "" ? "" : `import {\n  ${list},\n} from "${path}";\n`;
}

/** What the first loop's file has for the others: the machine, and why a loop came back. */
const SHARED = [...template("state").matchAll(/^export const (\w+)/gm)].map(([, name]) => name);

/** Imports of what the text of a loop uses. */
function imports(text: string, isFirst: boolean): string {
  const types = ["FunctionInstance", "ModuleInstance"].filter((name) => uses(text, name));
  const sources = isFirst ? IMPORTABLE : [...IMPORTABLE, ["./loop.generated.ts", SHARED] as const];
  const values = sources.map(([path, names]) => {
    return importSource(
      path,
      names.filter((name) => uses(text, name)),
    );
  });
  return `import { arrayForLoop, viewForLoop } from "../runtime/frozen.ts";
import type { ${types.join(", ")} } from "../runtime/instances.ts";
${values.join("")}`;
}

/** Takes out the declarations of a line each that nothing in the text uses. */
function withoutUnused(text: string): string {
  const used = text.replace(/^ *const (\w+) = .*\n/gm, (line, name: string) => {
    return text.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1 ? "" : line;
  });
  return used === text ? text : withoutUnused(used);
}

/**
 * Numbers that a case computes live in variables of the whole function: each declaration would get
 * a V8 register of its own, and above 128 of them every use takes twice the bytecode.
 */
function shareScratch(source: string, names: Set<string>): string {
  const scratch = /(?:const|let) (v\w+|[pq](?:_[ab][lhs]?|[lh]|i|ea)?) = /g;
  return source.replace(scratch, (_, name: string) => {
    names.add(name);
    return `${name} = `;
  });
}

const numberOf = ({ name }: Form) => OPCODES.get(name) as number;

/** Whether a wide instruction with opcode w is another loop's. */
const ELSEWHERE = {
  scalars: `w > ${SCALARS.length}`,
  vectors: "(known[w] & KNOWN_TO_VECTORS) === 0",
  objects: "(known[w] & KNOWN_TO_OBJECTS) === 0",
};

/** The source of a loop. */
export function loopFile({ name, far, knows }: LoopFile): string {
  const scratch = new Set<string>();
  const texts = casesOf(knows).map(({ form, chains }) => {
    const source = shareScratch(expandAccesses(form.source, far).replace(/\s+/g, " "), scratch);
    const labels = [form, ...chains].map((label) => {
      return `        case ${numberOf(label)}: // ${label.name}\n`;
    });
    return `${labels.join("")}          { ${source} }`;
  });
  const cases = texts.join("\n");
  const functions = [...new Set([...cases.matchAll(/\bMath\.(\w+)/g)].map(([, one]) => one))];
  const loop = expandAccesses(template("loop"), far)
    .replace("/* NAME */", name)
    .replace("/* ELSEWHERE */", ELSEWHERE[knows])
    .replace(
      "/* SCRATCH */",
      [...scratch]
        .sort()
        .map((one) => `let ${one} = 0;`)
        .join("\n  "),
    )
    .replace("/* MATH */", functions.sort().join(", "))
    .replace("/* CASES */", () => cases.replaceAll(/\bMath\./g, ""));
  const isFirst = name === "run";
  const text = withoutUnused(`${template(isFirst ? "state" : "other-state")}\n${loop}`);
  return `${template("head")}${imports(text, isFirst)}\n${text}`;
}
