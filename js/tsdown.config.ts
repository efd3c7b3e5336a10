import { defineConfig } from "tsdown";
// @ts-expect-error a script, without types
import { ENTRIES } from "./scripts/entries.mjs";
// @ts-expect-error a script, without types
import { shortNames } from "./scripts/names.mjs";

export default defineConfig({
  entry: ENTRIES.map((name: string) => `src/${name}.ts`),
  deps: { neverBundle: ["react", "yjs", /^y-protocols/] },
  format: "esm",
  platform: "browser",
  target: "es2022",
  dts: { compilerOptions: { stripInternal: true } },
  hash: false,
  sourcemap: true,
  plugins: [shortNames()],
});
