// A look at the console of a crowded server: `node crowded.mjs URL KEY [FOLDER]`. It says how long each page took.
import { createInterface } from "node:readline";
import { startBrowser } from "../e2e/server.mjs";

const [, , url, key, shots] = process.argv;
const PAGES = {
  rooms: "#table-rooms button",
  sessions: "#table-sessions button",
  diagnosis: "#issues",
  overview: "#tiles .tile",
};

const browser = await startBrowser();
const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
page.setDefaultTimeout(60_000);
await page.goto(`${url}/rt/console`);
await page.fill("#key", key);
let began = performance.now();
await page.click("#login button");
await page.waitForSelector("#tiles .tile");
console.log(JSON.stringify({ ms: performance.now() - began }));

const lines = createInterface({ input: process.stdin });
await new Promise((resolve) => lines.once("line", resolve));
const took = {};
for (const [name, what] of Object.entries(PAGES)) {
  began = performance.now();
  await page.evaluate((name) => {
    location.hash = name;
  }, name);
  await page.waitForSelector(what, { state: "attached" });
  took[name] = performance.now() - began;
  await page.waitForTimeout(1500);
  if (shots) await page.screenshot({ path: `${shots}/crowded-${name}.png`, fullPage: true });
}
console.log(JSON.stringify(took));
lines.close();
await browser.close();
