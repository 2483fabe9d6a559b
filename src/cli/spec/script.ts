// Finds and reads the scripts of a conformance suite: the converted suite with its manifest, one
// group or script of it, or what plain `wast2json` writes (JSON with the .wasm files beside it).
// Fields that are not known are ignored; judging the commands is not done here.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HostError } from "../command.ts";
import { reason } from "../input.ts";

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

/** One command of a script, in the fields that every command has in common. */
export interface ScriptCommand {
  readonly type: string;
  /** Line in the .wast source; 0 if it is not told. */
  readonly line: number;
  readonly module?: ModuleFile;
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
      return readCommand(command, command.type, folder);
    }
    throw new HostError(`${file.path}: command ${index} has no type`);
  };
  return { group, name, commands: commands.map(toCommand) };
}

function readCommand(json: Json, type: string, folder: string): ScriptCommand {
  const { line, text } = json;
  const module = moduleOf(json, folder);
  return {
    type,
    line: typeof line === "number" ? line : 0,
    ...(module && { module }),
    text: typeof text === "string" ? text : "",
  };
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
