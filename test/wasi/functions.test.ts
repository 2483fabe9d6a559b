// The functions of WASI one by one: results where the specification has them, hostile arguments,
// rights and numbers of descriptors, and where `wasi_unstable` differs.

import { describe, expect, it } from "vitest";
import {
  captureOutput,
  fixedClock,
  memoryFileSystem,
  seededRandom,
  type WasiOptions,
  wasi,
} from "../../src/wasi/index.ts";
import { PARAMETERS } from "../../src/wasi/signatures.ts";
import { ALL, APPEND, CREAT, DATA, errnoName, FILE, Guest, READ, SEEK, WRITE } from "./guest.ts";

const FILES = { file: "inside", dir: { other: "x" } };

function guestWith(options: WasiOptions = {}): Guest {
  return new Guest({ preopens: { "/": memoryFileSystem({ files: FILES }) }, ...options });
}

describe("hostile arguments", () => {
  const FAR = [0xffff_ffff, 0xffff_fff0, 0x8000_0000, 4 * 2 ** 20 - 1, 4 * 2 ** 20, -1, 0];
  /** Functions whose i32s are no addresses, or that never look at them. */
  const WITHOUT_ADDRESSES =
    /^(proc_|sched_|sock_|fd_(advise|allocate|close|datasync|renumber|sync)$)/;

  it.each(Object.entries(PARAMETERS))("%s (%s) gives an error code", (name, parameters) => {
    if (name === "proc_exit") return;
    const types = parameters.split(" ").filter((type) => type !== "");
    for (const value of FAR) {
      for (const fd of [0, 1, 3, 4, 5, value]) {
        const guest = guestWith();
        guest.opened("file");
        guest.openedDirectory("dir");
        const args = types.map((type) => (type === "i64" ? BigInt(value) : value));
        if (name.startsWith("fd_") || name.startsWith("path_")) args[0] = fd;
        const code = guest.wasi.imports.wasi_snapshot_preview1[name](...args);
        expect(Number.isInteger(code) && Number(code) < 77, `${name} ${fd} ${value}`).toBe(true);
      }
    }
  });

  it("outside of memory are `fault`", () => {
    const end = 4 * 2 ** 20;
    const guest = guestWith({ args: ["a"], env: { a: "b" }, stdin: "abc" });
    const fd = guest.opened("file");
    const calls: Record<string, readonly (number | bigint)[]> = {
      args_get: [end - 3, 0],
      args_sizes_get: [0, end - 3],
      environ_get: [0, end - 3],
      clock_res_get: [0, end - 7],
      clock_time_get: [0, 0n, end - 7],
      fd_fdstat_get: [fd, end - 23],
      fd_filestat_get: [fd, end - 63],
      fd_prestat_get: [3, end - 7],
      fd_prestat_dir_name: [3, end, 1],
      fd_pread: [fd, end - 7, 1, 0n, 16],
      fd_read: [fd, 64, 1, end - 3],
      fd_write: [1, end - 7, 1, 16],
      fd_readdir: [3, end - 10, 11, 0n, 16],
      fd_seek: [fd, 0n, 0, end - 7],
      fd_tell: [fd, end],
      path_create_directory: [3, end - 1, 2],
      path_filestat_get: [3, 0, 4096, 4, end - 63],
      path_open: [3, 0, 4096, 4, 0, 0n, 0n, 0, end - 3],
      path_readlink: [3, 4096, 4, end, 1, 16],
      path_symlink: [end, 1, 3, 4096, 4],
      poll_oneoff: [end - 47, 0, 1, 16],
      random_get: [end - 1, 2],
    };
    guest.put("file");
    for (const [name, args] of Object.entries(calls)) {
      expect(WITHOUT_ADDRESSES.test(name), name).toBe(false);
      expect(guest.call(name, ...args), name).toBe("fault");
    }
    for (const buffer of [
      [end - 1, 2],
      [0xffff_ffff, 1],
      [0, 0xffff_ffff],
    ] as const) {
      expect(guest.move("fd_read", fd, [buffer])).toBe("fault");
      expect(guest.move("fd_write", fd, [buffer])).toBe("fault");
      expect(guest.move("fd_read", 0, [buffer])).toBe("fault");
      expect(guest.move("fd_write", 1, [buffer])).toBe("fault");
    }
  });

  it("do not leave a descriptor open whose number could not be told", () => {
    const guest = guestWith();
    const args = [3, 0, ...guest.put("file"), 0, READ, 0n, 0, 0xffff_ffff] as const;
    expect(guest.call("path_open", ...args)).toBe("fault");
    expect(guest.opened("file")).toBe(4);
  });

  it("of lengths and numbers are bounded", () => {
    const guest = guestWith();
    const fd = guest.opened("file");
    expect(guest.call("fd_read", fd, 64, 1025, 16)).toBe("inval");
    expect(guest.call("poll_oneoff", 0, 0, 0, 16)).toBe("inval");
    expect(guest.call("poll_oneoff", 0, 0, 5000, 16)).toBe("inval");
    expect(guest.call("clock_time_get", 4, 0n, 16)).toBe("inval");
    expect(guest.call("fd_advise", fd, 0n, 0n, 6)).toBe("inval");
    expect(guest.call("fd_allocate", fd, 0n, 0n)).toBe("inval");
    expect(guest.call("fd_fdstat_set_flags", fd, 32)).toBe("inval");
    expect(guest.call("proc_raise", 31)).toBe("inval");
    expect(guest.open("file", { oflags: 16 })).toBe("inval");
    expect(guest.open("file", { follow: 2 })).toBe("inval");
  });

  it("open at most so many descriptors", () => {
    const guest = guestWith({ descriptorLimit: 6 });
    expect(guest.open("file")).toBe(4);
    expect(guest.open("file")).toBe(5);
    expect(guest.open("file")).toBe("mfile");
    guest.call("fd_close", 4);
    expect(guest.open("file")).toBe(4);
  });
});

describe("rights", () => {
  /** Base and inheriting rights. */
  function rightsOf(guest: Guest, fd: number): [bigint, bigint] {
    expect(guest.call("fd_fdstat_get", fd, 32)).toBe("success");
    return [guest.u64(40), guest.u64(48)];
  }

  it("can be dropped and never gained", () => {
    const guest = guestWith();
    const fd = guest.opened("file");
    const [base, inheriting] = rightsOf(guest, fd);
    expect(base).toBe(FILE);
    expect(guest.call("fd_fdstat_set_rights", fd, base & ~WRITE, inheriting)).toBe("success");
    expect(guest.write(fd, "x")).toBe("notcapable");
    expect(guest.call("fd_fdstat_set_rights", fd, base, inheriting)).toBe("notcapable");
    expect(guest.call("fd_fdstat_set_rights", fd, 1n << 40n, 0n)).toBe("notcapable");
    expect(rightsOf(guest, fd)).toEqual([base & ~WRITE, inheriting]);
  });

  it("of what is opened are at most those that the directory hands on", () => {
    const guest = guestWith();
    const dir = guest.opened("dir", { rights: 1n << 13n, inheriting: READ });
    expect(guest.open("other", { fd: dir, rights: WRITE })).toBe("notcapable");
    expect(guest.open("other", { fd: dir, oflags: CREAT, rights: READ })).toBe("notcapable");
    expect(guest.onPath("path_create_directory", "new", dir)).toBe("notcapable");
    expect(guest.stat("other", { fd: dir })).toBe("notcapable");
    expect(guest.call("fd_readdir", dir, DATA, 100, 0n, 16)).toBe("notcapable");
    const file = guest.opened("other", { fd: dir, rights: READ });
    expect(guest.read(file)).toBe("x");
    expect(guest.fstat(file)).toBe("notcapable");
  });

  it("that a guest asks for without knowing them are ignored", () => {
    const guest = guestWith();
    const fd = guest.opened("file", { rights: (1n << 64n) - 1n, inheriting: (1n << 64n) - 1n });
    expect(rightsOf(guest, fd)[0] & ~ALL).toBe(0n);
    expect(guest.read(fd)).toBe("inside");
  });

  it.each([
    ["fd_read", [READ], ["fd_pread"]],
    ["fd_pread", [READ, SEEK], []],
  ])("of %s are needed", (_, needed, others) => {
    const guest = guestWith();
    const fd = guest.opened("file", { rights: needed.reduce((all, right) => all | right, 0n) });
    expect(guest.read(fd, 10, needed.includes(SEEK) ? 0n : undefined)).toBe("inside");
    for (const name of others) expect(guest.call(name, fd, 64, 0, 0n, 16)).toBe("notcapable");
  });
});

describe("descriptors", () => {
  it("are renumbered, and what was there is closed", () => {
    const guest = guestWith();
    const fd = guest.opened("file");
    const other = guest.opened("dir/other");
    expect(guest.call("fd_renumber", fd, other)).toBe("success");
    expect(guest.read(other)).toBe("inside");
    expect(guest.read(fd)).toBe("[badf]");
    expect(guest.call("fd_renumber", other, 99)).toBe("badf");
    expect(guest.call("fd_renumber", 99, other)).toBe("badf");
    expect(guest.call("fd_renumber", other, other)).toBe("success");
    expect(guest.call("fd_renumber", other, 1)).toBe("success");
    expect(guest.write(1, "to the file")).toBe(11);
    expect(guest.call("fd_close", 1)).toBe("success");
    // Nobody's file becomes standard output by chance.
    expect(guest.opened("file")).toBe(4);
    expect(guest.write(1, "x")).toBe("badf");
  });

  it("get the lowest number that is free, above those of the streams", () => {
    const guest = guestWith();
    guest.call("fd_close", 0);
    expect([1, 2, 3].map(() => guest.open("file"))).toEqual([4, 5, 6]);
    guest.call("fd_close", 5);
    guest.call("fd_close", 4);
    expect([guest.open("file"), guest.open("file")]).toEqual([4, 5]);
    guest.call("fd_renumber", 6, 4);
    expect([guest.open("file"), guest.open("file")]).toEqual([6, 7]);
  });

  it("append or not as their flags say at the moment", () => {
    const guest = guestWith();
    const fd = guest.opened("file", { flags: APPEND });
    guest.write(fd, "+1");
    expect(guest.call("fd_fdstat_set_flags", fd, 0)).toBe("success");
    guest.call("fd_seek", fd, 0n, 0, 16);
    guest.write(fd, "IN");
    guest.call("fd_fdstat_get", fd, 32);
    expect(guest.view.getUint16(34, true)).toBe(0);
    expect(guest.contents("file")).toBe("INside+1");
  });

  it("of streams cannot seek, and are no terminals unless they say so", () => {
    const stdout = { ...captureOutput(), isTerminal: true };
    const guest = guestWith({ stdout });
    const filetypes = [0, 1, 2].map((fd) => {
      expect(guest.call("fd_fdstat_get", fd, 32)).toBe("success");
      return guest.bytes[32];
    });
    expect(filetypes).toEqual([0, 2, 0]);
    for (const fd of [0, 1, 2]) {
      expect(guest.call("fd_seek", fd, 0n, 1, 16)).toBe("spipe");
      expect(guest.call("fd_tell", fd, 16)).toBe("spipe");
      expect(guest.call("fd_pwrite", fd, 64, 0, 0n, 16)).toBe("spipe");
      expect(guest.call("sock_shutdown", fd, 1)).toBe("notsock");
    }
    expect(guest.call("sock_recv", 9, 0, 0, 0, 0, 0)).toBe("badf");
    expect(guest.read(1)).toBe("[spipe]");
    expect(guest.write(0, "x")).toBe("spipe");
  });

  it("of directories are listed from any cookie", () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`name${i}`, ""]));
    const guest = guestWith({ preopens: { "/": memoryFileSystem({ files }) } });
    const all = [".", "..", ...Object.keys(files)];
    for (const size of [35, 64, 100, 4096]) expect(guest.list(3, size)).toEqual(all);
    // What is made meanwhile appears when the list is begun again.
    expect(guest.call("fd_readdir", 3, DATA, 100, 0n, 16)).toBe("success");
    guest.file("later", "");
    expect(guest.list(3)).toEqual([...all, "later"]);
    expect(guest.call("fd_readdir", 3, DATA, 100, 1000n, 16)).toBe("success");
    expect(guest.u32()).toBe(0);
  });

  it("that are preopened tell their names", () => {
    const fs = memoryFileSystem();
    const guest = new Guest({ preopens: { "/": fs, "dir/ä": fs } });
    expect(guest.call("fd_prestat_get", 4, 16)).toBe("success");
    expect([guest.u32(16), guest.u32(20)]).toEqual([0, 6]);
    expect(guest.call("fd_prestat_dir_name", 4, DATA, 5)).toBe("nametoolong");
    expect(guest.call("fd_prestat_dir_name", 4, DATA, 6)).toBe("success");
    expect(guest.text(DATA, 6)).toBe("dir/ä");
    expect(guest.call("fd_prestat_get", 5, 16)).toBe("badf");
    expect(guest.call("fd_prestat_get", 0, 16)).toBe("badf");
  });
});

describe("without options", () => {
  it("there is nothing", () => {
    const guest = new Guest();
    for (const name of ["args_sizes_get", "environ_sizes_get"]) {
      expect(guest.call(name, 16, 20)).toBe("success");
      expect([guest.u32(16), guest.u32(20)]).toEqual([0, 0]);
    }
    expect(guest.read(0)).toBe("");
    expect(guest.write(1, "into the void")).toBe(13);
    expect(guest.call("fd_prestat_get", 3, 16)).toBe("badf");
    expect(guest.open("file")).toBe("badf");
  });

  it("time and random numbers are the same in every run", () => {
    const run = () => {
      const guest = new Guest();
      guest.call("random_get", DATA, 11);
      guest.call("clock_time_get", 0, 0n, 16);
      guest.call("clock_time_get", 1, 0n, 24);
      guest.call("clock_res_get", 1, 32);
      return [[...guest.bytes.slice(DATA, DATA + 12)], guest.u64(16), guest.u64(24), guest.u64(32)];
    };
    const [random, realtime, monotonic, resolution] = run();
    expect(run()).toEqual([random, realtime, monotonic, resolution]);
    expect((random as number[])[11]).toBe(0);
    expect(new Set(random as number[]).size).toBeGreaterThan(5);
    expect([realtime, monotonic, resolution]).toEqual([10n ** 18n + 1000n, 2000n, 1000n]);
  });

  it("other seeds give other numbers, evenly distributed", () => {
    const bytes = new Uint8Array(65_536);
    const counts = new Uint32Array(256);
    seededRandom(7)(bytes);
    for (const byte of bytes) counts[byte]++;
    // Chi-squared with 255 degrees of freedom: beyond 350 once in 20,000 seeds.
    const chi = counts.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0);
    expect(chi).toBeLessThan(350);
    const others = new Uint8Array(65_536);
    seededRandom(8)(others);
    expect(others).not.toEqual(bytes);
  });
});

describe("arguments and environment", () => {
  it("are texts with a NUL, one behind the other", () => {
    const guest = new Guest({ args: ["prog", "ä b", ""], env: { A: "1", B: "=" } });
    expect(guest.call("args_sizes_get", 16, 20)).toBe("success");
    expect([guest.u32(16), guest.u32(20)]).toEqual([3, 11]);
    expect(guest.call("args_get", 32, DATA)).toBe("success");
    expect(guest.text(DATA, 11)).toBe("prog\0ä b\0\0");
    expect([guest.u32(32), guest.u32(36), guest.u32(40)]).toEqual([DATA, DATA + 5, DATA + 10]);
    expect(guest.call("environ_get", 32, DATA)).toBe("success");
    expect(guest.text(DATA, 8)).toBe("A=1\0B==\0");
  });

  it("with a NUL are refused", () => {
    expect(() => wasi({ args: ["a\0b"] })).toThrow(TypeError);
    expect(() => wasi({ env: { a: "b\0c" } })).toThrow(TypeError);
    expect(() => wasi({ preopens: { "/\0": memoryFileSystem() } })).toThrow(TypeError);
  });
});

describe("standard streams", () => {
  it("read text, bytes, pieces and functions alike", () => {
    const bytes = new TextEncoder().encode("one two");
    const pieces = [bytes.slice(0, 3), new Uint8Array(0), bytes.slice(3)];
    let at = 0;
    const stream = { read: () => bytes.slice(at, ++at) };
    for (const stdin of ["one two", bytes, pieces, new Set(pieces), stream]) {
      const guest = new Guest({ stdin });
      let text = "";
      for (let part = guest.read(0, 2); part !== ""; part = guest.read(0, 2)) text += part;
      expect(text).toBe("one two");
      expect(guest.read(0)).toBe("");
    }
  });

  it("scatter and gather", () => {
    const stdout = captureOutput();
    const guest = new Guest({ stdin: "abcdef", stdout });
    expect(
      guest.move("fd_read", 0, [
        [DATA, 2],
        [DATA + 100, 0],
        [DATA + 10, 3],
      ]),
    ).toBe("success");
    expect([guest.text(DATA, 2), guest.text(DATA + 10, 3), guest.u32()]).toEqual(["ab", "cde", 5]);
    expect(
      guest.move("fd_write", 1, [
        [DATA + 10, 3],
        [DATA, 2],
      ]),
    ).toBe("success");
    expect(stdout.text).toBe("cdeab");
  });

  it("get bytes of their own", () => {
    const kept: Uint8Array[] = [];
    const guest = new Guest({ stdout: (bytes) => kept.push(bytes) });
    guest.write(1, "first");
    guest.write(1, "second");
    expect(kept.map((bytes) => new TextDecoder().decode(bytes))).toEqual(["first", "second"]);
  });

  it("are limited together", () => {
    const [stdout, stderr] = [captureOutput(), captureOutput()];
    const guest = new Guest({ stdout, stderr, outputLimit: 10 });
    expect(guest.write(1, "12345")).toBe(5);
    expect(guest.write(2, "1234567")).toBe(5);
    expect(guest.write(1, "1")).toBe("nospc");
    expect([stdout.text, stderr.text]).toEqual(["12345", "12345"]);
    const full = new Guest({ stdout: captureOutput({ limit: 4 }) });
    expect(full.write(1, "12345")).toBe("nospc");
  });

  it("throw at the embedder what is none of the guest's business", () => {
    const stdout = () => {
      throw new RangeError("a bug of the embedder");
    };
    expect(() => new Guest({ stdout }).write(1, "x")).toThrow(RangeError);
  });
});

describe("poll_oneoff", () => {
  function subscribe(guest: Guest, index: number, type: number, fd = 0, size = 48): void {
    guest.view.setBigUint64(1024 + size * index, BigInt(100 + index), true);
    guest.view.setUint8(1032 + size * index, type);
    guest.view.setUint32(1040 + size * index, fd, true);
  }

  function subscribeClock(guest: Guest, index: number, timeout: bigint, id = 1): void {
    subscribe(guest, index, 0, id);
    guest.view.setBigUint64(1048 + 48 * index, timeout, true);
  }

  /** Userdata, error and type of each event. */
  function poll(guest: Guest, count: number): unknown[] {
    expect(guest.call("poll_oneoff", 1024, DATA, count, 16)).toBe("success");
    return Array.from({ length: guest.u32() }, (_, i) => {
      const at = DATA + 32 * i;
      const error = errnoName(guest.view.getUint16(at + 8, true));
      return [Number(guest.u64(at)), error, guest.bytes[at + 10], Number(guest.u64(at + 16))];
    });
  }

  it("tells at once what is ready or wrong", () => {
    const guest = guestWith({ stdin: "abc" });
    const fd = guest.opened("file", { rights: FILE | (1n << 27n) });
    guest.read(fd, 2);
    [
      [1, 0],
      [2, 1],
      [1, fd],
      [2, fd],
      [1, 99],
      [1, 3],
      [2, 0],
      [7, 0],
    ].forEach(([type, on], i) => {
      subscribe(guest, i, type, on);
    });
    subscribeClock(guest, 8, 10n ** 12n);
    expect(poll(guest, 9)).toEqual([
      [100, "success", 1, 3],
      [101, "success", 2, 0],
      [102, "success", 1, 4],
      [103, "success", 2, 0],
      [104, "badf", 1, 0],
      [105, "badf", 1, 0],
      [106, "notcapable", 2, 0],
      [107, "inval", 7, 0],
    ]);
  });

  it("lets a clock that makes up its time advance without waiting", () => {
    const guest = new Guest();
    subscribeClock(guest, 0, 10n ** 15n);
    subscribeClock(guest, 1, 10n ** 16n);
    const began = Date.now();
    expect(poll(guest, 2)).toEqual([[100, "success", 0, 0]]);
    expect(Date.now() - began).toBeLessThan(5000);
    guest.call("clock_time_get", 1, 0n, 16);
    expect(guest.u64() - 10n ** 15n).toBeLessThan(10n ** 6n);
  });

  it("knows times of the clock, and times that are over", () => {
    const guest = new Guest({ clock: fixedClock({ start: 5000n, step: 0n }) });
    subscribeClock(guest, 0, 5001n, 0);
    guest.view.setUint16(1064, 1, true);
    expect(poll(guest, 1)).toHaveLength(1);
    guest.call("clock_time_get", 0, 0n, 16);
    expect(guest.u64()).toBe(5001n);
    guest.view.setBigUint64(1048, 3n, true);
    expect(poll(guest, 1)).toHaveLength(1);
    subscribeClock(guest, 0, 0n, 17);
    expect(poll(guest, 1)).toEqual([[100, "inval", 0, 0]]);
  });

  it("has larger subscriptions in wasi_unstable", () => {
    const guest = new Guest({}, "wasi_unstable");
    // The identifier, which preview 1 does not have, would be clock 9 there.
    subscribe(guest, 0, 0, 9, 56);
    guest.view.setUint32(1048, 1, true);
    guest.view.setBigUint64(1056, 10n ** 12n, true);
    subscribe(guest, 1, 2, 1, 56);
    expect(poll(guest, 2)).toEqual([[101, "success", 2, 0]]);
  });
});

describe("wasi_unstable", () => {
  it("counts whence otherwise and has a shorter filestat", () => {
    const options = { preopens: { "/": memoryFileSystem({ files: FILES }) } };
    const guest = new Guest(options, "wasi_unstable");
    const fd = guest.opened("file");
    const seek = (offset: bigint, whence: number) => {
      expect(guest.call("fd_seek", fd, offset, whence, 16)).toBe("success");
      return guest.u64();
    };
    expect([seek(2n, 2), seek(1n, 0), seek(-1n, 1)]).toEqual([2n, 3n, 5n]);
    guest.bytes.fill(0xaa, DATA, DATA + 64);
    expect(guest.call("fd_filestat_get", fd, DATA)).toBe("success");
    expect([guest.bytes[DATA + 16], guest.u32(DATA + 20), guest.u64(DATA + 24)]).toEqual([
      4,
      1,
      6n,
    ]);
    expect(guest.bytes[DATA + 56]).toBe(0xaa);
  });

  it("has the functions of its time", () => {
    const { imports } = wasi();
    const names = Object.keys(imports.wasi_snapshot_preview1);
    expect(names).toHaveLength(46);
    expect(Object.keys(imports.wasi_unstable)).toEqual(
      names.filter((name) => name !== "sock_accept"),
    );
  });
});
