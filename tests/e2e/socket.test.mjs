// The browser's own WebSocket, with no script of ours: raw sockets, and a session that is lost and found again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./server.mjs";

let server;
let browser;
let page;

before(async () => {
  server = await startServer("tests.interop.app:app");
  browser = await startBrowser();
  page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(`${server.url}/healthz`); // any page of the same origin
  // A socket whose messages are waited for; it lives in the page.
  await page.evaluate(() => {
    window.Heard = class {
      constructor(path, protocols = []) {
        this.messages = [];
        this.waiting = [];
        this.socket = new WebSocket(`ws://${location.host}${path}`, protocols);
        this.socket.binaryType = "arraybuffer";
        this.socket.onmessage = ({ data }) => {
          this.messages.push(data);
          this.waiting.splice(0).forEach((look) => look());
        };
        this.opened = new Promise((resolve, reject) => {
          this.socket.onopen = resolve;
          this.socket.onerror = () => reject(new Error("the socket did not open"));
        });
        this.closed = new Promise((resolve) => {
          this.socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
        });
      }
      async next() {
        while (this.messages.length === 0) await new Promise((resolve) => this.waiting.push(resolve));
        return this.messages.shift();
      }
      say(message) {
        this.socket.send(JSON.stringify(message));
      }
      // A frame holds one message or an array of them.
      async hear(wanted) {
        this.heard ??= [];
        for (;;) {
          const at = this.heard.findIndex((one) => Object.entries(wanted).every(([name, value]) => one[name] === value));
          if (at >= 0) return this.heard.splice(at, 1)[0];
          this.heard.push(...[JSON.parse(await this.next())].flat());
        }
      }
    };
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a raw socket echoes text, bytes and what is long, compressed as the browser likes", async () => {
  const seen = await page.evaluate(async () => {
    const echo = new Heard("/echo");
    await echo.opened;
    const long = "repeats itself ".repeat(60_000);
    const lengths = [];
    for (const text of ["hello", "", "tea ☕ 茶", long]) {
      echo.socket.send(text);
      lengths.push((await echo.next()) === text);
    }
    echo.socket.send(new Uint8Array([0, 255, 7]));
    const bytes = [...new Uint8Array(await echo.next())];
    echo.socket.close(3001, "enough");
    return { lengths, bytes, extensions: echo.socket.extensions, closed: await echo.closed };
  });
  assert.deepEqual(seen.lengths, [true, true, true, true]);
  assert.deepEqual(seen.bytes, [0, 255, 7]);
  assert.match(seen.extensions, /permessage-deflate/);
  assert.equal(seen.closed.code, 3001);
  assert.equal(seen.closed.wasClean, true);
});

test("a code and a reason of the server's own arrive", async () => {
  const closed = await page.evaluate(async () => {
    const socket = new Heard("/enough");
    await socket.opened;
    socket.socket.send("genug ☕");
    return socket.closed;
  });
  assert.deepEqual(closed, { code: 3333, reason: "genug ☕", wasClean: true });
});

test("a session that lost its socket hears what it missed, once", async () => {
  const seen = await page.evaluate(async () => {
    const open = async (hello) => {
      const socket = new Heard("/rt/ws", ["rtcore.v1.json"]);
      await socket.opened;
      socket.say({ type: "hello", ...hello });
      return [socket, await socket.hear({ type: "welcome" })];
    };
    const [ann, welcome] = await open({});
    ann.say({ type: "join", id: 1, room: "tea" });
    await ann.hear({ type: "ack", id: 1 });
    const [bob] = await open({});
    bob.say({ type: "join", id: 1, room: "tea" });
    await bob.hear({ type: "ack", id: 1 });
    const publish = async (id, data) => {
      bob.say({ type: "publish", id, room: "tea", event: "say", data });
      return (await bob.hear({ type: "ack", id })).data.seq;
    };
    await publish(2, "heard");
    const heard = await ann.hear({ type: "event", event: "say" });
    ann.socket.close();
    await ann.closed;
    const missed = [await publish(3, "missed"), await publish(4, "missed too")];
    const [again, back] = await open({
      session: welcome.session,
      key: welcome.key,
      position: `${welcome.epoch}.${heard.seq}`,
    });
    const caught = [await again.hear({ type: "event" }), await again.hear({ type: "event" })];
    again.say({ type: "ping", time: 1 });
    await again.hear({ type: "pong" });
    return {
      first: heard.data,
      resumed: back.resumed,
      same: back.session === welcome.session,
      caught: caught.map(({ seq, data }) => [seq, data]),
      missed,
      more: again.heard.filter(({ type }) => type === "event").length,
    };
  });
  assert.equal(seen.first, "heard");
  assert.equal(seen.resumed, true);
  assert.equal(seen.same, true);
  assert.deepEqual(seen.caught, [
    [seen.missed[0], "missed"],
    [seen.missed[1], "missed too"],
  ]);
  assert.equal(seen.more, 0);
});
