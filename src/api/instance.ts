// Module instances as the embedder sees them (design: section 2). Wrappers are made when somebody
// asks for them: there may be thousands of instances of which hardly anything is used.

import { cut, listed } from "../module/errors.ts";
import type { ExternInstance, ModuleInstance } from "../runtime/instances.ts";
import { Global, handleOf, Memory, Table, Tag } from "./externs.ts";
import type { ExportedFunction, Func } from "./func.ts";
import { standsFor } from "./handles.ts";
import type { Store } from "./store.ts";

/**
 * Type of `exports` unless a type argument says better: functions, which most exports are. Other
 * kinds have accessors of their own.
 */
export type DefaultExports = Readonly<Record<string, ExportedFunction>>;

type Wrapped = ExportedFunction | Memory | Table | Global | Tag;

/**
 * An instance of a module. Made by `store.instantiate`.
 *
 * ```ts
 * const plugin = store.instantiate(module, { env });
 * plugin.exports.render(1, 2n);
 * plugin.memory("memory").read(0, 16);
 * ```
 */
export class Instance<E extends object = DefaultExports> {
  readonly store: Store;
  /** The module instance, for the layers below. */
  readonly target: ModuleInstance;
  private wrapped: E | null = null;

  /** For `Store`. */
  constructor(store: Store, target: ModuleInstance) {
    this.store = store;
    this.target = target;
  }

  /**
   * What the instance exports, by name: functions to call, `Memory`, `Table`, `Global`, `Tag`. An
   * object without prototype, frozen; everything in it can be an import of other instances.
   */
  get exports(): E {
    if (this.wrapped === null) {
      const exports: Record<string, Wrapped> = Object.create(null);
      for (const [name, extern] of this.target.exports) exports[name] = this.wrap(extern);
      this.wrapped = Object.freeze(exports) as E;
    }
    return this.wrapped;
  }

  /** An exported function, with all ways to call it. @throws RangeError if there is none */
  func(name: string): Func {
    return this.store.func(this.find(name, "func").value);
  }

  /** An exported memory. @throws RangeError if there is none */
  memory(name = "memory"): Memory {
    return Memory.of(this.find(name, "memory").value);
  }

  /** An exported table. @throws RangeError if there is none */
  table(name: string): Table {
    return Table.of(this.find(name, "table").value);
  }

  /** An exported global. @throws RangeError if there is none */
  global(name: string): Global {
    return Global.of(this.find(name, "global").value);
  }

  /** An exported tag. @throws RangeError if there is none */
  tag(name: string): Tag {
    return Tag.of(this.find(name, "tag").value);
  }

  private find<K extends ExternInstance["kind"]>(
    name: string,
    kind: K,
  ): Extract<ExternInstance, { kind: K }> {
    const { exports } = this.target;
    const found = exports.get(name);
    if (isOfKind(found, kind)) return found;
    const names = [...exports].filter(([, item]) => item.kind === kind).map(([key]) => key);
    const others = names.length === 0 ? "nothing" : listed(names, (item) => cut(item), ", ");
    const is = found === undefined ? "" : `, it is a ${found.kind}`;
    throw new RangeError(`no ${kind} is exported as "${name}"${is}; of that kind: ${others}`);
  }

  private wrap(extern: ExternInstance): Wrapped {
    if (extern.kind !== "func") return handleOf(extern);
    const func = this.store.func(extern.value);
    const exported: ExportedFunction = (...args) => func.call(...args);
    standsFor(exported, extern.value);
    return exported;
  }
}

function isOfKind<K extends ExternInstance["kind"]>(
  extern: ExternInstance | undefined,
  kind: K,
): extern is Extract<ExternInstance, { kind: K }> {
  return extern?.kind === kind;
}
