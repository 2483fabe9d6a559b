// `npm start`: checks a real 14 MB program, esbuild compiled from Go, while its bytes arrive, then
// shows what wasmeter says about a damaged copy of it.
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { ModuleDecoder, ModuleError } from "wasmeter";

const file = fileURLToPath(import.meta.resolve("esbuild-wasm/esbuild.wasm"));

async function check(damage) {
  const decoder = new ModuleDecoder();
  const started = performance.now();
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 16 })) {
    if (damage !== undefined && bytes <= damage && damage < bytes + chunk.length) {
      chunk[damage - bytes] ^= 1;
    }
    bytes += chunk.length;
    decoder.push(chunk);
  }
  const lastByte = performance.now();
  const module = decoder.end();
  const done = performance.now();
  return { module, bytes, ms: done - started, rest: done - lastByte };
}

const { module, bytes, ms, rest } = await check();
const { record } = module;
console.log("wasmeter decodes and validates WebAssembly as it arrives. A real program, esbuild:\n");
console.log(`  ${(bytes / 1e6).toFixed(1)} MB, ${record.functions.length} functions,`);
console.log(`  ${record.types.length} types, ${record.data.length} data segments: valid`);
console.log(
  `  in ${ms.toFixed(0)} ms from a file, ${rest.toFixed(1)} ms of it after the last byte\n`,
);
console.log("What it needs from its surroundings (it reaches nothing else):\n");
for (const { module: from, name, params, results } of module.imports.slice(0, 5)) {
  console.log(`  ${from}.${name} (${params.join(" ")}) -> (${results.join(" ")})`);
}
console.log(`  … ${module.imports.length} imports in all\n`);
console.log("The same program with one bit flipped in the middle of its code:\n");
try {
  await check(Math.floor(bytes * 0.4));
  console.log("  still a valid module: that bit was the value of a constant");
} catch (error) {
  if (!(error instanceof ModuleError)) throw error;
  console.log(`  ${error.name}: ${error.message}`);
}
console.log("\nTry: npx wasmeter print fixtures/collatz.wasm");
