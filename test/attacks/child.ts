// Runs one attack in this process and prints what came of it: `node child.mjs NAME`.

import { attackNamed } from "./list.ts";
import { Probe } from "./probe.ts";

const attack = attackNamed(process.argv[2]);
const probe = new Probe();
process.on("unhandledRejection", (error) => {
  probe.failures.push(`unhandled rejection: ${String(error)}`);
});
await probe.attempt(() => attack.run(probe));
await new Promise((resolve) => setTimeout(resolve));
process.stdout.write(JSON.stringify(probe.result(attack.megabytes)));
