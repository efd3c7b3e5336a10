// The demonstration's pages of shared data in a real browser: two windows, of which one is cut off, and what comes of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Window } from "./pages.mjs";
import { startBrowser, startDemo } from "./server.mjs";

const PICTURES = process.env.PICTURES;
let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const picture = (window, name) => PICTURES && window.page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });

class Shared extends Window {
  static open(page, name) {
    return super.open(browser, `${demo.url}/${page}?name=${name}`);
  }
  /** The card of a note, or of the board, by its title. */
  async card(id, title) {
    const find = ([id, title]) =>
      [...document.querySelectorAll(`[data-testid="${id}"]`)].find(
        (card) => card.querySelector('[data-testid="title"]').value === title,
      )?.dataset.key;
    const key = await (await this.page.waitForFunction(find, [id, title])).jsonValue();
    return this.page.locator(`[data-testid="${id}"][data-key="${key}"]`);
  }
  async writes(id, title, field, text) {
    const box = (await this.card(id, title)).getByTestId(field);
    await box.fill(text);
    await box.blur();
  }
  /** What stands in the fields of these cards. */
  all(id, field) {
    return this.page.locator(`[data-testid="${id}"] [data-testid="${field}"]`).evaluateAll((boxes) => boxes.map((box) => box.value));
  }
  has(id, field, ...values) {
    return this.page.waitForFunction(
      ([id, field, values]) =>
        [...document.querySelectorAll(`[data-testid="${id}"] [data-testid="${field}"]`)].map((box) => box.value).join("|") === values,
      [id, field, values.join("|")],
    );
  }
  /** Wait until a card of the board has these tags. */
  async tagged(title, ...tags) {
    const key = await (await this.card("card", title)).getAttribute("data-key");
    await this.page.waitForFunction(
      ([key, tags]) => [...document.querySelectorAll(`[data-key="${key}"] .chip`)].map((chip) => chip.textContent).join() === tags,
      [key, tags.join()],
    );
  }
  column(name, ...titles) {
    return this.page.waitForFunction(
      ([name, titles]) =>
        [...document.querySelectorAll(`[data-testid="column-${name}"] [data-testid="title"]`)].map((box) => box.value).join("|") === titles,
      [name, titles.join("|")],
    );
  }
}

/** A note that both windows have, changed in both while the second has no network. */
async function apart(one, two, title, mine, theirs) {
  await one.get("new").fill(title);
  await one.click("add");
  await two.card("note", title);
  await one.shows("state", /here and at the server/);
  await two.click("network-cut");
  await two.is("away");
  await theirs();
  await mine();
  await two.shows("state", /kept here/);
  await one.shows("state", /here and at the server/);
}
const mend = async (window) => {
  await window.click("network-cut");
  await window.is("connected");
};

test("notes: two devices, one of them offline: fields are merged, what both changed is shown with both sides and decided", async () => {
  const [one, two] = [await Shared.open("notes", "Ada"), await Shared.open("notes", "Bob")];
  await apart(
    one,
    two,
    "Tea",
    async () => {
      await two.writes("note", "Tea", "text", "Green, from the shop at the corner");
      await (await two.card("note", "Tea")).getByTestId("done").check();
    },
    () => one.writes("note", "Tea", "text", "Black, two packets"),
  );
  await picture(two, "notes-offline");
  await mend(two);
  const side = (id) => two.get(id).innerText();
  await two.get("conflict").waitFor();
  assert.match(await side("was"), /It was\s+Title\s+Tea\s+Text\s+nothing/);
  assert.match(await side("mine"), /Green, from the shop at the corner/);
  assert.match(await side("theirs"), /Black, two packets/);
  await picture(two, "notes-conflict");
  // What only one of them changed is merged, whatever is decided about the other field.
  assert.ok(await (await one.card("note", "Tea")).getByTestId("done").isChecked());
  assert.equal(await one.get("conflict").count(), 0);
  await two.click("keep-mine");
  for (const window of [one, two]) await window.has("note", "text", "Green, from the shop at the corner");
  await two.get("conflict").waitFor({ state: "detached" });
  await two.shows("state", /here and at the server/);
  await one.close();
  await two.close();
});

test("notes: theirs is kept, or both; a note that was deleted meanwhile is a conflict too; nothing of it goes with a reload", async () => {
  const [one, two] = [await Shared.open("notes", "Ada"), await Shared.open("notes", "Bob")];
  const decide = async (title, choice, ...texts) => {
    await apart(one, two, title, () => two.writes("note", title, "text", "mine"), () => one.writes("note", title, "text", "theirs"));
    // What was written offline is kept by the browser, and so is the conflict.
    await two.page.reload();
    await two.get("conflict").waitFor();
    await two.click(choice);
    for (const window of [one, two])
      assert.deepEqual(
        await (await window.card("note", title)).getByTestId("text").evaluate(
          (box, wanted) =>
            new Promise((seen) => {
              const look = () => (box.value === wanted ? seen(wanted) : requestAnimationFrame(look));
              look();
            }),
          texts.join("\n"),
        ),
        texts.join("\n"),
      );
    await two.get("conflict").waitFor({ state: "detached" });
  };
  await decide("Milk", "keep-theirs", "theirs");
  await decide("Bread", "keep-both", "theirs", "mine");
  await apart(
    one,
    two,
    "Salt",
    () => two.writes("note", "Salt", "text", "fine"),
    async () => (await one.card("note", "Salt")).getByTestId("delete").click(),
  );
  await mend(two);
  await two.get("conflict").waitFor();
  assert.match(await two.get("theirs").innerText(), /deleted/);
  await picture(two, "notes-deleted");
  await two.click("keep-mine");
  await one.card("note", "Salt");
  await one.close();
  await two.close();
});

test("board: two windows and a text, one cut off: votes are summed, tags united, cards moved; all is there after a restart", async () => {
  const [ada, bob] = [await Shared.open("board", "Ada"), await Shared.open("board", "Bob")];
  await ada.get("add-todo").fill("Sweep the yard");
  await ada.get("add-todo").press("Enter");
  await bob.column("todo", "Buy tea", "Vote for this card in two windows", "Sweep the yard");
  await ada.page.waitForFunction(() => document.querySelectorAll('[data-testid="people"] .face').length === 2);
  const press = async (window, title, id) => (await window.card("card", title)).getByTestId(id).click();
  const tag = async (window, title, text) => {
    const box = (await window.card("card", title)).getByTestId("tag");
    await box.fill(text);
    await box.press("Enter");
  };
  await tag(ada, "Sweep the yard", "garden");
  await bob.tagged("Sweep the yard", "garden");
  for (const window of [ada, bob]) await window.page.waitForSelector('[data-testid="text"]:enabled');
  await bob.click("network-cut");
  await bob.is("away");
  await press(ada, "Sweep the yard", "vote");
  await press(bob, "Sweep the yard", "vote");
  await press(bob, "Sweep the yard", "vote");
  await tag(ada, "Sweep the yard", "autumn");
  await tag(bob, "Sweep the yard", "urgent");
  await (await bob.card("card", "Sweep the yard")).getByRole("button", { name: "garden" }).click();
  await press(bob, "Sweep the yard", "right");
  await ada.writes("card", "Sweep the yard", "title", "Sweep the whole yard");
  await ada.get("text").fill("Ada writes.");
  await bob.get("text").fill("Bob writes.");
  await bob.shows("state", /kept here/);
  await picture(bob, "board-offline");
  await mend(bob);
  for (const window of [ada, bob]) {
    await window.column("doing", "Cut the network, and go on", "Sweep the whole yard");
    const card = await window.card("card", "Sweep the whole yard");
    await card.locator('[data-testid="vote"]:has-text("3")').waitFor();
    await window.tagged("Sweep the whole yard", "autumn", "urgent");
    await window.page.waitForFunction(() => {
      const { value } = document.querySelector('[data-testid="text"]');
      return value.includes("Ada writes.") && value.includes("Bob writes.");
    });
  }
  await bob.shows("state", /^$/);
  assert.equal(await ada.get("text").inputValue(), await bob.get("text").inputValue());
  await ada.get("text").focus();
  await bob.shows("writers", /1 other is writing/);
  await (await ada.card("card", "Buy tea")).getByTestId("title").focus();
  await (await bob.card("card", "Buy tea")).getByTestId("face").waitFor();
  await picture(bob, "board");
  // A drag with the pointer, to the front of another column.
  const [card, place] = [await ada.card("card", "Sweep the whole yard"), await ada.card("card", "Open this page")];
  await card.dragTo(place, { sourcePosition: { x: 60, y: 70 }, targetPosition: { x: 60, y: 5 } });
  for (const window of [ada, bob]) await window.column("done", "Sweep the whole yard", "Open this page");
  await ada.click("network-restart");
  await ada.is("away");
  await ada.is("connected");
  await bob.is("connected");
  await press(ada, "Sweep the whole yard", "vote");
  await (await bob.card("card", "Sweep the whole yard")).locator('[data-testid="vote"]:has-text("4")').waitFor();
  await ada.close();
  await bob.close();
});

test("board: who works at a card goes on there when it is drawn anew, is moved, or loses what had the focus", async () => {
  const [ada, bob] = [await Shared.open("board", "Ada"), await Shared.open("board", "Bob")];
  for (const title of ["First", "Second", "Third"]) {
    await ada.get("add-done").fill(title);
    await ada.get("add-done").press("Enter");
    await bob.card("card", title);
  }
  const focused = (window) =>
    window.page.evaluate(() => {
      const { activeElement: at } = document;
      return [at.closest("li")?.querySelector('[data-testid="title"]').value, at.dataset.testid, at.selectionStart];
    });
  const tag = async (window, title, text) => {
    await (await window.card("card", title)).getByTestId("tag").fill(text);
    await (await window.card("card", title)).getByTestId("tag").press("Enter");
  };
  // Ada writes in a title, with the caret within it; Bob votes, tags it, and moves it to another column.
  const title = (await ada.card("card", "Second")).getByTestId("title");
  await title.evaluate((box) => {
    box.focus();
    box.setSelectionRange(3, 3);
  });
  await (await bob.card("card", "Second")).getByTestId("vote").click();
  await tag(bob, "Second", "urgent");
  await ada.tagged("Second", "urgent");
  assert.deepEqual(await focused(ada), ["Second", "title", 3]);
  await (await bob.card("card", "Second")).getByTestId("left").click();
  await ada.page.waitForFunction(() => document.activeElement.closest('[data-testid="column-doing"]'));
  assert.deepEqual(await focused(ada), ["Second", "title", 3]);
  // Bob puts the last of a column to its front, so that every other card has another place.
  const third = (await ada.card("card", "Third")).getByTestId("tag");
  await third.fill("half a w");
  const [card, place] = [await bob.card("card", "Third"), bob.page.locator('[data-testid="column-done"] li').first()];
  await card.dragTo(place, { sourcePosition: { x: 60, y: 70 }, targetPosition: { x: 60, y: 5 } });
  await ada.page.waitForFunction(() => document.querySelector('[data-testid="column-done"] [data-testid="title"]').value === "Third");
  assert.deepEqual(await focused(ada), ["Third", "tag", 8]);
  // By keys alone: an arrow goes along with its card, and gives the focus to the other where there is no further column.
  await (await ada.card("card", "First")).getByTestId("left").focus();
  await ada.page.keyboard.press("Enter");
  await ada.page.waitForFunction(() => document.activeElement.closest('[data-testid="column-doing"]'));
  assert.deepEqual((await focused(ada)).slice(0, 2), ["First", "left"]);
  await ada.page.keyboard.press("Enter");
  await ada.page.waitForFunction(() => document.activeElement.closest('[data-testid="column-todo"]'));
  assert.deepEqual((await focused(ada)).slice(0, 2), ["First", "right"]);
  // What had the focus is gone: the nearest thing to do has it.
  await (await ada.card("card", "Second")).getByRole("button", { name: "urgent" }).focus();
  await ada.page.keyboard.press("Enter");
  await ada.tagged("Second");
  assert.deepEqual((await focused(ada)).slice(0, 2), ["Second", "tag"]);
  for (const one of ["First", "Second", "Third"]) {
    const drop = (await ada.card("card", one)).getByTestId("delete");
    const column = await drop.evaluate((button) => button.closest("ol").dataset.testid.replace("column", "add"));
    await drop.focus();
    await ada.page.keyboard.press("Enter");
    await ada.page.waitForFunction((id) => document.activeElement.dataset.testid === id, column);
  }
  await ada.close();
  await bob.close();
});
