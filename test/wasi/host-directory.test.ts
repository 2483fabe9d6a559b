// Host directories: each way out of one is tried, with names looked up below open directories as on
// Linux and by paths as elsewhere. What the host itself shows is the oracle of what has happened.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileSystem } from "../../src/wasi/index.ts";
import {
  CAN_ANCHOR,
  type HostDirectoryOptions,
  hostFileSystem,
} from "../../src/wasi/node-directory.ts";
import { APPEND, CREAT, DIRECTORY, EXCL, FILE, Guest, READ, TRUNC, WRITE } from "./guest.ts";

const SECRET = "nobody may read this";
const DIRECTORY_TYPE = 3;
const SECOND = 1_000_000_000n;

const MODES = CAN_ANCHOR ? [true, false] : [false];
if (!CAN_ANCHOR) console.warn("*** NO /proc HERE: HOST DIRECTORIES ARE TESTED BY PATHS ONLY ***");

describe.each(MODES)("a host directory, anchored: %s", (anchored) => {
  let base: string;
  let root: string;
  let guest: Guest;

  const grant = (path: string, options: HostDirectoryOptions = {}): FileSystem => {
    return hostFileSystem(path, options, anchored);
  };

  beforeEach(() => {
    base = fs.mkdtempSync(join(tmpdir(), "wasmeter-wasi-"));
    root = join(base, "root");
    fs.mkdirSync(join(root, "dir/nested"), { recursive: true });
    fs.mkdirSync(join(base, "outside"));
    fs.writeFileSync(join(base, "secret"), SECRET);
    fs.writeFileSync(join(base, "outside/secret"), SECRET);
    fs.writeFileSync(join(root, "file"), "inside");
    fs.writeFileSync(join(root, "dir/file"), "deeper");
    guest = new Guest({ preopens: { "/": grant(root) } });
  });

  afterEach(() => {
    guest.wasi.close();
    fs.rmSync(base, { recursive: true });
  });

  /** Everything a path can be handed to must refuse it with this code. */
  function refusedEverywhere(path: string, code: string, fd = 3): void {
    expect(guest.open(path, { fd }), "open").toBe(code);
    expect(guest.open(path, { fd, oflags: CREAT | TRUNC }), "create").toBe(code);
    expect(guest.open(path, { fd, oflags: DIRECTORY, rights: READ }), "directory").toBe(code);
    expect(guest.stat(path, { fd, follow: 1 }), "stat").toBe(code);
    const times = ["path_filestat_set_times", fd, 1, ...guest.put(path), 0n, 0n, 10] as const;
    expect(guest.call(...times), "times").toBe(code);
  }

  /** The same for what does not follow the last name. */
  function namesRefused(path: string, code: string, fd = 3): void {
    expect(guest.onPath("path_create_directory", path, fd), "mkdir").toBe(code);
    expect(guest.onPath("path_remove_directory", path, fd), "rmdir").toBe(code);
    expect(guest.onPath("path_unlink_file", path, fd), "unlink").toBe(code);
    expect(guest.symlink("x", path, fd), "symlink").toBe(code);
    expect(guest.readlink(path, fd), "readlink").toBe(`[${code}]`);
    expect(guest.rename(path, "stolen", fd, 3), "rename from").toBe(code);
    expect(guest.rename("file", path, 3, fd), "rename to").toBe(code);
    expect(guest.link(path, "stolen", fd, 3), "link from").toBe(code);
    expect(guest.link("file", path, 3, fd), "link to").toBe(code);
  }

  /** Nothing outside has changed and nothing came in. */
  function intact(): void {
    expect(fs.readFileSync(join(base, "secret"), "utf8")).toBe(SECRET);
    expect(fs.readdirSync(base).sort()).toEqual(["outside", "root", "secret"]);
    expect(fs.readdirSync(join(base, "outside"))).toEqual(["secret"]);
    expect(fs.readFileSync(join(base, "outside/secret"), "utf8")).toBe(SECRET);
    expect(fs.existsSync(join(root, "stolen"))).toBe(false);
  }

  describe("cannot be left", () => {
    it.each([
      "../secret",
      "dir/../../secret",
      "dir/nested/../../../secret",
      "./.././root/../secret",
      "dir//..//..//secret",
      "..",
      "../",
      "dir/../..",
    ])("by %s", (path) => {
      refusedEverywhere(path, "notcapable");
      namesRefused(path, "notcapable");
      intact();
    });

    it("by absolute paths, not even to the inside", () => {
      for (const path of ["/etc/passwd", "/", join(base, "secret"), join(root, "file"), "//file"]) {
        refusedEverywhere(path, "notcapable");
        namesRefused(path, "notcapable");
      }
      intact();
    });

    it("from a directory inside: `..` ends at the directory that is open", () => {
      const fd = guest.openedDirectory("dir/nested");
      refusedEverywhere("../file", "notcapable", fd);
      namesRefused("../file", "notcapable", fd);
      expect(guest.contents("../file", fd)).toBe("[notcapable]");
      expect(guest.contents("dir/nested/../file")).toBe("deeper");
    });

    it("by links that the host has put there", () => {
      fs.symlinkSync("../secret", join(root, "relative"));
      fs.symlinkSync(join(base, "secret"), join(root, "absolute"));
      fs.symlinkSync("/etc", join(root, "etc"));
      fs.symlinkSync("dir/../../outside", join(root, "around"));
      fs.symlinkSync("..", join(root, "dir/up"));
      refusedEverywhere("relative", "notcapable");
      refusedEverywhere("absolute", "notcapable");
      for (const path of ["etc/passwd", "around/secret", "dir/up/../secret"]) {
        refusedEverywhere(path, "notcapable");
        namesRefused(path, "notcapable");
      }
      expect(guest.contents("dir/up/file")).toBe("inside");
      intact();
    });

    it("by links that the guest makes", () => {
      expect(guest.symlink("/etc/passwd", "absolute")).toBe("notcapable");
      expect(guest.symlink("/", "absolute")).toBe("notcapable");
      expect(guest.symlink("../secret", "relative")).toBe("success");
      expect(guest.symlink("../..", "dir/up")).toBe("success");
      expect(guest.symlink("dir/up", "twice")).toBe("success");
      refusedEverywhere("relative", "notcapable");
      for (const path of ["dir/up/secret", "twice/secret", "twice/root/file"]) {
        refusedEverywhere(path, "notcapable");
        namesRefused(path, "notcapable");
      }
      intact();
    });

    it("by a link that the guest moves to where it leads out", () => {
      expect(guest.symlink("..", "dir/nested/up")).toBe("success");
      expect(guest.contents("dir/nested/up/file")).toBe("deeper");
      expect(guest.rename("dir/nested/up", "up")).toBe("success");
      refusedEverywhere("up/secret", "notcapable");
      intact();
    });

    it("by a name that a link was put under while the directory was open", () => {
      const fd = guest.openedDirectory("dir");
      expect(guest.rename("dir", "moved")).toBe("success");
      expect(guest.symlink("..", "dir")).toBe("success");
      // By now the path that was opened leads out.
      expect(fs.readFileSync(join(root, "dir/secret"), "utf8")).toBe(SECRET);
      expect(guest.contents("secret", fd)).toBe("[noent]");
      expect(guest.open("made", { fd, oflags: CREAT })).not.toBe("success");
      expect(fs.existsSync(join(base, "made"))).toBe(false);
      expect(guest.stat("secret", { fd })).toBe("noent");
    });

    it("by renaming a directory that is open deeper, and walking up", () => {
      const fd = guest.openedDirectory("dir/nested");
      expect(guest.rename("dir/nested", "nested")).toBe("success");
      for (const path of ["..", "../secret", "../../secret"]) {
        refusedEverywhere(path, "notcapable", fd);
      }
      intact();
    });

    it("by renaming or linking into another grant, or out of it", () => {
      const other = join(base, "outside");
      const pair = { "/": grant(root), "/other": grant(other, { readOnly: true }) };
      guest = new Guest({ preopens: pair });
      expect(guest.rename("secret", "stolen", 4, 3)).toBe("xdev");
      expect(guest.rename("file", "file", 3, 4)).toBe("xdev");
      expect(guest.link("secret", "stolen", 4, 3)).toBe("xdev");
      expect(guest.link("file", "file", 3, 4)).toBe("xdev");
      expect(guest.rename("dir", "dir", 3, 4)).toBe("xdev");
      intact();
    });

    it("by the same directory granted twice with different rights", () => {
      guest = new Guest({
        preopens: { "/rw": grant(root), "/ro": grant(root, { readOnly: true }) },
      });
      expect(guest.rename("file", "moved", 4, 3)).toBe("xdev");
      expect(guest.link("file", "moved", 4, 3)).toBe("xdev");
      expect(fs.existsSync(join(root, "file"))).toBe(true);
    });

    it("by putting a link on the way to a grant that lies inside of another", () => {
      const pair = { "/": grant(root), "/nested": grant(join(root, "dir/nested")) };
      fs.mkdirSync(join(base, "outside/nested"));
      fs.writeFileSync(join(base, "outside/nested/secret"), SECRET);
      for (const again of [false, true]) {
        guest = new Guest({ preopens: pair });
        if (!again) {
          expect(guest.rename("dir", "away")).toBe("success");
          expect(guest.symlink("../outside", "dir")).toBe("success");
        }
        expect(fs.existsSync(join(root, "dir/nested/secret"))).toBe(true);
        refusedEverywhere("secret", "noent", 4);
        expect(guest.open("made", { fd: 4, oflags: CREAT })).toBe("noent");
      }
      expect(fs.readdirSync(join(base, "outside/nested"))).toEqual(["secret"]);
    });

    it("by hard links to links that lead out", () => {
      fs.symlinkSync("../secret", join(root, "relative"));
      // Systems whose `link` follows links have no /proc either.
      expect(guest.link("relative", "dir/linked")).toBe(anchored ? "success" : "notsup");
      if (!anchored) return;
      expect(fs.lstatSync(join(root, "dir/linked")).isSymbolicLink()).toBe(true);
      expect(guest.open("dir/linked", { follow: 0 })).toBe("loop");
      // From there ../secret is inside, and there is none.
      expect(guest.contents("dir/linked")).toBe("[noent]");
      const link = ["path_link", 3, 1, ...guest.put("relative"), 3] as const;
      expect(guest.call(...link, ...guest.put("stolen", 9000))).toBe("inval");
      intact();
    });

    it("by a path with a NUL in it", () => {
      refusedEverywhere("file\0/../../secret", "inval");
      namesRefused("file\0", "inval");
      expect(guest.symlink("x\0y", "link")).toBe("inval");
    });

    it("by a path that is no UTF-8, and is taken for another", () => {
      const [at] = guest.put("x");
      // An overlong `/` and an overlong `.`.
      guest.bytes.set([0x2e, 0x2e, 0xc0, 0xaf, 0x78], at);
      expect(guest.call("path_unlink_file", 3, at, 5)).toBe("ilseq");
      guest.bytes.set([0xc0, 0xae, 0xc0, 0xae], at);
      expect(guest.call("path_remove_directory", 3, at, 4)).toBe("ilseq");
    });

    it("without following the last link when asked not to", () => {
      fs.symlinkSync("file", join(root, "link"));
      expect(guest.open("link", { follow: 0 })).toBe("loop");
      expect(guest.contents("link")).toBe("inside");
      expect(guest.open("link", { oflags: CREAT | EXCL })).toBe("exist");
    });

    it("by links in circles", () => {
      fs.symlinkSync("b", join(root, "a"));
      fs.symlinkSync("a", join(root, "b"));
      refusedEverywhere("a", "loop");
      refusedEverywhere("a/x", "loop");
    });
  });

  it.runIf(process.platform === "linux")("of /proc does not lead to the root", () => {
    guest = new Guest({ preopens: { "/": grant("/proc/self", { readOnly: true }) } });
    refusedReading("root/etc/passwd");
    refusedReading("cwd/package.json");
    refusedReading("exe");
    refusedReading("task/../root");
    // The host itself gets there.
    expect(fs.existsSync("/proc/self/root/etc")).toBe(true);
  });

  function refusedReading(path: string): void {
    expect(guest.open(path, { rights: READ })).toBe("notcapable");
  }

  it.runIf(process.platform === "linux")(
    "does not block on pipes that the host has put there",
    async () => {
      const { execFileSync } = await import("node:child_process");
      execFileSync("mkfifo", [join(root, "pipe"), join(root, "lonely")]);
      const fd = guest.opened("pipe", { rights: READ });
      expect(guest.read(fd)).toBe("");
      expect(guest.open("lonely", { rights: WRITE })).toBe("nxio");
    },
  );

  // By paths this race can be lost, as docs/rationale.md says.
  it.runIf(anchored)("cannot be left while somebody swaps directories and links", async () => {
    const { spawn } = await import("node:child_process");
    fs.mkdirSync(join(root, "swapped"));
    fs.writeFileSync(join(root, "swapped/secret"), "harmless");
    fs.symlinkSync("../outside", join(root, "link"));
    const script = `const { renameSync } = require("node:fs");
      for (;;) for (const [from, to] of [["swapped", "aside"], ["link", "swapped"],
        ["swapped", "link"], ["aside", "swapped"]]) renameSync(from, to);`;
    const child = spawn(process.execPath, ["-e", script], { cwd: root, stdio: "ignore" });
    try {
      const seen = new Map<string, number>();
      const until = Date.now() + 10_000;
      // Until both the directory and the link have been met often.
      const enough = () => ["harmless", "[notcapable]"].every((key) => (seen.get(key) ?? 0) > 300);
      while (!enough() && Date.now() < until) {
        const text = guest.contents("swapped/secret");
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
      expect(enough(), JSON.stringify([...seen])).toBe(true);
      expect(seen.has(SECRET)).toBe(false);
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
    }
  });

  describe("read-only", () => {
    beforeEach(() => {
      guest = new Guest({ preopens: { "/": grant(root, { readOnly: true }) } });
    });

    it("changes nothing", () => {
      expect(guest.contents("file")).toBe("inside");
      expect(guest.open("file", { rights: WRITE })).toBe("rofs");
      expect(guest.open("file", { rights: READ, oflags: TRUNC })).toBe("rofs");
      expect(guest.open("new", { rights: READ, oflags: CREAT })).toBe("rofs");
      expect(guest.onPath("path_create_directory", "new")).toBe("rofs");
      expect(guest.onPath("path_remove_directory", "dir/nested")).toBe("rofs");
      expect(guest.onPath("path_unlink_file", "file")).toBe("rofs");
      expect(guest.symlink("file", "new")).toBe("rofs");
      expect(guest.rename("file", "new")).toBe("rofs");
      expect(guest.link("file", "new")).toBe("rofs");
      const times = ["path_filestat_set_times", 3, 0, ...guest.put("file"), 1n, 1n, 5] as const;
      expect(guest.call(...times)).toBe("rofs");
      const fd = guest.opened("file", { rights: READ | ((7n << 21n) & ~(1n << 22n)) });
      expect(guest.call("fd_filestat_set_times", fd, 1n, 1n, 5)).toBe("rofs");
      expect(guest.call("fd_filestat_set_times", 3, 1n, 1n, 5)).toBe("rofs");
      expect(fs.readdirSync(root).sort()).toEqual(["dir", "file"]);
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("inside");
      expect(fs.statSync(join(root, "file")).mtimeMs).toBeGreaterThan(1e12);
    });

    it("still opens with `creat` what is there", () => {
      const fd = guest.opened("file", { rights: READ, oflags: CREAT });
      expect(guest.read(fd)).toBe("inside");
    });
  });

  describe("with quotas", () => {
    it("takes so many bytes and no more", () => {
      guest = new Guest({ preopens: { "/": grant(root, { bytes: 10 }) } });
      const fd = guest.opened("out", { oflags: CREAT });
      expect(guest.write(fd, "12345678")).toBe(8);
      expect(guest.write(fd, "12345678")).toBe(2);
      expect(guest.write(fd, "1")).toBe("nospc");
      expect(guest.call("fd_filestat_set_size", fd, 1000n)).toBe("nospc");
      expect(guest.call("fd_allocate", fd, 0n, 1000n)).toBe("nospc");
      expect(fs.readFileSync(join(root, "out"), "utf8")).toBe("1234567812");
    });

    it("counts a byte far behind the end as the file that it makes", () => {
      guest = new Guest({ preopens: { "/": grant(root, {}) } });
      const fd = guest.opened("out", { oflags: CREAT });
      expect(guest.write(fd, "1", 2n ** 42n)).toBe("nospc");
      expect(guest.call("fd_filestat_set_size", fd, 2n ** 42n)).toBe("nospc");
      expect(fs.statSync(join(root, "out")).size).toBe(0);
      expect(guest.write(fd, "1", 2n ** 30n - 1n)).toBe(1);
      expect(guest.write(fd, "1")).toBe(1);
      expect(guest.write(fd, "1", 2n ** 30n)).toBe("nospc");
    });

    it("makes no file longer than it may be", () => {
      guest = new Guest({ preopens: { "/": grant(root, { fileBytes: 10 }) } });
      const fd = guest.opened("out", { oflags: CREAT });
      expect(guest.write(fd, "123456789012")).toBe(10);
      expect(guest.write(fd, "1")).toBe("errno 22");
      expect(guest.call("fd_filestat_set_size", fd, 11n)).toBe("errno 22");
      expect(guest.write(guest.opened("more", { oflags: CREAT }), "12")).toBe(2);
    });

    it("gives back what is overwritten, cut off, removed or replaced", () => {
      guest = new Guest({ preopens: { "/": grant(root, { bytes: 10, entries: 2 }) } });
      for (let i = 0; i < 5; i++) {
        const fd = guest.opened("new", { oflags: CREAT | TRUNC });
        expect(guest.write(fd, "123456")).toBe(6);
        expect(guest.write(fd, "654321", 0n)).toBe(6);
        expect(guest.call("fd_filestat_set_size", fd, 4n)).toBe("success");
        expect(guest.call("fd_close", fd)).toBe("success");
        if (i % 2 === 0) expect(guest.rename("new", "old")).toBe("success");
        else expect(guest.onPath("path_unlink_file", "new")).toBe("success");
      }
      expect(fs.readdirSync(root).sort()).toEqual(["dir", "file", "old"]);
    });

    it("counts what was removed until nobody has it open any more", () => {
      guest = new Guest({ preopens: { "/": grant(root, { bytes: 10 }) } });
      const fd = guest.opened("a", { oflags: CREAT });
      expect(guest.write(fd, "12345678")).toBe(8);
      expect(guest.onPath("path_unlink_file", "a")).toBe("success");
      const other = guest.opened("b", { oflags: CREAT });
      expect(guest.write(other, "12345678")).toBe(2);
      expect(guest.call("fd_close", fd)).toBe("success");
      expect(guest.write(other, "12345678")).toBe(8);
    });

    it("makes so many files and no more", () => {
      guest = new Guest({ preopens: { "/": grant(root, { entries: 3 }) } });
      guest.opened("a", { oflags: CREAT });
      expect(guest.open("missing/b", { oflags: CREAT })).toBe("noent");
      expect(guest.onPath("path_create_directory", "b")).toBe("success");
      expect(guest.symlink("a", "c")).toBe("success");
      expect(guest.open("d", { oflags: CREAT })).toBe("nospc");
      expect(guest.link("a", "d")).toBe("nospc");
      expect(fs.readdirSync(root).sort()).toEqual(["a", "b", "c", "dir", "file"]);
    });
  });

  describe("as a file system", () => {
    it("reads and writes at positions, and appends", () => {
      const fd = guest.opened("out", { oflags: CREAT });
      guest.write(fd, "0123456789");
      expect(guest.write(fd, "ab", 3n)).toBe(2);
      expect(guest.read(fd, 4, 2n)).toBe("2ab5");
      expect(guest.call("fd_seek", fd, -2n, 2, 16)).toBe("success");
      expect(guest.read(fd)).toBe("89");
      const more = guest.opened("out", { flags: APPEND });
      guest.write(more, "XY");
      expect(fs.readFileSync(join(root, "out"), "utf8")).toBe("012ab56789XY");
    });

    it("goes on with a list from which names are removed", () => {
      for (let i = 0; i < 300; i++) fs.writeFileSync(join(root, `dir/${i}`), "");
      const fd = guest.openedDirectory("dir");
      for (let left = 300; left > 0; ) {
        const names = guest.list(fd, 500).filter((name) => /^\d+$/.test(name));
        expect(names).toHaveLength(left);
        for (const name of names.slice(0, 100)) guest.onPath("path_unlink_file", name, fd);
        left -= 100;
      }
    });

    it("keeps what was unlinked while it is open", () => {
      const fd = guest.opened("file");
      expect(guest.onPath("path_unlink_file", "file")).toBe("success");
      expect(fs.existsSync(join(root, "file"))).toBe(false);
      expect(guest.read(fd)).toBe("inside");
      expect(guest.fstat(fd)).toMatchObject({ nlink: 0n, size: 6n });
    });

    it("lists with small buffers what the host lists", () => {
      for (let i = 0; i < 50; i++) fs.writeFileSync(join(root, `dir/${"x".repeat(i)}${i}`), "");
      const fd = guest.openedDirectory("dir");
      const names = guest.list(fd, 100).sort();
      expect(names).toEqual([".", "..", ...fs.readdirSync(join(root, "dir"))].sort());
    });

    it("shows attributes as the host does, and sets times to the nanosecond", () => {
      const host = fs.lstatSync(join(root, "file"), { bigint: true });
      expect(guest.stat("file")).toMatchObject({ ino: host.ino, size: 6n, mtim: host.mtimeNs });
      const time = 1_700_000_000_123_456_789n;
      const times = ["path_filestat_set_times", 3, 0, ...guest.put("file"), 0n, time, 4] as const;
      expect(guest.call(...times)).toBe("success");
      expect(guest.stat("file")).toMatchObject({ mtim: time, atim: host.atimeNs });
      expect(
        Math.abs(fs.statSync(join(root, "file")).mtimeMs - 1_700_000_000_123.4568),
      ).toBeLessThan(1);
      // What somebody else sets counts again.
      fs.utimesSync(join(root, "file"), 5, 6);
      expect(guest.stat("file")).toMatchObject({ mtim: 6_000_000_000n });
    });

    it("closes what it has opened", () => {
      if (!CAN_ANCHOR) return;
      const open = () => fs.readdirSync("/proc/self/fd").length;
      const before = open();
      guest = new Guest({ preopens: { "/": grant(root) } });
      for (let i = 0; i < 20; i++) {
        guest.open("dir/nested/../../dir/file/x");
        guest.stat("dir/nested/../file");
        guest.rename("dir/file", "dir/nested/missing/x");
        guest.call("fd_close", guest.openedDirectory("dir/nested"));
        guest.contents("dir/file");
      }
      guest.openedDirectory("dir");
      guest.opened("file");
      guest.wasi.close();
      expect(open()).toBe(before);
      expect(guest.stat("file")).toBe("badf");
    });

    it("follows a directory that is renamed", () => {
      const fd = guest.openedDirectory("dir");
      expect(guest.rename("dir", "moved")).toBe("success");
      // By paths it is lost, which is the safe side.
      expect(guest.contents("file", fd)).toBe(anchored ? "deeper" : "[noent]");
      expect(guest.stat(".", { fd })).toMatchObject(anchored ? { filetype: DIRECTORY_TYPE } : {});
    });

    it("syncs what is asked for, and sets the times of directories", () => {
      const fd = guest.opened("out", { oflags: CREAT, rights: FILE | 0x11n, flags: 16 });
      expect(guest.write(fd, "synced")).toBe(6);
      for (const open of [fd, 3, 1]) {
        expect(guest.call("fd_sync", open)).toBe("success");
        expect(guest.call("fd_datasync", open)).toBe("success");
      }
      expect(guest.call("fd_sync", guest.opened("file", { rights: READ }))).toBe("notcapable");
      const dir = guest.openedDirectory("dir");
      expect(guest.call("fd_filestat_set_times", dir, 5n * SECOND, 6n * SECOND, 5)).toBe("success");
      expect(fs.statSync(join(root, "dir")).mtimeMs).toBe(6000);
      expect(guest.stat("dir")).toMatchObject({ atim: 5n * SECOND, mtim: 6n * SECOND });
      const now = ["path_filestat_set_times", 3, 0, ...guest.put("dir"), 0n, 0n, 8] as const;
      expect(guest.call(...now)).toBe("success");
      // The time of the guest's clock, which is a fixed one.
      expect(guest.stat("dir")).toMatchObject({ atim: 5n * SECOND, mtim: 10n ** 18n + 1000n });
    });

    it("takes any time for what it is, and no time for an error of ours", () => {
      for (const time of [0n, 2n ** 63n, 2n ** 64n - 1n]) {
        const set = ["path_filestat_set_times", 3, 0, ...guest.put("file"), time, time, 5] as const;
        expect(["success", "inval"]).toContain(guest.call(...set));
      }
    });

    it("replaces on rename what POSIX replaces", () => {
      guest.file("other", "new");
      expect(guest.rename("other", "file")).toBe("success");
      expect(guest.contents("file")).toBe("new");
      expect(guest.rename("file", "dir")).toBe("isdir");
      expect(guest.rename("dir", "file")).toBe("notdir");
      expect(guest.rename("dir", "dir/nested/x")).toBe("inval");
      expect(guest.rename(".", "x")).toBe("busy");
    });

    it("has no rights that were not asked for", () => {
      const fd = guest.opened("file", { rights: READ });
      expect(guest.write(fd, "x")).toBe("notcapable");
      expect(guest.read(fd, 10, 0n)).toBe("[notcapable]");
      expect(guest.open("file", { rights: FILE, oflags: DIRECTORY })).toBe("notdir");
    });
  });

  it("is refused where there is none", () => {
    expect(() => grant(join(base, "missing"))).toThrow(/ENOENT/);
    expect(() => grant(join(base, "secret"))).toThrow(TypeError);
  });
});
