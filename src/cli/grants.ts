// What the command line grants to a program of WASI: directories (`--dir`), the environment
// (`--env`), and what to say about a program that failed for lack of a directory.

import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, normalize, posix } from "node:path";
import { type Arguments, HostError, type Io, UsageError } from "./command.ts";

/** A directory of the host that a program gets. */
export interface DirectoryGrant {
  readonly host: string;
  /** The guest's name for it. */
  readonly guest: string;
  readonly readOnly: boolean;
}

/** All that a program gets beyond its arguments and the standard streams. */
export interface Grants {
  readonly directories: readonly DirectoryGrant[];
  readonly environment: Readonly<Record<string, string>>;
  /** Bytes by which the files of each directory may grow. Default: that of `hostDirectory`. */
  readonly diskBytes?: number | undefined;
}

const READ_ONLY = ":ro";

/**
 * What the options grant.
 * @throws UsageError for options that are wrong
 * @throws HostError for directories that there are not
 */
export function grantsOf(args: Arguments, io: Io): Grants {
  return {
    directories: directoryGrants(args),
    environment: environment(args, io.environment ?? {}),
  };
}

function listOption({ values }: Arguments, name: string): readonly string[] {
  const list = values[name];
  return Array.isArray(list) ? list.map(String) : [];
}

/** `host::guest`, `host`, both also with `:ro` behind. Windows paths have a colon of their own. */
function directoryGrant(text: string): DirectoryGrant {
  const readOnly = text.endsWith(READ_ONLY);
  const paths = readOnly ? text.slice(0, -READ_ONLY.length) : text;
  const at = paths.indexOf("::");
  const host = at < 0 ? paths : paths.slice(0, at);
  const guest = at < 0 ? paths : paths.slice(at + 2);
  if (host === "" || guest === "") {
    throw new UsageError(`--dir takes HOST::GUEST or HOST, also with :ro, not "${text}"`);
  }
  return { host, guest, readOnly };
}

/** The directories that `--dir` names. */
function directoryGrants(args: Arguments): DirectoryGrant[] {
  const grants = listOption(args, "dir").map(directoryGrant);
  const names = new Set<string>();
  for (const { guest, host } of grants) {
    if (names.has(guest)) throw new UsageError(`--dir: two directories have the name "${guest}"`);
    names.add(guest);
    demandDirectory(host);
  }
  return grants;
}

function demandDirectory(path: string): void {
  try {
    // Granting it asks where it really is, which can fail where looking at it works.
    realpathSync.native(path);
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    if (!isMissing) throw new HostError(`--dir: cannot use ${path}: ${message}`);
  }
  throw new HostError(`--dir: ${path} is no directory`);
}

/** The environment that `--env` makes up: `K=V`, or `K` for the value that the host has. */
function environment(
  args: Arguments,
  host: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const variables = listOption(args, "env").map((text): [string, string] => {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    // Every object has a `constructor`, no environment has.
    const known = Object.hasOwn(host, name) ? host[name] : undefined;
    const value = at < 0 ? known : text.slice(at + 1);
    if (name === "") throw new UsageError(`--env takes NAME=VALUE or NAME, not "${text}"`);
    if (value === undefined) throw new UsageError(`--env ${name}: there is no such variable here`);
    return [name, value];
  });
  return Object.fromEntries(variables);
}

/** Whether a guest that has these directories can reach `path`; relative paths are in its `/`. */
function isGranted(path: string, grants: readonly DirectoryGrant[]): boolean {
  const wanted = posix.join("/", path);
  return grants.some(({ guest }) => {
    const prefix = posix.join("/", guest, "/");
    return `${wanted}/`.startsWith(prefix);
  });
}

/**
 * What to say about a failed program that may have looked for a file it was not granted; empty if
 * nothing. `words` are its arguments.
 */
export function missingGrant(words: readonly string[], grants: readonly DirectoryGrant[]): string {
  const misplaced = words.find((word) => /^--(dir|env)\b/.test(word));
  if (misplaced !== undefined) {
    return `what follows FILE belongs to the program; options such as ${misplaced} stand before it`;
  }
  const path = words.find((word) => word !== "" && existsSync(word) && !isGranted(word, grants));
  if (path === undefined) {
    if (grants.length > 0) return "";
    return "no directory is granted to the program; --dir .::/ grants the current one as its /";
  }
  const what = `the program cannot see "${path}"`;
  const has = grants.length > 0 ? "its directories do not hold it" : "no directory is granted";
  return `${what}: ${has}; grant one with --dir ${quoted(suggestion(path))}`;
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A directory whose grant makes `path` visible under its own name. */
function suggestion(path: string): string {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const folder = isDirectory ? path : dirname(path);
  return isAbsolute(path) || normalize(path).startsWith("..") ? folder : ".::/";
}
