// The demo page in a real browser: two windows, one of them cut off for a while. What users are promised:
// it misses nothing, it repeats nothing, and nobody saw it leave.
import assert from "node:assert/strict";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser, startDemo } from "./server.mjs";

const PATIENCE = 15_000;
let demo;
let browser;

before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** One person's window, in a browser profile of its own, with what went wrong in it. */
class Window {
  static async open(name, room, path = "/") {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const window = new Window(name, context, page);
    page.on("pageerror", (error) => window.errors.push(String(error)));
    page.on("console", (line) => {
      // A link that is cut off is reported by the browser itself: that is no fault of the page.
      if (line.type() === "error" && !/WebSocket|ERR_INTERNET_DISCONNECTED/.test(line.text())) window.errors.push(line.text());
    });
    await page.goto(`${demo.url}${path}?room=${room}&name=${name}`);
    await window.is("connected");
    return window;
  }
  constructor(name, context, page) {
    Object.assign(this, { name, context, page, errors: [] });
  }
  get(id) {
    return this.page.getByTestId(id);
  }
  /** Wait until the status is one of these. */
  async is(...wanted) {
    await this.page.waitForFunction((words) => {
      const status = document.querySelector('[data-testid="status"]');
      const word = (status?.dataset.status ?? status?.textContent ?? "").trim().toLowerCase();
      return words.includes(word);
    }, wanted);
  }
  async say(text) {
    await this.get("text").fill(text);
    await this.get("send").click();
  }
  texts() {
    return this.get("message").getByTestId("message-text").allInnerTexts();
  }
  /** Wait until just these messages are there and acknowledged, in this order. */
  async shows(texts) {
    await this.page
      .waitForFunction((count) => document.querySelectorAll('[data-testid="message"][data-seq]').length >= count, texts.length)
      .catch(() => {}); // the comparison below tells more than a time-out does
    assert.deepEqual(await this.texts(), texts, `messages of ${this.name}`);
    const seqs = await this.get("message").evaluateAll((items) => items.map((item) => Number(item.dataset.seq)));
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), "in number order");
    assert.equal(new Set(seqs).size, seqs.length, "each number once");
  }
  async members() {
    return (await this.get("member").allInnerTexts()).map((text) => text.trim());
  }
  async sees(...names) {
    await this.page.waitForFunction((names) => {
      const shown = [...document.querySelectorAll('[data-testid="member"]')].map((item) => item.textContent);
      return shown.length === names.length && names.every((name) => shown.some((text) => text.includes(name)));
    }, names);
  }
  /** From now on, every change of the list of members is kept. */
  watchMembers() {
    return this.page.evaluate(() => {
      window.memberChanges = [];
      const list = document.querySelector('[data-testid="members"]');
      const look = () => window.memberChanges.push([...list.querySelectorAll('[data-testid="member"]')].map((m) => m.textContent.trim()));
      look();
      new MutationObserver(look).observe(list, { childList: true, subtree: true, characterData: true });
    });
  }
  /** What was seen since: each state of the list that was not like the one before. */
  async memberStates() {
    const states = await this.page.evaluate(() => window.memberChanges.map((state) => [...state].sort().join("|")));
    return states.filter((state, at) => at === 0 || state !== states[at - 1]);
  }
  async close() {
    await this.context.close();
    assert.deepEqual(this.errors, [], `errors in the window of ${this.name}`);
  }
}

test("two windows in one room see each other's messages, who is here, and a latency figure", async () => {
  const ada = await Window.open("Ada", "two");
  const bob = await Window.open("Bob", "two");
  await ada.sees("Ada", "Bob");
  await bob.sees("Ada", "Bob");
  assert.equal(await ada.page.locator('[data-testid="member"][data-self="true"]').count(), 1);
  await ada.say("hello");
  await bob.say("hello yourself <b>&amp;</b>");
  await ada.page.waitForFunction(() => document.querySelectorAll('[data-testid="message"][data-seq]').length === 2);
  const texts = await ada.texts();
  assert.deepEqual([...texts].sort(), ["hello", "hello yourself <b>&amp;</b>"]);
  await bob.shows(texts);
  await ada.page.waitForFunction(() => /\d/.test(document.querySelector('[data-testid="latency"]').textContent));
  await bob.page.waitForFunction(() => /\d/.test(document.querySelector('[data-testid="latency"]').textContent));
  await bob.close();
  await ada.close();
});

for (const [how, cut, mend] of [
  ["by the page's own button", (w) => w.get("cable").click(), (w) => w.get("cable").click()],
  ["by the network", (w) => w.context.setOffline(true), (w) => w.context.setOffline(false)],
]) {
  test(`a window that was cut off ${how} misses nothing and repeats nothing, and nobody saw it leave`, async () => {
    const room = how.includes("button") ? "cable" : "network";
    const ada = await Window.open("Ada", room);
    const bob = await Window.open("Bob", room);
    await ada.sees("Ada", "Bob");
    await ada.say("before");
    await bob.shows(["before"]);
    await ada.watchMembers();

    await cut(bob);
    await bob.is("offline", "disconnected", "reconnecting", "connecting");
    for (const text of ["one", "two", "three"]) await ada.say(text);
    await ada.shows(["before", "one", "two", "three"]);
    assert.deepEqual(await bob.texts(), ["before"], "what is said while one is away is not heard there");
    await bob.say("from far away"); // shown at once, delivered later

    await mend(bob);
    await bob.is("connected");
    await ada.shows(["before", "one", "two", "three", "from far away"]);
    await bob.shows(["before", "one", "two", "three", "from far away"]);
    await ada.say("after");
    await bob.shows(["before", "one", "two", "three", "from far away", "after"]);

    assert.equal((await ada.memberStates()).length, 1, `the members as Ada saw them: ${await ada.memberStates()}`);
    assert.equal(await bob.get("gap").count(), 0);
    await bob.close();
    await ada.close();
  });
}

test("a reload goes on where the page was", async () => {
  const ada = await Window.open("Ada", "reload");
  const bob = await Window.open("Bob", "reload");
  await ada.sees("Ada", "Bob");
  await ada.watchMembers();
  await bob.page.reload();
  await bob.is("connected");
  await ada.say("still here?");
  await bob.page.waitForFunction(() => document.body.textContent.includes("still here?"));
  assert.equal((await ada.memberStates()).length, 1, "nobody saw the reload");
  await bob.close();
  await ada.close();
});

test("the page looks as it should", async () => {
  const ada = await Window.open("Ada", "leave");
  const bob = await Window.open("Bob", "leave");
  await ada.sees("Ada", "Bob");
  await ada.say("Shall we have tea?");
  await bob.say("At five.");
  await ada.shows(["Shall we have tea?", "At five."]);
  const folder = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "rtcore-e2e-"));
  const picture = join(folder, "demo.png");
  await ada.page.screenshot({ path: picture });
  assert.ok(statSync(picture).size > 5_000, "a picture with something in it");
  console.log(`screenshot: ${picture}`);
  await bob.close();
  await ada.close();
});
