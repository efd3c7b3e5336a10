// One file of an entry and all that it needs, as small as it gets.

import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const HOME = fileURLToPath(new URL("..", import.meta.url));

/** Bundle an entry. `external`: files of ours that are left out of it. */
export async function bundle(entry, file = `${HOME}dist/client.js`, external = []) {
  const build = await rolldown({
    cwd: HOME,
    input: entry,
    platform: "browser",
    transform: { target: "es2022" },
    external: (id) => external.some((name) => id.endsWith(name)),
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

/** Bytes as a server sends them. */
export const gzipped = (code) => gzipSync(code, { level: 9 }).length;
