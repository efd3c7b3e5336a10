// One file of an entry and all that it needs, as small as it gets.

import { basename, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { shortNames } from "./names.mjs";

const HOME = fileURLToPath(new URL("..", import.meta.url));
/** The type checker is asked once. */
const names = shortNames();

/** Bundle an entry. `external`: files of ours that are left out of it. */
export async function bundle(entry, file = `${HOME}dist/client.js`, external = []) {
  const build = await rolldown({
    cwd: HOME,
    input: entry,
    platform: "browser",
    transform: { target: "es2022" },
    plugins: [names],
    external: (id) => external.includes(basename(id)),
  });
  const { output } = await build.generate({
    format: "esm",
    file,
    minify: true,
    sourcemap: true,
    sourcemapPathTransform: (source, map) =>
      relative(dirname(map), source).replace(/^.*\/js\/src\//, "rtcore/"),
  });
  const [chunk] = output;
  const map = output.find(({ fileName }) => fileName.endsWith(".map"));
  return { code: chunk.code, map: String(map?.source ?? JSON.stringify(chunk.map)), parts: chunk.modules };
}
