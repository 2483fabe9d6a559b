// A guest without code: calls functions of WASI as an instance of another engine would, with a
// memory that the test fills and reads. Error codes are named by hand from the witx files.

import { type Wasi, type WasiOptions, wasi } from "../../src/wasi/index.ts";

const ERRNO: Readonly<Record<number, string>> = {
  0: "success",
  6: "again",
  8: "badf",
  10: "busy",
  20: "exist",
  21: "fault",
  25: "ilseq",
  27: "intr",
  28: "inval",
  31: "isdir",
  32: "loop",
  33: "mfile",
  37: "nametoolong",
  44: "noent",
  51: "nospc",
  54: "notdir",
  55: "notempty",
  57: "notsock",
  58: "notsup",
  60: "nxio",
  63: "perm",
  64: "pipe",
  69: "rofs",
  70: "spipe",
  75: "xdev",
  76: "notcapable",
};

/** The name of an error code. */
export function errnoName(code: unknown): string {
  return ERRNO[Number(code)] ?? `errno ${String(code)}`;
}

export const READ = 1n << 1n;
export const SEEK = 1n << 2n;
export const TELL = 1n << 5n;
export const WRITE = 1n << 6n;
export const READDIR = 1n << 14n;
/** Every right of a file. */
export const FILE = READ | SEEK | TELL | WRITE | (1n << 3n) | (1n << 8n) | (7n << 21n) | (1n << 7n);
export const ALL = (1n << 30n) - 1n;

export const CREAT = 1;
export const DIRECTORY = 2;
export const EXCL = 4;
export const TRUNC = 8;
export const APPEND = 1;

/** Addresses in the guest's memory. */
const RESULT = 16;
const IOVS = 64;
const TEXT = 4096;
const SECOND_TEXT = 12_288;
export const DATA = 65_536;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Guest {
  readonly wasi: Wasi;
  readonly memory = { buffer: new ArrayBuffer(4 * 2 ** 20) };
  private readonly module: "wasi_snapshot_preview1" | "wasi_unstable";

  constructor(options: WasiOptions = {}, module: Guest["module"] = "wasi_snapshot_preview1") {
    this.wasi = wasi(options);
    this.module = module;
    this.wasi.initialize({ exports: { memory: this.memory } });
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** Calls a function; the name of its error code. */
  call(name: string, ...args: readonly (number | bigint)[]): string {
    return errnoName(this.wasi.imports[this.module][name](...args));
  }

  u32(at = RESULT): number {
    return this.view.getUint32(at, true);
  }

  u64(at = RESULT): bigint {
    return this.view.getBigUint64(at, true);
  }

  text(at: number, length: number): string {
    return decoder.decode(this.bytes.slice(at, at + length));
  }

  /** Puts a text into memory: its address and length. */
  put(text: string, at = TEXT): [address: number, length: number] {
    const bytes = encoder.encode(text);
    this.bytes.set(bytes, at);
    return [at, bytes.length];
  }

  /** Opens a path: the descriptor, or the name of an error code. */
  open(
    path: string,
    { fd = 3, follow = 1, oflags = 0, rights = FILE, inheriting = 0n, flags = 0 } = {},
  ): number | string {
    const args = [fd, follow, ...this.put(path), oflags, rights, inheriting, flags, RESULT];
    const code = this.call("path_open", ...args);
    return code === "success" ? this.u32() : code;
  }

  /** The same for what must work. */
  opened(path: string, options: Parameters<Guest["open"]>[1] = {}): number {
    const fd = this.open(path, options);
    if (typeof fd === "string") throw new Error(`${path}: ${fd}`);
    return fd;
  }

  openedDirectory(path: string, fd = 3): number {
    // All rights but those that make a directory an error.
    return this.opened(path, { fd, oflags: DIRECTORY, rights: ALL & ~WRITE, inheriting: ALL });
  }

  /** Functions that take a descriptor and a path. */
  onPath(name: string, path: string, fd = 3): string {
    return this.call(name, fd, ...this.put(path));
  }

  symlink(target: string, path: string, fd = 3): string {
    return this.call("path_symlink", ...this.put(target), fd, ...this.put(path, SECOND_TEXT));
  }

  rename(from: string, to: string, fd = 3, newFd = fd): string {
    return this.call("path_rename", fd, ...this.put(from), newFd, ...this.put(to, SECOND_TEXT));
  }

  link(from: string, to: string, fd = 3, newFd = fd): string {
    const target = this.put(to, SECOND_TEXT);
    return this.call("path_link", fd, 0, ...this.put(from), newFd, ...target);
  }

  /** The text of a link, or an error code in brackets. */
  readlink(path: string, fd = 3): string {
    const code = this.call("path_readlink", fd, ...this.put(path), DATA, 4096, RESULT);
    return code === "success" ? this.text(DATA, this.u32()) : `[${code}]`;
  }

  private iovs(parts: readonly (readonly [address: number, length: number])[]): [number, number] {
    parts.forEach(([address, length], i) => {
      this.view.setUint32(IOVS + 8 * i, address, true);
      this.view.setUint32(IOVS + 8 * i + 4, length, true);
    });
    return [IOVS, parts.length];
  }

  /** Writes a text: how many bytes were, or an error code. */
  write(fd: number, text: string, offset?: bigint): number | string {
    const iovs = this.iovs([this.put(text, DATA)]);
    const code =
      offset === undefined
        ? this.call("fd_write", fd, ...iovs, RESULT)
        : this.call("fd_pwrite", fd, ...iovs, offset, RESULT);
    return code === "success" ? this.u32() : code;
  }

  /** Reads at most `length` bytes as text, or an error code in brackets. */
  read(fd: number, length = 4096, offset?: bigint): string {
    const iovs = this.iovs([[DATA, length]]);
    const code =
      offset === undefined
        ? this.call("fd_read", fd, ...iovs, RESULT)
        : this.call("fd_pread", fd, ...iovs, offset, RESULT);
    return code === "success" ? this.text(DATA, this.u32()) : `[${code}]`;
  }

  /** Calls `fd_read` or `fd_write` with these buffers. */
  move(name: string, fd: number, parts: readonly (readonly [number, number])[]): string {
    return this.call(name, fd, ...this.iovs(parts), RESULT);
  }

  /** `path_filestat_get`, or an error code. */
  stat(path: string, { fd = 3, follow = 0 } = {}) {
    const code = this.call("path_filestat_get", fd, follow, ...this.put(path), DATA);
    return code === "success" ? this.filestat() : code;
  }

  fstat(fd: number) {
    const code = this.call("fd_filestat_get", fd, DATA);
    return code === "success" ? this.filestat() : code;
  }

  private filestat() {
    return {
      ino: this.u64(DATA + 8),
      filetype: this.bytes[DATA + 16],
      nlink: this.u64(DATA + 24),
      size: this.u64(DATA + 32),
      atim: this.u64(DATA + 40),
      mtim: this.u64(DATA + 48),
    };
  }

  /** Names in a directory, with `.` and `..`, read with a buffer of this size. */
  list(fd: number, size = 4096): string[] {
    const names: string[] = [];
    for (let cookie = 0n; ; ) {
      const code = this.call("fd_readdir", fd, DATA, size, cookie, RESULT);
      if (code !== "success") throw new Error(code);
      const used = this.u32();
      let at = DATA;
      while (at + 24 <= DATA + used) {
        const length = this.view.getUint32(at + 16, true);
        if (at + 24 + length > DATA + used) break;
        names.push(this.text(at + 24, length));
        cookie = this.u64(at);
        at += 24 + length;
      }
      if (used < size) return names;
      if (at === DATA) throw new Error("no entry fits");
    }
  }

  /** Makes a file with these contents. */
  file(path: string, contents: string, fd = 3): void {
    const file = this.opened(path, { fd, oflags: CREAT | TRUNC });
    if (this.write(file, contents) !== contents.length) throw new Error(`cannot write ${path}`);
    this.call("fd_close", file);
  }

  /** The contents of a file, or an error code in brackets. */
  contents(path: string, fd = 3): string {
    const file = this.open(path, { fd, rights: READ });
    if (typeof file === "string") return `[${file}]`;
    const text = this.read(file);
    this.call("fd_close", file);
    return text;
  }
}
