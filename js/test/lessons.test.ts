// What users of other clients complain about most: a row each. Rows with a name elsewhere are in test/README.md.

import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect } from "../src/connect.ts";
import { rooms } from "../src/rooms.ts";
import { fate, settle, World } from "./world.ts";

/** A browser's WebSocket that does what the test says. */
class FakeSocket {
  static made: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  /** One that stands in for a browser's may have none, as the panel of the demonstration does. */
  readonly protocol = undefined;
  readonly sent: string[] = [];

  constructor() {
    FakeSocket.made.push(this);
  }

  send(frame: string): void {
    this.sent.push(frame);
  }

  close(): void {
    this.closed = true;
  }

  welcome(): void {
    this.onopen?.();
    const welcome = { type: "welcome", v: 1, session: "s1", key: "k", user: null, epoch: "e", life: "l" };
    const more = {
      seq: 0,
      head: 0,
      taken: 0,
      resumed: this.sent[0]?.includes('"session"'),
      rooms: [],
      limits: {},
    };
    this.onmessage?.({ data: JSON.stringify({ ...welcome, ...more }) });
  }
}

describe("sockets of a browser", () => {
  beforeEach(() => {
    FakeSocket.made = [];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    vi.stubGlobal("WebSocket", FakeSocket);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const run = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
  };

  test("a socket stuck in connecting has a second beside it after 1.5 s, and both are given up after 5 s", async () => {
    const client = connect("http://server.example/rt", { random: () => 0 });
    await run(1400);
    expect(FakeSocket.made).toHaveLength(1);
    await run(200);
    expect(FakeSocket.made).toHaveLength(2);
    await run(3500);
    expect(FakeSocket.made.slice(0, 2).map(({ closed }) => closed)).toEqual([true, true]);
    await run(10);
    expect(FakeSocket.made.length).toBeGreaterThan(2);
    expect(client.status.live).toBe(false);
    FakeSocket.made.at(-1)!.welcome();
    await run(0);
    expect(client.status.live).toBe(true);
    await client.end();
  });

  test("the faster of two is used, and the other is closed without a word", async () => {
    const client = connect("http://server.example/rt");
    await run(1600);
    const [slow, quick] = FakeSocket.made;
    quick!.welcome();
    await run(0);
    expect(client.status.live).toBe(true);
    expect([slow!.closed, slow!.sent, slow!.onopen]).toEqual([true, [], null]);
    await client.end();
  });

  test("a socket that was replaced has no handlers left, and what it says is not heard", async () => {
    const client = connect("http://server.example/rt", { with: [rooms], random: () => 0 });
    FakeSocket.made[0]!.welcome();
    await run(0);
    const old = FakeSocket.made[0]!;
    const late = old.onmessage!;
    client.reconnect();
    await run(0);
    FakeSocket.made[1]!.welcome();
    await run(0);
    expect([old.onmessage, old.onclose, old.closed]).toEqual([null, null, true]);
    late({ data: JSON.stringify({ type: "event", event: "say", data: 1, seq: 9, time: 0 }) });
    expect(client.position).toBe("e.0");
    await client.end();
  });
});

test("open and dead one way: events still come, but nothing that is said has an answer", async () => {
  const world = await World.live();
  for (let n = 1; n <= 12; n++) {
    await world.clock.pass(9000);
    await world.wire.hear({ type: "event", event: "tick", data: n, seq: n, time: 0 });
  }
  expect(world.wires.length).toBeGreaterThan(1);
});

test("reconnect does something each time, also while it is connecting or waiting", async () => {
  const world = await World.live();
  for (let n = 1; n <= 5; n++) {
    world.client.reconnect();
    await world.clock.pass(0);
    expect(world.wires).toHaveLength(n + 1);
  }
  await world.wire.welcome();
  expect(world.client.status.live).toBe(true);
  expect(world.wires.slice(0, -1).every(({ shut }) => shut !== undefined)).toBe(true);
});

test("no timer is left of attempts that are over, of requests, or of a client that has ended", async () => {
  const world = await World.live();
  await world.clock.pass(0);
  const before = world.clock.waiting;
  for (let n = 0; n < 50; n++) {
    const asked = world.client.emit("a", n, { ttl: 3_600_000 });
    await settle();
    await world.wire.hear({ type: "ack", id: n + 1, data: null });
    await asked;
    await world.back({ taken: n + 1 });
  }
  expect(world.clock.waiting).toBe(before);
  await world.client.end();
  await world.clock.pass(60_000);
  expect(world.clock.waiting).toBe(0);
  expect(world.wires).toHaveLength(51);
});

test("a signal that outlives what it was given to is not listened to for ever", async () => {
  const world = await World.live();
  const stop = new AbortController();
  const listeners = (): number => getEventListeners(stop.signal, "abort").length;
  for (let n = 0; n < 20; n++) {
    const asked = world.client.emit("a", n, { signal: stop.signal });
    const stream = world.client.stream("numbers", n, { signal: stop.signal });
    const ends = stream.next();
    await settle();
    expect(listeners()).toBe(2);
    await world.wire.hear({ type: "ack", id: 2 * n + 1, data: null }, { type: "end", id: 2 * n + 2, n: 0 });
    await asked;
    expect(await fate(ends)).toMatchObject({ done: true });
    expect(listeners()).toBe(0);
  }
});

test("watchers and handlers that were taken back are not called, however often the connection is lost", async () => {
  const world = await World.live();
  let calls = 0;
  const call = (): void => {
    calls++;
  };
  const stop = world.client.subscribe(call);
  world.client.on("say", call).off("say", call);
  stop();
  await world.back();
  await world.wire.hear({ type: "event", event: "say", data: 1, seq: 1, time: 0 });
  expect(calls).toBe(0);
});

test("an upload whose items do not come hears at once that its stream is over, and lets go of them", async () => {
  const world = await World.live();
  const stop = new AbortController();
  let left = 0;
  const nothing: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        left++;
        return { done: true, value: undefined };
      },
    }),
  };
  const told = [1, 2, 3, 4].map(() => world.client.upload("collect", nothing, null, { signal: stop.signal }));
  await settle();
  await world.wire.hear(
    ...[1, 2, 3, 4].map((id) => ({ type: "credit", id, n: 10 })),
    { type: "end", id: 1, error: { code: "FULL", message: "the disk is full" } },
    { type: "end", id: 2, data: "enough" },
  );
  expect(await fate(told[0]!)).toMatchObject({ code: "FULL" });
  expect(await fate(told[1]!)).toBe("enough");
  expect(left).toBe(2);
  stop.abort();
  expect(await fate(told[2]!)).toMatchObject({ name: "AbortError" });
  expect(await fate(told[3]!)).toMatchObject({ name: "AbortError" });
  expect(world.wire.of("cancel").map(({ id }) => id)).toEqual([3, 4]);
  expect(left).toBe(4);
});

test("an upload takes a list of promises, waits for each, and a fault of its items is its own", async () => {
  const world = await World.live();
  const told = world.client.upload("collect", [Promise.resolve(1), Promise.reject(new Error("no more"))]);
  await settle();
  await world.wire.hear({ type: "credit", id: 1, n: 10 });
  expect(String(await fate(told))).toBe("Error: no more");
  expect(world.wire.of("item")).toEqual([{ type: "item", id: 1, n: 0, data: 1 }]);
  expect(world.wire.of("end")).toMatchObject([{ id: 1, n: 1, error: { code: "INTERNAL" } }]);
});

test("an upload lets go of its items where one cannot be said, and not where they have ended by themselves", async () => {
  const world = await World.live();
  let left = 0;
  function* items(last: unknown): Generator<unknown> {
    try {
      yield last;
    } finally {
      left++;
    }
  }
  const told = world.client.upload("collect", items(1n));
  await settle();
  await world.wire.hear({ type: "credit", id: 1, n: 10 });
  expect(String(await fate(told))).toContain("cannot be said as JSON");
  expect(left).toBe(1);
  const whole = world.client.upload("collect", items(1));
  await settle();
  await world.wire.hear({ type: "credit", id: 2, n: 10 });
  expect(world.wire.of("end").at(-1)).toEqual({ type: "end", id: 2, n: 1 });
  await world.wire.hear({ type: "end", id: 2, data: "all" });
  expect(await fate(whole)).toBe("all");
  expect(left).toBe(2);
});
