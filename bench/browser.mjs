// What the browser's client costs in Chromium, beside a bare WebSocket that speaks the same wire by hand.
//
//     node bench/browser.mjs [receive] [connect] [frames]
//
// `receive`: CPU of the pages' main threads an event, by the tracing API (`tdur` of each task), for as many events of
// the same bytes: a WebSocket with `JSON.parse`, our core, the page script with `on` and with `for await`, two tabs with
// two sockets and two tabs that share one. Each is measured in turn, and what counts is the ratio. `connect`: a page from
// its script's request to live, and round trips from the opened connection to the first event, over a line that is slow.
// `frames`: of the demonstration's dashboard, in ten seconds.

import { connect as dial, createServer } from "node:net";
import { startBrowser, startDemo, startServer } from "../tests/e2e/server.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const median = (values) => values.toSorted((one, other) => one - other)[values.length >> 1];

/** In the page: a socket that says hello, joins, and parses. */
const bare = async (url) => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/rt/ws`, "rtcore.v1.json");
  const say = (said) => socket.send(JSON.stringify(said));
  window.heard = window.sum = 0;
  await new Promise((joined) => {
    socket.onopen = () => say({ type: "hello", v: 1 });
    socket.onmessage = ({ data }) => {
      const said = JSON.parse(data);
      for (const each of Array.isArray(said) ? said : [said]) {
        if (each.type === "event" && each.event === "tick") {
          window.heard++;
          window.sum += each.data.n;
        } else if (each.type === "welcome") say({ type: "join", id: 1, room: "ticks" });
        else if (each.type === "ack") joined();
      }
    };
  });
};

/** In the page: ours. */
const ours = async (url, { tabs = false, loop = false } = {}) => {
  const { connect } = await import("/rt/client.js");
  window.heard = window.sum = 0;
  const client = (window.client = connect(`${url}/rt`, { tabs }));
  const room = await client.join("ticks");
  const take = ({ data }) => {
    window.heard++;
    window.sum += data.n;
  };
  if (!loop) room.on("tick", take);
  else
    void (async () => {
      for await (const one of room) if (one.type === "event" && one.event === "tick") take(one);
    })();
};

/** Microseconds of CPU of all main threads of pages in a trace. */
function cpuOf(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ ph, name, pid, tid }) => ph === "X" && name.endsWith("RunTask") && main.has(`${pid}.${tid}`),
  );
  if (!tasks.some(({ tdur }) => tdur)) throw new Error("this Chromium's trace tells no CPU time");
  return tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0);
}

/** CPU of each event in so many pages, each of which runs this. */
async function cost(browser, server, pages, run, given, burst) {
  const context = await browser.newContext();
  const open = [];
  for (let n = 0; n < pages; n++) {
    const page = await context.newPage();
    await page.goto(`${server.url}/healthz`);
    await page.evaluate(`window.begin = ${run}`);
    await page.evaluate(([url, given]) => window.begin(url, given), [server.url, given]);
    open.push(page);
  }
  const wanted = burst.times * burst.each;
  await browser.startTracing(open[0], { categories: ["toplevel", "__metadata"] });
  const said = fetch(`${server.url}/rt/session`, { method: "POST", body: JSON.stringify({ type: "hello", v: 1 }) });
  const { session, key } = await (await said).json();
  const asked = { type: "emit", id: 1, event: "burst", data: burst };
  const taken = await fetch(`${server.url}/rt/send`, {
    method: "POST",
    headers: { authorization: `Session ${session}:${key}` },
    body: JSON.stringify(asked),
  });
  if (!taken.ok) throw new Error(`the burst was refused: ${await taken.text()}`);
  for (const page of open) await page.waitForFunction((wanted) => window.heard >= wanted, wanted, { polling: 500 });
  const cpu = cpuOf(await browser.stopTracing());
  for (const page of open) {
    const [heard, sum] = await page.evaluate(() => [window.heard, window.sum]);
    if (heard !== wanted || sum !== (wanted * (wanted - 1)) / 2) throw new Error(`heard ${heard} of ${wanted}`);
  }
  await context.close();
  return cpu / wanted;
}

async function receive(browser, server) {
  for (const [how, burst] of [
    ["100 events each 20 ms", { times: 150, each: 100, pause: 0.02 }],
    ["one event each 2 ms", { times: 1500, each: 1, pause: 0.002 }],
  ]) {
    const rows = [
      ["a bare WebSocket, `JSON.parse`", 1, bare, undefined],
      ["ours, `on`", 1, ours, {}],
      ["ours, `for await`", 1, ours, { loop: true }],
      ["two tabs, two bare WebSockets", 2, bare, undefined],
      ["two tabs that share ours", 2, ours, { tabs: true }],
    ].map((row) => ({ row, us: [] }));
    for (let round = 0; round < ROUNDS; round++)
      for (const { row, us } of rows) {
        const [, pages, run, given] = row;
        us.push(await cost(browser, server, pages, run, given, burst));
      }
    console.log(`\n| ${how} | us of CPU an event | beside the bare one |\n|---|---|---|`);
    for (const { row, us } of rows) {
      const beside = rows[row[1] === 1 ? 0 : 3].us;
      const ratio = median(us.map((value, at) => value / beside[at]));
      console.log(`| ${row[0]} | ${median(us).toFixed(1)} | ${ratio.toFixed(2)} |`);
    }
  }
}

/** A line on which each byte takes so long, each way. */
async function slow(url, ms) {
  const { hostname, port } = new URL(url);
  const line = createServer((near) => {
    const far = dial(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on("data", (data) => setTimeout(() => to.destroyed || to.write(data), ms));
      from.on("error", () => to.destroy());
      from.on("close", () => setTimeout(() => to.destroy(), ms));
    }
  });
  await new Promise((resolve) => line.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${line.address().port}`, stop: () => line.close() };
}

async function connecting(browser, server) {
  const page = await browser.newPage();
  const parsed = [];
  for (let n = 0; n < 2 * ROUNDS + 1; n++) {
    await page.goto(`${server.url}/healthz?${n}`);
    parsed.push(
      await page.evaluate(async () => {
        const then = performance.now();
        const { connect } = await import("/rt/client.js");
        const loaded = performance.now();
        const client = connect("/rt", { tabs: false });
        await client.ready();
        const live = performance.now();
        await client.end();
        return [loaded - then, live - then];
      }),
    );
  }
  const [first, ...again] = parsed;
  const times = again.map(([loaded, live]) => `${loaded.toFixed(0)} + ${(live - loaded).toFixed(0)}`).join(", ");
  console.log(`\nscript requested and parsed + connected, ms: first ${first.map((ms) => ms.toFixed(0))}; then ${times}`);
  console.log(`median from the request of the script to live: ${median(again.map(([, live]) => live)).toFixed(0)} ms`);

  const each = 100;
  const line = await slow(server.url, each);
  await page.goto(`${line.url}/healthz`);
  const trips = [];
  for (let n = 0; n < ROUNDS; n++)
    trips.push(
      await page.evaluate(async () => {
        const { connect } = await import("/rt/client.js");
        const then = performance.now();
        const client = connect("/rt", { tabs: false });
        const first = new Promise((heard) => client.on("hello", () => heard(performance.now() - then)));
        await client.ready();
        const live = performance.now() - then;
        const told = await first;
        await client.end();
        return [live, told];
      }),
    );
  const [live, event] = [0, 1].map((at) => median(trips.map((trip) => trip[at])));
  console.log(`round trips of ${2 * each} ms, the upgrade included: live ${(live / 2 / each).toFixed(2)}, first event ${(event / 2 / each).toFixed(2)}`);
  line.stop();
  await page.close();
}

async function frames(browser) {
  const demo = await startDemo();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${demo.url}/dashboard`);
  await page.waitForTimeout(3000);
  const { count, late, points } = await page.evaluate(
    () =>
      new Promise((told) => {
        const begun = performance.now();
        let [count, late, last] = [0, 0, begun];
        const frame = (now) => {
          count++;
          if (now - last > 34) late++;
          last = now;
          if (now - begun < 10_000) requestAnimationFrame(frame);
          else told({ count, late, points: document.querySelector("main").innerText.match(/[\d,]{4,}/)?.[0] });
        };
        requestAnimationFrame(frame);
      }),
  );
  console.log(`\ndashboard: ${(count / 10).toFixed(1)} frames a second, ${late} of them more than 34 ms after the last, at ${points} points a second`);
  await page.close();
  await demo.stop();
}

const asked = process.argv.slice(2);
const wants = (name) => !asked.length || asked.includes(name);
const [browser, server] = [await startBrowser(), await startServer("bench.browser_app:app")];
try {
  if (wants("receive")) await receive(browser, server);
  if (wants("connect")) await connecting(browser, server);
  if (wants("frames")) await frames(browser);
} finally {
  await browser.close();
  await server.stop();
}
