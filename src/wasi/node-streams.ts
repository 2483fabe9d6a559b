// The host's streams for guests: descriptors such as 0, 1 and 2 with blocking calls, and Node's
// own streams for guests that can be suspended. Bytes go through as they are.

import * as fs from "node:fs";
import type { Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { fail, WasiError } from "./errno.ts";
import { hosted } from "./node-errors.ts";
import { type InputStream, MOST_WAITING, type OutputStream } from "./streams.ts";
import { block } from "./waiting.ts";

/** Milliseconds between two attempts at a descriptor that does not block. */
const RETRY = 2;
const NOTHING = new Uint8Array(0);

/** Runs `action` until it no longer says that it would have to wait. */
function insist<T>(action: () => T): T {
  for (;;) {
    try {
      return hosted(action);
    } catch (error) {
      if (!(error instanceof WasiError && error.code === "again")) throw error;
    }
    block(RETRY, null);
  }
}

/**
 * Input from a descriptor of the host, e.g. 0, with calls that block the process, also where the
 * guest only asks whether there is some. Where the guest can be suspended, or must be stopped in
 * time, `streamInput` is better.
 */
export function descriptorInput(fd: number): InputStream {
  const read = (max: number): Uint8Array => {
    const bytes = new Uint8Array(max);
    try {
      return bytes.subarray(
        0,
        insist(() => fs.readSync(fd, bytes)),
      );
    } catch (error) {
      // Windows says so at the end of a pipe.
      if ((error as { code?: unknown }).code === "EOF") return NOTHING;
      throw error;
    }
  };
  return { read, isTerminal: isatty(fd) };
}

/** Output to a descriptor of the host, e.g. 1, with calls that block the process. */
export function descriptorOutput(fd: number): OutputStream {
  return {
    isTerminal: isatty(fd),
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += insist(() => fs.writeSync(fd, bytes, at));
    },
  };
}

/** Input from a stream of Node's, e.g. `process.stdin`: suspends the guest until there is some. */
export function streamInput(stream: Readable): InputStream {
  let input = inputs.get(stream);
  if (input === undefined) {
    input = inputOf(stream);
    inputs.set(stream, input);
  }
  return input;
}

/** Guests that read from one stream share it: what one was too late for is the next one's. */
const inputs = new WeakMap<Readable, InputStream>();

function inputOf(stream: Readable): InputStream {
  let iterator: AsyncIterator<Uint8Array> | null = null;
  const next = async (): Promise<Uint8Array> => {
    // Only when somebody reads: looking at process.stdin already keeps the process alive.
    iterator ??= stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    const { done, value } = await iterator.next();
    if (done) return NOTHING;
    const bytes: Uint8Array = typeof value === "string" ? Buffer.from(value) : value;
    return bytes.length > 0 ? bytes : next();
  };
  return { read: next, isTerminal: (stream as { isTTY?: boolean }).isTTY === true };
}

/** Output to a stream of Node's: the guest is suspended as long as the stream has enough. */
export function streamOutput(stream: Writable): OutputStream {
  let output = outputs.get(stream);
  if (output === undefined) {
    output = outputOf(stream);
    outputs.set(stream, output);
  }
  return output;
}

/** One for each stream, however many guests write to it: each listens to the stream's errors. */
const outputs = new WeakMap<Writable, OutputStream>();

function outputOf(stream: Writable): OutputStream {
  let drained: Promise<void> | null = null;
  let error: (Error & { code?: string }) | null = null;
  stream.on("error", (raised) => {
    error = raised;
  });
  const check = () => {
    if (error?.code === "EPIPE") fail("pipe");
    if (error !== null) throw error;
    // Such a stream tells nobody any more what becomes of a write.
    if (stream.destroyed || stream.writableEnded) fail("pipe");
  };
  return {
    isTerminal: (stream as { isTTY?: boolean }).isTTY === true,
    writeSync(bytes) {
      check();
      if (stream.writableLength > MOST_WAITING) fail("nobufs", "output that nobody takes");
      stream.write(bytes);
    },
    write(bytes) {
      check();
      if (stream.write(bytes)) return undefined;
      drained ??= new Promise<void>((resolve) => {
        const done = () => {
          for (const event of ["drain", "error", "close"]) stream.off(event, done);
          drained = null;
          resolve();
        };
        for (const event of ["drain", "error", "close"]) stream.on(event, done);
      });
      return drained;
    },
  };
}
