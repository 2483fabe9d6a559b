// What each command of a script asks for, as one table: command type to judge. What is not judged
// (text, annotations, several threads) is skipped with the reason, never passed.

import { InvalidError, MalformedError, type ModuleError } from "../../module/errors.ts";
import type { ModuleRecord } from "../../module/module.ts";
import { Exhaustion, LinkError, Trap, WasmException } from "../../runtime/trap.ts";
import type { ScriptCommand } from "./script.ts";
import type { ScriptState, Verdict } from "./state.ts";
import { formatExact, formatPattern, matches, type ScriptValue } from "./values.ts";

type Judge = (command: ScriptCommand, state: ScriptState) => Verdict;
type ModuleJudge = (path: string, state: ScriptState, command: ScriptCommand) => Verdict;

const PASSED: Verdict = { outcome: "passed", reason: "" };

function failed(reason: string): Verdict {
  return { outcome: "failed", reason };
}

function skipped(reason: string): Verdict {
  return { outcome: "skipped", reason };
}

function refusedWith(error: ModuleError): Verdict {
  const { name, message } = error;
  return { outcome: "failed", reason: `the module was refused: ${name}: ${message}`, message };
}

/** What a command needs was itself not judged. */
class Unjudged extends Error {}

const TEXT = "module in the text format";

/** A judge for commands with a module, which is skipped if it exists as text only. */
function binary(judge: ModuleJudge): Judge {
  return (command, state) => {
    const { module, type } = command;
    if (module === undefined) return failed(`${type} without a module file`);
    return module.text ? skipped(TEXT) : judge(module.path, state, command);
  };
}

// Modules

/** The module must be refused with an error of just this class. */
function refused(expected: typeof MalformedError | typeof InvalidError): ModuleJudge {
  return (path, state) => {
    const { error } = state.load(path);
    if (error === undefined) return failed("the module was accepted");
    const { name, message } = error;
    if (error instanceof expected) return { ...PASSED, message };
    return { outcome: "failed", reason: `${expected.name} expected: ${name}: ${message}`, message };
  };
}

/** A definition, bound also if it cannot be made: then as the reason for there being none. */
const defined: Judge = ({ module, name, type }, state) => {
  if (module === undefined) return failed(`${type} without a module file`);
  if (module.text) {
    state.define(name, { error: new Unjudged(`needs a ${TEXT}`) });
    return skipped(TEXT);
  }
  const { error, module: item } = state.load(module.path);
  state.define(name, error === undefined ? { item } : { error });
  return error === undefined ? PASSED : refusedWith(error);
};

const definedAndInstantiated: Judge = (command, state) => {
  const verdict = defined(command, state);
  if (verdict.outcome === "passed") {
    state.enter(undefined, command.name);
    return verdict;
  }
  // Binds the failure, which is the verdict already.
  attempt(() => state.enter(undefined, command.name));
  return verdict;
};

const instantiated: Judge = ({ definition, instance }, state) => {
  state.enter(definition, instance);
  return PASSED;
};

const registered: Judge = ({ as, name }, state) => {
  if (as === undefined) return failed("register without a name to register as");
  state.register(as, name);
  return PASSED;
};

// How something ends

type ErrorClass = abstract new (...args: never[]) => Error;

/** What an action throws; undefined if it ends normally. */
function attempt(action: () => unknown): { readonly error: unknown } | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** The action must throw an error of this class. Any other error is somebody else's to judge. */
function throws(expected: ErrorClass, action: () => unknown): Verdict {
  const thrown = attempt(action);
  if (thrown === undefined) return failed(`${expected.name} expected, but it ended normally`);
  if (!(thrown.error instanceof expected)) throw thrown.error;
  return { ...PASSED, message: thrown.error.message };
}

/** The module must be valid, but its instantiation must end with an error of this class. */
function instantiationThrows(expected: ErrorClass): ModuleJudge {
  return (path, state) => {
    const { error, module } = state.load(path);
    if (error !== undefined) return refusedWith(error);
    return throws(expected, () => state.instantiate(module as ModuleRecord));
  };
}

/** The action must end with an error of this class. */
function actionThrows(expected: ErrorClass): Judge {
  return ({ action }, state) => {
    if (action === undefined) return failed("there is no action");
    return throws(expected, () => state.perform(action));
  };
}

const uninstantiable = binary(instantiationThrows(Trap));

/** A trap while a function runs, or (a command with a module) while the module is instantiated. */
const trapped: Judge = (command, state) => {
  return (command.module === undefined ? actionThrows(Trap) : uninstantiable)(command, state);
};

const exhausted: Judge = (command, state) => {
  const verdict = actionThrows(Exhaustion)(command, state);
  const ofStack = verdict.message?.startsWith("call stack exhausted") ?? true;
  return ofStack ? verdict : failed(`call stack exhausted expected: ${verdict.message}`);
};

// Actions

const performed: Judge = ({ action }, state) => {
  if (action === undefined) return failed("there is no action");
  state.perform(action);
  return PASSED;
};

/** A judge of results; `patterns` are what old scripts do not write down. */
function returns(patterns: (given: readonly ScriptValue[]) => readonly ScriptValue[]): Judge {
  return ({ action, expected }, state) => {
    if (action === undefined || expected === undefined) return failed("nothing to compare");
    const wanted = patterns(expected);
    const { types, values } = state.perform(action);
    const fits = (value: (typeof values)[number], i: number) =>
      matches(wanted[i], value, types[i], state.hosts);
    if (values.length === wanted.length && values.every(fits)) return PASSED;
    const found = values.map((value, i) => formatExact(value, types[i]));
    return failed(
      `found (${found.join(", ")}), expected (${wanted.map(formatPattern).join(", ")})`,
    );
  };
}

function ofNan(value: string): Judge {
  return returns((given) => given.map((item) => ({ ...item, value })));
}

const ofTextTools: Judge = () => skipped("about custom annotations of text tools");
const ofThreads: Judge = () => skipped("scripts with several threads are not run");

/** How the reason for skipping a command that is not in the table begins. */
export const UNKNOWN_COMMAND = "unknown command";

/** The judges by command type; older names of commands behind the blank line. */
const JUDGES: ReadonlyMap<string, Judge> = new Map([
  ["module", definedAndInstantiated],
  ["module_definition", defined],
  ["module_instance", instantiated],
  ["register", registered],
  ["action", performed],
  ["assert_return", returns((given) => given)],
  ["assert_trap", trapped],
  ["assert_exhaustion", exhausted],
  ["assert_exception", actionThrows(WasmException)],
  ["thread", ofThreads],
  ["wait", ofThreads],
  ["assert_malformed", binary(refused(MalformedError))],
  ["assert_invalid", binary(refused(InvalidError))],
  ["assert_unlinkable", binary(instantiationThrows(LinkError))],
  ["assert_uninstantiable", uninstantiable],
  ["assert_malformed_custom", ofTextTools],
  ["assert_invalid_custom", ofTextTools],

  ["assert_return_canonical_nan", ofNan("nan:canonical")],
  ["assert_return_arithmetic_nan", ofNan("nan:arithmetic")],
  ["assert_return_func", returns(() => [{ type: "funcref" }])],
]);

/** The verdict on a command that ended with an error which no judge asked for. */
function failedWith(error: unknown): Verdict {
  if (error instanceof Unjudged) return skipped(error.message);
  return failed(error instanceof Error ? `${error.name}: ${error.message}` : `${error}`);
}

/** Judges one command. An error that is no verdict on the command is a failure, whatever it is. */
export function judge(command: ScriptCommand, state: ScriptState): Verdict {
  const judgeOfType = JUDGES.get(command.type.replaceAll("-", "_"));
  if (judgeOfType === undefined) return skipped(`${UNKNOWN_COMMAND} ${command.type}`);
  try {
    return judgeOfType(command, state);
  } catch (error) {
    return failedWith(error);
  }
}
