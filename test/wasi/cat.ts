// Runs a program of WASI between the pipes of this process; started by node-streams.test.ts.

import { readFileSync } from "node:fs";
import { Module, Store } from "../../src/api/index.ts";
import { wasi } from "../../src/wasi/index.ts";
import { descriptorInput, descriptorOutput } from "../../src/wasi/node.ts";

const world = wasi({ stdin: descriptorInput(0), stdout: descriptorOutput(1) });
const module = Module.from(readFileSync(process.argv[2]));
process.exitCode = world.run(new Store().instantiate(module, world.imports));
