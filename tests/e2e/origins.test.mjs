// A page of another origin in a real browser: with a session's key, its cookie and its ticket where the origin is configured;
// nothing where it is not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Speaker } from "./link.mjs";
import { startBrowser, startServer } from "./server.mjs";

const APP = "tests.interop.app:app";
let pages; // serves the pages: another port is another origin
let server;
let browser;

before(async () => {
  pages = await startServer(APP);
  server = await startServer(APP, { options: ["--origin", pages.url] });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await pages?.stop();
});

async function open(origin) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.requests = [];
  page.on("request", (request) => page.requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.goto(`${origin}/healthz`);
  return page;
}

test("a configured origin speaks for its session with the key, after a preflight", async () => {
  const page = await open(pages.url);
  const seen = await page.evaluate(async (url) => {
    const session = await fetch(`${url}/rt/session`, { method: "POST", body: JSON.stringify({ type: "hello" }) });
    const { session: id, key } = await session.json();
    const headers = { authorization: `Session ${id}:${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ type: "emit", id: 1, event: "double", data: ["a"] });
    const send = await fetch(`${url}/rt/send`, { method: "POST", headers, body });
    const poll = await fetch(`${url}/rt/poll?after=0&wait=0`, { headers });
    const wrong = await fetch(`${url}/rt/poll?after=0&wait=0`, { headers: { authorization: "Session a:b" } });
    return { send: await send.json(), poll: await poll.json(), wrong: [wrong.status, (await wrong.json()).code] };
  }, server.url);
  assert.deepEqual(seen.send, { messages: [{ type: "ack", id: 1, data: ["a", "a"] }] });
  assert.equal(seen.poll.n, 1);
  assert.deepEqual(seen.wrong, [404, "NOT_FOUND"], "a refusal can be read by the page");
  await page.context().close();
});

test("with its cookie, two tabs being two sessions", async () => {
  const page = await open(pages.url);
  const seen = await page.evaluate(async (url) => {
    const ask = (path, body) =>
      fetch(`${url}${path}`, { credentials: "include", method: "POST", body: JSON.stringify(body) }).then((answer) => answer.json());
    const one = await ask("/rt/session", { type: "hello", cookie: true });
    const two = await ask("/rt/session", { type: "hello", cookie: true });
    const results = [];
    for (const { session } of [one, two]) {
      results.push(await ask(`/rt/send?session=${session}`, { type: "join", id: 1, room: "tea" }));
    }
    const source = new EventSource(`${url}/rt/sse?session=${two.session}`, { withCredentials: true });
    const heard = new Promise((resolve, reject) => {
      source.onerror = () => reject(new Error("no stream"));
      source.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type !== "event") return;
        source.close();
        resolve(message);
      };
    });
    await new Promise((resolve) => (source.onopen = resolve));
    await ask(`/rt/send?session=${one.session}`, { type: "publish", id: 2, room: "tea", event: "say", data: "between tabs" });
    const without = await fetch(`${url}/rt/poll?session=${one.session}&after=0&wait=0`);
    return { results, heard: await heard, one, script: document.cookie, without: without.status };
  }, server.url);
  assert.ok(seen.results.every(({ messages }) => messages[0].type === "ack" && !messages[0].error));
  assert.equal(seen.heard.data, "between tabs");
  assert.equal(seen.heard.from.session, seen.one.session);
  assert.ok(!seen.script.includes("rt_"), "no script reads the cookie");
  assert.ok([401, 404].includes(seen.without), "without credentials the cookie stays at home");
  await page.context().close();
});

test("with a ticket, without credentials", async () => {
  const page = await open(pages.url);
  const bob = await Speaker.at(server.url);
  await page.evaluate(async (url) => {
    const answer = await fetch(`${url}/rt/session`, { method: "POST", body: JSON.stringify({ type: "hello", ticket: true }) });
    const { session, key, ticket } = await answer.json();
    window.heard = [];
    const source = new EventSource(`${url}/rt/sse?ticket=${ticket}`);
    source.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
    const headers = { authorization: `Session ${session}:${key}` };
    await fetch(`${url}/rt/send`, { method: "POST", headers, body: JSON.stringify({ type: "join", id: 1, room: "tea" }) });
  }, server.url);
  await bob.say("tea", "for a ticket");
  await page.waitForFunction(() => window.heard.some(({ data }) => data === "for a ticket"));
  await page.context().close();
});

test("an origin that is not configured gets nothing, not even a status", async () => {
  const page = await open(pages.url.replace("127.0.0.1", "localhost")); // the same server, under another name
  const seen = await page.evaluate(async (url) => {
    const tried = {};
    const hello = JSON.stringify({ type: "hello" });
    for (const [name, ask] of Object.entries({
      session: () => fetch(`${url}/rt/session`, { method: "POST", body: hello }),
      preflight: () => fetch(`${url}/rt/send`, { method: "POST", headers: { authorization: "Session a:b" }, body: hello }),
      credentials: () => fetch(`${url}/rt/session`, { method: "POST", body: hello, credentials: "include" }),
    })) {
      tried[name] = await ask().then(
        (answer) => answer.status,
        (error) => error.name,
      );
    }
    const source = new EventSource(`${url}/rt/sse?room=tea`);
    tried.stream = await new Promise((resolve) => {
      source.onopen = () => resolve("open");
      source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? "closed" : "connecting");
    });
    const socket = new WebSocket(`${url.replace("http", "ws")}/rt/ws`);
    tried.socket = await new Promise((resolve) => {
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    });
    return tried;
  }, server.url);
  assert.deepEqual(seen, {
    session: "TypeError",
    preflight: "TypeError",
    credentials: "TypeError",
    stream: "closed",
    socket: "refused",
  });
  await page.context().close();
});
