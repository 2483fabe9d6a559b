// What guests hold open of the host: an account for all, shares of it for each, and nothing that
// stays open when nobody has it any more.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryFileSystem } from "../../src/wasi/index.ts";
import { hostDirectory } from "../../src/wasi/node.ts";
import { HandleAccount, Handles } from "../../src/wasi/node-handles.ts";
import { collectGarbage } from "../garbage.ts";
import { CREAT, Guest } from "./guest.ts";

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "wasmeter-handles-"));
});
afterEach(() => {
  fs.rmSync(root, { recursive: true });
});

/** Descriptors of this process; null where the system does not tell. */
function openFiles(): number | null {
  return process.platform === "linux" ? fs.readdirSync("/proc/self/fd").length : null;
}

async function collectAll(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await turn();
  }
}

describe("the account of open files", () => {
  /** Opens as often as it can. */
  const fill = (handles: Handles) => {
    const opened = [];
    try {
      for (;;)
        opened.push(
          handles.hold(
            () => 0,
            () => undefined,
          ),
        );
    } catch (error) {
      expect(error).toMatchObject({ code: "nfile" });
    }
    return opened;
  };

  it("leaves as many to others as one has, and never nothing", () => {
    const account = new HandleAccount(64);
    const counts = [1, 2, 3, 4].map(() => fill(new Handles(account)).length);
    expect(counts).toEqual([32, 16, 8, 4]);
    expect(account.open).toBe(60);
  });

  it("gets back what is closed", () => {
    const account = new HandleAccount(64);
    const handles = new Handles(account);
    for (const handle of fill(handles)) handle.close();
    expect(account.open).toBe(0);
    expect(fill(handles)).toHaveLength(32);
  });

  it("counts nothing that could not be opened", () => {
    const account = new HandleAccount(2);
    const broken = () =>
      new Handles(account).hold(
        () => fs.openSync("/missing/file", "r"),
        () => 0,
      );
    expect(broken).toThrow(/ENOENT/);
    expect(account.open).toBe(0);
  });
});

describe("descriptors", () => {
  it("are 128 by default", () => {
    const guest = new Guest({ preopens: { "/": memoryFileSystem() } });
    const found = Array.from({ length: 200 }, (_, i) => guest.open(`f${i}`, { oflags: CREAT }));
    expect(found.filter((fd) => fd === "mfile")).toHaveLength(200 - 124);
    expect(guest.call("fd_close", 5)).toBe("success");
    expect(guest.open("f0")).toBe(5);
  });

  it("of the host are closed when the program ends", () => {
    const before = openFiles();
    const guest = new Guest({ preopens: { "/": hostDirectory(root) } });
    for (let i = 0; i < 50; i++) guest.opened(`f${i}`, { oflags: CREAT });
    fs.mkdirSync(join(root, "d"));
    guest.list(guest.openedDirectory("d"));
    if (before !== null) expect(openFiles()).toBeGreaterThan(before + 50);
    guest.wasi.close();
    expect(openFiles()).toBe(before);
  });

  it("of the host are closed when nobody has the program any more", async () => {
    const before = openFiles() ?? 0;
    (() => {
      for (let i = 0; i < 4; i++) {
        const guest = new Guest({ preopens: { "/": hostDirectory(root) } });
        for (let k = 0; k < 10; k++) guest.opened(`f${k}`, { oflags: CREAT });
        fs.writeFileSync(join(root, `g${i}`), "");
        // A list that is not at its end.
        guest.call("fd_readdir", 3, 65_536, 100, 0n, 16);
      }
    })();
    await collectAll();
    expect(openFiles() ?? 0).toBeLessThanOrEqual(before + 5);
  });

  it("that walks along a path need are closed, however it ends", () => {
    const before = openFiles();
    const guest = new Guest({ preopens: { "/": hostDirectory(root) } });
    fs.mkdirSync(join(root, "a/b/c/d"), { recursive: true });
    expect(guest.stat("a/b/c/d")).toMatchObject({ filetype: 3 });
    expect(guest.stat("a/b/c/x/y")).toBe("noent");
    expect(guest.rename("a/b/c/x/y", "a/b/z")).toBe("noent");
    guest.wasi.close();
    expect(openFiles()).toBe(before);
  });

  it("of a file system in memory give back what was removed, also without close", async () => {
    const files = memoryFileSystem({ bytes: 100 });
    (() => {
      const guest = new Guest({ preopens: { "/": files } });
      guest.file("a", "x".repeat(80));
      guest.opened("a");
      expect(guest.onPath("path_unlink_file", "a")).toBe("success");
      expect(files.usage.bytes).toBe(80);
    })();
    await collectAll();
    expect(files.usage.bytes).toBe(0);
  });
});
