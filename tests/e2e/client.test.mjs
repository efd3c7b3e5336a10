// The browser's client in a real browser, against a real server: several tabs of one profile, reloads, being away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startRelay } from "./link.mjs";
import { startBrowser, startServer } from "./server.mjs";

let server;
let browser;
let count = 0;

before(async () => {
  server = await startServer("tests.wire.app:app");
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const fresh = () => `relay:e2e-${process.pid}-${++count}`;

/** A tab with a client in it, which hears a room. */
async function open(context, room, { url = server.url, options = {} } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(`${url}/healthz`);
  await begin(page, room, options);
  return page;
}

async function begin(page, room, options = {}) {
  await page.evaluate(
    async ([room, options]) => {
      const { connect } = await import("/rt/client.js");
      window.heard = [];
      window.client = connect("/rt", options);
      window.room = await window.client.join(room, { last: 1000 });
      (async () => {
        for await (const one of window.room) window.heard.push(one.type === "gap" ? "gap" : one.data);
      })();
    },
    [room, options],
  );
}

const heard = (page) => page.evaluate(() => window.heard);
const hears = (page, data) => page.waitForFunction((data) => window.heard.includes(data), data);
const session = (page) => page.evaluate(() => window.client.session);

test("three tabs are one session; when the leader's tab is closed, or crashes, nothing is missed", async () => {
  const context = await browser.newContext();
  const room = fresh();
  const [one, two, three] = [await open(context, room), await open(context, room), await open(context, room)];
  const names = await Promise.all([one, two, three].map(session));
  assert.equal(new Set(names).size, 1);
  assert.equal(await three.evaluate(() => window.room.count), 1, "one presence");
  await two.evaluate(() => window.room.publish("say", "first"));
  for (const page of [one, two, three]) await hears(page, "first");
  await one.close();
  await two.evaluate(() => window.room.publish("say", "second", { timeout: 15_000 }));
  for (const page of [two, three]) await hears(page, "second");
  assert.equal(await session(three), names[0]);
  // Whichever leads now: it is gone without a word.
  const cdp = await context.newCDPSession(two);
  cdp.send("Page.crash").catch(() => {});
  await two.waitForEvent("crash");
  await three.evaluate(() => window.room.publish("say", "third", { timeout: 15_000 }));
  await hears(three, "third");
  assert.deepEqual(await heard(three), ["first", "second", "third"]);
  assert.equal(await session(three), names[0]);
  await context.close();
});

test("a page that opts out has a session of its own", async () => {
  const context = await browser.newContext();
  const room = fresh();
  const one = await open(context, room);
  const two = await open(context, room, { options: { tabs: false } });
  assert.notEqual(await session(one), await session(two));
  assert.equal(await two.evaluate(() => window.room.count), 2);
  await context.close();
});

test("what was said while away outlives a reload, and is done once, by the same session", async () => {
  const context = await browser.newContext();
  const room = fresh();
  const page = await open(context, room);
  const before = await session(page);
  assert.deepEqual(await page.evaluate(() => window.client.storage), { durable: true });
  await context.setOffline(true);
  await page.evaluate(async (room) => {
    const sent = [];
    for (let n = 0; n < 20; n++) sent.push(window.client.send("say", { room, event: "say", data: `kept ${n}` }).queued);
    await Promise.all(sent);
  }, room);
  assert.equal(await page.evaluate(() => window.client.status.queued), 20);
  await context.setOffline(false);
  await page.reload();
  await begin(page, room);
  await hears(page, "kept 19");
  assert.deepEqual(
    await heard(page),
    Array.from({ length: 20 }, (_, n) => `kept ${n}`),
  );
  assert.equal(await session(page), before);
  await context.close();
});

test("through a line that breaks again and again all is heard once, in order", async () => {
  const relay = await startRelay(server.url);
  const context = await browser.newContext();
  const room = fresh();
  const ears = await open(context, room, { url: relay.url });
  const mouth = await open(await browser.newContext(), room);
  for (let n = 0; n < 300; n++) {
    await mouth.evaluate((n) => window.room.publish("say", n), n);
    if (n % 60 === 30) relay.cut();
  }
  await hears(ears, 299);
  assert.deepEqual(
    await heard(ears),
    Array.from({ length: 300 }, (_, n) => n),
  );
  await context.close();
  await mouth.context().close();
  await relay.stop();
});

// Seconds of it: a minute is `make breaks`.
const SECONDS = Number(process.env.BREAKS_SECONDS ?? 5);

test("1,000 events a second, and five cuts at random moments: each is heard once, in order", async () => {
  const relay = await startRelay(server.url);
  const room = `deep:e2e-${process.pid}`;
  const ears = await open(await browser.newContext(), room, { url: relay.url });
  const mouth = await open(await browser.newContext(), room);
  const all = SECONDS * 1000;
  ears.setDefaultTimeout(60_000 + 4 * all);
  const said = mouth.evaluate(async (all) => {
    const acks = [];
    let acked = 0;
    const say = async (n) => {
      await window.room.publish("say", n, { echo: false, timeout: Infinity });
      acked++;
    };
    for (let n = 0; n < all; ) {
      // A busy machine answers fewer in a second than are said in one, and the outbox holds a thousand.
      if (n - acked < 500) for (const until = n + 50; n < until; n++) acks.push(say(n));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return (await Promise.all(acks)).length;
  }, all);
  for (let cut = 0; cut < 5; cut++) {
    const at = Math.floor(((cut + Math.random()) * all) / 5);
    await ears.waitForFunction((at) => window.heard.length > at, at);
    relay.cut();
    // Another network: the page is told that there is one.
    await ears.evaluate(() => dispatchEvent(new Event("online")));
  }
  assert.equal(await said, all);
  await hears(ears, all - 1);
  assert.equal(
    await ears.evaluate(() => window.heard.findIndex((data, n) => data !== n)),
    -1,
    "in order, and each once",
  );
  assert.equal(await ears.evaluate(() => window.heard.length), all);
  await ears.context().close();
  await mouth.context().close();
  await relay.stop();
});

test("a page that comes back through the back/forward cache, or is shown again, goes on where it was", async () => {
  const context = await browser.newContext();
  const room = fresh();
  const page = await open(context, room);
  const other = await open(await browser.newContext(), room);
  await page.goto(`${server.url}/metrics`);
  await other.evaluate(() => window.room.publish("say", "meanwhile"));
  await page.goBack();
  // From the cache the program is there still; loaded anew it begins anew: both hear it.
  if (!(await page.evaluate(() => "client" in window))) await begin(page, room);
  await hears(page, "meanwhile");
  assert.deepEqual(await heard(page), ["meanwhile"]);
  await context.close();
  await other.context().close();
});

test("over each transport by itself a session goes on after its connection is given up", async () => {
  for (const transport of ["websocket", "sse", "polling"]) {
    const context = await browser.newContext();
    const room = fresh();
    const page = await open(context, room, { options: { transport } });
    assert.equal(await page.evaluate(() => window.client.transport), transport);
    const before = await session(page);
    await page.evaluate(() => {
      window.client.reconnect();
      return window.room.publish("say", 1);
    });
    await hears(page, 1);
    assert.equal(await session(page), before, transport);
    await context.close();
  }
});

test("where no WebSocket gets through, an event stream does", async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    // What a proxy that strips `Upgrade` looks like from inside.
    window.WebSocket = class extends EventTarget {
      constructor() {
        super();
        setTimeout(() => this.onclose?.({ code: 1006, reason: "" }), 1);
      }
      close() {}
    };
  });
  const room = fresh();
  const page = await open(context, room);
  assert.equal(await page.evaluate(() => window.client.transport), "sse");
  await page.evaluate(() => window.room.publish("say", "through"));
  await hears(page, "through");
  await context.close();
});
