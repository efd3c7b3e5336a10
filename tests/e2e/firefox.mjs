// The main scenarios of the browser's client in Debian's Firefox, driven over WebDriver BiDi: `make firefox`. It is no
// part of `make test`: Chromium is what the other files here use.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startRelay } from "./link.mjs";
import { startServer } from "./serve.mjs";

const DRIVER = new URL("../../target/firefox/package.json", import.meta.url);
const { default: puppeteer } = await import(createRequire(DRIVER).resolve("puppeteer-core"));
const PATIENCE = 90_000;

let server;
let browser;
let count = 0;

before(async () => {
  server = await startServer("tests.wire.app:app");
  const executablePath = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
  browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** One profile: what its tabs share is no other's. */
async function profile(t) {
  const context = await browser.createBrowserContext();
  t.after(() => context.close());
  return context;
}

const fresh = () => `relay:firefox-${process.pid}-${++count}`;

/** A tab with a client in it, which hears a room. */
async function open(context, room, { url = server.url, options = {}, first } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  if (first) await page.evaluateOnNewDocument(first);
  await page.goto(`${url}/healthz`);
  await begin(page, room, options);
  return page;
}

const begin = (page, room, options = {}) =>
  page.evaluate(
    async (room, options) => {
      const { connect } = await import("/rt/client.js");
      window.heard = [];
      window.client = connect("/rt", options);
      window.room = await window.client.join(room, { last: 1000 });
      window.room.on("*", (one) => window.heard.push(one.type === "gap" ? "gap" : one.data));
    },
    room,
    options,
  );

const say = (page, data) => page.evaluate((data) => window.room.publish("say", data, { timeout: 30_000 }), data);
const heard = (page) => page.evaluate(() => window.heard);
const hears = (page, data) => page.waitForFunction((data) => window.heard.includes(data), {}, data);
const session = (page) => page.evaluate(() => window.client.session);
const numbers = (length, of = (n) => n) => Array.from({ length }, (_, n) => of(n));

test("three tabs are one session; when the leader's tab is closed nothing is missed", async (t) => {
  const context = await profile(t);
  const room = fresh();
  const [one, two, three] = [await open(context, room), await open(context, room), await open(context, room)];
  const names = await Promise.all([one, two, three].map(session));
  assert.equal(new Set(names).size, 1);
  assert.equal(await three.evaluate(() => window.room.count), 1, "one presence");
  await say(two, "first");
  for (const page of [one, two, three]) await hears(page, "first");
  await one.close();
  await say(two, "second");
  for (const page of [two, three]) await hears(page, "second");
  assert.deepEqual(await heard(three), ["first", "second"]);
  assert.equal(await session(three), names[0]);
});

test("a page that opts out has a session of its own", async (t) => {
  const context = await profile(t);
  const room = fresh();
  const one = await open(context, room);
  const two = await open(context, room, { options: { tabs: false } });
  assert.notEqual(await session(one), await session(two));
  assert.equal(await two.evaluate(() => window.room.count), 2);
});

test("what was said while away outlives a reload, and is done once, by the same session", async (t) => {
  const relay = await startRelay(server.url);
  t.after(() => relay.stop());
  const room = fresh();
  const page = await open(await profile(t), room, { url: relay.url });
  const before = await session(page);
  assert.deepEqual(await page.evaluate(() => window.client.storage), { durable: true });
  relay.down();
  await page.waitForFunction(() => !window.client.status.live);
  await page.evaluate(async (room) => {
    const sent = Array.from({ length: 20 }, (_, n) =>
      window.client.send("say", { room, event: "say", data: `kept ${n}` }),
    );
    await Promise.all(sent.map(({ queued }) => queued));
  }, room);
  assert.equal(await page.evaluate(() => window.client.status.queued), 20);
  relay.down(false);
  await page.reload();
  await begin(page, room);
  await hears(page, "kept 19");
  assert.deepEqual(
    await heard(page),
    numbers(20, (n) => `kept ${n}`),
  );
  assert.equal(await session(page), before);
});

test("through a line that breaks again and again all is heard once, in order", async (t) => {
  const relay = await startRelay(server.url);
  t.after(() => relay.stop());
  const room = fresh();
  const ears = await open(await profile(t), room, { url: relay.url });
  const mouth = await open(await profile(t), room);
  for (let n = 0; n < 100; n++) {
    await say(mouth, n);
    if (n % 20 === 10) relay.cut();
  }
  await hears(ears, 99);
  assert.deepEqual(await heard(ears), numbers(100));
});

test("a page that comes back by the browser's history goes on where it was", async (t) => {
  const room = fresh();
  const page = await open(await profile(t), room);
  const other = await open(await profile(t), room);
  const before = await session(page);
  await page.goto(`${server.url}/metrics`);
  await say(other, "meanwhile");
  await page.goBack();
  // From the cache the program is there still; loaded anew it begins anew: both hear it.
  if (!(await page.evaluate(() => "client" in window))) await begin(page, room);
  await hears(page, "meanwhile");
  assert.deepEqual(await heard(page), ["meanwhile"]);
  assert.equal(await session(page), before);
});

test("over each transport by itself a session goes on after its connection is given up", async (t) => {
  for (const transport of ["websocket", "sse", "polling"]) {
    const page = await open(await profile(t), fresh(), { options: { transport } });
    assert.equal(await page.evaluate(() => window.client.transport), transport);
    const before = await session(page);
    await page.evaluate(() => window.client.reconnect());
    await say(page, 1);
    await hears(page, 1);
    assert.equal(await session(page), before, transport);
  }
});

test("where no WebSocket gets through, an event stream does", async (t) => {
  const page = await open(await profile(t), fresh(), {
    // What a proxy that strips `Upgrade` looks like from inside.
    first: () => {
      window.WebSocket = class extends EventTarget {
        constructor() {
          super();
          setTimeout(() => this.onclose?.({ code: 1006, reason: "" }), 1);
        }
        close() {}
      };
    },
  });
  assert.equal(await page.evaluate(() => window.client.transport), "sse");
  await say(page, "through");
  await hears(page, "through");
});

test("a leader that is hidden hands over to a tab that can be seen", async (t) => {
  const context = await profile(t);
  const room = fresh();
  const tabs = [await open(context, room), await open(context, room)];
  const show = (page, state) =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  for (const [n, at] of [0, 1, 0, 1].entries()) {
    await show(tabs[1 - at], "visible");
    await show(tabs[at], "hidden");
    await say(tabs[at], n);
    for (const page of tabs) await hears(page, n);
  }
  for (const page of tabs) assert.deepEqual(await heard(page), numbers(4));
});

test("a stream of items is heard to its end", async (t) => {
  const page = await open(await profile(t), fresh());
  const items = await page.evaluate(async () => {
    let items = 0;
    for await (const _ of window.client.stream("numbers", { n: 200, size: 10 })) items++;
    return items;
  });
  assert.equal(items, 200);
});
