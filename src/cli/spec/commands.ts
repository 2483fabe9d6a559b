// What each command of a script asks for, as one table: command type to judge. Modules are decoded
// and validated; whatever needs an instance is skipped with the reason, never passed.

import { InvalidError, MalformedError, type ModuleError } from "../../module/errors.ts";
import type { ScriptCommand } from "./script.ts";
import type { ScriptState, Verdict } from "./state.ts";

type Judge = (command: ScriptCommand, state: ScriptState) => Verdict;
type ModuleJudge = (path: string, state: ScriptState) => Verdict;

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

/** A judge for commands with a module, which is skipped if it exists as text only. */
function binary(judge: ModuleJudge): Judge {
  return ({ type, module }, state) => {
    if (module === undefined) return failed(`${type} without a module file`);
    return module.text ? skipped("module in the text format") : judge(module.path, state);
  };
}

const accepted: ModuleJudge = (path, state) => {
  const { error } = state.load(path);
  return error === undefined ? PASSED : refusedWith(error);
};

/** The module must be valid, but what the command asserts of it is not judged. */
function validFor(purpose: string): ModuleJudge {
  return (path, state) => {
    const { error } = state.load(path);
    return error === undefined ? skipped(`${purpose} (the module is valid)`) : refusedWith(error);
  };
}

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

/** How the reason for skipping a command that is not in the table begins. */
export const UNKNOWN_COMMAND = "unknown command";

const EXECUTION = "needs execution";
const executed: Judge = () => skipped(EXECUTION);
const uninstantiable = binary(validFor(EXECUTION));

/** A trap while a function runs, or (a command with a module) while the module is instantiated. */
const trapped: Judge = (command, state) => {
  return (command.module === undefined ? executed : uninstantiable)(command, state);
};

const ofTextTools: Judge = () => skipped("about custom annotations of text tools");

/** The judges by command type; older names of commands behind the blank line. */
const JUDGES: ReadonlyMap<string, Judge> = new Map([
  ["module", binary(accepted)],
  ["module_definition", binary(accepted)],
  ["module_instance", executed],
  ["register", executed],
  ["action", executed],
  ["assert_return", executed],
  ["assert_trap", trapped],
  ["assert_exhaustion", executed],
  ["assert_exception", executed],
  ["assert_suspension", executed],
  ["thread", executed],
  ["wait", executed],
  ["assert_malformed", binary(refused(MalformedError))],
  ["assert_invalid", binary(refused(InvalidError))],
  ["assert_unlinkable", binary(validFor("needs linking"))],
  ["assert_uninstantiable", uninstantiable],
  ["assert_malformed_custom", ofTextTools],
  ["assert_invalid_custom", ofTextTools],

  ["assert_return_canonical_nan", executed],
  ["assert_return_arithmetic_nan", executed],
  ["assert_return_func", executed],
]);

/** Judges one command. An error that is no verdict on the module is a failure, whatever it is. */
export function judge(command: ScriptCommand, state: ScriptState): Verdict {
  const judgeOfType = JUDGES.get(command.type.replaceAll("-", "_"));
  if (judgeOfType === undefined) return skipped(`${UNKNOWN_COMMAND} ${command.type}`);
  try {
    return judgeOfType(command, state);
  } catch (error) {
    return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}
