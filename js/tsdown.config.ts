import { defineConfig } from "tsdown";
// @ts-expect-error a script, without types
import { shortNames } from "./scripts/names.mjs";

const ENTRIES = [
  "index",
  "core",
  "rooms",
  "streams",
  "fallback",
  "offline",
  "tabs",
  "msgpack",
  "react",
  "crdt",
];

export default defineConfig({
  entry: ENTRIES.map((name) => `src/${name}.ts`),
  deps: { neverBundle: ["react"] },
  format: "esm",
  platform: "browser",
  target: "es2022",
  dts: { compilerOptions: { stripInternal: true } },
  hash: false,
  sourcemap: true,
  plugins: [shortNames()],
});
