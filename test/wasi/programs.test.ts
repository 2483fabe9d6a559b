// The programs in fixtures/wasi, compiled from C with wasi-libc: what they print and write is
// computed here once more, by other means. They run in this process, with files in memory and, for
// what must outlive a run, in a directory of the host.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import {
  captureOutput,
  type FileSystem,
  type InputSource,
  memoryFileSystem,
  wasi,
} from "../../src/wasi/index.ts";
import { hostDirectory } from "../../src/wasi/node.ts";

const modules = new Map<string, Module>();

function fixture(name: string): Module {
  const url = new URL(`../../fixtures/wasi/${name}.wasm`, import.meta.url);
  const module = modules.get(name) ?? Module.from(readFileSync(url));
  modules.set(name, module);
  return module;
}

interface World {
  readonly stdin?: InputSource;
  readonly files?: FileSystem;
}

/** Runs a program to its end. */
function run(name: string, words: readonly string[], { files, stdin }: World = {}) {
  const [stdout, stderr] = [captureOutput(), captureOutput()];
  const program = wasi({
    args: [name, ...words],
    stdout,
    stderr,
    ...(stdin !== undefined && { stdin }),
    ...(files !== undefined && { preopens: { "/": files } }),
  });
  const instance = new Store().instantiate(fixture(name), program.imports);
  const code = program.run(instance);
  return { code, out: stdout.text, bytes: stdout.bytes, err: stderr.text };
}

/** Pseudo-random numbers below a bound. */
function dice(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

describe("wc", () => {
  /** Lines, words and bytes, by splitting. */
  function counts(text: string): string {
    const lines = text.split("\n").length - 1;
    const words = text.split(/[ \t\n\v\f\r]+/).filter((word) => word !== "").length;
    return `${lines} ${words} ${Buffer.byteLength(text)}`;
  }

  function randomText(length: number): string {
    const roll = dice(length);
    const letters = "aé \n\t\v\f\rx\u0001\u001f!~\u0085";
    return Array.from({ length }, () => letters[roll(letters.length)]).join("");
  }

  it.each(["", "one", " ", "\n", "a\n", "a b\tc\rd\fe\vf", "\0a \0\n", "  two  words  "])(
    "%j",
    (text) => {
      expect(run("wc", [], { stdin: text }).out).toBe(`${counts(text)}\n`);
    },
  );

  it("text in pieces of any size, words across them", () => {
    const text = randomText(300_000);
    const bytes = Buffer.from(text);
    const roll = dice(7);
    function* pieces() {
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + roll(5000);
        yield bytes.subarray(at, at + length);
        at += length;
      }
    }
    const { code, out } = run("wc", [], { stdin: pieces() });
    expect([code, out]).toEqual([0, `${counts(text)}\n`]);
  });

  it("files and their total; what cannot be read", () => {
    const [one, two] = [randomText(100_000), randomText(70_001)];
    const files = memoryFileSystem({ files: { "a.txt": one, "b/c.txt": two } });
    const { code, err, out } = run("wc", ["a.txt", "missing", "b/c.txt"], { files });
    const total = counts(one)
      .split(" ")
      .map((count, i) => Number(count) + Number(counts(two).split(" ")[i]));
    expect(code).toBe(1);
    expect(err).toBe("wc: missing: No such file or directory\n");
    const lines = [`${counts(one)} a.txt`, `${counts(two)} b/c.txt`, `${total.join(" ")} total`];
    expect(out).toBe(`${lines.join("\n")}\n`);
  });
});

describe("kv", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wasmeter-kv-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("keeps what it is told, from run to run, in memory", () => {
    const files = memoryFileSystem({ files: { db: {} } });
    const kv = (...words: string[]) => run("kv", ["db", ...words], { files });
    expect(kv("set", "b", "two words")).toMatchObject({ code: 0, out: "", err: "" });
    kv("set", "a", "");
    kv("set", "ä", "…");
    expect(kv("get", "b")).toMatchObject({ code: 0, out: "two words\n" });
    expect(kv("get", "a")).toMatchObject({ code: 0, out: "\n" });
    expect(kv("get", "c")).toMatchObject({ code: 1, out: "" });
    expect(kv("del", "a").code).toBe(0);
    expect(kv("del", "a").code).toBe(1);
    kv("set", "b", "2");
    expect(kv("list").out).toBe("b\t2\nä\t…\n");
    expect(kv("frob").code).toBe(2);
  });

  /** Runs it with the folder of the host. */
  const onHost = (words: readonly string[], stdin: InputSource = "") => {
    return run("kv", ["db", ...words], { stdin, files: hostDirectory(folder) });
  };

  it("a thousand changes, as a Map has them; compaction leaves what there is", () => {
    const roll = dice(99);
    const expected = new Map<string, string>();
    const lines = Array.from({ length: 1000 }, () => {
      const [key, value] = [`key ${roll(200)}`, "v".repeat(roll(50))];
      expected.set(key, value);
      return `${key}\t${value}\n`;
    });
    expect(onHost(["list"]).code).toBe(2);
    mkdirSync(join(folder, "db"));
    expect(onHost(["import"], lines.join("")).out).toBe("1000 imported\n");
    expect(onHost(["list"]).out).toBe(listed(expected));
    // 12 bytes before each key and value.
    const bytes = (items: Iterable<readonly [string, string]>) => {
      return [...items].reduce((sum, [key, value]) => sum + 12 + key.length + value.length, 0);
    };
    const all = lines.map((line) => line.trimEnd().split("\t"));
    const before = bytes(all.map(([key, value = ""]) => [key, value] as const));
    const after = bytes(expected);
    const log = join(folder, "db", "log");
    expect(statSync(log).size).toBe(before);
    const told = `${expected.size} entries, ${before} bytes before, ${after} after\n`;
    expect(onHost(["compact"])).toMatchObject({ code: 0, out: told });
    expect(statSync(log).size).toBe(after);
    expect(readdirSync(join(folder, "db"))).toEqual(["log"]);
    expect(onHost(["list"]).out).toBe(listed(expected));
  });

  it("cuts off what a crash has left", () => {
    const log = join(folder, "db", "log");
    const whole = onHost(["list"]).out;
    const kept = readFileSync(log);
    onHost(["set", "last", "never complete"]);
    writeFileSync(log, readFileSync(log).subarray(0, -3));
    const lost = statSync(log).size - kept.length;
    const { err, out } = onHost(["list"]);
    expect(err).toBe(`kv: ${lost} damaged bytes cut off\n`);
    expect(out).toBe(whole);
    expect(readFileSync(log).equals(kept)).toBe(true);
  });

  /** In the order of bytes. */
  function listed(items: ReadonlyMap<string, string>): string {
    const lines = [...items].map(([key, value]) => `${key}\t${value}\n`);
    return lines.sort((a, b) => (a.split("\t")[0] < b.split("\t")[0] ? -1 : 1)).join("");
  }
});

describe("plot", () => {
  const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

  /** CRC-32, bit by bit. */
  function crc32(bytes: Uint8Array): number {
    let crc = ~0;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
  }

  /** The chunks of a PNG, checksums checked. */
  function chunksOf(png: Buffer): [string, Buffer][] {
    expect([...png.subarray(0, 8)]).toEqual(SIGNATURE);
    const chunks: [string, Buffer][] = [];
    for (let at = 8; at < png.length; ) {
      const end = at + 8 + png.readUInt32BE(at);
      expect(png.readUInt32BE(end)).toBe(crc32(png.subarray(at + 4, end)));
      chunks.push([png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, end)]);
      at = end + 4;
    }
    return chunks;
  }

  /** Rows of `#` and blank; zlib checks the image data's own checksum. */
  function picture(png: Buffer, width: number, height: number): string[] {
    const [[head, header], [data, image], [end], ...more] = chunksOf(png);
    expect([head, data, end, more.length]).toEqual(["IHDR", "IDAT", "IEND", 0]);
    expect(header.readUInt32BE(0)).toBe(width);
    expect(header.readUInt32BE(4)).toBe(height);
    expect([...header.subarray(8)]).toEqual([8, 0, 0, 0, 0]);
    const rows = inflateSync(image);
    expect(rows.length).toBe(height * (width + 1));
    return Array.from({ length: height }, (_, y) => {
      const row = rows.subarray(y * (width + 1), (y + 1) * (width + 1));
      expect(row[0]).toBe(0);
      return [...row.subarray(1)].map((grey) => ({ 0: "#", 255: " " })[grey] ?? "?").join("");
    });
  }

  /** The same curve, drawn from its description at the head of plot.c. */
  function expected(samples: readonly number[], width: number, height: number): string[] {
    const greatest = Math.max(...samples);
    const range = greatest - Math.min(...samples) || 1;
    const rowAt = (x: number) => {
      const value = samples[Math.floor((x * samples.length) / width)];
      return Math.floor(((greatest - value) / range) * (height - 1) + 0.5);
    };
    const canvas = Array.from({ length: height }, () => Array.from({ length: width }, () => " "));
    for (let x = 0; x < width; x++) {
      const [from, to] = [rowAt(Math.max(0, x - 1)), rowAt(x)];
      for (let y = Math.min(from, to); y <= Math.max(from, to); y++) canvas[y][x] = "#";
    }
    return canvas.map((row) => row.join(""));
  }

  const plot = (words: readonly string[], samples: readonly number[]) => {
    return run("plot", words, { stdin: samples.join("\n") });
  };

  it("a small curve, drawn by hand", () => {
    const { bytes, code } = plot(["-w", "4", "-h", "3"], [0, 2, 1, 1]);
    expect(code).toBe(0);
    expect(picture(Buffer.from(bytes), 4, 3)).toEqual([" ## ", " ###", "##  "]);
  });

  it.each([
    ["sine", 640, 240, Array.from({ length: 1000 }, (_, i) => Math.sin(i / 50))],
    ["fewer samples than columns", 100, 50, [3, -1, 4, -1.5, 9, -2.25e1, 6]],
    ["a constant", 7, 5, [5, 5, 5]],
    ["one sample, one pixel", 1, 1, [-0.125]],
    [
      "large and small",
      333,
      77,
      Array.from({ length: 500 }, (_, i) => (i % 7) * 1e300 - i * 1e298),
    ],
  ] as const)("%s", (_, width, height, samples) => {
    const { bytes } = plot(["-w", String(width), "-h", String(height)], samples);
    const found = picture(Buffer.from(bytes), width, height);
    expect(found).toEqual(expected(samples, width, height));
  });

  it("writes to a file; refuses what is no number", () => {
    const files = memoryFileSystem();
    const { code, out } = run("plot", ["-o", "curve.png"], { files, stdin: "1 2 3" });
    expect([code, out]).toEqual([0, ""]);
    const png = Buffer.from(files.readFile("curve.png"));
    expect(picture(png, 640, 240)).toEqual(expected([1, 2, 3], 640, 240));
    expect(run("plot", [], { stdin: "1 two" })).toMatchObject({
      code: 2,
      err: "plot: not a number on standard input\n",
    });
    expect(run("plot", ["-w", "0"]).code).toBe(2);
  });
});
