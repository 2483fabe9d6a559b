// File systems in memory: the rules of POSIX, quotas that give back what is freed, snapshots.

import { describe, expect, it } from "vitest";
import { memoryFileSystem, WasiError } from "../../src/wasi/index.ts";
import { APPEND, CREAT, DATA, DIRECTORY, EXCL, Guest, READ, TRUNC, WRITE } from "./guest.ts";

const FILES = { file: "inside", "dir/nested/deep": "deep", dir: { file: "in dir" } };

function made(options: Parameters<typeof memoryFileSystem>[0] = { files: FILES }) {
  const files = memoryFileSystem(options);
  return { files, guest: new Guest({ preopens: { "/": files } }) };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("a file system in memory", () => {
  it("holds what it was given, and shows it from outside", () => {
    const { files, guest } = made();
    expect(guest.contents("dir/nested/deep")).toBe("deep");
    expect(guest.list(guest.openedDirectory("dir"))).toEqual([".", "..", "nested", "file"]);
    guest.file("dir/made", "by the guest");
    expect(text(files.readFile("dir/made"))).toBe("by the guest");
    files.writeFile("late/file", Uint8Array.of(104, 105));
    expect(guest.contents("late/file")).toBe("hi");
    expect(() => files.readFile("missing")).toThrow(WasiError);
  });

  it("cannot be left", () => {
    const { guest } = made();
    for (const path of ["..", "../x", "dir/../../x", "/file", "/"]) {
      expect(guest.open(path), path).toBe("notcapable");
    }
    expect(guest.symlink("..", "dir/up")).toBe("success");
    expect(guest.contents("dir/up/file")).toBe("inside");
    expect(guest.symlink("dir/up/..", "out")).toBe("success");
    expect(guest.open("out/file")).toBe("notcapable");
    expect(guest.symlink("/file", "absolute")).toBe("notcapable");
  });

  it("opens, creates and truncates", () => {
    const { guest } = made();
    expect(guest.open("missing")).toBe("noent");
    expect(guest.open("file/x")).toBe("notdir");
    expect(guest.open("file", { oflags: CREAT | EXCL })).toBe("exist");
    expect(guest.open("file", { oflags: DIRECTORY })).toBe("notdir");
    expect(guest.open("dir", { oflags: DIRECTORY, rights: READ | WRITE })).toBe("isdir");
    expect(guest.open("dir", { oflags: CREAT, rights: READ })).toBe("isdir");
    expect(guest.open("new", { oflags: CREAT | DIRECTORY })).toBe("inval");
    expect(guest.open("file/", { rights: READ })).toBe("notdir");
    expect(guest.open("new/", { oflags: CREAT })).toBe("isdir");
    expect(guest.open("")).toBe("noent");
    expect(guest.open("x".repeat(256))).toBe("nametoolong");
    expect(guest.open("x/".repeat(2049))).toBe("nametoolong");
    const fd = guest.opened("file", { oflags: TRUNC });
    expect(guest.fstat(fd)).toMatchObject({ size: 0n });
  });

  it("reads, writes, seeks and appends as POSIX says", () => {
    const { files, guest } = made();
    const fd = guest.opened("file");
    expect(guest.read(fd, 2)).toBe("in");
    expect(guest.write(fd, "SI")).toBe(2);
    expect(guest.read(fd)).toBe("de");
    expect(guest.read(fd)).toBe("");
    expect(guest.call("fd_seek", fd, 10n, 0, 16)).toBe("success");
    expect(guest.write(fd, "!")).toBe(1);
    expect(text(files.readFile("file"))).toBe("inSIde\0\0\0\0!");
    const append = guest.opened("file", { flags: APPEND });
    guest.write(append, "+");
    expect(guest.call("fd_tell", append, 16)).toBe("success");
    expect(guest.u64()).toBe(12n);
    expect(guest.call("fd_filestat_set_size", fd, 3n)).toBe("success");
    expect(guest.call("fd_filestat_set_size", fd, 5n)).toBe("success");
    expect(text(files.readFile("file"))).toBe("inS\0\0");
    expect(guest.call("fd_seek", fd, -1n, 0, 16)).toBe("inval");
    expect(guest.call("fd_seek", fd, 0n, 3, 16)).toBe("inval");
    expect(guest.write(fd, "x", -1n)).toBe("inval");
  });

  it("renames and links as POSIX says", () => {
    const { files, guest } = made();
    expect(guest.rename("dir", "dir/nested/x")).toBe("inval");
    expect(guest.rename("file", "dir")).toBe("isdir");
    expect(guest.rename("dir", "file")).toBe("notdir");
    expect(guest.link("dir", "other")).toBe("perm");
    expect(guest.link("file", "other")).toBe("success");
    expect(guest.stat("other")).toMatchObject({ nlink: 2n });
    // Two names of one file: nothing happens, both stay.
    expect(guest.rename("file", "other")).toBe("success");
    expect(guest.contents("file")).toBe("inside");
    guest.file("third", "3");
    expect(guest.rename("third", "other")).toBe("success");
    expect(guest.stat("file")).toMatchObject({ nlink: 1n });
    expect(guest.contents("other")).toBe("3");
    expect(guest.onPath("path_create_directory", "empty")).toBe("success");
    expect(guest.rename("dir", "empty")).toBe("success");
    expect(guest.contents("empty/nested/deep")).toBe("deep");
    expect(guest.rename("empty/nested", "nested")).toBe("success");
    const nested = guest.openedDirectory("nested");
    expect(guest.open("../file", { fd: nested })).toBe("notcapable");
    expect(files.usage.entries).toBe(7);
  });

  it("keeps open files whose names are gone, and directories that were removed empty", () => {
    const { files, guest } = made();
    const fd = guest.opened("file");
    expect(guest.onPath("path_unlink_file", "file")).toBe("success");
    expect(guest.onPath("path_unlink_file", "file")).toBe("noent");
    expect(guest.read(fd)).toBe("inside");
    expect(files.usage.bytes).toBe("inside".length + "deep".length + "in dir".length);
    guest.call("fd_close", fd);
    expect(files.usage.bytes).toBe("deep".length + "in dir".length);
    expect(guest.onPath("path_create_directory", "gone")).toBe("success");
    const gone = guest.openedDirectory("gone");
    expect(guest.onPath("path_remove_directory", "gone")).toBe("success");
    expect(guest.open("x", { fd: gone, oflags: CREAT })).toBe("noent");
    expect(guest.onPath("path_create_directory", "x", gone)).toBe("noent");
    expect(guest.list(gone)).toEqual([".", ".."]);
    expect(guest.onPath("path_remove_directory", "dir")).toBe("notempty");
    expect(guest.onPath("path_remove_directory", "dir/file")).toBe("notdir");
    expect(guest.onPath("path_unlink_file", "dir")).toBe("isdir");
    expect(guest.onPath("path_remove_directory", ".")).toBe("inval");
  });

  it("reads links as they are written", () => {
    const { guest } = made();
    expect(guest.symlink("dir/../file", "link")).toBe("success");
    expect(guest.readlink("link")).toBe("dir/../file");
    expect(guest.readlink("file")).toBe("[inval]");
    expect(guest.contents("link")).toBe("inside");
    expect(guest.symlink("x", "link")).toBe("exist");
    expect(guest.symlink("", "empty")).toBe("noent");
  });
});

describe("quotas", () => {
  it("of bytes are for all files, and freed bytes count again", () => {
    const { files, guest } = made({ bytes: 100 });
    const fd = guest.opened("a", { oflags: CREAT });
    expect(guest.write(fd, "x".repeat(60))).toBe(60);
    const other = guest.opened("b", { oflags: CREAT });
    expect(guest.write(other, "x".repeat(41))).toBe("nospc");
    expect(guest.write(other, "x".repeat(40))).toBe(40);
    expect(files.usage).toEqual({ bytes: 100, entries: 3 });
    expect(guest.call("fd_filestat_set_size", fd, 10n)).toBe("success");
    expect(guest.write(other, "x".repeat(50))).toBe(50);
    expect(guest.call("fd_allocate", fd, 0n, 11n)).toBe("nospc");
  });

  it("are asked before any memory is", () => {
    const { guest } = made({ bytes: 1000 });
    const fd = guest.opened("a", { oflags: CREAT });
    for (const size of [2n ** 40n, 2n ** 53n - 1n]) {
      expect(guest.call("fd_filestat_set_size", fd, size)).toBe("nospc");
      expect(guest.write(fd, "x", size - 1n)).toBe("nospc");
    }
    expect(guest.call("fd_filestat_set_size", fd, 2n ** 63n)).toBe("inval");
  });

  it("of files count files, directories and links, and every name", () => {
    const { files, guest } = made({ entries: 4 });
    guest.file("a", "");
    expect(guest.link("a", "b")).toBe("success");
    expect(guest.symlink("a", "c")).toBe("success");
    expect(guest.onPath("path_create_directory", "d")).toBe("nospc");
    expect(guest.open("e", { oflags: CREAT })).toBe("nospc");
    expect(guest.link("a", "e")).toBe("nospc");
    expect(guest.onPath("path_unlink_file", "c")).toBe("success");
    expect(guest.onPath("path_create_directory", "d")).toBe("success");
    expect(guest.rename("a", "b")).toBe("success");
    const restored = memoryFileSystem({ snapshot: files.snapshot() });
    expect(restored.usage).toEqual({ bytes: 0, entries: 4 });
    expect(() => memoryFileSystem({ snapshot: files.snapshot(), entries: 3 })).toThrow("nospc");
    expect(guest.onPath("path_unlink_file", "a")).toBe("success");
    expect(files.usage.entries).toBe(3);
    // The last name of an open file goes, the file does not.
    const fd = guest.opened("b");
    expect(guest.onPath("path_unlink_file", "b")).toBe("success");
    expect(files.usage.entries).toBe(3);
    guest.call("fd_close", fd);
    expect(files.usage.entries).toBe(2);
  });
});

describe("read-only", () => {
  it("changes nothing", () => {
    const { files, guest } = made({ files: FILES, readOnly: true });
    const before = structuredClone(files.snapshot());
    expect(guest.open("file", { rights: WRITE })).toBe("rofs");
    expect(guest.open("file", { rights: READ, oflags: TRUNC })).toBe("rofs");
    expect(guest.open("new", { rights: READ, oflags: CREAT })).toBe("rofs");
    expect(guest.onPath("path_create_directory", "new")).toBe("rofs");
    expect(guest.onPath("path_remove_directory", "dir/nested")).toBe("rofs");
    expect(guest.onPath("path_unlink_file", "file")).toBe("rofs");
    expect(guest.symlink("a", "b")).toBe("rofs");
    expect(guest.rename("file", "b")).toBe("rofs");
    expect(guest.link("file", "b")).toBe("rofs");
    const fd = guest.opened("file", { rights: READ | (1n << 23n) });
    expect(guest.call("fd_filestat_set_times", fd, 1n, 1n, 5)).toBe("rofs");
    expect(guest.call("fd_filestat_set_times", 3, 1n, 1n, 5)).toBe("rofs");
    expect(guest.read(fd)).toBe("inside");
    expect(files.snapshot()).toEqual(before);
  });
});

describe("snapshots", () => {
  it("are plain data from which the same file system comes", () => {
    const { files, guest } = made();
    guest.link("file", "dir/linked");
    guest.symlink("dir/file", "link");
    guest.call("path_filestat_set_times", 3, 0, ...guest.put("dir"), 1n, 2n, 5);
    const snapshot = structuredClone(files.snapshot());
    guest.file("file", "changed later");
    const copy = made({ snapshot });
    expect(copy.files.snapshot()).toEqual(snapshot);
    expect(copy.files.usage.entries).toBe(files.usage.entries);
    expect(copy.guest.contents("file")).toBe("inside");
    copy.guest.file("file", "one file, two names");
    expect(copy.guest.contents("dir/linked")).toBe("one file, two names");
    expect(copy.guest.contents("link")).toBe("in dir");
    expect(copy.guest.stat("dir")).toMatchObject({ atim: 1n, mtim: 2n });
  });

  it("that are too large or no tree are refused", () => {
    const snapshot = made().files.snapshot();
    expect(() => memoryFileSystem({ snapshot, bytes: 5 })).toThrow(/nospc/);
    expect(() => memoryFileSystem({ snapshot, entries: 2 })).toThrow(/nospc/);
    const [root] = snapshot.nodes;
    const circle = { ...root, type: "directory", entries: [["self", 0]] } as const;
    expect(() => memoryFileSystem({ snapshot: { version: 1, nodes: [circle] } })).toThrow(
      TypeError,
    );
  });

  it("are the same for the same run", () => {
    const run = () => {
      const { files, guest } = made();
      guest.file("a", "1");
      guest.rename("a", "b");
      return files.snapshot();
    };
    expect(run()).toEqual(run());
  });
});

describe("what a guest could pile up", () => {
  it("in lists of directories is dropped, and lists can be gone on with", () => {
    const files = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`name${i}`, ""]));
    const { guest } = made({ files });
    const all = [".", "..", ...Object.keys(files)];
    const fds = Array.from({ length: 40 }, () => guest.openedDirectory("."));
    for (const fd of fds) expect(guest.call("fd_readdir", fd, DATA, 100, 0n, 16)).toBe("success");
    for (const fd of fds) {
      // From the fourth entry on.
      expect(guest.call("fd_readdir", fd, DATA, 29, 3n, 16)).toBe("success");
      expect(guest.text(DATA + 24, 5)).toBe(all[3]);
      expect(guest.list(fd)).toEqual(all);
    }
  });

  it("in buffers of files that were cut off is given back", () => {
    const size = 2 ** 22;
    const { files, guest } = made({ bytes: size });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 64; i++) {
      const fd = guest.opened(`f${i}`, { oflags: CREAT });
      expect(guest.call("fd_filestat_set_size", fd, BigInt(size))).toBe("success");
      expect(guest.write(fd, "begin")).toBe(5);
      expect(guest.call("fd_filestat_set_size", fd, i % 2 === 0 ? 0n : 3n)).toBe("success");
      expect(guest.read(fd, 10, 0n)).toBe(i % 2 === 0 ? "" : "beg");
      expect(guest.call("fd_filestat_set_size", fd, 0n)).toBe("success");
    }
    expect(files.usage).toEqual({ bytes: 0, entries: 65 });
    // Without a collection some of what is not used is still there: 64 would be all.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(48 * size);
  });

  it("in links counts as bytes", () => {
    const { files, guest } = made({ bytes: 1000 });
    expect(guest.symlink("x".repeat(600), "a")).toBe("success");
    expect(guest.symlink("x".repeat(600), "b")).toBe("nospc");
    expect(files.usage).toEqual({ bytes: 600, entries: 2 });
    expect(guest.stat("a")).toMatchObject({ filetype: 7, size: 600n });
    expect(guest.onPath("path_unlink_file", "a")).toBe("success");
    expect(files.usage).toEqual({ bytes: 0, entries: 1 });
    expect(guest.symlink("x".repeat(600), "b")).toBe("success");
  });

  it("in one path of links to long paths is bounded", () => {
    const { guest } = made({ files: { d: {} } });
    const long = "d/../".repeat(400);
    for (let i = 0; i < 30; i++) {
      expect(guest.symlink(`${long}${i === 0 ? "d" : `link${i - 1}`}`, `link${i}`)).toBe("success");
    }
    expect(guest.stat("link0", { follow: 1 })).toMatchObject({ filetype: 3 });
    expect(guest.stat("link29", { follow: 1 })).toBe("nametoolong");
  });
});
