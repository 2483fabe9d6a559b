// Puts the functions of all areas together into an import map. Each is a plain function, which any
// engine takes, and stands for a function instance of the right type in this one: a module that
// imports it with another type is refused when it is linked.

import { standsFor } from "../api/func.ts";
import { parseSignature } from "../api/host.ts";
import { idOfFuncType } from "../code/type-ids.ts";
import { allocateHostFunction } from "../runtime/allocate.ts";
import { argsFunctions } from "./args.ts";
import { clockFunctions } from "./clock.ts";
import { WasiError } from "./errno.ts";
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

type Action = (...args: never[]) => unknown;

const typeIds = new Map<string, number>();

function typeIdOf(name: string): number {
  let id = typeIds.get(name);
  if (id === undefined) {
    id = idOfFuncType(parseSignature(signatureOf(name)));
    typeIds.set(name, id);
  }
  return id;
}

/** The error code for what a function threw; goes on throwing what is none. */
function errnoFrom(error: unknown): number {
  if (error instanceof WasiError) return error.errno;
  throw error;
}

/** A function for imports around the action of an area. */
function importFor(process: Process, name: string, module: string, action: Action): WasiFunction {
  const run = action as (...args: readonly unknown[]) => unknown;
  const guarded: WasiFunction = (...args) => {
    try {
      process.enter();
      const result = run(...args);
      return result instanceof Promise ? result.catch(errnoFrom) : result;
    } catch (error) {
      return errnoFrom(error);
    }
  };
  const code = (_: unknown, args: unknown[]) => guarded(...(args as number[]));
  standsFor(guarded, allocateHostFunction(typeIdOf(name), code, `${module}.${name}`));
  return guarded;
}

function moduleFor(process: Process, module: string, dialect: Dialect): WasiModule {
  const actions: Readonly<Record<string, Action>> = {
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
  const names = Object.keys(PARAMETERS).filter((name) => !dialect.missing.includes(name));
  const functions = names.map((name) => {
    return [name, importFor(process, name, module, actions[name])] as const;
  });
  return Object.freeze(Object.fromEntries(functions));
}

/** The import map of a program. The older module is made when somebody asks for it. */
export function importsFor(process: Process): WasiImports {
  let unstable: WasiModule | null = null;
  return Object.freeze({
    wasi_snapshot_preview1: moduleFor(process, "wasi_snapshot_preview1", PREVIEW1),
    get wasi_unstable() {
      unstable ??= moduleFor(process, "wasi_unstable", UNSTABLE);
      return unstable;
    },
  });
}
