import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/core.ts", "src/fallback.ts", "src/offline.ts", "src/tabs.ts", "src/react.ts"],
  external: ["react"],
  format: "esm",
  platform: "browser",
  target: "es2022",
  dts: true,
  sourcemap: true,
});
