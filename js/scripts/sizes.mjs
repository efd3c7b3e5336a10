// What each entry adds to a page, as files for size-limit (`.size-limit.json` has the limits): the core by itself, each
// part without what the core has, `tabs` without `offline` too, and the page script as it is committed.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const FOLDER = fileURLToPath(new URL("../dist-sizes", import.meta.url));
const PARTS = ["rooms", "streams", "fallback", "offline", "tabs", "msgpack", "react", "crdt"];

const filesOf = ({ parts }) => Object.keys(parts).map((file) => basename(file));

mkdirSync(FOLDER, { recursive: true });
const core = await bundle("src/core.ts");
writeFileSync(`${FOLDER}/core.js`, core.code);
const here = new Set(filesOf(core));
for (const part of PARTS) {
  const built = await bundle(`src/${part}.ts`, undefined, ["react", ...here]);
  writeFileSync(`${FOLDER}/${part}.js`, built.code);
  if (part === "offline") for (const file of filesOf(built)) here.add(file);
}
