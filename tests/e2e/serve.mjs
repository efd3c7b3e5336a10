// A server as a user starts it: for what looks at pages, and for the tests of the client's package.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Start `rtcore demo` on a free port. Resolves to its address and a function that ends it. */
export function startDemo() {
  return start(".", "demo", "--port", "0");
}

/**
 * Start `rtcore serve` with an application, the same way; on a port of one's own, with more options, from another folder
 * of the repository, if they are given.
 */
export function startServer(app, { port = 0, options = [], folder = "." } = {}) {
  return start(folder, "serve", app, "--port", String(port), ...options);
}

async function start(folder, ...command) {
  const { PYTHON = ".venv/bin/python" } = process.env;
  const python = PYTHON.includes("/") ? resolve(ROOT, PYTHON) : PYTHON;
  const child = spawn(python, ["-m", "rtcore", ...command], {
    cwd: resolve(ROOT, folder),
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
    pid: child.pid,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(late);
    },
  };
}
