// The client against a real server, over each transport, in Node.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { type Server, startServer } from "../../tests/e2e/serve.mjs";
import type { Part } from "../src/connect.ts";
import { type Client, connect as connectCore, type Options } from "../src/core.ts";
import { fallback, type Transport } from "../src/fallback.ts";
import { msgpack } from "../src/msgpack.ts";
import { rooms } from "../src/rooms.ts";
import { streams } from "../src/streams.ts";

let server: Server;
let room = 0;
const fresh = (kind = "relay"): string => `${kind}:js-${process.pid}-${++room}`;

beforeAll(async () => {
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  server = await startServer("tests.wire.app:app");
});
afterAll(() => server.stop(), 20_000);

describe.each<[string, Transport, Part[]]>([
  ["websocket", "websocket", []],
  ["websocket in MessagePack", "websocket", [msgpack]],
  ["sse", "sse", []],
  ["polling, which speaks JSON whatever part is there", "polling", [msgpack]],
])("over %s", (name, transport, parts) => {
  const connect = (url: string, options: Options = {}): Client =>
    connectCore(url, { ...options, transport, with: [rooms, streams, fallback, ...parts] });

  test("an emit has what its handler gives", async () => {
    await using client = connect(`${server.url}/rt`);
    expect(await client.emit("echo", { a: [1, "é", null] })).toEqual({ a: [1, "é", null] });
    expect(client.status.live).toBe(true);
    expect(client.transport).toBe(transport);
  });

  test("binary data are bytes on both sides", async () => {
    await using client = connect(`${server.url}/rt`);
    expect(await client.emit("echo", { picture: new Uint8Array([0, 255, 7]) })).toEqual({
      picture: new Uint8Array([0, 255, 7]),
    });
  });

  test("a room: history first, then what is said, once and in order", async () => {
    await using ann = connect(`${server.url}/rt`);
    await using bob = connect(`${server.url}/rt`);
    const name = fresh();
    const hers = await ann.join(name);
    await hers.publish("say", "past");
    const his = await bob.join(name, { last: 20 });
    expect(his.count).toBe(2);
    expect(his.members).toHaveLength(2);
    await hers.publish("say", "present");
    const heard: unknown[] = [];
    for await (const one of his) {
      if (one.type === "event") heard.push(one.data);
      if (heard.length === 2) break;
    }
    expect(heard).toEqual(["past", "present"]);
  });

  test("a second join of a room has its history, and the server hears of the last leave alone", async () => {
    await using client = connect(`${server.url}/rt`);
    const name = fresh();
    const first = await client.join(name);
    await first.publish("say", 1);
    const second = await client.join(name, { last: 5 });
    const heard: unknown[] = [];
    second.on("say", ({ data }) => heard.push(data));
    await first.leave();
    await second.publish("say", 2);
    await client.emit("echo", 0);
    expect(heard).toEqual([1, 2]);
    await second.leave();
    await expect(second.publish("say", 3)).rejects.toMatchObject({ code: "FORBIDDEN", maybeDone: false });
  });

  test("what is asked while the connection is away is done once, and rooms are heard without a gap", async () => {
    await using ann = connect(`${server.url}/rt`);
    await using bob = connect(`${server.url}/rt`);
    const name = fresh();
    const his = await bob.join(name);
    const hers = await ann.join(name);
    const heard: unknown[] = [];
    hers.on("say", ({ data }) => heard.push(data));
    await his.publish("say", 1);
    const { session } = ann;
    ann.reconnect();
    const said = [his.publish("say", 2), hers.publish("say", 3), his.publish("say", 4)];
    await Promise.all(said);
    await ann.emit("echo", 0);
    await ann.ready();
    expect(ann.session).toBe(session);
    expect([...heard].sort()).toEqual([1, 2, 3, 4]);
  });

  test("a stream down is read as fast as it is taken, and leaving it cancels it", async () => {
    await using client = connect(`${server.url}/rt`);
    const items: unknown[] = [];
    for await (const item of client.stream("numbers", { n: 200 })) items.push(item);
    expect(items).toHaveLength(200);
  });

  test("a stream up goes as fast as the server takes it, and has its result", async () => {
    await using client = connect(`${server.url}/rt`);
    const items = Array.from({ length: 300 }, (_, n) => n);
    expect(await client.upload("collect", items, "")).toEqual(items);
  });

  test("streams go on where they were when the connection is lost", async () => {
    await using client = connect(`${server.url}/rt`);
    const items: number[] = [];
    for await (const item of client.stream("numbers", { n: 300 })) {
      items.push(item.n);
      if (item.n === 100) client.reconnect();
    }
    expect(items).toEqual(Array.from({ length: 300 }, (_, n) => n));
    async function* slowly() {
      for (let n = 0; n < 100; n++) {
        if (n === 50) client.reconnect();
        yield n;
      }
    }
    expect(await client.upload("collect", slowly(), "")).toHaveLength(100);
  });

  test("the server's questions are answered, once", async () => {
    await using client = connect(`${server.url}/rt`);
    client.answer("confirm", ({ amount }: { amount: number }) => amount < 10);
    expect(await client.emit("ask", { event: "confirm", data: { amount: 5 } })).toBe(true);
  });

  test("what is not sent for want of time was not done, and what was sent may have been", async () => {
    await using client = connect(`${server.url}/rt`);
    await client.ready(); // else its time may be over before it is written
    await expect(client.emit("wait", `js-${name}-${process.pid}`, { timeout: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      maybeDone: true,
    });
    await client.end();
    const away = connect("http://127.0.0.1:9/rt");
    await expect(away.emit("echo", 1, { timeout: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      maybeDone: false,
    });
    await away.close();
  });

  test("a signal ends what waits for it", async () => {
    await using client = connect(`${server.url}/rt`);
    const stop = new AbortController();
    const waits = client.emit("wait", `js-abort-${name}-${process.pid}`, { signal: stop.signal });
    await client.send("echo").accepted;
    stop.abort();
    await expect(waits).rejects.toMatchObject({ name: "AbortError", maybeDone: true });
    await client.end(); // and not `close`, which would wait for the echo behind it
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what types would not let through
const REFUSED: [row: string, use: (client: any) => unknown, code: string, why: string][] = [
  ["join a number", (c) => c.join(7), "INVALID_MESSAGE", '"room" is a number; it must be text'],
  ["join nothing", (c) => c.join(""), "INVALID_MESSAGE", "0 bytes long; a name has 1 to 255"],
  [
    "join too long",
    (c) => c.join("x".repeat(1000)),
    "INVALID_MESSAGE",
    "1000 bytes long; a name has 1 to 255",
  ],
  [
    "last below 0",
    (c) => c.join("relay:t", { last: -1 }),
    "INVALID_MESSAGE",
    '"last" must be a whole number',
  ],
  ["last as text", (c) => c.join("relay:t", { last: "3" }), "INVALID_MESSAGE", '"last" is text'],
  ["since a number", (c) => c.join("relay:t", { since: 5 }), "INVALID_MESSAGE", '"since" is a number'],
  [
    "both",
    (c) => c.join("relay:t", { last: 1, since: "a.1" }),
    "INVALID_MESSAGE",
    '"since" or "last", not both',
  ],
  ["emit a number", (c) => c.emit(7), "INVALID_MESSAGE", '"event" is a number; it must be text'],
  ["emit nothing", (c) => c.emit(""), "INVALID_MESSAGE", "0 bytes long; a name has 1 to 255"],
  [
    "emit too long",
    (c) => c.emit("x".repeat(1000)),
    "INVALID_MESSAGE",
    "1000 bytes long; a name has 1 to 255",
  ],
  ["emit no event", (c) => c.emit("nope"), "NOT_FOUND", 'there is no event "nope"'],
  ["emit: half a character", (c) => c.emit("echo", "\ud83d"), "INVALID_MESSAGE", "a surrogate stands alone"],
  ["emit: no key", (c) => c.emit("echo", 1, { key: "" }), "INVALID_MESSAGE", "a key has 1 to 128"],
  [
    "emit: long key",
    (c) => c.emit("echo", 1, { key: "k".repeat(200) }),
    "INVALID_MESSAGE",
    "200 characters long",
  ],
  ["stream a number", (c) => c.stream(7).next(), "INVALID_MESSAGE", '"stream" is a number'],
  ["stream none", (c) => c.stream("nope").next(), "NOT_FOUND", 'there is no stream "nope"'],
];

describe("what a client cannot do is told to its caller, and the client lives", () => {
  for (const [row, use, code, why] of REFUSED) {
    test(row, async () => {
      await using client = connectCore(`${server.url}/rt`, { with: [rooms, streams] });
      await expect(use(client)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(why),
        maybeDone: false,
      });
      expect(await client.emit("echo", 7)).toBe(7);
    });
  }

  test("too large for the server: refused here, with both numbers", async () => {
    await using client = connectCore(`${server.url}/rt`);
    await client.ready();
    await expect(client.emit("echo", "x".repeat(2 << 20))).rejects.toMatchObject({
      name: "TooLarge",
      code: "TOO_LARGE",
      message: expect.stringMatching(/emit has 2097\d\d\d bytes; the server takes 1048576/),
    });
    expect(await client.emit("echo", 7)).toBe(7);
  });
});
