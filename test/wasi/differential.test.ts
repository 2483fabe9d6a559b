// The host's kernel as oracle. Random operations on a file system in memory and on host directories
// must give the same error codes, attributes and contents; and a path that a guest may walk must
// lead where the kernel says, while none that the kernel lets out may get anywhere.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { memoryFileSystem } from "../../src/wasi/index.ts";
import { CAN_ANCHOR, hostFileSystem } from "../../src/wasi/node-directory.ts";
import { Random } from "../fuzz/random.ts";
import { ALL, APPEND, CREAT, DIRECTORY, EXCL, FILE, Guest, READ, TRUNC, WRITE } from "./guest.ts";

const SEQUENCES = 60;
const OPERATIONS = 80;
const NAMES = ["a", "b", "c"] as const;
const TEXTS = ["", "x", "some text", "y".repeat(300)] as const;

/** An operation whose result can be compared. */
type Operation = (guest: Guest) => unknown;

function randomPath(random: Random): string {
  const depth = random.pick([1, 1, 1, 2, 2, 3]);
  const names = Array.from({ length: depth }, () => random.pick([...NAMES, ...NAMES, "..", "."]));
  return names.join("/") + random.pick(["", "", "", "", "/"]);
}

/** What of the attributes is the same everywhere; the size of a directory is not. */
function comparable(stat: ReturnType<Guest["stat"]>): unknown {
  if (typeof stat === "string") return stat;
  const { filetype, nlink, size } = stat;
  return filetype === 3 ? filetype : [filetype, nlink, size];
}

function openAndUse(random: Random): Operation {
  const path = randomPath(random);
  const follow = random.pick([0, 1, 1]);
  const oflags = random.pick([0, 0, CREAT, CREAT, CREAT | EXCL, CREAT | TRUNC, TRUNC, DIRECTORY]);
  const rights = random.pick([FILE, FILE, READ, WRITE, 0n]);
  const flags = random.pick([0, 0, APPEND]);
  const text = random.pick(TEXTS);
  const offset = random.pick([undefined, undefined, 0n, 5n, 1000n]);
  const size = random.pick([undefined, undefined, 0n, 3n, 500n]);
  return (guest) => {
    const fd = guest.open(path, { follow, oflags, rights, flags });
    if (typeof fd === "string") return fd;
    // Linux appends also at a position if the descriptor appends; POSIX does not.
    const written = guest.write(fd, text, flags === APPEND ? undefined : offset);
    const resized = size === undefined ? null : guest.call("fd_filestat_set_size", fd, size);
    const sought = guest.call("fd_seek", fd, 0n, 0, 16);
    const results = [written, resized, sought, guest.read(fd), comparable(guest.fstat(fd))];
    return [...results, guest.call("fd_close", fd)];
  };
}

function list(random: Random): Operation {
  const path = randomPath(random);
  return (guest) => {
    const rights = ALL & ~WRITE;
    const fd = guest.open(path, { oflags: DIRECTORY, rights, inheriting: ALL });
    if (typeof fd === "string") return fd;
    const names = guest.list(fd, 100).sort();
    return [names, guest.call("fd_close", fd)];
  };
}

function randomOperation(random: Random): Operation {
  const [path, other] = [randomPath(random), randomPath(random)];
  const target = random.pick([...NAMES, "../a", "a/b", "..", "missing", randomPath(random)]);
  const follow = random.pick([0, 1]);
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return openAndUse(random);
    case 3:
      return list(random);
    case 4:
      return (guest) => guest.onPath("path_unlink_file", path);
    case 5:
      return (guest) => guest.onPath("path_remove_directory", path);
    case 6:
    case 7:
      return (guest) => guest.onPath("path_create_directory", path);
    case 8:
      return (guest) => guest.rename(path, other);
    case 9:
      return (guest) => guest.link(path, other);
    case 10:
      return (guest) => guest.symlink(target, path);
    default:
      return (guest) => [comparable(guest.stat(path, { follow })), guest.readlink(path)];
  }
}

/** Everything below a directory: types, contents, links. */
function dump(guest: Guest, path = "."): unknown {
  const fd = guest.opened(path, { oflags: DIRECTORY, rights: ALL & ~WRITE, inheriting: ALL });
  const names = guest.list(fd).filter((name) => name !== "." && name !== "..");
  guest.call("fd_close", fd);
  return names.sort().map((name) => {
    const inner = `${path}/${name}`;
    const stat = guest.stat(inner);
    if (typeof stat === "string") throw new Error(`${inner}: ${stat}`);
    if (stat.filetype === 3) return [name, dump(guest, inner)];
    return [name, stat.filetype === 7 ? guest.readlink(inner) : guest.contents(inner)];
  });
}

describe.each(CAN_ANCHOR ? [true, false] : [false])(
  "files in memory, host anchored: %s",
  (anchored) => {
    it("behave like the host's", () => {
      for (let seed = 1; seed <= SEQUENCES; seed++) {
        const random = new Random(seed);
        const root = fs.mkdtempSync(join(tmpdir(), "wasmeter-differential-"));
        const memory = new Guest({ preopens: { "/": memoryFileSystem() } });
        const host = new Guest({ preopens: { "/": hostFileSystem(root, {}, anchored) } });
        try {
          for (let i = 0; i < OPERATIONS; i++) {
            const operation = randomOperation(random);
            expect(operation(memory), `seed ${seed}, operation ${i}`).toEqual(operation(host));
          }
          expect(dump(memory), `seed ${seed}`).toEqual(dump(host));
        } finally {
          host.wasi.close();
          fs.rmSync(root, { recursive: true });
        }
      }
    });
  },
);

describe.each(CAN_ANCHOR ? [true, false] : [false])("paths, anchored: %s", (anchored) => {
  const CODES: Readonly<Record<string, string>> = {
    ENOENT: "noent",
    ENOTDIR: "notdir",
    ELOOP: "loop",
  };

  /** Directories, files and links to anywhere, the outside included. */
  function plant(random: Random, base: string): void {
    const inside = (depth: number) => {
      return Array.from({ length: depth }, () => random.pick(NAMES)).join("/");
    };
    for (let i = 0; i < 25; i++) {
      const place = join(base, "root", inside(random.pick([1, 2, 3])));
      const target = random.pick([
        () => inside(1),
        () => `../${inside(1)}`,
        () => `../../${inside(2)}`,
        () => "..",
        () => "../../outside",
        () => `${inside(1)}/../${inside(1)}`,
        () => `${inside(1)}/`,
        () => join(base, random.pick(["outside/a", "root/a", "outside"])),
      ])();
      try {
        const kind = random.below(4);
        if (kind === 0) fs.writeFileSync(place, "", { flag: "wx" });
        else if (kind === 1) fs.mkdirSync(place);
        else fs.symlinkSync(target, place);
      } catch (error) {
        // Something has this name, or has none to be in.
        if (!/EEXIST|ENOENT|ENOTDIR|ELOOP/.test(String(error))) throw error;
      }
    }
  }

  /** What the kernel says: the inode, or a code; and whether the way ended outside. */
  function kernel(root: string, path: string, follow: boolean): [unknown, boolean] {
    const full = `${root}/${path}`;
    try {
      const { ino } = (follow ? fs.statSync : fs.lstatSync)(full, { bigint: true });
      const end = follow || path.endsWith("/") ? full : full.replace(/[^/]*$/, ".");
      return [ino, !`${fs.realpathSync.native(end)}/`.startsWith(`${root}/`)];
    } catch (error) {
      const { code } = error as { code: string };
      return [CODES[code] ?? code, false];
    }
  }

  it("lead where the kernel says, or nowhere", () => {
    const seen = { reached: 0, failed: 0, refused: 0, escapes: 0 };
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "wasmeter-paths-")));
      const root = join(base, "root");
      fs.mkdirSync(root);
      for (const name of ["a", "b/c"])
        fs.mkdirSync(join(base, "outside", name), { recursive: true });
      plant(random, base);
      const guest = new Guest({ preopens: { "/": hostFileSystem(root, {}, anchored) } });
      for (let i = 0; i < 150; i++) {
        const path = `${randomPath(random)}${random.pick(["", `/${randomPath(random)}`])}`;
        const follow = random.pick([0, 1]);
        const found = guest.stat(path, { follow });
        const [expected, outside] = kernel(root, path, follow === 1);
        const what = `seed ${seed}: ${path}, follow ${follow}`;
        if (outside) seen.escapes++;
        if (found === "notcapable") seen.refused++;
        else if (typeof found === "string") {
          expect(expected, what).toBe(found);
          seen.failed++;
        } else {
          expect([expected, outside], what).toEqual([found.ino, false]);
          seen.reached++;
        }
      }
      guest.wasi.close();
      fs.rmSync(base, { recursive: true });
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });
});
