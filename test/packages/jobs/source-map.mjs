// source-map 0.7 (Rust, called back for every mapping): reads a map, looks positions up both ways.

import { randomNumbers, sha256 } from "./data.mjs";

export async function load() {
  const { default: sourceMap } = await import("source-map");
  // The first consumer compiles the module.
  const empty = { version: 3, sources: [], names: [], mappings: "" };
  (await new sourceMap.SourceMapConsumer(empty)).destroy();
  return sourceMap;
}

function makeMap({ SourceMapGenerator }) {
  const next = randomNumbers(9);
  const generator = new SourceMapGenerator({ file: "out.js" });
  for (let line = 1; line <= 400; line++) {
    for (let column = 0, i = 0; i < 12; i++, column += 1 + (next() % 9)) {
      generator.addMapping({
        generated: { line, column },
        original: { line: 1 + (next() % 500), column: next() % 80 },
        source: `src/${next() % 7}.ts`,
        ...(next() % 3 === 0 && { name: `name${next() % 50}` }),
      });
    }
  }
  return generator.toJSON();
}

export async function job(sourceMap) {
  const { SourceMapConsumer } = sourceMap;
  const consumer = await new SourceMapConsumer(makeMap(sourceMap));
  const next = randomNumbers(21);
  const found = Array.from({ length: 300 }, () =>
    consumer.originalPositionFor({ line: 1 + (next() % 400), column: next() % 90 }),
  );
  const back = Array.from({ length: 100 }, () => {
    const where = { source: `src/${next() % 7}.ts`, line: 1 + (next() % 500), column: 0 };
    const bias = SourceMapConsumer.LEAST_UPPER_BOUND;
    return [
      consumer.generatedPositionFor({ ...where, bias }),
      consumer.allGeneratedPositionsFor(where),
    ];
  });
  const all = [];
  consumer.eachMapping((m) =>
    all.push(`${m.generatedLine}:${m.generatedColumn} ${m.name} ${m.source}`),
  );
  consumer.destroy();
  const bad = await new SourceMapConsumer({ version: 3, sources: [], names: [], mappings: "%" })
    .then((c) => c.computeColumnSpans())
    .then(() => "accepted", String);
  return { found, back, mappings: all.length, all: sha256(all.join("\n")), bad };
}
