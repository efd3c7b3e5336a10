// What a program gives wrongly: told where it is given, with what came and what to write. A row a case.

import { expect, test } from "vitest";
import { connect } from "../src/connect.ts";
import { RtcoreError, type UsageError } from "../src/errors.ts";
import { fallback } from "../src/fallback.ts";
import type { Client } from "../src/types.ts";
import { fate, settle, World } from "./world.ts";

const URL_ = "http://localhost:1/rt";

// biome-ignore lint/suspicious/noExplicitAny: what types would not let through
const OPTIONS: [row: string, url: any, options: any, why: string][] = [
  ["timeout as text", URL_, { timeout: "5" }, 'timeout is a number of milliseconds, 0 or more; not "5"'],
  ["timeout below 0", URL_, { timeout: -1 }, "timeout is a number of milliseconds, 0 or more; not -1"],
  ["timeout NaN", URL_, { timeout: Number.NaN }, "not NaN"],
  ["timeout true", URL_, { timeout: true }, "not true"],
  ["queue below 0", URL_, { queue: -1 }, "queue is a whole number from 0 on; not -1"],
  ["queue as text", URL_, { queue: "7" }, 'not "7"'],
  ["queueBytes", URL_, { queueBytes: -5 }, "queueBytes is a whole number from 0 on; not -5"],
  ["overflow", URL_, { overflow: "drop" }, 'overflow is one of reject, drop_oldest, drop_by_key; not "drop"'],
  ["attempts", URL_, { attempts: 0 }, "attempts is a whole number from 1 on; not 0"],
  ["attempts as text", URL_, { attempts: "3" }, 'not "3"'],
  ["token", URL_, { token: 7 }, "token is of type string or function; not 7"],
  ["tabs", URL_, { tabs: "no" }, 'tabs is of type boolean; not "no"'],
  ["user", URL_, { user: 7 }, "user is of type string; not 7"],
  ["durability", URL_, { durability: "all" }, "durability is one of default, strict, relaxed"],
  ["with", URL_, { with: "tabs" }, 'with is of type object; not "tabs"'],
  ["a name that is none", URL_, { tokn: "x" }, "there is no option tokn"],
  [
    "transport",
    URL_,
    { transport: "pigeon", with: [fallback] },
    "transport is one of websocket, sse, polling",
  ],
  ["no transport", URL_, { transport: [], with: [fallback] }, "transport is one of websocket"],
  ["address a number", 7, {}, "the address is where a server is, as /rt or https://example.org/rt; not 7"],
  ["no address", "", {}, 'not ""'],
  ["another scheme", "ftp://a", {}, 'not "ftp://a"'],
  ["no host", "http://", {}, 'not "http://"'],
  ["a path without a page", "/rt", {}, 'not "/rt"'],
  [
    "a token in the address",
    `${URL_}?token=x`,
    {},
    "the address is without a token, which is an option of its own",
  ],
];

for (const [row, url, options, why] of OPTIONS) {
  test(`what connect cannot use is refused before anything is opened: ${row}`, () => {
    let opened = 0;
    const spy = class {
      constructor() {
        opened++;
      }
    };
    const { WebSocket } = globalThis;
    globalThis.WebSocket = spy as unknown as typeof globalThis.WebSocket;
    try {
      expect(() => connect(url, options)).toThrow(
        expect.objectContaining({
          name: "UsageError",
          code: "INTERNAL",
          message: expect.stringContaining(why),
        }),
      );
      expect(opened).toBe(0);
    } finally {
      globalThis.WebSocket = WebSocket;
    }
  });
}

const circle: unknown[] = [];
circle.push(circle);

// biome-ignore lint/suspicious/noExplicitAny: what types would not let through
const USES: [row: string, use: (client: any) => unknown, code: string, why: string][] = [
  [
    "a time as text",
    (c) => c.emit("e", 1, { timeout: "5" }),
    "INTERNAL",
    "timeout is a number of milliseconds",
  ],
  ["a time that is none", (c) => c.emit("e", 1, { timeout: Number.NaN }), "INTERNAL", "not NaN"],
  ["a join's time", (c) => c.join("tea", { timeout: -1 }), "INTERNAL", "not -1"],
  [
    "a signal that is none",
    (c) => c.emit("e", 1, { signal: 7 }),
    "INTERNAL",
    "signal is an AbortSignal; not 7",
  ],
  ["a function", (c) => c.emit("e", () => 1), "INVALID_MESSAGE", "there is no text for a function"],
  ["a symbol", (c) => c.emit("e", Symbol("x")), "INVALID_MESSAGE", "there is no text for a symbol"],
  [
    "a bigint",
    (c) => c.emit("e", { n: 1n }),
    "INVALID_MESSAGE",
    "cannot be said as JSON: Do not know how to",
  ],
  ["a circle", (c) => c.emit("e", circle), "INVALID_MESSAGE", "cannot be said as JSON: Converting circular"],
  ["a stream's data", (c) => c.upload("s", [], 1n), "INVALID_MESSAGE", "cannot be said as JSON"],
];

for (const [row, use, code, why] of USES) {
  test(`what cannot be asked is told to its caller, and the client lives: ${row}`, async () => {
    const world = await World.live();
    const told = await fate(Promise.resolve().then(() => use(world.client)));
    expect(told).toMatchObject({ name: "UsageError", code, message: expect.stringContaining(why) });
    expect(told).toBeInstanceOf(TypeError);
    expect(world.wire.said.filter(({ type }) => type !== "hello" && type !== "ping")).toEqual([]);
    const next = world.client.emit("e", 7);
    await settle();
    await world.wire.hear({ type: "ack", id: 1, data: 7 });
    expect(await next).toBe(7);
  });
}

test("emit rejects, and never throws: its caller has one place for what goes wrong", async () => {
  const world = await World.live();
  let thrown = false;
  let told: Promise<unknown> | undefined;
  try {
    told = world.client.emit("e", 1n);
  } catch {
    thrown = true;
  }
  expect(thrown).toBe(false);
  expect(await fate(told!)).toMatchObject({ name: "UsageError" });
});

test("send throws at once where its time to live is none", async () => {
  const world = await World.live();
  expect(() => world.client.send("e", 1, { ttl: -1 })).toThrow(
    "ttl is a number of milliseconds, 0 or more; not -1",
  );
});

for (const [what, add] of [
  ["on", (client: Client) => client.on("e", 7 as never)],
  ["answer", (client: Client) => client.answer("e", undefined as never)],
] as const) {
  test(`what is to be called and is no function is refused where it is given: ${what}`, async () => {
    const world = await World.live();
    expect(() => add(world.client)).toThrow("is of type function; not");
  });
}

test("an empty key is said, for the server to refuse: without it the request would have none", async () => {
  const world = await World.live();
  void world.client.emit("e", 1, { key: "" }).catch(() => undefined);
  await settle();
  expect(world.wire.of("emit")[0]).toMatchObject({ key: "" });
});

// -- too large: refused before it is sent, with both numbers

const BIG = "x".repeat(2000);

test("a message over the server's limit is refused before it is sent, with its size and the limit", async () => {
  const world = await World.live({}, { limits: { max_message: 1024 } });
  const told = await fate(world.client.emit("e", BIG));
  expect(told).toMatchObject({ name: "TooLarge", code: "TOO_LARGE", maybeDone: false });
  expect(String(told)).toMatch(/emit has 20\d\d bytes; the server takes 1024/);
  expect(world.wire.of("emit")).toEqual([]);
});

test("an item over the server's limit ends its stream before it is sent", async () => {
  const world = await World.live({}, { limits: { max_message: 1024 } });
  const told = world.client.upload("s", [1, BIG, 3]);
  await settle();
  await world.wire.hear({ type: "credit", id: 1, n: 10 });
  const failed = await fate(told);
  expect(failed).toMatchObject({ name: "TooLarge", code: "TOO_LARGE" });
  expect(String(failed)).toMatch(/the item of a stream has 20\d\d bytes; the server takes 1024/);
  expect(world.wire.of("item")).toEqual([{ type: "item", id: 1, n: 0, data: 1 }]);
  expect(world.wire.of("cancel")).toEqual([{ type: "cancel", id: 1 }]);
  expect(world.client.status.live).toBe(true);
});

test("a reply over the server's limit is an error in its place", async () => {
  const world = await World.live({}, { limits: { max_message: 1024 } });
  world.client.answer("q", () => BIG);
  await world.wire.hear({ type: "request", id: 5, event: "q", data: null });
  const [reply] = world.wire.of("reply");
  expect(reply).toMatchObject({ id: 5, error: { code: "TOO_LARGE" } });
  expect(reply!.error.message).toMatch(/the reply has 20\d\d bytes; the server takes 1024/);
});

test("what a full outbox refuses is told with what it takes", async () => {
  const world = await World.live({ queue: 2, queueBytes: 1000 });
  await world.wire.close();
  const told = await fate(world.client.send("e", BIG).applied);
  expect(told).toBeInstanceOf(RtcoreError);
  expect((told as UsageError).code).toBe("OVERLOADED");
  expect(String(told)).toMatch(/1 messages of 20\d\d bytes would wait; the outbox takes 2 of 1000/);
});
