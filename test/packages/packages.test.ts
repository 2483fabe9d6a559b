// Real packages from npm run on our namespace and give the answers that they give on the host's own:
// the same job in two processes, in one of which the polyfill has replaced the global.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import { PACKAGES, runPackage, SUSPENDING_PACKAGE, TIMEOUT } from "./packages.ts";

describe("packages with Wasm inside", () => {
  let bundle: SourceBundle;

  beforeAll(async () => {
    bundle = await bundleSource("js-api/polyfill.ts");
  });
  afterAll(() => bundle?.remove());

  for (const item of [...PACKAGES, SUSPENDING_PACKAGE]) {
    it(
      item.title,
      async () => {
        const [expected, found] = await Promise.all([
          runPackage(item, null),
          runPackage(item, bundle.path),
        ]);
        expect(expected.native).toBe(true);
        expect(found.native).toBe(false);
        expect(found.result).toEqual(expected.result);
      },
      item.timeout ?? TIMEOUT,
    );
  }
});
