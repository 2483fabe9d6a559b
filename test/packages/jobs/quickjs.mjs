// QuickJS (Emscripten): a JavaScript interpreter in Wasm runs a program, calls functions of the host
// and recurses deeply, up to the limit of its own stack and over it.

export async function load() {
  const { newQuickJSWASMModuleFromVariant } = await import("quickjs-emscripten-core");
  const variant = import("@jitl/quickjs-wasmfile-release-sync");
  return newQuickJSWASMModuleFromVariant(variant);
}

const PROGRAM = `
  class Board {
    #columns = new Set(); #up = new Set(); #down = new Set(); solutions = 0;
    place(row, size) {
      if (row === size) { this.solutions++; return this; }
      for (let c = 0; c < size; c++) {
        if (this.#columns.has(c) || this.#up.has(row + c) || this.#down.has(row - c)) continue;
        this.#columns.add(c); this.#up.add(row + c); this.#down.add(row - c);
        this.place(row + 1, size);
        this.#columns.delete(c); this.#up.delete(row + c); this.#down.delete(row - c);
      }
      return this;
    }
  }
  function* primes() { for (let n = 2; ; n++) if (isPrime(n)) yield n; }
  const isPrime = (n) => { for (let d = 2; d * d <= n; d++) if (n % d === 0) return false; return true; };
  const first = []; for (const p of primes()) { first.push(p); if (first.length === 60) break; }
  const depth = (n) => n === 0 ? 0 : 1 + depth(n - 1);
  let overflow = 0, message = "";
  const forever = () => { overflow++; return 1 + forever(); };
  try { forever(); } catch (error) { message = error.name + ": " + error.message; }
  const nested = "[".repeat(400) + "]".repeat(400);
  JSON.stringify({
    queens: new Board().place(0, 6).solutions,
    first,
    big: (3n ** 200n % 1000000007n).toString(),
    sorted: Array.from({ length: 200 }, (_, i) => (i * 7919) % 1009).sort((a, b) => a - b),
    text: "a1b22c333".replace(/(?<letter>[a-c])(\\d+)/g, (_, l, d) => l.toUpperCase() + d * 2),
    float: [0.1 + 0.2, 1e21, Math.hypot(3, 4), Math.sin(1), 2 ** -1074, (25).toString(36)],
    date: new Date(Date.UTC(2024, 1, 29)).toISOString(),
    deep: depth(2000), overflow, message,
    nested: JSON.stringify(JSON.parse(nested)).length,
    host: host("question", 41),
  })
`;

export function job(QuickJS) {
  const vm = QuickJS.newContext();
  // Half of the stack that the guest has; a build without optimisations takes a megabyte of V8's.
  vm.runtime.setMaxStackSize(512 * 1024);
  const calls = [];
  const host = vm.newFunction("host", (text, number) => {
    calls.push(vm.getString(text));
    // Into the guest again from a function that the guest has called.
    const inner = vm.unwrapResult(vm.evalCode(`${vm.getNumber(number)} + 1`));
    return inner;
  });
  vm.setProp(vm.global, "host", host);
  host.dispose();
  const value = vm.unwrapResult(vm.evalCode(PROGRAM));
  const result = JSON.parse(vm.getString(value));
  value.dispose();
  const failed = vm.evalCode("null.x");
  const error = vm.dump(failed.error);
  failed.error.dispose();
  let steps = 0;
  vm.runtime.setInterruptHandler(() => ++steps > 20);
  const stopped = vm.evalCode("while (true);");
  const interrupted = vm.dump(stopped.error).message;
  stopped.error.dispose();
  vm.dispose();
  return { result, calls, error: [error.name, error.message], interrupted };
}
