// The script that a server gives at /rt/client.js: one file, small, with a source map. It is committed, so that a
// wheel is built without Node; a test compares it with what the source builds.
//
//     node scripts/page.mjs            write it
//     node scripts/page.mjs --check    say whether it is what the source builds

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const FILE = fileURLToPath(new URL("../../python/rtcore/site/client/client.js", import.meta.url));
const { code, map } = await bundle("src/index.ts", FILE);
const files = { [FILE]: code, [`${FILE}.map`]: map };
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
} else console.log("the page script is what the source builds");
