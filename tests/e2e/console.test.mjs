// The console in a real browser, as an operator uses it: each page, and what a key that is wrong sees.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./server.mjs";

const KEY = "a-key-that-is-long-enough";
const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
let browser;
let server;
let peer;

before(async () => {
  server = await startServer("console_app:app", { folder: "tests/e2e", options: ["--api-key", KEY] });
  browser = await startBrowser();
  peer = await (await browser.newContext()).newPage();
  await peer.goto(`${server.url}/livez`);
  await peer.evaluate(() => {
    self.peer = new WebSocket(`ws://${location.host}/rt/ws`);
    return new Promise((resolve) => peer.addEventListener("open", resolve));
  });
  await say({ type: "hello" }, { type: "join", id: 1, room: "tea" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const say = (...messages) => peer.evaluate((text) => self.peer.send(text), JSON.stringify(messages));

async function opened(key, options = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })).newPage();
  page.setDefaultTimeout(90_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${server.url}/rt/console`);
  await page.fill("#key", key);
  await page.click("#login button");
  return { page, faults };
}

async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
}

test("who has no key sees nothing, and is told so", async () => {
  const { page } = await opened("another-key-that-is-wrong");
  await page.waitForSelector("#refused:not(:empty)");
  assert.equal(await page.isVisible("#page"), false);
});

for (const colorScheme of ["light", "dark"]) {
  test(`an operator looks at each page, ${colorScheme}`, async () => {
    const { page, faults } = await opened(KEY, { colorScheme });
    await page.waitForSelector("#tiles .tile");
    for (let id = 100; id < 103; id++) await say({ type: "emit", event: "block", data: 0.12 });
    await page.waitForSelector("#verdict.degraded, #verdict.critical");
    await shot(page, `overview-${colorScheme}`);

    await page.goto(`${server.url}/rt/console#rooms`);
    await page.click("#table-rooms button:text-is('tea')");
    await page.waitForSelector("#members tbody tr:has-text('–')");
    await page.waitForFunction(() => document.querySelector("#count-members").textContent === "1 member");
    await say({ type: "publish", room: "tea", event: "said", data: "<b>hello</b>" });
    await page.waitForSelector("#said li:has-text('<b>hello</b>')");
    await shot(page, `rooms-${colorScheme}`);

    await page.goto(`${server.url}/rt/console#traces`);
    await say({ type: "emit", event: "say", data: "traced", trace: TRACE });
    await page.waitForSelector(".trail:has-text('4bf92f3577b34da6a3ce929d0e0e4736') .leg.handler");
    await page.fill("#trace-event", "say");
    await page.click("#trace button");
    await page.waitForSelector("#trace-state:has-text('waiting')");
    const again = setInterval(() => say({ type: "emit", event: "say", data: "followed" }), 100);
    await page.waitForFunction(() => document.querySelector("#trace-state").textContent === "");
    clearInterval(again);
    await page.waitForSelector(".trail .leg.fan-out");
    assert.ok((await page.locator(".trail").count()) >= 2);
    await shot(page, `traces-${colorScheme}`);

    await page.goto(`${server.url}/rt/console#profile`);
    await page.selectOption("#profile-seconds", "5");
    await page.click("#profile-go");
    await page.waitForSelector("#functions tbody td.name");
    await page.waitForSelector("#stacks details");
    await shot(page, `profile-${colorScheme}`);

    for (const [name, what] of [
      ["store", "#store"],
      ["sessions", "#table-sessions button"],
      ["diagnosis", "#issues .issue"],
    ]) {
      await page.goto(`${server.url}/rt/console#${name}`);
      await page.waitForSelector(`${what}`);
      await shot(page, `${name}-${colorScheme}`);
    }
    assert.deepEqual(faults, []);
  });
}
