// A browser to look at a server with.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

export { startDemo, startServer } from "./serve.mjs";

function find(...names) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // not in this folder
      }
    }
  }
  throw new Error(`no browser here: ${names.join(", ")}`);
}

/** The system's own browser: nothing is downloaded. `backForward`: with its back/forward cache, as people have it. */
export function startBrowser({ backForward = false } = {}) {
  return chromium.launch({
    executablePath: find("chromium", "chromium-browser", "google-chrome"),
    args: ["--no-sandbox", "--disable-gpu"],
    ignoreDefaultArgs: backForward ? ["--disable-back-forward-cache"] : [],
  });
}
