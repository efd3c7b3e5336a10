// What the tests of the demonstration pages share: a window of one person, and what it shows.
import assert from "node:assert/strict";

export const PATIENCE = 90_000;
/** A link that is cut off is reported by the browser itself: that is no fault of the page. */
const NETWORK = /WebSocket|ERR_|Failed to load resource/;

/** One person's window, in a browser profile of its own, with what went wrong in it. */
export class Window {
  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const window = new this(context, await context.newPage());
    window.page.on("pageerror", (error) => window.errors.push(String(error)));
    window.page.on("console", (line) => {
      if (line.type() === "error" && !NETWORK.test(line.text())) window.errors.push(line.text());
    });
    await window.page.goto(url);
    await window.is("connected");
    return window;
  }
  constructor(context, page) {
    Object.assign(this, { context, page, errors: [] });
  }
  get(id) {
    return this.page.getByTestId(id);
  }
  click(id) {
    return this.get(id).click();
  }
  is(status) {
    return this.page.waitForSelector(`[data-testid="status"][data-status="${status}"]`);
  }
  /** Wait until the text of an element is so. */
  shows(id, pattern) {
    return this.page.waitForFunction(
      ([id, source]) => new RegExp(source).test(document.querySelector(`[data-testid="${id}"]`)?.textContent ?? ""),
      [id, pattern.source],
    );
  }
  /** Wait until the timeline has a line like this. */
  tells(pattern) {
    return this.shows("timeline", pattern);
  }
  async close() {
    await this.context.close();
    assert.deepEqual(this.errors, []);
  }
}
