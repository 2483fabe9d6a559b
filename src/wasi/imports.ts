// Puts the functions of all areas together into an import map. Each is a plain function, which any
// engine takes, and stands for a function instance of the right type in this one: a module that
// imports it with another type is refused when it is linked.

import { standsFor } from "../api/handles.ts";
import { parseSignature } from "../api/signature.ts";
import { allocateHostFunction } from "../runtime/allocate.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import { argsFunctions } from "./args.ts";
import { clockFunctions } from "./clock.ts";
import { fdFunctions } from "./fd.ts";
import { filesFunctions } from "./files.ts";
import type { WasiFunction, WasiImports, WasiModule } from "./options.ts";
import { pathFunctions } from "./path.ts";
import { pollFunctions } from "./poll.ts";
import { procFunctions } from "./proc.ts";
import type { Process } from "./process.ts";
import { randomFunctions } from "./random.ts";
import { type Dialect, PARAMETERS, PREVIEW1, signatureOf, UNSTABLE } from "./signatures.ts";
import { sockFunctions } from "./sock.ts";
import { type Action, begin, toEnd } from "./steps.ts";

const typeIds = new Map<string, number>();

function typeIdOf(name: string): number {
  let id = typeIds.get(name);
  if (id === undefined) {
    id = idOfFuncType(parseSignature(signatureOf(name)));
    typeIds.set(name, id);
  }
  return id;
}

/** A function for imports around the action of an area. */
function importFor(process: Process, name: string, module: string, action: Action): WasiFunction {
  const func: WasiFunction = (...args) => toEnd(begin(process, action, args));
  const code = (_: unknown, args: unknown[]) => begin(process, action, args);
  standsFor(func, allocateHostFunction(typeIdOf(name), code, `${module}.${name}`));
  return func;
}

/** The functions of one module, made when somebody takes them: most programs import a dozen. */
class Functions {
  private readonly process: Process;
  private readonly module: string;
  private readonly dialect: Dialect;
  private readonly made = new Map<string, WasiFunction>();
  private actions: Readonly<Record<string, Action>> | null = null;

  constructor(process: Process, module: string, dialect: Dialect) {
    this.process = process;
    this.module = module;
    this.dialect = dialect;
  }

  /** The function with this name, always the same one. */
  get(name: string): WasiFunction {
    let found = this.made.get(name);
    if (found === undefined) {
      this.actions ??= actionsOf(this.process, this.dialect);
      found = importFor(this.process, name, this.module, this.actions[name]);
      this.made.set(name, found);
    }
    return found;
  }
}

function actionsOf(process: Process, dialect: Dialect): Readonly<Record<string, Action>> {
  return {
    ...argsFunctions(process),
    ...clockFunctions(process),
    ...fdFunctions(process, dialect),
    ...filesFunctions(process, dialect),
    ...pathFunctions(process, dialect),
    ...pollFunctions(process, dialect),
    ...procFunctions(process),
    ...randomFunctions(process),
    ...sockFunctions(process),
  };
}

/** Where a module keeps its functions; not enumerable, so that a copy holds functions alone. */
const FUNCTIONS = Symbol("functions");

type Lazy = { readonly [FUNCTIONS]: Functions };

/** Properties that make the function when they are read; shared by all modules of a dialect. */
function propertiesOf({ missing }: Dialect): PropertyDescriptorMap {
  const names = Object.keys(PARAMETERS).filter((name) => !missing.includes(name));
  const properties = names.map((name) => {
    const get = function (this: Lazy) {
      return this[FUNCTIONS].get(name);
    };
    return [name, { get, enumerable: true }] as const;
  });
  return Object.fromEntries(properties);
}

const PREVIEW1_PROPERTIES = propertiesOf(PREVIEW1);
const UNSTABLE_PROPERTIES = propertiesOf(UNSTABLE);

/** The import map of a program. */
export function importsFor(process: Process): WasiImports {
  const module = (name: string, dialect: Dialect, properties: PropertyDescriptorMap) => {
    const target = { [FUNCTIONS]: new Functions(process, name, dialect) };
    Object.defineProperty(target, FUNCTIONS, { enumerable: false });
    return Object.freeze(Object.defineProperties(target, properties)) as Lazy & WasiModule;
  };
  let unstable: WasiModule | null = null;
  return Object.freeze({
    wasi_snapshot_preview1: module("wasi_snapshot_preview1", PREVIEW1, PREVIEW1_PROPERTIES),
    get wasi_unstable() {
      unstable ??= module("wasi_unstable", UNSTABLE, UNSTABLE_PROPERTIES);
      return unstable;
    },
  });
}
