// Small parts by themselves, with the package `benchmark`: integers, names, the instruction reader,
// and the whole of decoding and validation on bodies that consist of one kind of instruction.

import Benchmark from "benchmark";
import {
  type Bench,
  type Built,
  type Column,
  gather,
  loadBuilt,
  type Sample,
  type Task,
} from "./harness.ts";
import { type ByteWriter, body, funcType, moduleOf, TYPE } from "./writer.ts";

/** One thing to measure: it handles `bytes` bytes and `items` values each time it runs. */
interface Case {
  readonly bytes: number;
  readonly items: number;
  run(): void;
}

type CaseMaker = (built: Built) => Case;

const REPEATS = 10_000;
const I32_BINARY = [0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x46, 0x48];
const I64_BINARY = I32_BINARY.map((op) => (op >= 0x6a ? op + 0x12 : op + 0x0b));
const F64_BINARY = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0x61, 0x63];

/** Reads the same value `REPEATS` times. */
function cursorCase(
  value: readonly number[],
  read: (cursor: InstanceType<Built["cursor"]["Cursor"]>) => unknown,
): CaseMaker {
  return ({ cursor }) => {
    const bytes = new Uint8Array(value.length * REPEATS);
    for (let i = 0; i < bytes.length; i++) bytes[i] = value[i % value.length];
    const position = new cursor.Cursor(bytes);
    return {
      bytes: bytes.length,
      items: REPEATS,
      run() {
        position.reset(bytes, 0, bytes.length);
        while (!position.atEnd) read(position);
      },
    };
  };
}

function nameCase(text: string): CaseMaker {
  const bytes = new TextEncoder().encode(text);
  return cursorCase([bytes.length, ...bytes], (cursor) => cursor.name(100));
}

/** A module with one function [i32 i64 f64] -> [] whose body is `write`, REPEATS times. */
function bodyModule(write: (writer: ByteWriter) => unknown): Uint8Array {
  return moduleOf({
    type: (w) =>
      w.vec(2, (_, i) => {
        if (i === 0) funcType(w, [TYPE.i32, TYPE.i64, TYPE.f64], []);
        else funcType(w, [TYPE.i32, TYPE.i64], [TYPE.i32]);
      }),
    function: (w) => w.vec(2, (_, i) => w.u32(i)),
    memory: (w) => w.vec(1, () => w.u8(0, 1)),
    code: (w) =>
      w.vec(2, (_, i) => {
        if (i === 0) body(w, (b) => b.times(REPEATS, () => write(b)));
        else body(w, (b) => b.u8(0x20, 0));
      }),
  });
}

/** Decodes and validates such a module; `items` instructions are written each time. */
function validatorCase(items: number, write: (writer: ByteWriter) => unknown): CaseMaker {
  return ({ api }) => {
    const bytes = bodyModule(write);
    return { bytes: bytes.length, items: items * REPEATS, run: () => void api.Module.from(bytes) };
  };
}

/** Only reads the instructions of such a module. */
function readerCase(items: number, write: (writer: ByteWriter) => unknown): CaseMaker {
  return (built) => {
    const { bytes, features, bodyStarts, bodyEnds } = built.api.Module.from(
      bodyModule(write),
    ).record;
    const limits = built.limits.decodingLimits();
    const reader = new built.instructions.InstructionReader(bytes, features, limits);
    return {
      bytes: bodyEnds[0] - bodyStarts[0],
      items: items * REPEATS,
      run() {
        reader.reset(bytes, bodyStarts[0], bodyEnds[0]);
        reader.locals(0);
        while (!reader.atEnd) reader.next();
      },
    };
  };
}

/** Each operation on two reads of the local of its type; the result is dropped. */
function binaryOperations(w: ByteWriter): void {
  const groups = [I32_BINARY, I64_BINARY, F64_BINARY];
  groups.forEach((ops, local) => {
    for (const op of ops) w.u8(0x20, local, 0x20, local, op, 0x1a);
  });
}

const BINARY_COUNT = 4 * (I32_BINARY.length + I64_BINARY.length + F64_BINARY.length);

/** block, loop, br_if, if … else … end, br: 12 instructions. */
function controlFlow(w: ByteWriter): void {
  w.u8(0x02, TYPE.empty, 0x03, TYPE.empty, 0x20, 0, 0x0d, 1, 0x20, 0, 0x04, TYPE.empty);
  w.u8(0x0c, 1, 0x05, 0x0c, 2, 0x0b, 0x0b, 0x0b);
}

const CASES: Readonly<Record<string, CaseMaker>> = {
  "u32, 1 byte": cursorCase([0x2a], (cursor) => cursor.u32()),
  "u32, 5 bytes": cursorCase([0x80, 0x80, 0x80, 0x80, 0x01], (cursor) => cursor.u32()),
  "name, 12 ASCII characters": nameCase("render_frame"),
  "name, 12 characters of 3 bytes": nameCase("描画描画描画描画描画描画"),
  "reader: binary operations": readerCase(BINARY_COUNT, binaryOperations),
  "reader: control": readerCase(12, controlFlow),
  "validator: binary operations": validatorCase(BINARY_COUNT, binaryOperations),
  "validator: control": validatorCase(12, controlFlow),
  "validator: calls": validatorCase(4, (w) => w.u8(0x20, 0, 0x20, 1, 0x10, 1, 0x1a)),
  "validator: loads and stores": validatorCase(5, (w) =>
    w.u8(0x20, 0, 0x20, 0, 0x28, 2, 0x10, 0x36, 2, 0x20, 0x01),
  ),
};

async function measure(task: Task): Promise<Sample> {
  const { bytes, items, run } = CASES[String(task.case)](await loadBuilt());
  const stats = await new Promise<Benchmark.Stats>((resolve, reject) => {
    const options = { maxTime: Number(task.seconds), minSamples: 5 };
    const benchmark = new Benchmark(String(task.case), run, options);
    benchmark.on("complete", () => resolve(benchmark.stats));
    benchmark.on("error", () => reject(benchmark.error));
    benchmark.run({ async: true });
  });
  // The shortest sample, because this package measures wall-clock time: the others contain more of
  // what else the machine was doing.
  const seconds = Math.min(...stats.sample);
  return { bytes: [bytes], items: [items], seconds: [seconds], error: [stats.rme] };
}

const COLUMNS: readonly Column[] = [
  { key: "case", title: "what" },
  { key: "nanoseconds", title: "ns per value or instruction", digits: 2 },
  { key: "rate", title: "MB/s", digits: 0 },
  { key: "error", title: "margin of the mean, %", digits: 1 },
];

export const MICRO: Bench = {
  name: "micro",
  tasks: (quick) => Object.keys(CASES).map((name) => ({ case: name, seconds: quick ? 0.3 : 3 })),
  measure,
  report(results) {
    const rows = Object.keys(CASES).map((name) => {
      const value = (key: string) => gather(results, key, (task) => task.case === name)[0];
      const seconds = value("seconds");
      return {
        case: name,
        nanoseconds: (1e9 * seconds) / value("items"),
        rate: value("bytes") / seconds / 1e6,
        error: value("error"),
      };
    });
    const about =
      "Parts by themselves, each in its own process (so its code is trained on nothing else): " +
      "wall-clock time of the shortest sample, by the package benchmark.";
    return { bench: "micro", about, columns: COLUMNS, rows };
  },
};
