// The demonstration pages in a real browser, each as its visitors use it, with the network that its panel makes.
import assert from "node:assert/strict";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Window } from "./pages.mjs";
import { startBrowser, startDemo } from "./server.mjs";

const PAGES = ["", "chat", "notes", "board", "dashboard", "tokens", "cursors"];
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

class Chat extends Window {
  static open(name, room) {
    return super.open(browser, `${demo.url}/chat?room=${room}&name=${name}`);
  }
  async say(text) {
    await this.get("text").fill(text);
    await this.click("send");
  }
  texts() {
    return this.get("message-text").allInnerTexts();
  }
  /** Wait until just these messages are there and acknowledged, in this order. */
  async has(...texts) {
    await this.page
      .waitForFunction((count) => document.querySelectorAll('[data-testid="message"][data-seq]').length >= count, texts.length)
      .catch(() => {}); // the comparison below tells more than a time-out does
    assert.deepEqual(await this.texts(), texts);
  }
  sees(...names) {
    return this.page.waitForFunction((names) => {
      const shown = [...document.querySelectorAll('[data-testid="member"]')].map((item) => item.textContent).sort();
      return shown.join() === names.join();
    }, names.sort());
  }
  /** From now on, every change of the list of members is kept. */
  watchMembers() {
    return this.page.evaluate(() => {
      const list = document.querySelector('[data-testid="members"]');
      const look = () => [...list.children].map((item) => item.textContent).sort().join("|");
      window.memberStates = [look()];
      new MutationObserver(() => window.memberStates.at(-1) !== look() && window.memberStates.push(look())).observe(list, {
        childList: true,
        subtree: true,
      });
    });
  }
  memberStates() {
    return this.page.evaluate(() => window.memberStates);
  }
}

test("chat: two windows see each other's messages, as text, and who is here and typing", async () => {
  const [ada, bob] = [await Chat.open("Ada", "two"), await Chat.open("Bob", "two")];
  await ada.sees("Ada", "Bob");
  await ada.say("hello");
  await bob.has("hello");
  await bob.say("hello <b>&amp;</b>");
  await ada.has("hello", "hello <b>&amp;</b>");
  await bob.get("text").pressSequentially("h");
  await ada.shows("typing", /^Bob is typing/);
  await ada.shows("latency", /\d/);
  await bob.close();
  await ada.close();
});

for (const [how, cut, mend] of [
  ["by the panel", (w) => w.click("network-cut"), (w) => w.click("network-cut")],
  ["by the browser", (w) => w.context.setOffline(true), (w) => w.context.setOffline(false)],
]) {
  test(`chat: a window that was cut off ${how} misses nothing, repeats nothing, and nobody saw it leave`, async () => {
    const room = `cut-${how.slice(7)}`;
    const [ada, bob] = [await Chat.open("Ada", room), await Chat.open("Bob", room)];
    await ada.sees("Ada", "Bob");
    await ada.say("before");
    await bob.has("before");
    await ada.watchMembers();
    await cut(bob);
    await bob.is("away");
    await ada.say("one");
    await ada.say("two");
    await ada.has("before", "one", "two");
    await bob.say("from far away");
    await bob.shows("status", /1 kept/);
    await mend(bob);
    await bob.is("connected");
    await bob.tells(/the same session, nothing is missing/);
    for (const window of [ada, bob]) await window.has("before", "one", "two", "from far away");
    assert.equal((await ada.memberStates()).length, 1);
    await bob.close();
    await ada.close();
  });
}

test("chat: a restart of the server loses nothing; where WebSockets are blocked an event stream goes on", async () => {
  const [ada, bob] = [await Chat.open("Ada", "restart"), await Chat.open("Bob", "restart")];
  await bob.click("network-blocked");
  await bob.tells(/by event stream/);
  await ada.say("before");
  await bob.has("before");
  await ada.click("network-restart");
  await ada.is("away");
  await ada.say("while it is away");
  await ada.is("connected");
  await bob.has("before", "while it is away");
  await bob.say("after");
  await ada.has("before", "while it is away", "after");
  assert.equal(await ada.get("gap").count(), 0);
  await bob.close();
  await ada.close();
});

test("chat: rooms are entered and left without loading the page; a reload goes on as the same person", async () => {
  const [ada, bob] = [await Chat.open("Ada", "lobby"), await Chat.open("Bob", "lobby")];
  await ada.sees("Ada", "Bob");
  await ada.page.getByRole("link", { name: "tea" }).click();
  await ada.sees("Ada");
  await bob.sees("Bob");
  await ada.say("alone");
  await ada.has("alone");
  await bob.watchMembers();
  await bob.page.reload();
  await bob.is("connected");
  await bob.sees("Bob");
  await bob.close();
  await ada.close();
});

test("dashboard: it draws what comes, and a slow reader goes on with the newest and is told what it skipped", async () => {
  const window = await Window.open(browser, `${demo.url}/dashboard`);
  await window.shows("rate", /^[\d,]{5,}$/);
  await window.click("slow");
  await window.shows("skipped", /^[1-9]/);
  await window.tells(/points skipped, and told/);
  await window.click("slow");
  await window.shows("behind", /^\d+ ms$/);
  await window.close();
});

test("tokens: an answer goes on after a cut and a reload without a word twice, and stops when its reader leaves", async () => {
  const window = await Window.open(browser, `${demo.url}/tokens`);
  const words = async () => (await window.get("answer").innerText()).trim().split(/\s+/);
  await window.click("ask");
  await window.shows("answer", /no great thinker/);
  await window.shows("working", /^1 model$/);
  await window.click("network-cut");
  await window.is("away");
  await window.click("network-cut");
  await window.shows("answer", /Each word is an item/);
  await window.page.reload();
  await window.tells(/asks from word/);
  await window.shows("answer", /I fall silent/);
  const text = (await words()).join(" ");
  assert.match(text, /^You asked: Why does nothing get lost\? – I am no great thinker, only sixty lines of Python, but I can tell you what/);
  assert.match(text, /what happens while you read this\. Each word is an item of a stream\. The server makes the next one only when/);
  await window.click("stop");
  await window.shows("working", /^0 models$/);
  await window.close();
});

test("cursors: a pointer is seen in another window, moves by keys too, and goes with its owner", async () => {
  const [ada, bob] = [
    await Window.open(browser, `${demo.url}/cursors?name=Ada`),
    await Window.open(browser, `${demo.url}/cursors?name=Bob`),
  ];
  const pointer = (name) => bob.page.locator('[data-testid="pointer"]', { hasText: name });
  await pointer("Moon").waitFor();
  await ada.get("field").focus();
  await ada.page.keyboard.press("ArrowRight");
  await pointer("Ada").waitFor();
  const at = () => pointer("Ada").evaluate((item) => new DOMMatrix(getComputedStyle(item).transform).m41);
  const before = await at();
  for (let n = 0; n < 5; n++) await ada.page.keyboard.press("ArrowRight");
  await bob.page.waitForFunction(
    (before) => {
      const item = [...document.querySelectorAll('[data-testid="pointer"]')].find((one) => one.textContent === "Ada");
      return new DOMMatrix(getComputedStyle(item).transform).m41 > before + 20;
    },
    before,
  );
  await bob.close();
  await ada.close();
});

/** Of all text that is shown: the least contrast, by WCAG 2, and whose it is. */
const leastContrast = () => {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] === undefined || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let least = [21, ""];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest("noscript")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, element.outerHTML.slice(0, 120)];
  }
  return least;
};

for (const colorScheme of ["light", "dark"]) {
  for (const [kind, viewport] of [
    ["desktop", { width: 1280, height: 800 }],
    ["phone", { width: 360, height: 740 }],
  ]) {
    test(`each page, ${colorScheme}, on a ${kind}: AA contrast, nothing wider than the screen, a picture to look at`, async () => {
      const folder = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "rtcore-e2e-"));
      for (const page of PAGES) {
        const window = await Window.open(browser, `${demo.url}/${page}?name=Ada`, { colorScheme, viewport });
        if (page === "chat") {
          await window.get("text").fill("Shall we have tea?");
          await window.click("send");
          await window.page.waitForSelector('[data-testid="message"][data-seq]');
        }
        if (page === "notes") {
          await window.get("new").fill("Shall we have tea?");
          await window.click("add");
          await window.page.waitForSelector('[data-testid="note"]:not(.waits)');
        }
        if (page === "board") {
          await window.page.waitForSelector('[data-testid="text"]:enabled');
          await window.get("card").nth(3).waitFor();
        }
        const [ratio, who] = await window.page.evaluate(leastContrast);
        assert.ok(ratio >= 4.5, `${page}: ${ratio.toFixed(2)} of ${who}`);
        const width = await window.page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${page} is ${width} px wide`);
        const whole = await window.page.evaluate(() => {
          const here = document.querySelector("#top [aria-current]")?.getBoundingClientRect();
          return !here || (here.left >= 0 && here.right <= innerWidth);
        });
        assert.ok(whole, `${page} is seen in the line of pages`);
        const picture = join(folder, `${page || "start"}-${kind}-${colorScheme}.png`);
        await window.page.screenshot({ path: picture, fullPage: true });
        assert.ok(statSync(picture).size > 5_000, "a picture with something in it");
        await window.close();
      }
      console.log(`screenshots: ${folder}`);
    });
  }
}

test("each page can be used by the keyboard alone: what can be clicked can be reached, and shows that it is", async () => {
  for (const page of PAGES) {
    const window = await Window.open(browser, `${demo.url}/${page}`);
    // Content comes while this goes on, so what is left is asked after each step.
    let left = ["everything"];
    for (let n = 0; n < 200 && left.length; n++) {
      await window.page.keyboard.press("Tab");
      const [isOne, outline, missing] = await window.page.evaluate(() => {
        const wanted = "a[href], button:not([disabled]), input, textarea:not([disabled]), summary";
        const at = document.activeElement;
        window.reached ??= new WeakSet();
        window.reached.add(at);
        const all = [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length);
        const missing = all.filter((one) => !window.reached.has(one)).map((one) => one.outerHTML.slice(0, 80));
        return [at.matches(wanted), getComputedStyle(at).outlineStyle, missing];
      });
      if (isOne) assert.notEqual(outline, "none");
      left = missing;
    }
    assert.deepEqual(left, [], page);
    await window.close();
  }
});

test("pages come under a strict policy, and load nothing from elsewhere", async () => {
  for (const page of PAGES) {
    const answer = await fetch(`${demo.url}/${page}`);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.doesNotMatch(await answer.text(), /(src|href)="(https?:)?\/\//);
  }
});
