// Node shows the line of the source in which an error was thrown that nobody has caught: of a bundle
// that is one line, all of it, so that what has happened is far off the screen.

import { parseAst } from "rolldown/parseAst";

/** The lists in which each item begins a line. */
const LISTS = {
  BlockStatement: "body",
  ClassBody: "body",
  Program: "body",
  SwitchStatement: "cases",
};

/** A minified script or module with each statement, case and member of a class in a new line. */
export function inLines(code) {
  const starts = [];
  const visit = (node) => {
    if (node === null || typeof node !== "object") return;
    const list = node[LISTS[node.type]] ?? [];
    for (const { start } of list.slice(1)) starts.push(start);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(code));
  starts.sort((a, b) => a - b);
  const lines = starts.map((start, i) => code.slice(starts[i - 1] ?? 0, start));
  return [...lines, code.slice(starts.at(-1) ?? 0)].join("\n");
}
