// The browser's own EventSource, with no script of ours: rooms without a session, a ticket, a line that breaks, a server
// that is started again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Speaker, startRelay } from "./link.mjs";
import { startBrowser, startServer } from "./server.mjs";

const APP = "tests.interop.app:app";
const PATIENCE = 90_000;
let server;
let relay;
let browser;

before(async () => {
  server = await startServer(APP);
  relay = await startRelay(server.url);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await relay?.stop();
  await server?.stop();
});

/** A page of the server's own origin, with what its event streams heard. */
async function open(url) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${url}/healthz`);
  await page.evaluate(() => {
    window.listen = (path) => {
      window.heard = [];
      window.states = [];
      window.source = new EventSource(path);
      window.source.onopen = () => window.states.push("open");
      window.source.onerror = () => window.states.push(window.source.readyState === 2 ? "closed" : "connecting");
      window.source.onmessage = ({ data, lastEventId }) => window.heard.push({ ...JSON.parse(data), lastEventId });
    };
  });
  return page;
}
const listen = (page, path) => page.evaluate((path) => window.listen(path), path);
/** Wait until a message is heard that fits; resolves to all that was heard. */
async function hears(page, wanted) {
  await page.waitForFunction(
    (wanted) => window.heard.some((one) => Object.entries(wanted).every(([name, value]) => one[name] === value)),
    wanted,
  );
  return page.evaluate(() => window.heard);
}
const entries = (heard) => heard.filter(({ type, room }) => type === "event" && room === "tea");

test("onmessage hears all, and the id is the position of entries", async () => {
  const page = await open(relay.url);
  const bob = await Speaker.at(server.url);
  await listen(page, "/rt/sse?room=tea");
  await hears(page, { type: "welcome" });
  const position = await bob.say("tea", "hello ☕\nsecond line");
  const heard = await hears(page, { data: "hello ☕\nsecond line" });
  assert.equal(heard[0].type, "welcome");
  assert.equal(heard[0].lastEventId, "");
  assert.equal(entries(heard).at(-1).lastEventId, position);
  await page.close();
});

test("a line that breaks is mended by the browser: nothing is missed, nothing comes twice", async () => {
  const page = await open(relay.url);
  const bob = await Speaker.at(server.url);
  await listen(page, "/rt/sse?room=tea");
  await hears(page, { type: "welcome" });
  const said = [];
  for (let round = 0; round < 2; round++) {
    const last = await bob.say("tea", `before ${round}`);
    said.push(last);
    await hears(page, { data: `before ${round}` });
    const before = relay.heads.length;
    relay.cut();
    for (let n = 0; n < 5; n++) said.push(await bob.say("tea", `missed ${round}.${n}`));
    await hears(page, { data: `missed ${round}.4` });
    const again = relay.heads.slice(before).find((head) => head.startsWith("GET /rt/sse"));
    assert.match(again, new RegExp(`\r\nlast-event-id: ${last}(\r\n|$)`, "i"), "the browser says by itself what it heard last");
  }
  const heard = entries(await page.evaluate(() => window.heard));
  assert.deepEqual(
    heard.map(({ lastEventId }) => lastEventId),
    said,
  );
  assert.equal((await page.evaluate(() => window.heard)).filter(({ type }) => type === "gap").length, 0);
  await page.close();
});

test("through a restart of the server: another epoch is told as a gap, and it goes on", async () => {
  let own = await startServer(APP);
  const port = Number(new URL(own.url).port);
  const page = await open(own.url);
  await listen(page, "/rt/sse?room=tea");
  await hears(page, { type: "welcome" });
  const before = await (await Speaker.at(own.url)).say("tea", "before");
  await hears(page, { data: "before" });
  await own.stop();
  own = await startServer(APP, { port });
  const bob = await Speaker.at(own.url);
  await page.waitForFunction(() => window.heard.filter(({ type }) => type === "welcome").length === 2);
  const after = await bob.say("tea", "after");
  const heard = await hears(page, { data: "after" });
  assert.notEqual(after.split(".")[0], before.split(".")[0]);
  const gap = heard.find(({ type, room }) => type === "gap" && room === "tea");
  assert.deepEqual([gap?.from, gap?.reason], [0, "epoch"]);
  assert.deepEqual(
    entries(heard).map(({ data }) => data),
    ["before", "after"],
  );
  await page.close();
  await own.stop();
});

test("with a ticket it reads its session, through a line that breaks, and ends with it", async () => {
  const page = await open(relay.url);
  const bob = await Speaker.at(server.url);
  const welcome = await page.evaluate(async () => {
    const answer = await fetch("/rt/session", { method: "POST", body: JSON.stringify({ type: "hello", ticket: true }) });
    const welcome = await answer.json();
    window.send = async (said) =>
      (
        await fetch("/rt/send", {
          method: "POST",
          headers: { authorization: `Session ${welcome.session}:${welcome.key}` },
          body: JSON.stringify(said),
        })
      ).json();
    window.listen(`/rt/sse?ticket=${welcome.ticket}`);
    await window.send({ type: "join", id: 1, room: "tea" });
    return welcome;
  });
  await bob.say("tea", "to a session");
  await hears(page, { data: "to a session" });
  relay.cut();
  await bob.say("tea", "missed by a session");
  const heard = await hears(page, { data: "missed by a session" });
  assert.deepEqual(
    entries(heard).map(({ data }) => data),
    ["to a session", "missed by a session"],
  );
  assert.ok(!JSON.stringify(heard).includes(welcome.key));
  // The session ends, and its ticket with it: who comes back is told to stay away.
  await page.evaluate(() => window.send({ type: "bye" }));
  await hears(page, { type: "bye", code: 1000 });
  await page.evaluate((ticket) => window.listen(`/rt/sse?ticket=${ticket}`), welcome.ticket);
  await page.waitForFunction(() => window.source.readyState === EventSource.CLOSED);
  await page.close();
});

test("plain events come under their own names", async () => {
  const page = await open(relay.url);
  const bob = await Speaker.at(server.url);
  const said = page.evaluate(
    () =>
      new Promise((resolve) => {
        const source = new EventSource("/rt/sse?room=tea&format=plain");
        source.addEventListener("$welcome", () => (document.title = "ready"));
        source.addEventListener("say", ({ data }) => {
          source.close();
          resolve(data);
        });
      }),
  );
  await page.waitForFunction(() => document.title === "ready");
  await bob.say("tea", "two\r\nlines\rand\nmore");
  assert.equal(await said, "two\nlines\nand\nmore");
  await page.close();
});
