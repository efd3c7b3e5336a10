// A server as a user starts it.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** Start `rtcore serve` with an application on a free port, or on one of one's own. */
export async function startServer(app: string, port = 0, ...options: string[]): Promise<Server> {
  const python = process.env.PYTHON ?? `${ROOT}.venv/bin/python`;
  const child = spawn(python, ["-m", "rtcore", "serve", app, "--port", String(port), ...options], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PYTHONUNBUFFERED: "1" },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let seen = "";
    child.stdout.on("data", (chunk) => {
      seen += chunk;
      const found = seen.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    child.once("error", reject);
    ended.then((code) => reject(new Error(`rtcore serve ended with ${code}: ${seen}`)));
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
