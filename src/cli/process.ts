// The streams of the process as an `Io`, and its end as a Unix user expects it. Signals are left to
// the system: they end the process at any time, and the shell sees which one it was.

import { once } from "node:events";
import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { EXIT, type Io } from "./command.ts";
import { unexpected } from "./endings.ts";

const DESCRIPTORS = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** The streams of this process. */
export class ProcessIo implements Io {
  readonly color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  readonly environment = process.env;
  private usesStdin = false;
  private abandoned = false;
  private ended = false;

  /** `brokenPipe`: exit code when nobody reads any more what is written. */
  constructor(brokenPipe: number) {
    this.watchEnd();
    const outputs = { "standard output": process.stdout, "standard error": process.stderr };
    for (const [name, stream] of Object.entries(outputs)) {
      stream.on("error", (error: { code?: string; message: string }) => {
        makeRoom();
        this.ended = true;
        // `wasmeter print big.wasm | head` closes the pipe early; that is no error.
        if (error.code === "EPIPE") process.exit(brokenPipe);
        if (stream !== process.stderr) {
          process.stderr.write(`wasmeter: cannot write ${name}: ${error.message}\n`);
        }
        process.exit(EXIT.host);
      });
    }
  }

  /** @throws Error if it is a directory, which Node takes for an empty file */
  get stdin(): AsyncIterable<Uint8Array> {
    if (isDirectory(DESCRIPTORS.stdin)) throw new Error("it is a directory");
    this.usesStdin = true;
    return process.stdin;
  }

  isTerminal(stream: keyof typeof DESCRIPTORS): boolean {
    return isatty(DESCRIPTORS[stream]);
  }

  out(text: string | Uint8Array): void {
    process.stdout.write(text);
  }

  err(text: string | Uint8Array): void {
    process.stderr.write(text);
  }

  drained(): Promise<void> | undefined {
    const full = [process.stdout, process.stderr].filter((stream) => stream.writableNeedDrain);
    if (full.length === 0) return undefined;
    return Promise.all(full.map((item) => once(item, "drain"))).then(() => undefined);
  }

  abandon(): void {
    this.abandoned = true;
  }

  /** Whatever ends the process: Node shows neither code nor stacks of ours. */
  private watchEnd(): void {
    process.on("uncaughtException", (error) => {
      this.ended = true;
      process.stderr.write(unexpected(error));
      process.exit(EXIT.host);
    });
    process.on("exit", (code) => {
      if (this.ended || code !== 0) return;
      process.stderr.write("wasmeter: the program waits for something that cannot come any more\n");
      process.exitCode = EXIT.host;
    });
  }

  /** Ends the process with `code`, when what was written has been taken. */
  end(code: number): void {
    this.ended = true;
    process.exitCode = code;
    makeRoom();
    // An input that nobody has read to its end would keep the process.
    if (this.usesStdin) process.stdin.destroy();
    if (this.abandoned) process.exit();
  }
}

function isDirectory(fd: number): boolean {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Gives V8 room before the process ends. At its end Node waits for the threads that compile, and
 * deadlocks if one of them has run out of heap and waits for a collection (nodejs/node#54918). The
 * interpreter's loop takes V8 so long to optimise that this hung 9 of 241 runs on a busy machine
 * with Node 20, and none of 302 after a collection, which takes 5 to 10 ms.
 */
export function makeRoom(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
