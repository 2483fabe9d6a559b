// Writes the source of a loop: one switch over the cases it knows. What none of them is leaves it,
// and the driver goes on with the loop that knows it (src/interpreter/loops.ts).

import { readFileSync } from "node:fs";
import * as numerics from "../../src/interpreter/numerics.ts";
import * as traps from "../../src/runtime/traps.ts";
import { OPCODES, SCALARS } from "./forms.ts";
import { type Case, casesOf, type Knowledge, type LoopFile } from "./loops.ts";
import { expandAccesses } from "./operations.ts";
import { asReturn, isRare } from "./rare.ts";
import { RARE_ACCESSES, rareAccess, VECTORS } from "./vectors.ts";

/** Modules that cases may use what they export of, and what that is. */
const IMPORTABLE: readonly (readonly [path: string, names: readonly string[]])[] = [
  ["./rare-vectors.generated.ts", ["rareAccess", "rareVector"]],
  ["./known.ts", ["KNOWN", "KNOWN_TO_OBJECTS", "KNOWN_TO_VECTORS"]],
  ["./numerics.ts", Object.keys(numerics)],
  ["../runtime/objects.ts", ["NULLS", "ZEROS", "matchesHeap"]],
  ["../runtime/traps.ts", Object.keys(traps)],
];

function template(name: string): string {
  return readFileSync(new URL(`${name}.template.ts.txt`, import.meta.url), "utf8");
}

/** Whether a text uses a name that it does not declare. */
const uses = (text: string, name: string) =>
  new RegExp(`\\b${name}\\b`).test(text) && !text.includes(`function ${name}(`);

function importSource(path: string, names: readonly string[]): string {
  const list = [...names].sort().join(",\n  ");
  return list === "" ? "" : `import {\n  ${list},\n} from "${path}";\n`;
}

/** What the first loop's file has for the others: the machine, and why a loop came back. */
const SHARED = [...template("state").matchAll(/^export const (\w+)/gm)].map(([, name]) => name);

/** Types that cases for objects use. */
const OBJECT_TYPES = `import type { Elements } from "../runtime/elements.ts";
import type { Aggregate, ObjectHeader } from "../runtime/objects.ts";
`;

/** Imports of what the text of a loop uses. */
function imports(text: string, isFirst: boolean): string {
  const types = ["FunctionInstance", "ModuleInstance"].filter((name) => uses(text, name));
  const typeImport = `import type { ${types.join(", ")} } from "../runtime/instances.ts";\n`;
  const frozen = ["arrayForLoop", "viewForLoop"].filter((name) => uses(text, name));
  const sources = isFirst ? IMPORTABLE : [...IMPORTABLE, ["./loop.generated.ts", SHARED] as const];
  const values = sources.map(([path, names]) => {
    return importSource(
      path,
      names.filter((name) => uses(text, name)),
    );
  });
  return [
    `import { ${frozen.join(", ")} } from "../runtime/frozen.ts";\n`,
    types.length === 0 ? "" : typeImport,
    uses(text, "Aggregate") ? OBJECT_TYPES : "",
    ...values,
  ].join("");
}

/** Takes out the declarations of a line each that nothing in the text uses. */
function withoutUnused(text: string): string {
  const used = text.replace(/^ *const (\w+) = .*\n/gm, (line, name: string) => {
    return text.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1 ? "" : line;
  });
  return used === text ? text : withoutUnused(used);
}

/** Variables of cases that are no numbers: their types, and what they are at first. */
const NO_NUMBERS: Readonly<Record<string, string>> = {
  header: "ObjectHeader | null = null",
  holds: "boolean = false",
  obj: "Aggregate | null = null",
};

const declared = (name: string) => {
  return name in NO_NUMBERS ? `let ${name}: ${NO_NUMBERS[name]};` : `let ${name} = 0;`;
};

/**
 * Values that a case computes live in variables of the whole function: each declaration would get
 * a V8 register of its own, and above 128 of them every use takes twice the bytecode.
 */
function shareScratch(source: string, names: Set<string>): string {
  const scratch = /(?:const|let) (header|holds|obj|v\w+|[pq](?:_[ab][lhs]?|[lh]|i|ea)?) = /g;
  return source.replace(scratch, (_, name: string) => {
    names.add(name);
    return `${name} = `;
  });
}

/** Whether a wide instruction with opcode w is another loop's; null: all of them are. */
const ELSEWHERE: Readonly<Record<Knowledge, string | null>> = {
  scalars: null,
  wide: `w > ${SCALARS.length}`,
  vectors: "(known[w] & KNOWN_TO_VECTORS) === 0",
  objects: "(known[w] & KNOWN_TO_OBJECTS) === 0",
};

/** What decodes the wide form of instructions, in loops that know it. */
function wideSource(knows: Knowledge): string {
  const elsewhere = ELSEWHERE[knows];
  return elsewhere === null ? "" : template("wide").replace("/* ELSEWHERE */", elsewhere);
}

/** A list of cases as text, with the variables that they share. */
interface Cases {
  readonly text: string;
  /** Declarations of the variables, and names of what they use of Math. */
  readonly scratch: string;
  readonly math: string;
}

function casesSource(cases: readonly Case[], far: boolean): Cases {
  const names = new Set<string>();
  const texts = cases.map(({ forms, source }) => {
    const expanded = expandAccesses(source, far).replace(/\s+/g, " ");
    const labels = forms.map((form) => {
      return `        case ${OPCODES.get(form.name)}: // ${form.name}\n`;
    });
    return `${labels.join("")}          { ${shareScratch(expanded, names)} }`;
  });
  const text = texts.join("\n");
  const functions = new Set([...text.matchAll(/\bMath\.(\w+)/g)].map(([, name]) => name));
  return {
    text: text.replaceAll(/\bMath\./g, ""),
    scratch: [...names].sort().map(declared).join("\n  "),
    math: [...functions].sort().join(", "),
  };
}

function filled(name: string, { math, scratch, text }: Cases): string {
  return template(name)
    .replace("/* SCRATCH */", scratch)
    .replace("/* MATH */", math)
    .replace("/* CASES */", () => text);
}

/** The source of a loop. */
export function loopFile({ name, far, knows }: LoopFile): string {
  const loop = expandAccesses(filled("loop", casesSource(casesOf(knows), far)), far)
    .replace("/* NAME */", name)
    .replace("/* WIDE */", wideSource(knows));
  const isFirst = name === "run";
  const text = withoutUnused(`${template(isFirst ? "state" : "other-state")}\n${loop}`);
  return `${template("head")}${imports(text, isFirst)}\n${text}`;
}

/** The source of the function for rare vector instructions. */
export function rareFile(): string {
  const cases = VECTORS.filter(isRare).map((form) => {
    return { forms: [form], source: asReturn(form.source) };
  });
  const accesses = RARE_ACCESSES.flat().map((name) => {
    const forms = VECTORS.filter((form) => form.name === name);
    return { forms, source: `${rareAccess(name).code}return;` };
  });
  // Addresses are unsigned, as they have to be in far memories.
  const access = filled("rare-access", casesSource(accesses, true));
  const rare = filled("rare", casesSource(cases, false)) + access;
  const text = withoutUnused(`${template("other-state")}\n${rare}`);
  return `${imports(text, false)}\n${text}`;
}
