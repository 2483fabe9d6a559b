// Runs scripts and adds up the verdicts. Every script starts from a fresh state; nothing is printed
// here.

import type { DecodeSettings } from "../../embedding/module.ts";
import { type FeatureSet, parseFeatures } from "../../isa/features.ts";
import { judge } from "./commands.ts";
import type { Script, ScriptCommand } from "./script.ts";
import { type RunSettings, ScriptState, type Verdict } from "./state.ts";

/** A command with its verdict. */
export interface CommandResult {
  readonly command: ScriptCommand;
  readonly verdict: Verdict;
  /** Fuel that its invocations used. */
  readonly fuel: number;
}

/** What a script gave. */
export interface ScriptResult {
  readonly group: string;
  readonly name: string;
  readonly results: readonly CommandResult[];
  /** Modules that were decoded and validated. */
  readonly modules: number;
  /** How many of them were valid. */
  readonly validModules: number;
  /** How often invocations were stopped and resumed. */
  readonly stops: number;
  /** Fuel that was used by what the host's engine executes. */
  readonly compiledFuel: number;
}

/** How many commands went which way. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The sum over the scripts of one group. */
export interface GroupTally extends Tally {
  readonly group: string;
  scripts: number;
}

/** A command as a report names it. */
export interface Finding {
  readonly group: string;
  readonly name: string;
  readonly line: number;
  readonly type: string;
  /** The message that the suite expects. */
  readonly text: string;
  /** What happened instead. */
  readonly reason: string;
}

/** Everything a report is made of. */
export interface Summary extends Tally {
  readonly groups: readonly GroupTally[];
  readonly scripts: number;
  readonly modules: number;
  readonly failures: readonly Finding[];
  /** Refusals by the right error whose message does not begin with the suite's text. */
  readonly disagreements: readonly Finding[];
  /** Refusals by the right error for which the suite has a text. */
  readonly phrases: number;
  /** How often which reason to skip occurred. */
  readonly skips: ReadonlyMap<string, number>;
}

/** Scripts of proposals need what is off by default, and are about nothing but proposals. */
export function featuresOfGroup(group: string): { features?: FeatureSet } {
  return group.startsWith("proposals-") ? { features: parseFeatures("all") } : {};
}

/** Runs one script; without `settings.features` its group decides on them. */
export function runScript(script: Script, settings: RunSettings = {}): ScriptResult {
  const { group, name, commands } = script;
  const features: DecodeSettings = settings.features === undefined ? featuresOfGroup(group) : {};
  const state = new ScriptState({ ...settings, ...features }, group === "proposals-threads");
  const results = commands.map((command) => {
    const before = state.invoker.fuelUsed;
    const verdict = judge(command, state);
    return { command, verdict, fuel: state.invoker.fuelUsed - before };
  });
  const { modules, validModules } = state;
  const { invoker, store } = state;
  const { compiledFuel } = store;
  return { group, name, results, modules, validModules, stops: invoker.stops, compiledFuel };
}

/** Whether the message of a refusal begins with the suite's words; null: nothing to compare. */
export function phraseAgrees({ command, verdict }: CommandResult): boolean | null {
  const { outcome, message } = verdict;
  if (outcome !== "passed" || message === undefined || command.text === "") return null;
  return message.startsWith(command.text);
}

/** Adds up the results of scripts. */
export function summarize(scripts: readonly ScriptResult[]): Summary {
  const groups = new Map<string, GroupTally>();
  const skips = new Map<string, number>();
  const failures: Finding[] = [];
  const disagreements: Finding[] = [];
  let phrases = 0;
  for (const script of scripts) {
    const tally = groups.get(script.group) ?? newTally(script.group);
    groups.set(script.group, tally);
    tally.scripts += 1;
    for (const result of script.results) {
      const { outcome, reason } = result.verdict;
      tally[outcome] += 1;
      if (outcome === "skipped") skips.set(reason, (skips.get(reason) ?? 0) + 1);
      if (outcome === "failed") failures.push(finding(script, result, reason));
      const agrees = phraseAgrees(result);
      if (agrees !== null) phrases += 1;
      if (agrees === false) {
        disagreements.push(finding(script, result, result.verdict.message as string));
      }
    }
  }
  const modules = scripts.reduce((sum, script) => sum + script.modules, 0);
  const totals = totalOf([...groups.values()]);
  return {
    ...totals,
    groups: [...groups.values()],
    modules,
    failures,
    disagreements,
    phrases,
    skips,
  };
}

function newTally(group: string): GroupTally {
  return { group, scripts: 0, passed: 0, failed: 0, skipped: 0 };
}

function totalOf(groups: readonly GroupTally[]): Tally & { scripts: number } {
  const total = (key: "scripts" | keyof Tally) => groups.reduce((sum, row) => sum + row[key], 0);
  return {
    scripts: total("scripts"),
    passed: total("passed"),
    failed: total("failed"),
    skipped: total("skipped"),
  };
}

function finding(script: ScriptResult, result: CommandResult, reason: string): Finding {
  const { line, type, text } = result.command;
  const { group, name } = script;
  return { group, name, line, type, text, reason };
}
