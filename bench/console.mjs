// What the console costs a server with ten thousand sessions, and how soon it shows something.
//
//     node bench/console.mjs [sessions]
//
// Core time of the server (Linux tells it by process) over ten seconds in which nobody looks, then in which one operator
// looks at the overview, then at the sessions. Two cores: the browser has the other. `target/release/load` is the crowd.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { startBrowser, startServer } from "../tests/e2e/server.mjs";

const SESSIONS = Number(process.argv[2] ?? 10_000);
const KEY = "a-key-of-the-bench-that-is-long";
const SPAN = 10_000;
const TICK = 10; // milliseconds of a clock tick of /proc

/** Milliseconds of CPU that a process has used. */
const cpu = (pid) => {
  const words = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(words[11]) + Number(words[12])) * TICK;
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function core(pid, what) {
  const [before, begun] = [cpu(pid), performance.now()];
  await sleep(SPAN);
  const part = (100 * (cpu(pid) - before)) / (performance.now() - begun);
  console.log(`${what.padEnd(44)} ${part.toFixed(2)} % of a core`);
}

const server = await startServer("bench.app:app", { options: ["--api-key", KEY] });
const port = new URL(server.url).port;
const words = ["--mode", "idle", "--n", SESSIONS, "--sources", 4, "--seconds", 600, "--path", "/rt/ws", "--port", port];
const crowd = spawn("target/release/load", [
  ...words.map(String),
  ...["--init", '{"type":"hello"}', "--init", '{"type":"join","id":1,"room":"relay"}', "--ready", '"type":"ack","id":1'],
]);
const browser = await startBrowser();
try {
  const stats = async () => {
    const answer = await fetch(`${server.url}/rt/api/stats`, { headers: { authorization: `Bearer ${KEY}` } });
    return (await answer.json()).sizes.sessions;
  };
  while ((await stats()) < SESSIONS) await sleep(500);
  await sleep(5000);
  await core(server.pid, `${SESSIONS} sessions, nobody looks`);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${server.url}/rt/console`);
  await page.fill("#key", KEY);
  const begun = performance.now();
  await page.click("#login button");
  await page.waitForSelector("#tiles .tile");
  const shown = performance.now() - begun;
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  console.log(`first paint ${paint?.toFixed(0)} ms after the address, figures ${shown.toFixed(0)} ms after the login`);
  await core(server.pid, "one operator looks at the overview");
  await page.goto(`${server.url}/rt/console#sessions`);
  await core(server.pid, "one operator looks at the sessions");
} finally {
  crowd.kill();
  await Promise.all([once(crowd, "exit"), browser.close()]);
  await server.stop();
}
