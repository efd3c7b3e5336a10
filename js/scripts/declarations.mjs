// What a program sees of this package, kept under diff: the built declarations, as api/ has them.
//
//     node scripts/declarations.mjs            write them
//     node scripts/declarations.mjs --check    say whether they are what the source builds

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [DIST, KEPT] = ["../dist/", "../api/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

const read = (folder) => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".d.ts"));
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(folder + name, "utf8").replace(/\n\/\/# source.*\n?$/, "\n")]),
  );
};

mkdirSync(KEPT, { recursive: true });
const [built, kept] = [read(DIST), read(KEPT)];
const other = Object.keys({ ...built, ...kept }).filter((name) => built[name] !== kept[name]);

if (process.argv.includes("--check")) {
  if (other.length) {
    console.error(`api/ has not what the source builds: ${other.join(", ")}; run npm run api -w js`);
    process.exit(1);
  }
} else {
  for (const name of other) {
    if (built[name] === undefined) rmSync(KEPT + name);
    else writeFileSync(KEPT + name, built[name]);
  }
}
