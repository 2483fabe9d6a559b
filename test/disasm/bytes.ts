// Writes modules byte by byte, for what no assembler would write.

/** A name or byte string with its length. */
export function text(value: string | readonly number[]): number[] {
  const bytes = typeof value === "string" ? [...new TextEncoder().encode(value)] : [...value];
  return [...leb(bytes.length), ...bytes];
}

/** An unsigned LEB128 integer. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

/** A vector: how many, and then each. */
export function vector(...items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

export function section(id: number, payload: readonly number[]): number[] {
  return [id, ...leb(payload.length), ...payload];
}

export function module(...sections: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]);
}

/** A function body without locals; `code` has its `end`. */
export function body(...code: readonly number[]): number[] {
  return text([0x00, ...code]);
}

/** `(type (func))`, and as many functions of it as there are bodies. */
export function functions(...bodies: readonly (readonly number[])[]): Uint8Array {
  return module(...functionSections(...bodies));
}

export function functionSections(...bodies: readonly (readonly number[])[]): number[][] {
  return [
    section(1, vector([0x60, 0x00, 0x00])),
    section(3, vector(...bodies.map(() => [0]))),
    section(10, vector(...bodies)),
  ];
}

/** Names by index, as the name section writes them. */
export function nameMap(names: Readonly<Record<number, string>>): number[] {
  return vector(...Object.entries(names).map(([i, name]) => [...leb(Number(i)), ...text(name)]));
}

/** A name section out of subsections. */
export function names(subsections: Readonly<Record<number, readonly number[]>>): number[] {
  const parts = Object.entries(subsections).flatMap(([id, payload]) => [
    Number(id),
    ...text(payload),
  ]);
  return section(0, [...text("name"), ...parts]);
}
