// The life of a page in a real browser: tabs that are frozen, hidden, put into the back/forward cache, duplicated.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./server.mjs";

let server;
let browser;

before(async () => {
  server = await startServer("tests.wire.app:app");
  browser = await startBrowser({ backForward: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(context, room) {
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  // A page of the origin that may be cached, as pages are.
  await page.goto(`${server.url}/rt/client.js`);
  await begin(page, room);
  return page;
}

const begin = (page, room) =>
  page.evaluate(async (room) => {
    const { connect } = await import("/rt/client.js");
    window.heard = [];
    window.client = connect("/rt");
    window.room = await window.client.join(room, { last: 1000 });
    window.room.on("*", (one) => window.heard.push(one.type === "gap" ? "gap" : one.data));
  }, room);

const say = (page, data) => page.evaluate((data) => window.room.publish("say", data, { timeout: 30_000 }), data);
const heard = (page) => page.evaluate(() => window.heard);
const session = (page) => page.evaluate(() => window.client.session);
const hears = (page, data) => page.waitForFunction((data) => window.heard.includes(data), data);

test("a leader that is frozen is taken over from, and hears all of it once when it is thawed", async () => {
  const context = await browser.newContext();
  const room = `relay:frozen-${process.pid}`;
  const [leader, other] = [await open(context, room), await open(context, room)];
  const session = await other.evaluate(() => window.client.session);
  await say(other, 1);
  await hears(leader, 1);
  const cdp = await context.newCDPSession(leader);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  await say(other, 2);
  await say(other, 3);
  await hears(other, 3);
  assert.equal(await other.evaluate(() => window.client.session), session);
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  await hears(leader, 3);
  await say(leader, 4);
  await hears(other, 4);
  await hears(leader, 4);
  for (const page of [leader, other]) assert.deepEqual(await page.evaluate(() => window.heard), [1, 2, 3, 4]);
  await context.close();
});

/** Away and back by the browser's own cache: the program of the page is there still. */
async function away(page) {
  await page.evaluate(() => {
    window.asleep = false;
    addEventListener("pagehide", () => {
      window.asleep = true;
    });
  });
  await page.goto(`${server.url}/metrics`);
}

async function back(page) {
  await page.goBack({ waitUntil: "commit" });
  await page.waitForFunction(() => window.asleep);
}

for (const [who, at] of [
  ["a leader", 0],
  ["a follower", 1],
]) {
  test(`${who} in the back/forward cache holds nobody up, and hears all of it once when it is back`, async () => {
    const context = await browser.newContext();
    const room = `relay:cached-${at}-${process.pid}`;
    const tabs = [await open(context, room), await open(context, room)];
    const [page, other] = [tabs[at], tabs[1 - at]];
    const before = await session(other);
    await say(other, 1);
    await hears(page, 1);
    await away(page);
    await say(other, 2);
    await say(other, 3);
    assert.equal(await session(other), before);
    await back(page);
    await hears(page, 3);
    await say(page, 4);
    await hears(other, 4);
    for (const each of tabs) {
      assert.deepEqual(await heard(each), [1, 2, 3, 4]);
      assert.equal(await session(each), before);
    }
    await context.close();
  });
}

test("a page alone in the back/forward cache comes back by itself, with what was said meanwhile", async () => {
  const [context, others] = [await browser.newContext(), await browser.newContext()];
  const room = `relay:alone-${process.pid}`;
  const [page, other] = [await open(context, room), await open(others, room)];
  const before = await session(page);
  await away(page);
  await say(other, "meanwhile");
  await back(page);
  await hears(page, "meanwhile");
  assert.deepEqual(await heard(page), ["meanwhile"]);
  assert.equal(await session(page), before);
  await context.close();
  await others.close();
});

test("a leader that is hidden hands over to a tab that can be seen, and back when it alone is seen", async () => {
  const context = await browser.newContext();
  const room = `relay:hidden-${process.pid}`;
  const tabs = [await open(context, room), await open(context, room)];
  const before = await session(tabs[0]);
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
  for (const page of tabs) {
    assert.deepEqual(await heard(page), [0, 1, 2, 3]);
    assert.equal(await session(page), before);
  }
  await context.close();
});

test("a duplicated tab is one more tab: what the browser copies into it names nothing", async () => {
  const context = await browser.newContext();
  const room = `relay:twice-${process.pid}`;
  const page = await open(context, room);
  const opening = page.waitForEvent("popup");
  // The new one has a copy of the session storage, as a duplicate has.
  await page.evaluate(() => {
    sessionStorage.setItem("copied", "yes");
    window.open(location.href);
  });
  const twin = await opening;
  twin.setDefaultTimeout(90_000);
  await twin.waitForLoadState();
  assert.equal(await twin.evaluate(() => sessionStorage.getItem("copied")), "yes");
  await begin(twin, room);
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), ["copied"]);
  assert.equal(await session(twin), await session(page));
  await Promise.all([say(page, "one"), say(twin, "two")]);
  for (const each of [page, twin]) {
    for (const data of ["one", "two"]) await hears(each, data);
    assert.equal((await heard(each)).length, 2);
  }
  assert.equal(await page.evaluate(() => window.room.count), 1);
  await context.close();
});
