// How much a page has to load (gzip -9), and that the committed page script is what the source builds.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error a script, without types
import { bundle, gzipped } from "../scripts/bundle.mjs";

const PAGE = new URL("../../python/rtcore/site/client/client.js", import.meta.url);
const KIB = 1024;

const sizeOf = async (entry: string): Promise<number> => gzipped((await bundle(`src/${entry}.ts`)).code);

test("the committed page script is what the source builds: npm run page -w js", async () => {
  const built = await bundle("src/index.ts", PAGE.pathname);
  expect(readFileSync(PAGE, "utf8") === built.code).toBe(true);
  expect(readFileSync(`${PAGE.pathname}.map`, "utf8") === built.map).toBe(true);
});

test("each part is as small as it is said to be", async () => {
  const core = await sizeOf("core");
  const page = await sizeOf("index");
  const parts = { core, page };
  console.log(parts);
  expect(core).toBeLessThan(15.5 * KIB);
  expect(page).toBeLessThan(22.5 * KIB);
});
