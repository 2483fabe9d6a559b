// Types as embedders write them: `(i32 i64) -> (f64)`.

import { type ValType, valTypeByName } from "../isa/types.ts";

/** Parameters and results of `(i32 i64) -> (f64)`; commas are allowed, too. */
export function parseSignature(text: string) {
  const parts = /^\s*\(([^()]*)\)\s*->\s*\(([^()]*)\)\s*$/.exec(text);
  if (parts === null) {
    throw new SyntaxError(`a signature looks like "(i32 i64) -> (f64)", not like "${text}"`);
  }
  return { kind: "func", params: typesIn(parts[1]), results: typesIn(parts[2]) } as const;
}

/** The value types of a list of names such as `i32 funcref`. */
function typesIn(list: string): ValType[] {
  const names = list.split(/[\s,]+/).filter((name) => name !== "");
  return names.map(typeNamed);
}

/** The value type with this name. */
export function typeNamed(name: string): ValType {
  const type = valTypeByName(name);
  if (type === undefined) throw new SyntaxError(`"${name}" is no value type`);
  return type;
}
