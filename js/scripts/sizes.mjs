// What each entry adds to a page, as files for size-limit (`.size-limit.json` has the limits): the core by itself, each
// part without what the core and what it stands on have, and the page script as it is committed.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const FOLDER = fileURLToPath(new URL("../dist-sizes", import.meta.url));
const PARTS = [
  "rooms",
  "streams",
  "fallback",
  "offline",
  "tabs",
  "msgpack",
  "monitor",
  "react",
  "crdt",
  "collections",
  "yjs",
];

/** What is there already, besides the core. */
const STANDS_ON = {
  tabs: ["offline"],
  collections: ["rooms", "crdt"],
  yjs: ["rooms", "crdt", "collections"],
};

const filesOf = ({ parts }) => Object.keys(parts).map((file) => basename(file));

mkdirSync(FOLDER, { recursive: true });
const core = await bundle("src/core.ts");
writeFileSync(`${FOLDER}/core.js`, core.code);
const files = { core: filesOf(core) };
for (const part of PARTS) {
  const here = ["core", ...(STANDS_ON[part] ?? [])].flatMap((each) => files[each]);
  const built = await bundle(`src/${part}.ts`, undefined, ["react", "yjs", "awareness", ...here]);
  writeFileSync(`${FOLDER}/${part}.js`, built.code);
  files[part] = filesOf(built);
}
