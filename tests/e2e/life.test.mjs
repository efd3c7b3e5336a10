// The life of a page in a real browser: the tab with the connection is frozen, and thawed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./server.mjs";

let server;
let browser;

before(async () => {
  server = await startServer("tests.wire.app:app");
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(context, room) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${server.url}/healthz`);
  await page.evaluate(async (room) => {
    const { connect } = await import("/rt/client.js");
    window.heard = [];
    window.client = connect("/rt");
    window.room = await window.client.join(room, { last: 1000 });
    window.room.on("*", (one) => window.heard.push(one.type === "gap" ? "gap" : one.data));
  }, room);
  return page;
}

const say = (page, data) => page.evaluate((data) => window.room.publish("say", data, { timeout: 30_000 }), data);
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
