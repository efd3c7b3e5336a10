// A server as a user starts it, and a browser to look at it with.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Start `rtcore demo` on a free port. Resolves to its address and a function that ends it. */
export function startDemo() {
  return start("demo", "--port", "0");
}

/** Start `rtcore serve` with an application, the same way; on a port of one's own, with more options, if they are given. */
export function startServer(app, { port = 0, options = [] } = {}) {
  return start("serve", app, "--port", String(port), ...options);
}

async function start(...command) {
  const python = process.env.PYTHON ?? ".venv/bin/python";
  const child = spawn(python, ["-m", "rtcore", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PYTHONUNBUFFERED: "1" },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    let seen = "";
    child.stdout.on("data", (chunk) => {
      seen += chunk;
      const found = seen.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    child.once("error", reject);
    ended.then((code) => reject(new Error(`rtcore ${command[0]} ended with ${code}: ${seen}`)));
  });
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(late);
    },
  };
}

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

/** The system's own browser: nothing is downloaded. */
export function startBrowser() {
  return chromium.launch({
    executablePath: find("chromium", "chromium-browser", "google-chrome"),
    args: ["--no-sandbox", "--disable-gpu"],
  });
}
