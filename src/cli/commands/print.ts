// `wasmeter print`: a module in the text format.

import { closeSync, openSync, writeSync } from "node:fs";
import { printModule } from "../../disasm/index.ts";
import { moduleDecode } from "../../embedding/module.ts";
import { type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { readModuleBytes } from "../input.ts";
import { fileArgument, lenientFeaturesOption } from "../options.ts";

const HELP = `usage: wasmeter print [-o FILE] [--features LIST] [--custom] FILE

Prints FILE (.wasm, .wat through wabt, or - for standard input) in the text format.
What it prints assembles to an equal module. The module is decoded, not validated.

  -o, --output FILE  write to FILE instead of standard output
  --custom           print custom sections as (@custom …) annotations
  --features LIST    see \`wasmeter validate --help\`; default: all

Exit code: 0 printed, 1 a file cannot be read or written, 6 the module is malformed
(code is then printed as far as it can be read).
`;

/** Where the text goes. */
interface Sink {
  write(text: string): void | Promise<void>;
  close(): void;
}

function fileSink(path: string): Sink {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new HostError(`cannot write ${path}: ${(error as Error).message}`);
    }
  };
  const file = attempt(() => openSync(path, "w"));
  return {
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += attempt(() => writeSync(file, bytes, at));
    },
    close: () => attempt(() => closeSync(file)),
  };
}

function sinkFor(output: unknown, io: Io): Sink {
  if (typeof output !== "string" || output === "-") {
    const write = (text: string) => {
      io.out(text);
      return io.drained?.();
    };
    return { write, close() {} };
  }
  return fileSink(output);
}

export const print: Command = {
  name: "print",
  summary: "show a module in the text format",
  help: HELP,
  options: {
    output: { type: "string", short: "o" },
    custom: { type: "boolean" },
    features: { type: "string" },
  },
  async run(args, io) {
    const file = fileArgument(args);
    const features = lenientFeaturesOption(args);
    if (args.values.output === "") throw new UsageError("--output needs a file");
    const module = moduleDecode(await readModuleBytes(file, io), { features });
    const sink = sinkFor(args.values.output, io);
    const text = printModule(module, { customs: args.values.custom === true });
    let chunk = text.next();
    for (; !chunk.done; chunk = text.next()) await sink.write(chunk.value);
    sink.close();
    if (chunk.value === null) return EXIT.ok;
    throw chunk.value;
  },
};
