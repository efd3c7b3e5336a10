// How much a page has to load (gzip -9), and that the committed page script is what the source builds.

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
// @ts-expect-error a script, without types
import { bundle, gzipped } from "../scripts/bundle.mjs";

const PAGE = new URL("../../python/rtcore/site/client/client.js", import.meta.url);
const KIB = 1024;

vi.setConfig({ testTimeout: 120_000 });

/** Of a bundle of these parts, of which what is shared counts once. */
const sizeOf = async (entry: string): Promise<number> => gzipped((await bundle(`src/${entry}.ts`)).code);

test("the committed page script is what the source builds: npm run page -w js", async () => {
  const built = await bundle("src/index.ts", PAGE.pathname);
  expect(readFileSync(PAGE, "utf8") === built.code).toBe(true);
  expect(readFileSync(`${PAGE.pathname}.map`, "utf8") === built.map).toBe(true);
});

test("a page loads no more than is said", async () => {
  const sizes = {
    core: await sizeOf("core"),
    fallback: await sizeOf("fallback"),
    page: await sizeOf("index"),
    react: gzipped((await bundle("src/react.ts", undefined, ["react"])).code),
  };
  console.log(sizes);
  expect(sizes.core).toBeLessThan(15.5 * KIB);
  expect(sizes.fallback).toBeLessThan(4 * KIB);
  expect(sizes.react).toBeLessThan(2 * KIB);
  expect(sizes.page).toBeLessThan(21.75 * KIB);
});
