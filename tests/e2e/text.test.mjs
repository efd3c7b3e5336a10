// A text in real editors: the guide's own block for CodeMirror in two windows of Chromium, a client in Python and
// y-websocket's own client write in it at once, one of them cut off for a while.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { startBrowser, startServer } from "./server.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PICTURES = process.env.PICTURES;
let server;
let browser;
let scripts;

/** What the guide tells people to write; and the same with one session for all tabs. */
async function bothWays() {
  const guide = readFileSync(`${ROOT}docs/guide/text.md`, "utf8");
  const [block] = [...guide.matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text).filter((text) => text.includes("yCollab"));
  const tabs = `import { tabs } from "rtcore/tabs";\n${block.replace("with: [", "with: [tabs, ")}\nwindow.client = client;`;
  return { guide: await built(block), tabs: await built(tabs) };
}

/** As one file. */
async function built(block) {
  const entries = readdirSync(`${ROOT}js/src`).map((file) => file.replace(".ts", ""));
  const build = await rolldown({
    cwd: ROOT,
    input: "guide",
    platform: "browser",
    resolve: { alias: Object.fromEntries(entries.map((name) => [`rtcore/${name}`, `${ROOT}js/src/${name}.ts`])) },
    plugins: [
      {
        name: "guide",
        resolveId: (id) => (id === "guide" ? `${ROOT}tests/e2e/guide.mjs` : undefined),
        load: (id) => (id === `${ROOT}tests/e2e/guide.mjs` ? block : undefined),
      },
    ],
  });
  return (await build.generate({ format: "esm" })).output[0].code;
}

before(async () => {
  [scripts, server, browser] = await Promise.all([bothWays(), startServer("tests.e2e.text_app:app"), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A window in which the guide's block has run. */
async function open(place = "guide", given = undefined) {
  const context = given ?? (await browser.newContext({ viewport: { width: 900, height: 300 } }));
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.on("pageerror", (error) => assert.fail(error));
  await page.route("**/guide.js", (route) => route.fulfill({ contentType: "text/javascript", body: scripts[place] }));
  await page.goto(`${server.url}/healthz`);
  await page.evaluate(async () => {
    document.body.replaceChildren();
    await import("/guide.js");
  });
  await page.click(".cm-content");
  return { context, page };
}

/** What stands in the editor, without the carets of others. */
const shown = (page) => page.evaluate(() => {
  const copy = document.querySelector(".cm-content").cloneNode(true);
  for (const caret of copy.querySelectorAll(".cm-ySelectionCaret")) caret.remove();
  return copy.textContent;
});

/** Wait until it is so: looked at again and again. */
async function until(so, told) {
  for (const late = Date.now() + 60_000; Date.now() < late; await new Promise((next) => setTimeout(next, 50)))
    if (await so()) return;
  assert.fail(String(await told()));
}
const same = (pages, so) =>
  until(
    async () => {
      const [first, ...others] = await Promise.all(pages.map(shown));
      return so(first) && others.every((text) => text === first);
    },
    async () => JSON.stringify(await Promise.all(pages.map(shown))),
  );

/** A client in Python, a process of its own, that puts `more` at the end; it ends when that is at the server. Gives the text. */
function python(more) {
  const code = `
import rtcore, rtcore.blocking
from pycrdt import Doc, Text
with rtcore.blocking.connect(${JSON.stringify(server.url)}) as client:
    pages = client.collection("pages:home", wait=True)
    doc = Doc()
    text = doc.get("t", type=Text)
    for update in rtcore.Text.of_state(pages["p1"]["body"]).updates:
        doc.apply_update(update)
    before = doc.get_state()
    more = ${JSON.stringify(more)}
    if more:
        text += more
        pages.patch("p1", body=rtcore.crdt.add(doc.get_update(before))).applied(timeout=30)
    print(str(text), end="")
`;
  const child = spawn(process.env.PYTHON ?? ".venv/bin/python", ["-c", code], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) =>
    child.once("exit", (status) => (status ? reject(new Error(`python: ${status}`)) : resolve(said))),
  );
}

test("CodeMirror in two windows, Python and y-websocket write in one text, one cut off for a while: all end equal", async () => {
  const [ann, bob] = [await open(), await open()];
  await ann.page.keyboard.type("Tea");
  await same([ann.page, bob.page], (text) => text === "Tea");
  // Who edits is seen with the name that the guide gives.
  await bob.page.waitForSelector(".cm-ySelectionInfo:text('Ann')", { state: "attached" });
  if (PICTURES) await bob.page.screenshot({ path: `${PICTURES}/codemirror.png` });
  const doc = new Y.Doc();
  const other = new WebsocketProvider(`${server.url.replace("http", "ws")}/yjs`, "p1", doc, {
    WebSocketPolyfill: WebSocket,
    disableBc: true,
  });
  try {
    await until(() => doc.getText("t").toString() === "Tea", () => doc.getText("t"));
    await bob.context.setOffline(true);
    await bob.page.keyboard.press("End");
    await bob.page.keyboard.type(" with milk");
    await ann.page.keyboard.press("Home");
    await ann.page.keyboard.type("Green ");
    doc.getText("t").insert(0, "* ");
    await python(" and bread");
    const here = (text) => ["Green ", "* ", "Tea", " and bread"].every((part) => text.includes(part));
    await same([ann.page], here);
    assert.equal(await shown(bob.page), "Tea with milk");
    await bob.context.setOffline(false);
    await same([ann.page, bob.page], (text) => here(text) && text.includes(" with milk"));
    const text = await shown(ann.page);
    await until(() => doc.getText("t").toString() === text, () => `${doc.getText("t")} and not ${text}`);
    assert.equal(await python(""), text);
    // What one takes back is one's own, and nobody else's.
    await bob.page.keyboard.press("Control+z");
    await same([ann.page, bob.page], (text) => here(text) && !text.includes("milk"));
  } finally {
    other.destroy();
    doc.destroy();
    await ann.context.close();
    await bob.context.close();
  }
});

test("two tabs of one session write in one text; the caret of the other is seen, and goes when its tab is closed", async () => {
  const context = await browser.newContext({ viewport: { width: 900, height: 300 } });
  const [one, two] = [await open("tabs", context), await open("tabs", context)];
  const eve = await open("tabs");
  try {
    const session = ({ page }) => page.evaluate(() => window.client.session);
    await until(async () => (await session(one)) && (await session(one)) === (await session(two)), () => "two sessions");
    assert.notEqual(await session(eve), await session(one));
    await one.page.bringToFront();
    await one.page.keyboard.press("Control+Home");
    await one.page.keyboard.type("first ");
    await same([one.page, two.page, eve.page], (text) => text.includes("first "));
    await two.page.bringToFront();
    await two.page.click(".cm-content");
    await two.page.keyboard.press("Control+End");
    await two.page.keyboard.type(" last");
    await same([one.page, two.page, eve.page], (text) => text.includes("first ") && text.includes(" last"));
    // At once in both.
    await Promise.all([one, two].map(({ page }, n) => page.evaluate((text) => document.execCommand("insertText", false, text), n ? "TWO" : "ONE")));
    await same([one.page, two.page, eve.page], (text) => text.includes("ONE") && text.includes("TWO"));
    const carets = ({ page }) => page.evaluate(() => document.querySelectorAll(".cm-ySelectionCaret").length);
    // Eve, who clicked in her window, is seen by both; and each tab of the one session by the other.
    await until(async () => (await carets(one)) === 2, async () => `${await carets(one)} carets in the first tab`);
    await one.page.bringToFront();
    await one.page.keyboard.press("ArrowLeft");
    for (const [window, who] of [[two, "the second tab"], [eve, "Eve"]])
      await until(async () => (await carets(window)) === 2, async () => `${who} sees ${await carets(window)}`);
    const then = Date.now();
    await two.page.close();
    for (const [window, who] of [[one, "the first tab"], [eve, "Eve"]])
      await until(async () => (await carets(window)) === 1, async () => `${who} sees ${await carets(window)}`);
    // And not by the 30 s after which Yjs itself forgets who says nothing.
    assert.ok(Date.now() - then < 15_000, `it took ${Date.now() - then} ms`);
  } finally {
    await context.close();
    await eve.context.close();
  }
});
