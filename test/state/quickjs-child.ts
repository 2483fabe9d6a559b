// Goes on with a script in QuickJS that another process has stopped and written down: `node --import
// tsx quickjs-child.ts FILE`. Prints what it comes to, and the fuel.

import { readFileSync } from "node:fs";
import { Store } from "../../src/api/index.ts";
import { IMPORTS } from "../packages/quickjs-wasi.ts";
import { finish, quickjs } from "./quickjs-guest.ts";

const [file] = process.argv.slice(2);
const { executions, instances } = Store.restore(readFileSync(file), {
  modules: [quickjs()],
  imports: IMPORTS,
});
const text = finish(instances.guest, executions.run);
console.log(JSON.stringify([text, executions.run.usage.fuel]));
