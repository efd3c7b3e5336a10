// Which transport is tried, and when: design 15, "Way up: not by the figures of the worse transport but by trying:
// attach, `welcome` within 5 s, dwell 60 s, doubled at each fall. At most one move a minute."

import { expect, test } from "vitest";
import { Transports } from "../src/choice.ts";
import type { Kit } from "../src/connect.ts";
import { settle, World } from "./world.ts";

const NAMES = ["websocket", "sse", "polling"];
const MINUTE = 60_000;

const choosing = (names = NAMES, worked: string | null = null): Transports => {
  const memory = { get: () => worked, set: () => undefined };
  return new Transports(Object.fromEntries(names.map((name) => [name, undefined as never])), memory);
};

/** A client that chooses by itself, and is live by its first transport; a ping each 5 s. */
const live = async (failing: string[] = []): Promise<World> => {
  const world = new World().connect({}, [
    (kit: Kit) => {
      const { open } = kit.hands.choice;
      const opens = Object.fromEntries(NAMES.map((name) => [name, open(name)]));
      kit.hands.choice = new Transports(opens, { get: () => null, set: () => undefined });
    },
  ]);
  await settle();
  for (const _ of failing) {
    await world.wire.close();
    await world.clock.pass(0);
  }
  await world.wire.welcome({ limits: { ping: 5 } });
  return world;
};

const answered = new WeakSet<object>();

/** So long, in which each ping of the connection has its answer after so many milliseconds. */
const pings = async (world: World, ms: number, trip: number): Promise<void> => {
  const wire = world.wire;
  for (let left = ms; left > 0; left -= 500) {
    await world.clock.pass(Math.min(left, 500));
    for (const ping of wire.of("ping")) {
      if (answered.has(ping) || world.clock.time - (ping.time as number) < trip) continue;
      answered.add(ping);
      await wire.hear({ type: "pong", time: ping.time });
    }
  }
};

test("the way up is not by the figures of the worse transport but by trying", async () => {
  const world = await live(["websocket"]);
  expect(world.client.transport).toBe("sse");
  // The network is slow: so are these figures, and they say nothing of a WebSocket.
  await pings(world, MINUTE - 1000, 4000);
  expect(world.wires).toHaveLength(2);
  await pings(world, 2000, 4000);
  expect(world.wire.transport).toBe("websocket");
  await world.wire.welcome();
  expect(world.client.status).toMatchObject({ live: true, transport: "websocket" });
  await world.client.end();
});

test("the welcome of a transport that is tried comes within 5 s, or the first goes on", async () => {
  const world = await live(["websocket"]);
  await pings(world, MINUTE + 1000, 10);
  const [, first, tried] = world.wires;
  await tried!.open();
  expect(tried!.of("hello")).toHaveLength(1);
  await world.clock.pass(4999);
  expect(tried!.shut).toBeUndefined();
  await world.clock.pass(1);
  expect(tried!.shut).toBeDefined();
  expect(first!.shut).toBeUndefined();
  expect(world.client.status).toMatchObject({ live: true, transport: "sse" });
  await world.client.end();
});

test("the dwell of 60 s is doubled at each fall", () => {
  const choice = choosing();
  const waits: number[] = [];
  let now = 0;
  for (let fall = 0; fall < 4; fall++) {
    choice.worked("websocket", now);
    now += MINUTE;
    while (!choice.toTry("websocket", now, { smoothed: 3000, loss: 0 })) now += 25_000;
    choice.worked("sse", now);
    const began = now;
    while (!choice.toTry("sse", now)) now += 1000;
    waits.push((now - began) / 1000);
  }
  expect(waits).toEqual([120, 240, 480, 960]);
});

test("a client that fell is not back up because its connection broke", () => {
  const choice = choosing();
  choice.worked("websocket", 0);
  const moves = [1, 2, 3].map((n) => choice.toTry("websocket", MINUTE + n, { smoothed: 3000, loss: 0 }));
  expect(moves).toEqual([undefined, undefined, "sse"]);
  choice.worked("sse", MINUTE + 10);
  expect(choice.next(MINUTE + 5000)).toBe("sse");
  expect(choice.next(3 * MINUTE + 5000)).toBe("websocket");
});

test("at most one move a minute, and one try", () => {
  const choice = choosing();
  choice.failed("websocket", 0);
  choice.worked("sse", 0);
  const tries: number[] = [];
  for (let now = 0; now < 10 * MINUTE; now += 1000) {
    if (choice.toTry("sse", now)) {
      tries.push(now);
      choice.failed("websocket", now);
    }
  }
  expect(tries.length).toBeGreaterThan(4);
  expect(tries.filter((at, n) => at - (tries[n - 1] ?? -MINUTE) < MINUTE)).toEqual([]);
  const falling = choosing();
  falling.worked("websocket", 0);
  let falls = 0;
  for (let now = 0; now <= 3 * MINUTE; now += 1000) {
    if (falling.toTry("websocket", now, { smoothed: undefined, loss: 0.1 })) falls++;
  }
  expect(falls, "down, too, where the next cannot be opened").toBe(3);
});

test("one ping is counted once: so many slow ones in a row, or without an answer, as it takes", async () => {
  const world = await live();
  await pings(world, MINUTE, 10);
  await pings(world, 10_000, 4000);
  expect(world.wires, "two slow answers move nobody").toHaveLength(1);
  await world.client.end();
});

test("who moves does not come back before the time that the server named", async () => {
  const world = await live(["websocket"]);
  await pings(world, MINUTE + 1000, 10);
  const [, first, tried] = world.wires;
  await first!.close(4000, { after: 7 });
  expect(tried!.shut).toBeDefined();
  expect(world.client.status.state).toBe("waiting");
  await world.clock.pass(6999);
  expect(world.wires).toHaveLength(3);
  await world.client.end();
});

test("what the server advises is tried when a move may be, and what may not be used is not", async () => {
  const world = await live();
  const advise = (transport: unknown) => world.wire.hear({ type: "advise", why: "memory", transport });
  for (const transport of ["websocket", "carrier pigeon", 7, undefined]) await advise(transport);
  await pings(world, 2 * MINUTE, 10);
  expect(world.wires).toHaveLength(1);
  await advise("sse");
  expect(world.wire.transport).toBe("sse");
  await world.wire.welcome({ limits: { ping: 5 } });
  expect(world.client.status).toMatchObject({ live: true, transport: "sse" });
  await advise("polling");
  await pings(world, MINUTE - 1000, 10);
  expect(world.wires, "at most one move a minute").toHaveLength(2);
  await pings(world, 2000, 10);
  expect(world.wire.transport).toBe("polling");
  await world.client.end();
});

test("an advice is of the connection on which it was said", async () => {
  const world = await live();
  await world.wire.hear({ type: "advise", why: "memory", transport: "sse" });
  await world.back({ limits: { ping: 5 } });
  await pings(world, 2 * MINUTE, 10);
  expect(world.wires.map(({ transport }) => transport)).toEqual(["websocket", "websocket"]);
  await world.client.end();
});

test("the first attempt is by what worked here, and the better one is tried from there", () => {
  const choice = choosing(NAMES, "polling");
  expect(choice.next(0)).toBe("polling");
  choice.worked("polling", 0);
  expect(choice.toTry("polling", MINUTE - 1)).toBeUndefined();
  expect(choice.toTry("polling", MINUTE)).toBe("websocket");
});
