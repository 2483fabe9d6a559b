// Runs one file of the JavaScript API's tests in this process, as a classic script after its META
// scripts, and provides the part of WPT's testharness.js that they use. Plain JavaScript, so that any
// Node can run it: `node [--import POLYFILL] child.mjs SUITE PATH REPORT`. Writes to the file REPORT one
// JSON line per subtest in the order in which they were registered, then one for the file. It judges
// nothing: what may fail is the parent's business (harness.ts).

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import vm from "node:vm";

const [suite, path, report] = process.argv.slice(2);

/** @type {{ name: string, error: string | null | undefined }[]} */
const subtests = [];
/** @type {(() => Promise<void>)[]} */
const promiseTests = [];

const describeError = (error) => {
  if (!(error instanceof Error)) return `thrown: ${formatValue(error)}`;
  return `${error.name}: ${error.message}\n${String(error.stack).split("\n").slice(1, 6).join("\n")}`;
};

/** A readable string of any value. */
function formatValue(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  if (typeof value === "function") return `function "${value.name}"`;
  if (typeof value === "object" && value !== null) {
    try {
      return `object "${value}"`;
    } catch {
      return Object.prototype.toString.call(value);
    }
  }
  return String(value);
}

class AssertionError extends Error {
  name = "AssertionError";
}

function assert(condition, message, description) {
  if (condition) return;
  throw new AssertionError(description === undefined ? message() : `${description}: ${message()}`);
}

const same = (a, b) => typeof a === typeof b && Object.is(a, b);

function checkThrown(error, Constructor, description) {
  const found = () => `threw ${formatValue(error)}, expected ${Constructor.name}`;
  const isObject = (typeof error === "object" || typeof error === "function") && error !== null;
  assert(isObject, found, description);
  assert(error.constructor === Constructor, found, description);
  assert(error.name === Constructor.name, found, description);
}

/** What `fn` throws, in an array; null if it returns. */
function thrownBy(fn) {
  try {
    fn();
  } catch (error) {
    return [error];
  }
  return null;
}

function checkThrows(fn, check, description) {
  const thrown = thrownBy(fn);
  assert(thrown !== null, () => "did not throw", description);
  check(thrown[0]);
}

async function checkRejects(promise, check, description) {
  let reason;
  try {
    const value = await promise;
    reason = new AssertionError(`resolved with ${formatValue(value)}`);
  } catch (error) {
    check(error);
    return;
  }
  assert(false, () => reason.message, description);
}

const sameName = (expected, description) => (error) => {
  const text = () => `threw ${formatValue(error)}, expected a ${expected.name}`;
  assert(error?.name === expected.name, text, description);
};

const assertions = {
  assert_true(value, description) {
    assert(value === true, () => `expected true, got ${formatValue(value)}`, description);
  },
  assert_false(value, description) {
    assert(value === false, () => `expected false, got ${formatValue(value)}`, description);
  },
  assert_equals(actual, expected, description) {
    const text = () => `expected ${formatValue(expected)}, got ${formatValue(actual)}`;
    assert(same(actual, expected), text, description);
  },
  assert_not_equals(actual, expected, description) {
    assert(!same(actual, expected), () => `got disallowed ${formatValue(actual)}`, description);
  },
  assert_array_equals(actual, expected, description) {
    const text = () => `expected ${formatValue(expected)}, got ${formatValue(actual)}`;
    assert(typeof actual === "object" && actual !== null, text, description);
    assert(actual.length === expected.length, text, description);
    for (let i = 0; i < expected.length; i++) {
      assert(Object.hasOwn(actual, i) === Object.hasOwn(expected, i), text, description);
      assert(same(actual[i], expected[i]), text, description);
    }
  },
  assert_throws_js(Constructor, fn, description) {
    checkThrows(fn, (error) => checkThrown(error, Constructor, description), description);
  },
  promise_rejects_js(_test, Constructor, promise, description) {
    const check = (error) => checkThrown(error, Constructor, description);
    return checkRejects(promise, check, description);
  },
  assert_throws_exactly(value, fn, description) {
    const text = (error) => () => `threw ${formatValue(error)}, expected ${formatValue(value)}`;
    checkThrows(fn, (error) => assert(same(error, value), text(error), description), description);
  },
  assert_throws(expected, fn, description) {
    checkThrows(fn, sameName(expected, description), description);
  },
  promise_rejects(_test, expected, promise, description) {
    return checkRejects(promise, sameName(expected, description), description);
  },
  assert_class_string(object, name, description) {
    assertions.assert_equals(
      Object.prototype.toString.call(object),
      `[object ${name}]`,
      description,
    );
  },
  assert_own_property(object, name, description) {
    const text = () => `no own property ${formatValue(name)}`;
    assert(Object.hasOwn(object, name), text, description);
  },
  assert_not_own_property(object, name, description) {
    const text = () => `has own property ${formatValue(name)}`;
    assert(!Object.hasOwn(object, name), text, description);
  },
  assert_unreached(description) {
    assert(false, () => "reached unreachable code", description);
  },
};

/** The `t` that a test function gets. */
class Test {
  #cleanups = [];

  add_cleanup(fn) {
    this.#cleanups.push(fn);
  }

  step(fn, self, ...rest) {
    return fn.apply(self, rest);
  }

  unreached_func(description) {
    return () => assertions.assert_unreached(description);
  }

  cleanUp() {
    for (const fn of this.#cleanups.splice(0)) fn();
  }
}

/** Registers a subtest; undefined as its error means that it has not come to an end. */
function register(name) {
  const subtest = { name: name === undefined ? "" : String(name), error: undefined };
  subtests.push(subtest);
  return subtest;
}

function test(fn, name) {
  const subtest = register(name);
  const t = new Test();
  try {
    fn.call(t, t);
    t.cleanUp();
    subtest.error = null;
  } catch (error) {
    subtest.error = describeError(error);
  }
}

function promise_test(fn, name) {
  const subtest = register(name);
  promiseTests.push(async () => {
    const t = new Test();
    try {
      const promise = fn.call(t, t);
      assert(typeof promise?.then === "function", () => "the function returned no promise");
      await promise;
      t.cleanUp();
      subtest.error = null;
    } catch (error) {
      subtest.error = describeError(error);
    }
  });
}

function setup(fn) {
  if (typeof fn === "function") fn();
}

const globals = { ...assertions, test, promise_test, setup, format_value: formatValue };
for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

/** Paths of the scripts that a test file names, in order. */
function metaScripts(text) {
  return [...text.matchAll(/^\/\/ META: script=(.*)$/gm)].map(([, script]) => {
    const rooted = script.trim().split("/wasm/jsapi/");
    return rooted.length === 2 ? join(suite, rooted[1]) : join(dirname(path), script.trim());
  });
}

async function run() {
  const text = readFileSync(path, "utf8");
  for (const script of metaScripts(text)) {
    vm.runInThisContext(readFileSync(script, "utf8"), { filename: script });
  }
  vm.runInThisContext(text, { filename: path });
}

let harnessError = null;
const unhandled = [];
process.on("unhandledRejection", (reason) => unhandled.push(describeError(reason)));
try {
  await run();
} catch (error) {
  harnessError = describeError(error);
}
// Also after a harness error: what was registered before it is judged.
for (const runTest of promiseTests) await runTest();
// Node tells about rejections that nobody looks at when the queue of microtasks is empty.
await new Promise((resolve) => setImmediate(resolve));
const lines = [...subtests, { harnessError: harnessError ?? unhandled[0] ?? null }];
writeFileSync(report, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
process.exit(0);
