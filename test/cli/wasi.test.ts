// `wasmeter run` with programs of WASI: streams, grants, hints and the exit code of every ending, in
// processes with pipes as a shell makes them. The programs themselves are tested in test/wasi.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import loadWabt from "wabt";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import { Folder, wasmeter } from "./support.ts";
import { PROGRAMS, type Running, start } from "./wasi-programs.ts";

const WC = fileURLToPath(new URL("../../fixtures/wasi/wc.wasm", import.meta.url));
const MIB = 2 ** 20;

let folder: Folder;
let bundle: SourceBundle;
const files: Record<string, string> = {};
const texts: Record<string, string> = {};
beforeAll(async () => {
  folder = new Folder();
  bundle = await bundleSource("cli/main.ts");
  const { parseWat } = await loadWabt();
  for (const [name, text] of Object.entries(PROGRAMS)) {
    // Processes get binaries: the bundle lies where wabt is not to be found.
    texts[name] = folder.write(`${name}.wat`, text);
    const { buffer } = parseWat(name, text).toBinary({});
    files[name] = folder.write(`${name}.wasm`, [...buffer]);
  }
  folder.write("data/poem.txt", "one two\nthree\n");
});
afterAll(() => {
  bundle.remove();
  folder.remove();
});

const begin = (args: readonly string[], options?: Parameters<typeof start>[1]): Running => {
  return start([bundle.path, "run", ...args], { cwd: folder.path, ...options });
};

/** Runs to the end with `input` on standard input. */
async function run(args: readonly string[], input: string | Uint8Array = "") {
  const { child, ended } = begin(args);
  child.stdin.end(input);
  const { code, err, out } = await ended;
  return { code, err, out: out.toString() };
}

/** Most bytes of memory that a living process had resident; null where the system does not tell. */
function peakResidentBytes({ child }: Running): number | null {
  if (process.platform !== "linux") return null;
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Waits until a process has written something, or has ended without. */
async function firstOutput({ child, ended }: Running): Promise<void> {
  await Promise.race([once(child.stdout, "data"), ended]);
}

/** Random bytes that are not the same in every block. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

it("a deadline also ends the wait for a module on standard input", async () => {
  // The other end stays open.
  const { code, err } = await begin(["--timeout", "100ms", "-"]).ended;
  expect([code, err]).toEqual([3, expect.stringMatching(/^wasmeter: Exhaustion: deadline/)]);
});

describe("standard streams", () => {
  it("pass every byte, in both directions", async () => {
    const bytes = noise(300_000);
    const { child, ended } = begin([files.cat]);
    child.stdin.end(bytes);
    const { code, err, out } = await ended;
    expect([code, err]).toEqual([0, ""]);
    expect(out.equals(bytes)).toBe(true);
  });

  it("pass 256 MiB in constant memory, before a slow reader", async () => {
    const running = begin([files.cat], { keep: false });
    const { child, ended } = running;
    const [sent, received] = [createHash("sha256"), createHash("sha256")];
    const block = noise(MIB);
    let [bytes, chunks] = [0, 0];
    child.stdout.on("data", (chunk: Buffer) => {
      received.update(chunk);
      bytes += chunk.length;
      if (++chunks % 64 !== 0) return;
      // For a while nothing is taken.
      child.stdout.pause();
      setTimeout(() => child.stdout.resume(), 10);
    });
    for (let i = 0; i < 256; i++) {
      block.writeUInt32LE(i, 0);
      const copy = Buffer.from(block);
      sent.update(copy);
      if (!child.stdin.write(copy)) await once(child.stdin, "drain");
    }
    const peak = peakResidentBytes(running);
    child.stdin.end();
    const { code, err } = await ended;
    expect([code, err, bytes]).toEqual([0, "", 256 * MIB]);
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    if (peak !== null) expect(peak).toBeLessThan(192 * MIB);
  });

  it("the reader goes away: quietly, 141", async () => {
    const running = begin([files.flood], { keep: false });
    const { child, ended } = running;
    await firstOutput(running);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, signal: null, err: "" });
  });

  it.runIf(existsSync("/dev/full"))("output that cannot be written: 1, and why", () => {
    const full = openSync("/dev/full", "w");
    const args = [bundle.path, "run", WC];
    const { status, stderr } = spawnSync(process.execPath, args, { stdio: ["pipe", full, "pipe"] });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr.toString()).toMatch(/^wasmeter: cannot write standard output: ENOSPC/);
  });

  it("input that nobody reads keeps no process", async () => {
    const { child, ended } = begin([files.three]);
    child.stdin.write(noise(MIB));
    expect((await ended).code).toBe(3);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s ends the process by that signal", async (signal) => {
    const running = begin([files.flood], { keep: false });
    const { child, ended } = running;
    await firstOutput(running);
    child.kill(signal);
    child.stdout.resume();
    expect(await ended).toMatchObject({ code: null, signal });
  });
});

describe("exit codes", () => {
  it("the program's own pass through", async () => {
    expect(await run([files.three])).toEqual({ code: 3, out: "", err: "" });
    expect((await run([files.nap])).code).toBe(0);
  });

  it("one that the system would cut to another is 1", async () => {
    expect((await run([files.many])).code).toBe(1);
  });

  it("2: out of fuel inside a loop of calls", async () => {
    const { code, err } = await run(["--fuel", "100000", files.dice]);
    expect(code).toBe(2);
    expect(err).toMatch(/^wasmeter: Exhaustion: out of fuel/);
  });

  it.each([
    ["asking for random numbers", "dice"],
    ["sleeping", "sleeper"],
    ["waiting for input", "cat"],
    ["waiting until its output is taken", "flood"],
  ])("3: deadline, while %s", async (_, name) => {
    // Nobody writes to it, and nobody reads from it.
    const began = performance.now();
    const { ended } = begin(["--timeout", "300ms", files[name]], { keep: false });
    const { code, err } = await ended;
    expect(code).toBe(3);
    expect(err).toMatch(/^wasmeter: Exhaustion: deadline exceeded/);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("4: memory limit", async () => {
    expect((await run(["--max-memory", "64KiB", files.cat])).code).toBe(4);
  });

  it("5: an import that there is not, or of another type", async () => {
    const missing = await run([files.needy]);
    expect(missing.code).toBe(5);
    expect(missing.err).toMatch(/unknown import: "env"."log".*provided is wasi_snapshot_preview1/);
    const mistaken = await run([files.mistaken]);
    expect(mistaken.code).toBe(5);
    expect(mistaken.err).toMatch(/incompatible import type: "wasi_snapshot_preview1"."fd_close"/);
  });

  it("2: what was written before is not lost, however slow the reader", async () => {
    const { child, ended } = begin(["--fuel", "300", files.flood], { keep: false });
    child.stdin.end();
    const chunks: Buffer[] = [];
    setTimeout(() => child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk)), 500);
    expect((await ended).code).toBe(2);
    // Six instructions, then nine each time, of which five up to the call.
    expect(Buffer.concat(chunks).length).toBe((1 + Math.floor((300 - 6 - 5) / 9)) * 65536);
  });

  it("8: trap", async () => {
    const { code, err } = await run([files.trapped]);
    expect(code).toBe(8);
    expect(err).toMatch(/^no\nwasmeter: Trap: unreachable/);
  });
});

describe("grants", () => {
  it("nothing is granted by itself, and the failure names the flag", async () => {
    const { code, err, out } = await run([WC, "data/poem.txt"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^wc: data\/poem.txt: /);
    const hint = `wasmeter: the program cannot see "data/poem.txt": no directory is granted; `;
    expect(err).toMatch(new RegExp(`\\n${hint}grant one with --dir .::/\\n$`));
  });

  it.each([
    [[], "data/poem.txt"],
    [["--dir", "data::/"], "poem.txt"],
    [["--dir", "."], "data/poem.txt"],
    [["--dir", "data"], "data/poem.txt"],
    [["--dir", "data::/in:ro"], "/in/poem.txt"],
    [["--dir=data:ro"], "data/poem.txt"],
  ])("%j makes %s visible", async (options, path) => {
    const granted = options.length === 0 ? ["--dir", ".::/"] : options;
    const expected = `2 3 14 ${path}\n`;
    expect(await run([...granted, WC, path])).toEqual({ code: 0, out: expected, err: "" });
  });

  it("what the hint suggests works", async () => {
    const path = join(folder.path, "data", "poem.txt");
    const { err } = await run([WC, path]);
    const [, flag] = /grant one with (--dir .*)\n$/.exec(err) ?? [];
    const again = await run([...flag.split(" "), WC, path]);
    expect(again).toEqual({ code: 0, out: `2 3 14 ${path}\n`, err: "" });
  });

  it("what the hint suggests is one word for a shell", async () => {
    const path = folder.write("it's here/poem.txt", "");
    const { err } = await run([WC, path]);
    const word = `'${folder.path}/it'\\''s here'`;
    expect(err.endsWith(`grant one with --dir ${word}\n`), err).toBe(true);
  });

  it("a file outside the directories is hinted at, one inside that is missing is not", async () => {
    mkdirSync(join(folder.path, "empty"), { recursive: true });
    const outside = await run(["--dir", "empty", WC, "data/poem.txt"]);
    expect(outside.err).toContain("its directories do not hold it; grant one with --dir .::/\n");
    const missing = await run(["--dir", ".::/", WC, "nowhere.txt"]);
    expect(missing.code).toBe(1);
    expect(missing.err).not.toContain("wasmeter");
  });

  it("there is a general hint, if the program opens files and has complained", async () => {
    expect((await run([WC, "nowhere.txt"])).err).toContain("\nwasmeter: no directory is granted");
    expect((await run([files.trapped])).err).toContain("\nwasmeter: no directory is granted");
    expect(await run([files.grumbler])).toEqual({ code: 1, out: "", err: "no\n" });
    expect(await run([files.silent])).toEqual({ code: 1, out: "", err: "" });
  });

  it("options behind the file belong to the program, and a mistake is explained", async () => {
    const { code, err } = await run([WC, "--dir", ".", "data/poem.txt"]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /\nwasmeter: what follows FILE .* options such as --dir stand before it\n$/,
    );
  });

  it("a directory that is none: 1; a grant that is none: 64", async () => {
    const missing = await run(["--dir", "nowhere", WC]);
    expect(missing).toEqual({
      code: 1,
      out: "",
      err: "wasmeter: --dir: nowhere is no directory\n",
    });
    expect((await run(["--dir", "data/poem.txt", WC])).code).toBe(1);
    // The file was taken for the directory: that comes first.
    expect((await run(["--dir", WC, "data/poem.txt"])).err).toContain("wc.wasm is no directory");
    for (const wrong of ["", "::/", "data::", ":ro"]) {
      expect((await run(["--dir", wrong, WC])).code, wrong).toBe(64);
    }
    expect((await run(["--dir", "data::/", "--dir", "empty::/", WC])).code).toBe(64);
    expect((await run(["--env", "=x", WC])).code).toBe(64);
    expect((await run(["--env", "WASMETER_NO_SUCH_VARIABLE", WC])).code).toBe(64);
    expect((await run(["--env", "constructor", WC])).code).toBe(64);
  });
});

describe("around the program", () => {
  const invoke = (name: string, ...more: string[]) => {
    return wasmeter(["run", ...more, "--invoke", name, texts.reactor]);
  };

  it("a reactor is prepared before its function is called", async () => {
    expect(await invoke("ready")).toEqual({ code: 0, out: "7\n", err: "" });
    expect(await invoke("leave")).toEqual({ code: 42, out: "", err: "" });
  });

  it("the clock is the real one, random numbers differ", async () => {
    const now = Number(BigInt((await invoke("now")).out) / 1_000_000n);
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    const [one, other] = [await invoke("random"), await invoke("random")];
    expect(one.out).not.toBe(other.out);
  });

  it("a terminal is a character device, a pipe is not", async () => {
    const terminal = await wasmeter(["run", texts.filetype], [], { isTerminal: () => true });
    expect(terminal.code).toBe(2);
    expect((await wasmeter(["run", texts.filetype])).code).not.toBe(2);
  });

  it("--stats counts calls of WASI", async () => {
    const { code, err } = await wasmeter(["run", "--stats", "--json", texts.three]);
    // i32.const and call.
    expect(JSON.parse(err)).toMatchObject({ fuel: 2, peakMemoryBytes: 2 * 65536, hostCalls: 1 });
    expect(code).toBe(3);
  });

  it("a directory that cannot be looked at: 1, and why", async () => {
    symlinkSync("loop", join(folder.path, "loop"));
    for (const [path, code] of [
      ["loop", "ELOOP"],
      ["x".repeat(300), "ENAMETOOLONG"],
    ]) {
      const { code: exitCode, err } = await run(["--dir", path, WC]);
      expect(exitCode).toBe(1);
      expect(err).toMatch(new RegExp(`^wasmeter: --dir: cannot use ${path}: ${code}: .*\n$`));
    }
  });

  it("standard input that is a directory: 1, for the program and for the module", () => {
    const directory = openSync(folder.path, "r");
    try {
      for (const file of [WC, "-"]) {
        const { status, stderr } = spawnSync(process.execPath, [bundle.path, "run", file], {
          stdio: [directory, "pipe", "pipe"],
          encoding: "utf8",
        });
        expect(status, file).toBe(1);
        expect(stderr).toMatch(/^wasmeter: cannot read (standard input|-): it is a directory\n$/);
      }
    } finally {
      closeSync(directory);
    }
  });

  it("unreadable input: 1, and why", async () => {
    const stdin: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("EIO")) }),
    };
    const { code, err } = await wasmeter(["run", texts.cat], [], { stdin });
    expect([code, err]).toEqual([1, "wasmeter: cannot read standard input: EIO\n"]);
  });
});
