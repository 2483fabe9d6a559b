// npx tsx tools/attack.ts [PATTERN] [TIER]
//
// Runs the attacks whose `#item# name` matches, in that tier, and prints what came of each.

import { DEFAULT_TIER, type Tier } from "../src/runtime/tier.ts";
import { ATTACKS } from "../test/attacks/list.ts";
import { attackRunner } from "../test/attacks/run.ts";

const [pattern = "", tier = DEFAULT_TIER] = process.argv.slice(2);
const runner = await attackRunner(tier as Tier);
const chosen = ATTACKS.filter(({ item, name }) => new RegExp(pattern).test(`#${item}# ${name}`));
await Promise.all(
  chosen.map(async (attack) => {
    const { ended, failures, ...figures } = await runner.run(attack);
    console.log(`${failures.length === 0 ? "holds" : "FAILS"}  #${attack.item} ${attack.name}`);
    console.log(`       ${ended.split("\n")[0]} ${JSON.stringify(figures)}`);
    for (const failure of failures) console.log(`       - ${failure.slice(0, 600)}`);
  }),
);
runner.close();
