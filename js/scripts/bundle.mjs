// One file of an entry and all that it needs, as small as it gets.

import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { minify } from "terser";

const HOME = fileURLToPath(new URL("..", import.meta.url));

// Names of our own that nobody outside of a bundle sees: they are on no wire, in no store, on no channel, and in no
// object of a program's.
const INTERNAL =
  "sending hearing connection listeners watchers keeper confirmed inside joining lostEpoch unconfirm hellos welcomed " +
  "helloOpen giveUp askAgain roomFor pace smoothed askInTime whenApplied cannotFill newEpoch onWelcome makeSession " +
  "restored endAll unpark park sayText handOver box lastId lose hand wrote unwrote settled snapshot mirror " +
  "adopt hands choice bounds onKept comes replied ponged dropped asks closes knows note filled lack early missed " +
  "asked member kept line link gone told wake over heard closed opened alive changed flush watch shut take";

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
  const made = output.find(({ fileName }) => fileName.endsWith(".map"));
  const { code, map } = await minify(chunk.code, {
    module: true,
    ecma: 2022,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true },
    mangle: { properties: { regex: new RegExp(`^(${INTERNAL.replaceAll(" ", "|")})$`) } },
    sourceMap: { content: String(made?.source ?? JSON.stringify(chunk.map)), url: "client.js.map" },
  });
  return { code, map: String(map) };
}

/** Bytes as a server sends them. */
export const gzipped = (code) => gzipSync(code, { level: 9 }).length;
