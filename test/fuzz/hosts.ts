// Engines to compare with: the WebAssembly object of this process, and that of another Node.js as
// a long-lived child process. Requests are batches, so that a child costs little per module.
//
// Child protocol, integers little-endian: a request is its kind (one byte), the number of modules
// (u32), and each module with its length (u32) before it; an answer is its length (u32) and either
// one byte per module (1: valid) or text.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** An engine that says which modules it accepts. */
export interface Host {
  readonly name: string;
  /** Whether each of the modules is valid. */
  validate(modules: readonly Uint8Array[]): Promise<boolean[]>;
  /** The engine's message for a module that it refuses; empty if it accepts it. */
  explain(module: Uint8Array): Promise<string>;
  close(): void;
}

/** The part of the WebAssembly namespace that is used here. */
interface Engine {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
}

/** The engine of this process, or null where there is none. */
export function localHost(): Host | null {
  const engine = (globalThis as { WebAssembly?: Engine }).WebAssembly;
  if (engine === undefined) return null;
  return {
    name: `this Node.js (${process.version}, V8 ${process.versions.v8})`,
    validate: async (modules) => modules.map((bytes) => engine.validate(bytes)),
    async explain(module) {
      try {
        new engine.Module(module);
        return "";
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    close() {},
  };
}

const VALIDATE = 0;
const EXPLAIN = 1;
const CHILD = fileURLToPath(new URL("host-child.mjs", import.meta.url));

interface Waiting {
  resolve(answer: Buffer): void;
  reject(error: Error): void;
}

/** A Node.js in a child process. */
class ChildHost implements Host {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly waiting: Waiting[] = [];
  private pending: Buffer = Buffer.alloc(0);

  constructor(command: string) {
    this.name = command;
    const [program, ...args] = command.split(" ");
    const stdio = ["pipe", "pipe", "inherit"] as const;
    this.child = spawn(program, [...args, CHILD], { stdio: [...stdio] });
    this.child.stdout?.on("data", (chunk: Buffer) => this.receive(chunk));
    this.child.stdin?.on("error", (error) => this.fail(error));
    this.child.on("error", (error) => this.fail(error));
    this.child.on("exit", (code, signal) => {
      this.fail(new Error(`${command} ended unexpectedly (${signal ?? code})`));
    });
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private receive(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 4) {
      const end = 4 + this.pending.readUInt32LE(0);
      if (this.pending.length < end) return;
      const answer = this.pending.subarray(4, end);
      this.pending = this.pending.subarray(end);
      this.waiting.shift()?.resolve(answer);
    }
  }

  private request(kind: number, modules: readonly Uint8Array[]): Promise<Buffer> {
    const header = Buffer.alloc(5);
    header[0] = kind;
    header.writeUInt32LE(modules.length, 1);
    const parts: Uint8Array[] = [header];
    for (const bytes of modules) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      parts.push(length, bytes);
    }
    return new Promise((resolve, reject) => {
      if (this.child.exitCode !== null) {
        reject(new Error(`${this.name} has ended`));
        return;
      }
      this.waiting.push({ resolve, reject });
      this.child.stdin?.write(Buffer.concat(parts));
    });
  }

  async validate(modules: readonly Uint8Array[]): Promise<boolean[]> {
    const answer = await this.request(VALIDATE, modules);
    return [...answer].map((byte) => byte === 1);
  }

  async explain(module: Uint8Array): Promise<string> {
    return (await this.request(EXPLAIN, [module])).toString();
  }

  close(): void {
    this.child.removeAllListeners("exit");
    this.child.stdin?.end();
  }
}

/**
 * Starts another engine: `node@26` stands for `npx -y node@26`, anything else is a command that
 * runs the script it is given as its last argument.
 */
export function childHost(command: string): Host {
  return new ChildHost(/^node@[\w.]+$/.test(command) ? `npx -y ${command}` : command);
}
