// es-module-lexer (C with vectors): imports and exports of modules, what is wrong with broken ones.

import { failure, program, prose, sha256 } from "./data.mjs";

export async function load() {
  const lexer = await import("es-module-lexer");
  await lexer.init();
  return lexer;
}

const SOURCE = `
  import def, { a as b, default as "c d" } from "./lib.js";
  import * as all from 'ünï/\\u{1F980}' with { type: "json", "x": 'y' };
  import defer * as later from "later"; import source bytes from "./x.wasm";
  const name = \`a\${ { "}": import.meta.url }["}"] }\`, division = 4 / 2 / 1, re = /[/"'\`]\\//g;
  /* import "comment" */ // import "line"
  export { b as "string name", re }; export * as everything from "all"; export * from "./rest.js";
  export default class extends def { static #x = import("lazy" + name); }
  export const { x, y: [z, ...rest], w = 3 } = await import(\`./\${name}.js\`, { with: { t: "u" } });
  if (x) /re/.test(y); x++ / 2; export function* generator() {} export async function later2() {}
`;
const BROKEN = ["import { a from 'b'", "export const a = `${", "let s = 'open\n';", "a = /re\n/;"];

export function job({ parse }) {
  const text = JSON.stringify(prose(2_000));
  const long = `import a from "a"; ${program(200)} export const text = ${text}; import("b");`;
  return {
    all: parse(SOURCE, "source.js"),
    long: sha256(JSON.stringify(parse(long))),
    count: parse(long)
      .slice(0, 2)
      .map(({ length }) => length),
    errors: BROKEN.map((source) => failure(() => parse(source, "broken.js"))),
  };
}
