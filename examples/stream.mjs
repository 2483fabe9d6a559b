// A module is checked while it arrives. When its last byte is there, almost nothing is left to do,
// and a broken function is refused before the rest has been sent.
import { readFileSync } from "node:fs";
import { ModuleDecoder, ModuleError } from "wasmeter";

const bytes = readFileSync(new URL("../fixtures/collatz.wasm", import.meta.url));

function receive(bytes) {
  const decoder = new ModuleDecoder();
  for (let at = 0; at < bytes.length; at += 16) {
    try {
      decoder.push(bytes.subarray(at, at + 16));
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      return `refused after ${Math.min(at + 16, bytes.length)} bytes: ${error.message}`;
    }
  }
  const { imports, exports } = decoder.end();
  return `valid, ${imports.length} import, ${exports.length} export`;
}

console.log(receive(bytes));

const broken = Uint8Array.from(bytes);
broken[broken.indexOf(0x58)] = 0x6a; // i64.le_u becomes i32.add
console.log(receive(broken));
