// The scripts that a server gives to pages that have no bundler: /rt/client.js, with a source map, and what the
// demonstration's pages of shared data stand on. They are committed, so that a wheel is built without Node; a test
// compares them with what the source builds.
//
//     node scripts/page.mjs            write them
//     node scripts/page.mjs --check    say whether they are what the source builds

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const SITE = new URL("../../python/rtcore/site/", import.meta.url);
const place = (name) => fileURLToPath(new URL(name, SITE));
const client = place("client/client.js");
const { code, map } = await bundle("src/index.ts", client);
const shared = place("demo/shared.js");
const files = {
  [client]: code,
  [`${client}.map`]: map,
  [shared]: await withLicenses("demo/shared.ts", shared),
};
const stale = Object.keys(files).filter((file) => {
  try {
    return readFileSync(file, "utf8") !== files[file];
  } catch {
    return true;
  }
});

if (!process.argv.includes("--check")) for (const file of stale) writeFileSync(file, files[file]);
else if (stale.length) {
  console.error(`not what the source builds: ${stale.join(", ")}; run npm run page -w js`);
  process.exit(1);
} else console.log("the page scripts are what the source builds");

/** A bundle in which packages of others are, with what their licenses ask to be told; without a map, which is long. */
async function withLicenses(entry, file) {
  const { code, parts } = await bundle(entry, file);
  const packages = new Set(
    Object.keys(parts).flatMap((part) => part.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
  );
  const told = [...packages].sort().map((home) => {
    const { name, version } = JSON.parse(readFileSync(`${home}/package.json`, "utf8"));
    return `${name} ${version}\n${readFileSync(`${home}/LICENSE`, "utf8").trim()}`;
  });
  return `/*!\n${told.join("\n\n")}\n*/\n${code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n")}`;
}
