// All attacks, by where they strike.

import { AGGREGATE_ATTACKS } from "./aggregates.ts";
import { BULK_ATTACKS } from "./bulk.ts";
import { COMPILED_ATTACKS } from "./compiled.ts";
import { GUEST_ATTACKS } from "./guests.ts";
import { HOST_ATTACKS } from "./hosts.ts";
import { INVENTED_ATTACKS } from "./inventions.ts";
import { MODULE_ATTACKS } from "./modules.ts";
import { OBJECT_ATTACKS } from "./objects.ts";
import type { Attack } from "./probe.ts";
import { PROGRAM_ATTACKS } from "./programs.ts";
import { STRING_ATTACKS } from "./strings.ts";
import { TENANT_ATTACKS } from "./tenants.ts";
import { THREAD_ATTACKS } from "./threads.ts";

export const ATTACKS: readonly Attack[] = [
  ...BULK_ATTACKS,
  ...GUEST_ATTACKS,
  ...MODULE_ATTACKS,
  ...HOST_ATTACKS,
  ...PROGRAM_ATTACKS,
  ...INVENTED_ATTACKS,
  ...OBJECT_ATTACKS,
  ...AGGREGATE_ATTACKS,
  ...STRING_ATTACKS,
  ...TENANT_ATTACKS,
  ...THREAD_ATTACKS,
  ...COMPILED_ATTACKS,
];

export function attackNamed(name: string): Attack {
  const attack = ATTACKS.find((item) => item.name === name);
  if (attack === undefined) throw new RangeError(`no attack is named "${name}"`);
  return attack;
}
