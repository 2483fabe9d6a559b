// WebAssembly.Module (JS-API: 5.1 Modules).

import type { ExternKind } from "../module/module.ts";
import { builtinType } from "./builtins.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { bytesArgument, compileBytes, compileOptions, type ModuleSource } from "./source.ts";
import { describeInterface, isObject, Uncloneable } from "./webidl.ts";

const WHERE = "WebAssembly.Module()";

/** "function", "table", "memory", "global" or "tag". */
function kindOf(kind: ExternKind): string {
  return kind === "func" ? "function" : kind;
}

function compileArguments(context: Context, bytes: unknown, options: unknown): ModuleSource {
  const source = bytesArgument(bytes, WHERE);
  return compileBytes(context, source, compileOptions(options, WHERE), WHERE);
}

function importsOf({ options, record }: ModuleSource) {
  const { builtins, importedStringConstants } = options;
  return record.imports
    .filter(({ module, name }) => {
      return module !== importedStringConstants && builtinType(builtins, module, name) === null;
    })
    .map(({ module, name, type }) => ({ module, name, kind: kindOf(type.kind) }));
}

function customSectionsOf({ record }: ModuleSource, name: string): ArrayBuffer[] {
  return record.customs
    .filter((section) => section.name === name)
    .map(({ start, end }) => new Uint8Array(record.bytes.subarray(start, end)).buffer);
}

/** The class `Module` of a namespace, and the way between its objects and modules. */
export function moduleInterface(context: Context): Defined<ModuleSource> {
  let brand: (value: unknown) => ModuleSource | null = () => null;

  class Module extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #source in value ? value.#source : null);
    }

    readonly #source: ModuleSource;

    constructor(bytes: unknown, ...rest: readonly unknown[]) {
      super();
      const existing = Existing.is<ModuleSource>(bytes);
      this.#source = existing ? bytes.target : compileArguments(context, bytes, rest[0]);
    }

    static exports(moduleObject: unknown) {
      const { record } = argument(moduleObject, "exports()");
      return record.exports.map(({ name, kind }) => ({ name, kind: kindOf(kind) }));
    }

    static imports(moduleObject: unknown) {
      return importsOf(argument(moduleObject, "imports()"));
    }

    static customSections(moduleObject: unknown, ...rest: readonly unknown[]): ArrayBuffer[] {
      const source = argument(moduleObject, "customSections()");
      if (rest.length === 0) {
        throw new TypeError("WebAssembly.Module.customSections(): Argument 1 is required");
      }
      return customSectionsOf(source, `${rest[0] as string}`);
    }
  }

  function argument(value: unknown, member: string): ModuleSource {
    const source = brand(value);
    if (source !== null) return source;
    throw new TypeError(`WebAssembly.Module.${member}: Argument 0 must be a WebAssembly.Module`);
  }

  const wrapper: Wrapper<ModuleSource> = {
    create: (source) => new Module(new Existing(source)),
    targetOf: (value) => brand(value),
  };
  return { Interface: describeInterface("Module", Module, { customSections: 2 }), wrapper };
}
