// Paths of guests (POSIX 4.13 Pathname Resolution, within one directory): walked name by name,
// symbolic links expanded here and nowhere else. A path begins at a directory the guest has open
// and never gets above it: absolute paths, links to absolute paths and too many `..` are refused.

import { FILETYPE } from "./constants.ts";
import { fail } from "./errno.ts";
import type { Directory, FileStat } from "./file-system.ts";

/** As many links in one path as Linux follows. */
const MOST_LINKS = 40;
const MOST_NAME_UNITS = 255;
/** Names walked along for one path, those of links included: the host is asked twice for each. */
const MOST_STEPS = 1024;

/** What a path leads to. */
export interface Place {
  /** Where the last name is; belongs to the walk, which closes it. */
  readonly directory: Directory;
  /** The last name; "." if the path leads to `directory` itself. */
  readonly name: string;
  /** What has this name; null if nothing. */
  readonly entry: FileStat | null;
  /** Whether the path ended with a slash, so that only a directory will do. */
  readonly slash: boolean;
}

/** A walk along a path. */
class Walk {
  /** The directories on the way, each in the one before it. */
  private readonly directories: Directory[];
  /** Names still to go, the next one last. */
  private readonly names: string[] = [];
  private links = 0;
  /** Names walked along. */
  steps = 0;

  constructor(base: Directory, path: string) {
    this.directories = [base];
    if (path === "") fail("noent", "an empty path");
    this.push(path);
  }

  private get here(): Directory {
    return this.directories[this.directories.length - 1];
  }

  private push(path: string): void {
    if (path.startsWith("/")) fail("notcapable", "an absolute path");
    this.names.push(...path.split("/").reverse());
  }

  /** Goes to the end of the path. `follow`: also if that is a link. */
  run(follow: boolean): Place {
    for (;;) {
      const name = this.names.pop();
      if (name === undefined) break;
      if (name === "" || name === ".") continue;
      if (name === "..") this.up();
      else {
        const place = this.step(name, follow);
        if (place !== null) return place;
      }
    }
    const { here } = this;
    return { directory: here, name: ".", entry: here.stat(), slash: true };
  }

  private up(): void {
    if (this.directories.length === 1) fail("notcapable", "a path that leaves its directory");
    this.directories.pop()?.close();
  }

  /** Goes on with `name`: into a directory or a link, or it is the end. */
  private step(name: string, follow: boolean): Place | null {
    if (name.length > MOST_NAME_UNITS || ++this.steps > MOST_STEPS) fail("nametoolong");
    const { here } = this;
    const entry = here.lookup(name);
    const slash = this.names.length > 0;
    const last = this.names.every((rest) => rest === "");
    const isLink = entry?.filetype === FILETYPE.SYMBOLIC_LINK;
    if (isLink && (follow || slash)) {
      if (++this.links > MOST_LINKS) fail("loop");
      this.push(here.readLink(name) || fail("noent", "an empty link"));
      return null;
    }
    if (last) return { directory: here, name, entry, slash };
    if (entry === null) fail("noent");
    if (entry.filetype !== FILETYPE.DIRECTORY) fail("notdir");
    this.directories.push(here.openDirectory(name));
    return null;
  }

  /** Closes what the walk has opened. */
  close(): void {
    while (this.directories.length > 1) this.directories.pop()?.close();
  }
}

/**
 * Walks along `path` from `base` and hands over where it leads; what that gives is the result.
 * `follow`: if the last name is a link, where that leads. A trailing slash follows it, too.
 * `walked` hears how many names that took, also if it fails.
 * @throws WasiError "noent", "notdir", "loop", "notcapable" and what the file system throws
 */
export function withPlace<T>(
  base: Directory,
  path: string,
  follow: boolean,
  use: (place: Place) => T,
  walked: (steps: number) => void = () => undefined,
): T {
  const walk = new Walk(base, path);
  try {
    return use(walk.run(follow));
  } finally {
    walk.close();
    walked(walk.steps);
  }
}

/** The place's entry. @throws WasiError "noent"; "notdir" if the path demands a directory */
export function existing({ entry, slash }: Place): FileStat {
  if (entry === null) fail("noent");
  if (slash && entry.filetype !== FILETYPE.DIRECTORY) fail("notdir");
  return entry;
}
