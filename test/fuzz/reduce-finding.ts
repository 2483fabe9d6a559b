// Makes the input of a finding small: candidates must still show a finding that looks the same.

import type { FeatureSet } from "../../src/isa/features.ts";
import { examine, type Finding, findingKey } from "./campaign.ts";
import type { Host } from "./hosts.ts";
import { reduce } from "./reduce.ts";
import { chunkingDifference, judge } from "./verdict.ts";

/** Everything up to the particulars of an instruction or an offset. */
const KEY_LENGTH = 70;

/** A small input that shows the same as `finding`, or its own input. */
export async function reduceFinding(
  finding: Finding,
  host: Host,
  features: FeatureSet,
): Promise<Uint8Array> {
  const wanted = findingKey(finding).slice(0, KEY_LENGTH);
  switch (finding.kind) {
    case "slow":
      return finding.bytes;
    case "defect":
      return reduce(finding.bytes, async (bytes) => judge(bytes, features).kind === "defect");
    case "chunking":
      return reduceIfStill(finding.bytes, async (bytes) => {
        const everyByte = Array.from(bytes, (_, index) => index);
        const chunked = judge(bytes, features, {}, everyByte);
        return chunkingDifference(judge(bytes, features), chunked) !== null;
      });
    case "disagreement":
      return reduceIfStill(finding.bytes, async (bytes) => {
        const [accepted] = await host.validate([bytes]);
        const verdict = judge(bytes, features);
        const { detail, filter } = await examine(host, bytes, verdict, accepted);
        if (detail === null || filter !== null) return false;
        return findingKey({ ...finding, detail }).slice(0, KEY_LENGTH) === wanted;
      });
  }
}

async function reduceIfStill(
  bytes: Uint8Array,
  interesting: (bytes: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  return (await interesting(bytes)) ? reduce(bytes, interesting) : bytes;
}
