// Runs the scripts of the conformance suite as far as it goes without execution: modules are linked
// and instantiated, start functions and actions are left out. What must not link must be refused,
// and what traps in a segment must trap.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { F32, F64, I32, I64 } from "../../src/isa/types.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { ExternInstance, ModuleInstance } from "../../src/runtime/instances.ts";
import { LinkError, Trap } from "../../src/runtime/trap.ts";
import { suiteFile } from "../binary/suite.ts";
import { load } from "../validation/assemble.ts";
import { func, global, instance, memory, Store, table } from "./support.ts";

interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly module_type?: string;
  readonly name?: string;
  readonly as?: string;
  readonly instance?: string;
  readonly module?: string;
  readonly text?: string;
}

/** How many commands of each type were judged, and which went wrong. */
export interface Findings {
  readonly judged: Record<string, number>;
  readonly wrong: string[];
}

function spectest(store: Store): Map<string, ExternInstance> {
  const prints = { print: [], print_i32: [I32], print_i64: [I64], print_f32: [F32] };
  const more = { print_f64: [F64], print_i32_f32: [I32, F32], print_f64_f64: [F64, F64] };
  const functions = Object.entries({ ...prints, ...more });
  return new Map<string, ExternInstance>([
    ...functions.map(([name, params]) => [name, func(params)] as const),
    ["global_i32", global(store, I32, false, 666)],
    ["global_i64", global(store, I64, false, 666)],
    ["global_f32", global(store, F32, false, 0x4426a666)],
    ["global_f64", global(store, F64, false, -858993459, 0x4084d4cc)],
    ["table", table(store, { min: 10n, max: 20n })],
    ["table64", table(store, { min: 10n, max: 20n, address64: true })],
    ["memory", memory(store, { min: 1n, max: 2n })],
    ["shared_memory", memory(store, { min: 1n, max: 2n, shared: true })],
  ]);
}

/** One script, with a store and registered instances of its own. */
class Script {
  private readonly store = new Store();
  private readonly folder: string;
  private readonly label: string;
  private readonly findings: Findings;
  private readonly registered = new Map<string, ReadonlyMap<string, ExternInstance>>();
  private readonly definitions = new Map<string | undefined, ModuleRecord>();
  /** By name; undefined names the current one, null stands for one that could not be made. */
  private readonly instances = new Map<string | undefined, ModuleInstance | null>();

  constructor(folder: string, label: string, findings: Findings) {
    this.folder = folder;
    this.label = label;
    this.findings = findings;
    this.registered.set("spectest", spectest(this.store));
  }

  run(command: Command): void {
    switch (command.type) {
      case "module":
        this.define(command);
        this.instantiate(command, command.name, this.definitions.get(undefined));
        return;
      case "module_definition":
        this.define(command);
        return;
      case "module_instance":
        this.instantiate(command, command.instance, this.definitions.get(command.module));
        return;
      case "register": {
        const exports = this.instances.get(command.name)?.exports;
        if (exports !== undefined) this.registered.set(command.as ?? "", exports);
        return;
      }
      case "assert_unlinkable":
      case "assert_uninstantiable":
        this.refuse(command);
    }
  }

  private load({ filename = "" }: Command): ModuleRecord {
    return load(new Uint8Array(readFileSync(join(this.folder, filename))));
  }

  private define(command: Command): void {
    const record = this.load(command);
    this.definitions.set(undefined, record);
    this.definitions.set(command.name, record);
  }

  private link(record: ModuleRecord): ModuleInstance {
    const externs = record.imports.map((item) => this.registered.get(item.module)?.get(item.name));
    return instance(this.store, record, externs);
  }

  private instantiate(command: Command, name: string | undefined, record?: ModuleRecord): void {
    const place = `${this.label}:${command.line}`;
    let made: ModuleInstance | null = null;
    try {
      made = this.link(record as ModuleRecord);
      this.count(command.type);
    } catch (error) {
      this.findings.wrong.push(`${place} ${error}`);
    }
    this.instances.set(undefined, made);
    this.instances.set(name, made);
  }

  private count(type: string): void {
    this.findings.judged[type] = (this.findings.judged[type] ?? 0) + 1;
  }

  /** A start function that would trap is not run, so that such modules are made after all. */
  private refuse(command: Command): void {
    const place = `${this.label}:${command.line}`;
    const record = this.load(command);
    const kind = command.type === "assert_unlinkable" ? LinkError : Trap;
    if (kind === Trap && record.start !== null) return;
    try {
      this.link(record);
      this.findings.wrong.push(`${place} was instantiated`);
    } catch (error) {
      const phrase = error instanceof LinkError || error instanceof Trap ? error.phrase : "";
      const right = error instanceof kind && phrase === command.text;
      if (right) this.count(command.type);
      else this.findings.wrong.push(`${place} ${error}, not ${command.text}`);
    }
  }
}

/** Runs every script of the suite. */
export function runSuite(): Findings {
  const findings: Findings = { judged: {}, wrong: [] };
  const manifest = JSON.parse(readFileSync(suiteFile("json/manifest.json"), "utf8"));
  for (const { group, name, json } of manifest as { group: string; name: string; json: string }[]) {
    const file = suiteFile(json);
    const { commands } = JSON.parse(readFileSync(file, "utf8")) as { commands: Command[] };
    const script = new Script(dirname(file), `${group}/${name}`, findings);
    for (const command of commands) {
      if (command.module_type !== "text") script.run(command);
    }
  }
  return findings;
}
