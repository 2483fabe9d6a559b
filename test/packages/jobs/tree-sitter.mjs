// web-tree-sitter (Emscripten with dynamic linking: the grammar is a side module that shares memory
// and table): parses JavaScript, edits, queries.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { program, sha256 } from "./data.mjs";

const GRAMMAR = "tree-sitter-javascript/tree-sitter-javascript.wasm";

export async function load() {
  const { Language, Parser, Query } = await import("web-tree-sitter");
  await Parser.init();
  const grammar = readFileSync(createRequire(import.meta.url).resolve(GRAMMAR));
  const language = await Language.load(new Uint8Array(grammar));
  const parser = new Parser();
  parser.setLanguage(language);
  return { language, parser, Query };
}

const QUERY = `
  (function_declaration name: (identifier) @name)
  (template_substitution (identifier) @used)
  ((number) @digit (#match? @digit "^[0-9]$"))
`;

export function job({ language, parser, Query }) {
  const source = program(60);
  const tree = parser.parse(source);
  const query = new Query(language, QUERY);
  const captures = query.captures(tree.rootNode).map(({ name, node }) => `${name} ${node.text}`);
  // Half of the source goes: the tree is made again from what is left of it.
  const cut = source.indexOf("\n", source.length >> 1) + 1;
  const end = { row: source.split("\n").length - 1, column: 0 };
  const at = { row: source.slice(0, cut).split("\n").length - 1, column: 0 };
  const edit = { startIndex: cut, oldEndIndex: source.length, newEndIndex: cut + 8 };
  const newEnd = { row: at.row, column: 8 };
  tree.edit({ ...edit, startPosition: at, oldEndPosition: end, newEndPosition: newEnd });
  const edited = parser.parse(`${source.slice(0, cut)}let z = ;`, tree);
  const cursor = edited.walk();
  let deepest = 0;
  let visited = 0;
  for (let down = true, depth = 0; ; ) {
    if (down) visited++;
    deepest = Math.max(deepest, depth);
    if (down && cursor.gotoFirstChild()) depth++;
    else if (cursor.gotoNextSibling()) down = true;
    else if (cursor.gotoParent()) {
      depth--;
      down = false;
    } else break;
  }
  const again = parser.parse(source);
  const result = {
    abi: language.abiVersion,
    types: language.nodeTypeCount,
    tree: sha256(tree.rootNode.toString()),
    start: tree.rootNode.toString().slice(0, 600),
    captures: captures.length,
    all: captures.slice(0, 40),
    hasError: [again.rootNode.hasError, edited.rootNode.hasError],
    changed: tree.getChangedRanges(edited),
    walk: { deepest, visited },
  };
  // What is left to the garbage collector, the package frees with a wrong address.
  for (const object of [cursor, query, tree, edited, again]) object.delete();
  return result;
}
