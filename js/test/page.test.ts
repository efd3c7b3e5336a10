// The committed page script is what the source builds. How much a page has to load is held by `npm run size -w js`.

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
// @ts-expect-error a script, without types
import { bundle } from "../scripts/bundle.mjs";

const PAGE = new URL("../../python/rtcore/site/client/client.js", import.meta.url);

vi.setConfig({ testTimeout: 120_000 });

test("the committed page script is what the source builds: npm run page -w js", async () => {
  const built = await bundle("src/index.ts", PAGE.pathname);
  expect(readFileSync(PAGE, "utf8") === built.code).toBe(true);
  expect(readFileSync(`${PAGE.pathname}.map`, "utf8") === built.map).toBe(true);
});
