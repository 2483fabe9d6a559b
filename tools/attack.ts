// npx tsx tools/attack.ts [PATTERN]
//
// Runs the attacks whose `#item# name` matches and prints what came of each.

import { ATTACKS } from "../test/attacks/list.ts";
import { attackRunner } from "../test/attacks/run.ts";

const pattern = new RegExp(process.argv[2] ?? "");
const runner = await attackRunner();
const chosen = ATTACKS.filter(({ item, name }) => pattern.test(`#${item}# ${name}`));
await Promise.all(
  chosen.map(async (attack) => {
    const { ended, failures, ...figures } = await runner.run(attack);
    console.log(`${failures.length === 0 ? "holds" : "FAILS"}  #${attack.item} ${attack.name}`);
    console.log(`       ${ended.split("\n")[0]} ${JSON.stringify(figures)}`);
    for (const failure of failures) console.log(`       - ${failure.slice(0, 600)}`);
  }),
);
runner.close();
