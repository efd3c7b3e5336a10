// Shared data in a real browser: two tabs of one profile, which share a session and a store, and a client in Python edit
// the same notes, one of them offline.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle } from "../../js/scripts/bundle.mjs";
import { startBrowser, startServer } from "./server.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PICTURES = process.env.PICTURES;
let server;
let browser;
let script;

before(async () => {
  const built = await bundle("test/pages/notes.ts");
  script = built.code;
  [server, browser] = await Promise.all([startServer("tests.client.served:app"), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A tab that shows the notes. */
async function open(context, name) {
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  await page.route("**/notes.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  // (A page that the server itself gives: what a test makes up may not open sockets to this machine.)
  await page.goto(`${server.url}/healthz`);
  await page.evaluate(async (name) => {
    document.body.innerHTML = '<div id="notes"></div>';
    const { show } = await import("/notes.js");
    window.notes = await show(name);
  }, name);
  return page;
}

const titles = (page) => page.evaluate(() => window.notes.values().map(({ title }) => title));
const shows = (page, ...wanted) =>
  page.waitForFunction((wanted) => {
    const here = window.notes.values().map(({ title }) => title);
    return here.length === wanted.length && here.every((title, at) => title === wanted[at]);
  }, wanted);

/** One step of a client in Python: a process of its own. */
function python(name, program) {
  const code = `
import rtcore.blocking
with rtcore.blocking.connect(${JSON.stringify(server.url)}, token="bob") as client:
    notes = client.collection(${JSON.stringify(name)}, wait=True)
    ${program}
`;
  const child = spawn(process.env.PYTHON ?? ".venv/bin/python", ["-c", code], { cwd: ROOT, stdio: "inherit" });
  return new Promise((resolve, reject) =>
    child.once("exit", (status) => (status ? reject(new Error(`python: ${status}`)) : resolve())),
  );
}

test("two tabs and a client in Python edit the same notes, one of them offline; a conflict shows both sides", async () => {
  const name = `asked:e2e-${process.pid}`;
  const context = await browser.newContext({ viewport: { width: 900, height: 500 } });
  const one = await open(context, name);
  const two = await open(context, name);
  await one.evaluate(async () => (await window.notes.put("a", { title: "tea" })).applied);
  await shows(two, "tea");
  await python(name, `notes.put("b", {"title": "milk"}).applied(timeout=20)`);
  for (const page of [one, two]) await shows(page, "tea", "milk");
  // The browser loses its network; both tabs see at once what either does.
  await context.setOffline(true);
  await python(name, `notes.patch("a", title="black tea").applied(timeout=20)`);
  await one.evaluate(async () => void (await window.notes.patch("a", { title: "green tea" })));
  await one.evaluate(async () => void (await window.notes.put("c", { title: "bread" })));
  await shows(one, "green tea", "milk", "bread");
  await context.setOffline(false);
  for (const page of [one, two]) {
    await shows(page, "black tea", "milk", "bread");
    await page.waitForFunction(() => window.notes.conflicts.length === 1);
  }
  const sides = await two.evaluate(() => {
    const [{ mine, theirs, base, fields }] = window.notes.conflicts;
    return { mine, theirs, base, fields };
  });
  assert.deepEqual(sides, {
    mine: { title: "green tea" },
    theirs: { title: "black tea" },
    base: { title: "tea" },
    fields: ["title"],
  });
  if (PICTURES) await two.screenshot({ path: `${PICTURES}/conflict.png` });
  await two.evaluate(async () => void (await window.notes.conflicts[0].keepMine()));
  for (const page of [one, two]) {
    await shows(page, "green tea", "milk", "bread");
    await page.waitForFunction(() => !window.notes.conflicts.length && !window.notes.pending.length);
  }
  await python(name, `assert [each["title"] for each in notes.values()] == ["green tea", "milk", "bread"]`);
  // All of it is there at once on the next page, without a network.
  await one.close();
  await two.close();
  const three = await open(context, name);
  assert.deepEqual(await titles(three), ["green tea", "milk", "bread"]);
  await context.close();
});
