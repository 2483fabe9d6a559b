// Which folder of src/ may import which (design: "Imports point one way"). The rules, and a check
// of one file's text against them; the test runs it over all files.

/** Folders that each folder may import besides itself. */
const CHAIN = [
  "isa",
  "module",
  "binary",
  "validation",
  "code",
  "runtime",
  "interpreter",
  "state",
  "compiler",
  "embedding",
] as const;

/** Everything in the chain below this folder. */
function below(folder: (typeof CHAIN)[number]): readonly string[] {
  return CHAIN.slice(0, CHAIN.indexOf(folder));
}

/** What executes code: reached by `embedding` alone, so that nobody above knows which tier runs. */
const TIERS: readonly string[] = ["code", "interpreter"];
const ABOVE_THE_WAIST = CHAIN.filter((folder) => !TIERS.includes(folder));

/** For each folder of src/, the other folders it may import. */
export const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ...CHAIN.map((folder) => [folder, below(folder)] as const),
  ["reference", below("embedding")],
  ["api", ABOVE_THE_WAIST],
  ["js-api", ABOVE_THE_WAIST],
  ["wasi", [...ABOVE_THE_WAIST, "api", "js-api"]],
  ["disasm", ["isa", "module", "binary"]],
  ["cli", [...ABOVE_THE_WAIST, "reference", "api", "js-api", "wasi", "disasm"]],
]);

/** The file system and streams of Node, for WASI: an entry point of their own. */
const NODE_FILE = /^src\/wasi\/node[^/]*\.ts$/;

/** Packages that the command line loads if they are there. */
const OPTIONAL_PEERS: ReadonlySet<string> = new Set(["wabt"]);

/** Packages that are bundled, so that nobody needs them at run time. */
const BUNDLED: ReadonlySet<string> = new Set(["@noble/hashes/sha2.js"]);

/** The module that a static import or a re-export names; they begin a line. */
const STATIC_IMPORT = /^(?:import|export)\b(?:[^"'`;=()]*\bfrom)?\s*(["'])([^"'\n]+)\1/gm;
/** The module that a dynamic import or an import type names. */
const DYNAMIC_IMPORT = /\bimport\(\s*(["'])([^"'\n]+)\1/g;

/** Blanks out comments, and keeps lines where they are. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, " ");
  // A string may hold what looks like a comment; it is matched first and kept.
  const tokens = /(["'`])(?:\\.|(?!\1)[^\\])*?\1|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(tokens, (token) => (token.startsWith("/") ? blank(token) : token));
}

/** Folder of src/ (or the file itself) that a relative import in `path` leads to; null outside. */
function targetOf(path: string, specifier: string): string | null {
  const { pathname } = new URL(specifier, `file:///${path}`);
  const [top, folder] = pathname.slice(1).split("/");
  return top === "src" ? folder : null;
}

function problem(path: string, specifier: string): string | null {
  const folder = path.split("/")[1];
  const allowed = MAY_IMPORT.get(folder);
  if (allowed === undefined) return `the folder ${folder} has no place in the order of imports`;
  if (specifier.startsWith("node:")) {
    const allowed = folder === "cli" || NODE_FILE.test(path);
    return allowed ? null : `only cli and wasi/node* may import ${specifier}`;
  }
  if (!specifier.startsWith(".")) {
    if (folder === "cli" && OPTIONAL_PEERS.has(specifier)) return null;
    if (BUNDLED.has(specifier)) return null;
    return `there are no runtime dependencies, but it imports ${specifier}`;
  }
  if (!specifier.endsWith(".ts")) return `${specifier} lacks its extension .ts`;
  const target = targetOf(path, specifier);
  const file = specifier.replace(/.*\//, "");
  if (target === "wasi" && file.startsWith("node") && folder === "wasi" && !NODE_FILE.test(path)) {
    return `what runs in any engine must not import ${file}`;
  }
  if (target === folder || (target !== null && allowed.includes(target))) return null;
  return `${folder} must not import ${target ?? specifier}`;
}

/** Forbidden imports of the file `path` (`src/…`) with this text, as `path:line: problem`. */
export function forbiddenImports(path: string, text: string): string[] {
  const found: string[] = [];
  const code = withoutComments(text);
  for (const match of [...code.matchAll(STATIC_IMPORT), ...code.matchAll(DYNAMIC_IMPORT)]) {
    const what = problem(path, match[2]);
    const line = code.slice(0, match.index + match[0].length).split("\n").length;
    if (what !== null) found.push(`${path}:${line}: ${what}`);
  }
  return found;
}

const TYPES_ONLY = /^(?:import|export)\s+type\b/;

/** The files of src/ that the file `path` with this text imports at run time. */
function importedFiles(path: string, text: string): string[] {
  return [...withoutComments(text).matchAll(STATIC_IMPORT)].flatMap(([statement, , specifier]) => {
    if (TYPES_ONLY.test(statement) || !specifier.startsWith(".")) return [];
    return [new URL(specifier, `file:///${path}`).pathname.slice(1)];
  });
}

/** Files that import each other at run time, in a circle; `texts` are those of all files. */
export function circles(texts: ReadonlyMap<string, string>): string[][] {
  const left = new Map([...texts].map(([path, text]) => [path, importedFiles(path, text)]));
  const dropEnds = (isEnd: (path: string) => boolean) => {
    for (let before = -1; before !== left.size; ) {
      before = left.size;
      for (const path of [...left.keys()]) if (isEnd(path)) left.delete(path);
    }
  };
  // What imports nothing that is left, or is imported by nothing that is left, is in no circle.
  dropEnds((path) => !left.get(path)?.some((file) => left.has(file)));
  dropEnds((path) => ![...left.values()].some((files) => files.includes(path)));
  return [...left].map(([path, files]) => [path, ...files.filter((file) => left.has(file))]);
}
