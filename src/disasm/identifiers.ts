// Identifiers for a module's parts (spec: 6.3.5 Identifiers) out of its name section (7.4.1). A
// name becomes `$name` with characters that no identifier has replaced; duplicates get a number.
// What has no name is referred to by index.

import type { ModuleRecord } from "../module/module.ts";
import type { NameMap } from "../module/names.ts";

/** Everything that is not a character of identifiers. */
const FOREIGN = /[^0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]/gu;

const NO_NAMES: NameMap = new Map();

/** `$name` for a name from the name section; null for the empty name, which makes no identifier. */
function identifier(name: string): string | null {
  return name === "" ? null : `$${name.replace(FOREIGN, "_")}`;
}

/** Hands out identifiers of which no two are equal. */
class UniqueNames {
  private readonly taken = new Set<string>();
  /** The number that the next duplicate tries first; without it many equal names cost a square. */
  private readonly next = new Map<string, number>();

  claim(wanted: string): string {
    let id = wanted;
    if (this.taken.has(wanted)) {
      let number = this.next.get(wanted) ?? 1;
      do id = `${wanted}_${number++}`;
      while (this.taken.has(id));
      this.next.set(wanted, number);
    }
    this.taken.add(id);
    return id;
  }

  release(id: string): void {
    this.taken.delete(id);
  }
}

/** The identifiers of one index space. */
export class IdentifierSpace {
  private readonly ids = new Map<number, string>();

  /** `size` is how many there are: names of what does not exist are left out. */
  constructor(names: NameMap, size: number) {
    const unique = new UniqueNames();
    for (const [index, name] of [...names].sort(([a], [b]) => a - b)) {
      const id = index < size ? identifier(name) : null;
      if (id !== null) this.ids.set(index, unique.claim(id));
    }
  }

  /** The identifier, if there is a name for it. */
  get(index: number): string | undefined {
    return this.ids.get(index);
  }

  /** How an instruction refers to it: identifier or index. */
  ref(index: number): string {
    return this.ids.get(index) ?? String(index);
  }

  /** What stands where it is defined: the identifier, and the index as comment. */
  define(index: number): string {
    const id = this.ids.get(index);
    return id === undefined ? `(;${index};)` : `${id} (;${index};)`;
  }
}

/** The identifiers of everything in a module. */
export class Identifiers {
  readonly module: string | null;
  readonly types: IdentifierSpace;
  readonly functions: IdentifierSpace;
  readonly tables: IdentifierSpace;
  readonly memories: IdentifierSpace;
  readonly globals: IdentifierSpace;
  readonly tags: IdentifierSpace;
  readonly elements: IdentifierSpace;
  readonly data: IdentifierSpace;
  /** The text of a type index. */
  readonly typeName: (index: number) => string;
  private readonly record: ModuleRecord;
  private readonly fieldSpaces = new Map<number, IdentifierSpace>();

  constructor(module: ModuleRecord) {
    const { names } = module;
    this.record = module;
    this.module = names.module === null ? null : identifier(names.module);
    this.types = new IdentifierSpace(names.types, module.types.length);
    this.functions = new IdentifierSpace(names.functions, module.functions.length);
    this.tables = new IdentifierSpace(names.tables, module.tables.length);
    this.memories = new IdentifierSpace(names.memories, module.memories.length);
    this.globals = new IdentifierSpace(names.globals, module.globals.length);
    this.tags = new IdentifierSpace(names.tags, module.tags.length);
    this.elements = new IdentifierSpace(names.elements, module.elements.length);
    this.data = new IdentifierSpace(names.data, module.data.length);
    this.typeName = (index) => this.types.ref(index);
  }

  /** The fields of the struct type `type`. */
  fields(type: number): IdentifierSpace {
    let space = this.fieldSpaces.get(type);
    if (space === undefined) {
      const composite = this.record.types[type]?.composite;
      const size = composite?.kind === "struct" ? composite.fields.length : 0;
      space = new IdentifierSpace(this.record.names.fields.get(type) ?? NO_NAMES, size);
      this.fieldSpaces.set(type, space);
    }
    return space;
  }

  /** Parameters and locals of the function `index`, of which there are `size`. */
  locals(index: number, size: number): IdentifierSpace {
    return new IdentifierSpace(this.record.names.locals.get(index) ?? NO_NAMES, size);
  }

  /** The labels of the function `index`; null for an expression outside of functions. */
  labels(index: number | null): Labels {
    const names = index === null ? undefined : this.record.names.labels.get(index);
    return new Labels(names ?? NO_NAMES);
  }
}

/** The labels that are in scope while a body is read, innermost last. */
export class Labels {
  private readonly names: NameMap;
  private readonly unique = new UniqueNames();
  private readonly stack: (string | null)[] = [];
  /** Labels are named by how many blocks begin before theirs. */
  private count = 0;

  constructor(names: NameMap) {
    this.names = names;
  }

  get depth(): number {
    return this.stack.length;
  }

  /** Enters a block; its identifier, or null. No label shadows another: a branch says either. */
  push(): string | null {
    const name = this.names.get(this.count++);
    const wanted = name === undefined ? null : identifier(name);
    const id = wanted === null ? null : this.unique.claim(wanted);
    this.stack.push(id);
    return id;
  }

  pop(): void {
    const id = this.stack.pop();
    if (id !== undefined && id !== null) this.unique.release(id);
  }

  /** How a branch refers to the label `depth` blocks out; a comment counts from the outermost. */
  ref(depth: number): string {
    const at = this.stack.length - 1 - depth;
    if (at < 0) return String(depth);
    return this.stack[at] ?? `${depth} (;@${at + 1};)`;
  }
}
