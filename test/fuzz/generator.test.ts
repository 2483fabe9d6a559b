// Properties of the generator of random valid modules: they are valid, they use every instruction
// there is, and those meant to be run end.

import { describe, expect, it } from "vitest";
import {
  type FeatureSet,
  featureNames,
  featureSet,
  parseFeatures,
} from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { I64, isReference, V128, type ValType } from "../../src/isa/types.ts";
import { funcTypeAt, type ModuleRecord } from "../../src/module/module.ts";
import { type GenerateOptions, generateModule, randomFeatures } from "./generate/module.ts";
import { type Host, localHost } from "./hosts.ts";
import { visitBody, waits } from "./instructions.ts";
import { splitBodies, splitSections } from "./parts.ts";
import { hostFeatures } from "./probe.ts";
import { Random } from "./random.ts";
import { toHex } from "./reduce.ts";
import { judge } from "./verdict.ts";
import { SECTION } from "./writer.ts";

function module(seed: number, index: number, options: GenerateOptions): Uint8Array {
  return generateModule(Random.of(seed, index), options);
}

function requireValid(bytes: Uint8Array, features: FeatureSet): void {
  const { kind, message } = judge(bytes, features);
  const names = featureNames(features).join();
  expect(kind, `${message}\nfeatures ${names}\n${toHex(bytes)}`).toBe("valid");
}

describe("generated modules", () => {
  it.each(["wasm1", "wasm2", "wasm3", "default", "all"])("are valid with %s", (preset) => {
    const features = parseFeatures(preset);
    for (let i = 0; i < 300; i++) requireValid(module(1, i, { features }), features);
  });

  it("are valid with random features, and ask for no others", () => {
    for (let i = 0; i < 800; i++) {
      const features = randomFeatures(Random.of(2, i), parseFeatures("all"));
      requireValid(module(3, i, { features }), features);
    }
  });

  it("are valid when they are meant to be run", () => {
    const features = featureSet();
    for (let i = 0; i < 300; i++) requireValid(module(4, i, { features, bounded: true }), features);
  });

  it("are the same for the same seed", () => {
    const options = { features: parseFeatures("all") };
    for (let i = 0; i < 20; i++) expect(module(5, i, options)).toEqual(module(5, i, options));
  });

  it("use every instruction", () => {
    const missing = new Set(INSTRUCTIONS.map(({ name }) => name));
    for (let i = 0; i < 4000 && missing.size > 0; i++) {
      const bytes = module(6, i, { features: parseFeatures("all") });
      const code = splitSections(bytes)?.find(({ id }) => id === SECTION.code);
      for (const body of splitBodies(code?.payload ?? new Uint8Array()) ?? []) {
        visitBody(body, ({ op }) => missing.delete(instructionAt(op)?.name ?? ""));
      }
    }
    expect([...missing]).toEqual([]);
  });
});

/** What running needs of the WebAssembly namespace. */
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: Record<string, unknown> };
}

const engine = (globalThis as { WebAssembly?: Engine }).WebAssembly;
const local = localHost();

/** An argument that JavaScript can pass for a type. */
function argument(type: ValType): unknown {
  return type === I64 ? 3n : isReference(type) ? null : 3;
}

/** Calls every exported function, each with full fuel; how many returned and how many trapped. */
function run({ Module, Instance }: Engine, bytes: Uint8Array, record: ModuleRecord) {
  const { exports } = new Instance(new Module(bytes));
  const fuel = exports.fuel as { value: number };
  const counts = { returned: 0, trapped: 0 };
  for (const { kind, name, index } of record.exports) {
    if (kind !== "func") continue;
    const { params = [], results = [] } = funcTypeAt(record, record.functions[index]) ?? {};
    // No v128 crosses the border to JavaScript.
    if ([...params, ...results].includes(V128)) continue;
    fuel.value = 1000;
    try {
      (exports[name] as (...values: unknown[]) => unknown)(...params.map(argument));
      counts.returned++;
    } catch {
      counts.trapped++;
    }
  }
  return counts;
}

describe("generated modules that are meant to be run", () => {
  it.skipIf(engine === undefined || local === null)("end, and often without a trap", async () => {
    const features = await hostFeatures(local as Host);
    const total = { returned: 0, trapped: 0, refused: 0 };
    const start = performance.now();
    for (let i = 0; i < 300; i++) {
      const bytes = module(8, i, { features, bounded: true });
      const record = judge(bytes, features).module as ModuleRecord;
      if (waits(record)) continue;
      try {
        const { returned, trapped } = run(engine as Engine, bytes, record);
        total.returned += returned;
        total.trapped += trapped;
      } catch {
        // The start function trapped.
        total.refused++;
      }
    }
    expect(performance.now() - start).toBeLessThan(30_000);
    expect(total.refused).toBeLessThan(60);
    expect(total.returned).toBeGreaterThan(350);
    expect(total.trapped).toBeGreaterThan(30);
  });
});
