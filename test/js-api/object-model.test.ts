// The namespace's objects beside the host's own, property by property: attributes, kinds, names and
// lengths of functions, prototypes, what is a constructor. What this host lacks is told by Web IDL.

import { describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { Host } from "./support.ts";

/** Newer than the oldest host that we run on, or put right since. */
const NEW =
  /^WebAssembly\.(JSTag|Memory\.prototype\.to\w+Buffer|Exception(\.prototype\.stack|\.length =))/;
/** Newer hosts have them, and other specifications; or old hosts, and none. */
const FOREIGN =
  /^WebAssembly\.(Suspend\w+|promising|\w+\.(arguments|caller))\b|Prototype\]\]: AbstractModule/;

const BUILT_IN = new Map<unknown, string>([
  [Object.prototype, "Object.prototype"],
  [Function.prototype, "Function.prototype"],
  [Error, "Error"],
  [Error.prototype, "Error.prototype"],
]);

function isConstructor(value: unknown): boolean {
  try {
    Reflect.construct(Object, [], value as () => void);
    return true;
  } catch {
    return false;
  }
}

function attributes({ writable, enumerable, configurable }: PropertyDescriptor): string {
  return `${writable ? "w" : "-"}${enumerable ? "e" : "-"}${configurable ? "c" : "-"}`;
}

/** Lines about an object and all that can be reached from it, but not up the chain of prototypes. */
function describeObject(path: string, object: object, seen = new Set<unknown>()): string[] {
  if (seen.has(object)) return [];
  seen.add(object);
  const prototype = BUILT_IN.get(Object.getPrototypeOf(object)) ?? "AbstractModuleSource";
  const lines = [
    `${path}: ${typeof object} [[Prototype]]: ${prototype}`,
    `${path}: extensible ${Object.isExtensible(object)}, constructor ${isConstructor(object)}`,
  ];
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
    const name = `${path}.${String(key)}`;
    const parts = [descriptor.value, descriptor.get, descriptor.set];
    const kinds = parts.map((part) => typeof part).join(" ");
    lines.push(`${name}: ${attributes(descriptor)} ${kinds}`);
    for (const part of parts) {
      if (typeof part === "string" || typeof part === "number") lines.push(`${name} = ${part}`);
      const walked = typeof part === "function" || (typeof part === "object" && part !== null);
      if (walked && !BUILT_IN.has(part)) lines.push(...describeObject(name, part, seen));
    }
  }
  return lines;
}

const describeNamespace = (namespace: object) =>
  describeObject("WebAssembly", namespace).filter((line) => !FOREIGN.test(line));

const hasConstructor = (line: string) => /: extensible true, constructor true$/.test(line);

describe("the namespace's objects", () => {
  const ours = describeNamespace(Ours);

  it("have all of the host's properties, with their attributes", () => {
    const found = new Set(ours);
    const host = describeNamespace(Host);
    expect(host.length).toBeGreaterThan(150);
    const comparable = host.filter((line) => !NEW.test(line));
    expect(comparable.filter((line) => !found.has(line))).toEqual([]);
  });

  it("have no others", () => {
    const found = new Set(describeNamespace(Host));
    const more = ours.filter((line) => !found.has(line) && !NEW.test(line));
    expect(more).toEqual([]);
  });

  it("are constructors where the specification has interfaces, and nowhere else", () => {
    const names = ours.filter(hasConstructor).map((line) => line.split(":")[0].slice(12));
    const interfaces = ["Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception"];
    const errors = ["CompileError", "LinkError", "RuntimeError"];
    expect(names.sort()).toEqual([...interfaces, ...errors].sort());
  });
});
