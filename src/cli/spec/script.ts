// Finds and reads the scripts of a conformance suite: the converted suite with its manifest, one
// group or script of it, or what plain `wast2json` writes (JSON with the .wasm files beside it).
// Fields that are not known are ignored; judging the commands is not done here.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HostError } from "../command.ts";
import { reason } from "../input.ts";
import type { ScriptValue } from "./values.ts";

/** A script that is there to be read. */
export interface ScriptFile {
  /** Topic of the script; by it the features are chosen. */
  readonly group: string;
  readonly name: string;
  readonly path: string;
  /** False if it was come across in a folder: then it may turn out to be some other JSON file. */
  readonly certain: boolean;
}

/** The module of a command. */
export interface ModuleFile {
  readonly path: string;
  /** Whether it is in the text format, which is not read here. */
  readonly text: boolean;
}

/** A call of an exported function, or a look at an exported global. */
export interface Action {
  readonly type: string;
  /** Name of an instance; absent: the current one. */
  readonly module?: string;
  /** Name of an export, which may be any string. */
  readonly field: string;
  readonly args: readonly ScriptValue[];
}

/** One command of a script, with the fields that commands have; which ones, depends on its type. */
export interface ScriptCommand {
  readonly type: string;
  /** Line in the .wast source; 0 if it is not told. */
  readonly line: number;
  readonly module?: ModuleFile;
  /** Name that a module gets, or of the instance to register. */
  readonly name?: string;
  /** Module name under which an instance is registered. */
  readonly as?: string;
  /** Name of the definition to instantiate. */
  readonly definition?: string;
  /** Name that the instance of a definition gets. */
  readonly instance?: string;
  readonly action?: Action;
  /** Patterns of the results. */
  readonly expected?: readonly ScriptValue[];
  /** The message that the suite expects; empty if there is none. */
  readonly text: string;
}

/** A script as it is run: its commands in order. */
export interface Script {
  readonly group: string;
  readonly name: string;
  readonly commands: readonly ScriptCommand[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The scripts that `path` stands for, in the manifest's order or by name.
 * @throws HostError if it does not exist or a manifest names what does not exist
 */
export function findScripts(path: string): ScriptFile[] {
  const found = isFolder(path) ? scriptsIn(path) : scriptsOfFile(path);
  if (found.length === 0) throw new HostError(`no script (.json) in ${path}`);
  return found;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new HostError(`cannot read ${path}: ${reason(error)}`);
  }
}

function scriptsOfFile(path: string): ScriptFile[] {
  if (!path.endsWith(".json")) {
    throw new HostError(`${path} is no .json file; convert .wast scripts with wast2json first`);
  }
  const fromManifest = basename(path) === "manifest.json" ? scriptsOfManifest(path) : null;
  return fromManifest ?? [{ ...namesOf(path), path, certain: true }];
}

function scriptsIn(folder: string): ScriptFile[] {
  for (const manifest of [join(folder, "manifest.json"), join(folder, "json", "manifest.json")]) {
    const scripts = existsSync(manifest) ? scriptsOfManifest(manifest) : null;
    if (scripts !== null) return scripts;
  }
  const entries = readFolder(folder).filter((entry) => !/^(\.|node_modules$)/.test(entry.name));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return scriptsIn(path);
    return entry.name.endsWith(".json") ? [{ ...namesOf(path), path, certain: false }] : [];
  });
}

function readFolder(folder: string) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new HostError(`cannot read ${folder}: ${reason(error)}`);
  }
}

/** Group and name by the layout `group/name/name.json`, else the folder is the group. */
function namesOf(path: string): { group: string; name: string } {
  const folder = dirname(resolve(path));
  const name = basename(path, ".json");
  return { name, group: basename(basename(folder) === name ? dirname(folder) : folder) };
}

/** The scripts a manifest lists; null if the file is some other kind of manifest. */
function scriptsOfManifest(path: string): ScriptFile[] | null {
  const list = readJson(path);
  if (!Array.isArray(list)) return null;
  return list.map((item: unknown, index) => {
    const { group, name, json } = isObject(item) ? item : {};
    if (typeof group !== "string" || typeof name !== "string" || typeof json !== "string") {
      throw new HostError(`${path}: entry ${index} lacks group, name or json`);
    }
    return { group, name, path: besideManifest(path, json), certain: true };
  });
}

/** Paths in a manifest start from the folder above it (the suite's root) or from its own. */
function besideManifest(manifest: string, json: string): string {
  const folder = dirname(resolve(manifest));
  const candidates = [join(dirname(folder), json), join(folder, json)];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new HostError(`${manifest} names ${json}, which does not exist`);
  return path;
}

/**
 * Reads a script; null if the file was only come across and is some other JSON file.
 * @throws HostError if it cannot be read or is no script
 */
export function readScript(file: ScriptFile): Script | null {
  const json = readJson(file.path);
  const commands = isObject(json) ? json.commands : undefined;
  if (!Array.isArray(commands)) {
    if (!file.certain) return null;
    throw new HostError(`${file.path} is no script: it has no list of commands`);
  }
  const { group, name } = file;
  const folder = dirname(file.path);
  const toCommand = (command: unknown, index: number) => {
    if (isObject(command) && typeof command.type === "string") {
      try {
        return readCommand(command, command.type, folder);
      } catch (error) {
        throw new HostError(`${file.path}: command ${index}: ${reason(error)}`);
      }
    }
    throw new HostError(`${file.path}: command ${index} has no type`);
  };
  return { group, name, commands: commands.map(toCommand) };
}

function readCommand(json: Json, type: string, folder: string): ScriptCommand {
  const { action, as, expected, instance, line, module: definition, name, text } = json;
  const module = moduleOf(json, folder);
  return {
    type,
    line: typeof line === "number" ? line : 0,
    ...(module && { module }),
    ...(typeof name === "string" && { name }),
    ...(typeof as === "string" && { as }),
    ...(typeof definition === "string" && { definition }),
    ...(typeof instance === "string" && { instance }),
    ...(isObject(action) && { action: readAction(action) }),
    ...(Array.isArray(expected) && { expected: expected.map(readValue) }),
    text: typeof text === "string" ? text : "",
  };
}

function readAction({ args, field, module, type }: Json): Action {
  if (typeof type !== "string" || typeof field !== "string") {
    throw new TypeError("its action lacks type or field");
  }
  return {
    type,
    field,
    ...(typeof module === "string" && { module }),
    args: Array.isArray(args) ? args.map(readValue) : [],
  };
}

function readValue(json: unknown): ScriptValue {
  const { lane_type: laneType, type, value, values } = isObject(json) ? json : {};
  if (typeof type !== "string") throw new TypeError("a value has no type");
  return {
    type,
    ...((typeof value === "string" || isStrings(value)) && { value }),
    ...(typeof laneType === "string" && { laneType }),
    ...(Array.isArray(values) && { values: values.map(readValue) }),
  };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/**
 * The module that a command names. wasm-tools gives the binary of a text module as well
 * (`binary_filename`); old versions of wast2json tell text from binary by the file name alone.
 */
function moduleOf(json: Json, folder: string): ModuleFile | undefined {
  const { filename, binary_filename: binary, module_type: kind } = json;
  if (typeof binary === "string") return { path: join(folder, binary), text: false };
  if (typeof filename !== "string") return undefined;
  const text = typeof kind === "string" ? kind === "text" : filename.endsWith(".wat");
  return { path: join(folder, filename), text };
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new HostError(`cannot read ${path}: ${reason(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HostError(`${path} is not JSON: ${reason(error)}`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}
