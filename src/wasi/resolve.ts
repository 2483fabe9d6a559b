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
/** Names between two looks at the guest: of the host's file system, 1 ms. */
const STEPS_UNTIL_LOOK = 32;

/** Something in pieces: yields where the guest may be looked at. */
export type Pieces<T> = Generator<undefined, T, void>;

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

/** A walk along a path. Whoever begins one closes it. */
export class Walk {
  /** The directories on the way, each in the one before it. */
  private readonly directories: Directory[];
  /** Names still to go, the next one last. */
  private readonly names: string[] = [];
  private readonly hear: (names: number) => void;
  private links = 0;
  private steps = 0;

  /** `hear` is told of names that were walked along. */
  constructor(base: Directory, path: string, hear: (names: number) => void = () => undefined) {
    this.directories = [base];
    this.hear = hear;
    if (path === "") fail("noent", "an empty path");
    this.push(path);
  }

  private get here(): Directory {
    return this.directories[this.directories.length - 1];
  }

  private push(path: string): void {
    if (path.startsWith("/")) fail("notcapable", "an absolute path");
    const names = path.split("/").filter((name) => name !== "");
    // A slash at the end asks for a directory; others do nothing.
    if (path.endsWith("/")) this.names.push("");
    for (let name = names.pop(); name !== undefined; name = names.pop()) this.names.push(name);
  }

  /**
   * Goes to the end of the path. `follow`: also if that is a link. A trailing slash follows it,
   * too.
   * @throws WasiError "noent", "notdir", "loop", "notcapable" and what the file system throws
   */
  *run(follow: boolean): Pieces<Place> {
    for (let steps = 1; ; steps++) {
      const name = this.names.pop();
      if (name === undefined) break;
      if (name === "" || name === ".") continue;
      if (steps % STEPS_UNTIL_LOOK === 0) yield;
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
    this.hear(1);
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

/** Walks along `path` from `base` at one go and hands over where it leads; what that gives. */
export function withPlace<T>(base: Directory, path: string, use: (place: Place) => T): T {
  const walk = new Walk(base, path);
  try {
    const pieces = walk.run(true);
    for (;;) {
      const { done, value } = pieces.next();
      if (done) return use(value);
    }
  } finally {
    walk.close();
  }
}

/** The place's entry. @throws WasiError "noent"; "notdir" if the path demands a directory */
export function existing({ entry, slash }: Place): FileStat {
  if (entry === null) fail("noent");
  if (slash && entry.filetype !== FILETYPE.DIRECTORY) fail("notdir");
  return entry;
}
