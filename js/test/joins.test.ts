// A join that got no answer of its own: when it is asked for anew, and when it may have been done.

import { expect, test } from "vitest";
import { collections } from "../src/collections.ts";
import type { Room } from "../src/types.ts";
import type { Said } from "../src/words.ts";
import { fate, settle, World } from "./world.ts";

const ack = (id: number, data: unknown = null): Said => ({ type: "ack", id, data });
const failed = (id: number, code: string, more: Said = {}): Said => ({
  type: "ack",
  id,
  error: { code, message: code, ...more },
});
const joined = (id: number): Said =>
  ack(id, { seq: 0, began: 0, history: [], members: [], count: 1, grants: ["publish", "history"] });

/** A join of "tea", the client's first request, and its answer. */
const join = async (world: World): Promise<Room> => {
  const joining = world.client.join("tea");
  await settle();
  await world.wire.hear(joined(1));
  return joining;
};

test("a join of which the server does not know whether it is the newest is asked for anew", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  await settle();
  await world.back({ taken: 1000, life: "l2" });
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1]);
  const second = world.client.join("tea");
  await world.wire.hear(failed(1, "ACK_EXPIRED"));
  await world.clock.pass(1);
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1, 1001]);
  await world.wire.hear(joined(1001));
  expect((await joining).name).toBe("tea");
  expect((await second).name).toBe("tea");
  expect(world.wire.of("leave")).toEqual([]);
});

test("the client's own join of a room that is wanted is asked for anew as well", async () => {
  const world = await World.live();
  const room = await join(world);
  const heard: unknown[] = [];
  room.on("say", ({ data }) => heard.push(data));
  await world.back({ session: "s2", resumed: false });
  await world.back({ session: "s2", taken: 1, life: "l2" });
  await world.wire.hear(failed(1, "ACK_EXPIRED"));
  await world.clock.pass(1);
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1, 2]);
  await world.wire.hear(joined(2));
  await world.wire.hear({ type: "event", room: "tea", event: "say", data: "hot", seq: 1, time: 0 });
  expect(heard).toEqual(["hot"]);
});

test("a join that a leave of ours overtook is not asked for anew", async () => {
  const world = await World.live();
  const room = await join(world);
  await world.back({ session: "s2", resumed: false });
  const left = room.leave();
  await settle();
  expect(world.wire.of("leave").map(({ id }) => id)).toEqual([2]);
  await world.wire.hear(ack(2), failed(1, "ACK_EXPIRED"));
  await world.clock.pass(1);
  await left;
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1]);
});

test("a join that the server never knows is asked for six times, and then may have been done", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  joining.catch(() => undefined);
  await settle();
  for (let id = 1; id <= 6; id++) {
    await world.wire.hear(failed(id, "ACK_EXPIRED"));
    await world.clock.pass(1);
  }
  expect(await fate(joining)).toMatchObject({ code: "ACK_EXPIRED", maybeDone: true });
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a join that is refused for now is tried again after its time", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  await settle();
  await world.wire.hear(failed(1, "OVERLOADED", { retry: true, after: 2 }));
  await world.clock.pass(2100);
  expect(world.wire.of("join").map(({ id }) => id)).toEqual([1, 2]);
  await world.wire.hear(joined(2));
  expect((await joining).name).toBe("tea");
});

// Over plain HTTP the ack of a join comes by one connection, and `room`, `left` and `grants` by another, in either order.

const left = (id?: number, room = "tea"): Said => ({ type: "left", room, reason: "enough", id });
const grants = (id: number, ...words: string[]): Said => ({ type: "grants", room: "tea", grants: words, id });

/** Join, leave and join again, as 1, 2 and 3: the second room, whose ack has not come. */
const again = async (world: World): Promise<{ joining: Promise<Room> }> => {
  const leaving = (await join(world)).leave();
  await settle();
  await world.wire.hear(ack(2));
  await leaving;
  const joining = world.client.join("tea");
  await settle();
  return { joining };
};

test("left of an earlier stay that comes behind the ack of a later join ends nothing", async () => {
  const world = await World.live();
  const { joining } = await again(world);
  await world.wire.hear(joined(3), grants(1, "history"), left(1));
  const room = await joining;
  expect(room.getSnapshot()).toMatchObject({ joined: true, grants: ["publish", "history"] });
  await world.wire.hear(left(3));
  expect(room.getSnapshot().joined).toBe(false);
});

test("left of an earlier stay does not end the one that is asked for", async () => {
  const world = await World.live();
  const { joining } = await again(world);
  await world.wire.hear(left(1));
  await world.wire.hear(joined(3));
  const room = await joining;
  expect(room.getSnapshot().joined).toBe(true);
  // It is known to be in it: the last that leaves says so.
  const leaving = room.leave();
  await settle();
  expect(world.wire.of("leave").map(({ id }) => id)).toEqual([2, 4]);
  await world.wire.hear(ack(4));
  await leaving;
});

test("left that overtakes the ack of its join is done behind it", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  await settle();
  await world.wire.hear(left(1));
  await world.wire.hear(joined(1));
  expect((await joining).getSnapshot().joined).toBe(false);
});

test("grants that overtake the ack of their join are newer than it", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  await settle();
  await world.wire.hear(grants(1, "presence"));
  await world.wire.hear(joined(1));
  expect((await joining).grants).toEqual(["presence"]);
});

/** The server shows the room as it is, after a change of rights or because it put the session in. */
const shown = (id?: number): Said => ({
  type: "room",
  room: "tea",
  seq: 0,
  began: 0,
  members: [{ session: "s9", user: null }],
  count: 1,
  grants: ["history"],
  id,
});

test("room of an earlier stay that comes behind the ack of a later join changes nothing", async () => {
  const world = await World.live();
  const { joining } = await again(world);
  await world.wire.hear(joined(3), shown(1));
  const room = await joining;
  expect(room.grants).toEqual(["publish", "history"]);
  expect(room.members).toEqual([]);
  await world.wire.hear(shown(3));
  expect(room.grants).toEqual(["history"]);
  expect(room.members).toHaveLength(1);
});

test("room that overtakes the ack of its join is newer than it, and older than the grants behind it", async () => {
  const world = await World.live();
  const joining = world.client.join("tea");
  await settle();
  await world.wire.hear(grants(1, "publish", "presence"), shown(1));
  await world.wire.hear(joined(1));
  const room = await joining;
  expect(room.members).toHaveLength(1);
  expect(room.grants).toEqual(["history"]);
});

test("who was put back behind a left that waits is in it", async () => {
  for (const id of [undefined, 1]) {
    const world = await World.live();
    const joining = world.client.join("tea");
    await settle();
    await world.wire.hear(left(1), shown(id));
    await world.wire.hear(joined(1));
    expect((await joining).getSnapshot().joined).toBe(true);
  }
});

test("a collection that was put back behind a left that waits is in it", async () => {
  const world = new World().connect({}, [collections]);
  await settle();
  await world.wire.welcome();
  const notes = await world.client.collection("notes:ann");
  await settle();
  const room = "$sync/notes:ann";
  const sync = { schema: 1, strategy: "merge", horizon: "e.0", writer: { name: "w1", n: 0, outcomes: [] } };
  expect(world.wire.of("join")).toMatchObject([{ id: 1, room }]);
  await world.wire.hear(left(1, room), {
    type: "room",
    room,
    seq: 0,
    began: 0,
    grants: ["write"],
    sync,
    id: 1,
  });
  await world.wire.hear(ack(1, { seq: 0, began: 0, grants: ["write"], sync }));
  expect(notes.problem).toBeUndefined();
  expect(world.wire.of("pull").length).toBeGreaterThan(0);
});

test("after a return a left is believed, whatever was acknowledged before", async () => {
  const world = await World.live();
  const room = await join(world);
  await world.back({ resumed: true, taken: 1000, life: "l2", rooms: [{ room: "tea", seq: 0 }] });
  await world.wire.hear(left(0));
  expect(room.getSnapshot().joined).toBe(false);
});

test("a left that does not say of which stay is believed", async () => {
  const world = await World.live();
  const room = await join(world);
  await world.wire.hear(left());
  expect(room.getSnapshot().joined).toBe(false);
});

// A leave is the client's own: whoever waits for it may give up, and the room is left all the same.

/** What the program does with a leave that it does not wait for, and what it hears. */
const GIVING_UP: [string, (world: World, room: Room) => Promise<unknown>, Said][] = [
  [
    "by its signal",
    async (world, room) => {
      const giving = new AbortController();
      const leaving = room.leave({ signal: giving.signal });
      await world.clock.pass(10);
      giving.abort();
      return leaving;
    },
    { name: "AbortError", code: "ABORTED" },
  ],
  ["by a signal of before", (_, room) => room.leave({ signal: AbortSignal.abort() }), { name: "AbortError" }],
  [
    "by its timeout",
    async (world, room) => {
      const leaving = room.leave({ timeout: 20 });
      leaving.catch(() => undefined);
      await world.clock.pass(30);
      return leaving;
    },
    { name: "RequestTimeout", code: "TIMEOUT", maybeDone: false },
  ],
];

for (const [how, giveUp, told] of GIVING_UP) {
  test(`a leave that waits for the network, given up ${how}, is said at the return`, async () => {
    const world = await World.live();
    const room = await join(world);
    await world.wire.close();
    expect(await giveUp(world, room).catch((error) => error)).toMatchObject(told);
    await world.clock.pass(1000);
    await world.wire.welcome({ rooms: [{ room: "tea", seq: 0 }] });
    await world.wire.hear({ type: "room", room: "tea", seq: 0, began: 0, members: [], count: 1, grants: [] });
    expect(world.wire.of("leave")).toMatchObject([{ room: "tea", id: 2 }]);
    await world.wire.hear(ack(2));
    await world.back({ session: "s2", resumed: false });
    expect(world.wire.of("join")).toEqual([]);
  });

  test(`a leave that was written, given up ${how}, is said again until it has its answer`, async () => {
    const world = await World.live();
    const room = await join(world);
    expect(await giveUp(world, room).catch((error) => error)).toMatchObject(told);
    expect(world.wire.of("leave").map(({ id }) => id)).toEqual([2]);
    await world.back({ taken: 1, rooms: [{ room: "tea", seq: 0 }] });
    expect(world.wire.of("leave").map(({ id }) => id)).toEqual([2]);
    await world.wire.hear(failed(2, "OVERLOADED", { retry: true, after: 1 }));
    await world.clock.pass(1100);
    expect(world.wire.of("leave").map(({ id }) => id)).toEqual([2, 3]);
  });
}

test("a leave takes no place in the outbox, and gives up none", async () => {
  for (const overflow of ["reject", "drop_oldest"] as const) {
    const world = await World.live({ queue: 2, overflow });
    const room = await join(world);
    await world.wire.close();
    const said = [1, 2].map((data) => world.client.send("say", data));
    const leaving = room.leave();
    const third = world.client.send("say", 3);
    await settle();
    expect(await fate(third.queued)).toEqual(overflow === "reject" ? expect.any(Error) : undefined);
    expect(said.filter(({ done }) => done).length).toBe(overflow === "reject" ? 0 : 1);
    expect(await fate(leaving)).toBe("pending");
    await world.clock.pass(1000);
    await world.wire.welcome({ rooms: [{ room: "tea", seq: 0 }] });
    expect(world.wire.of("leave").length).toBe(1);
  }
});

test("a leave that cannot be waited for is none", async () => {
  const world = await World.live();
  const room = await join(world);
  expect(await fate(room.leave({ timeout: Number.NaN }))).toMatchObject({ name: "UsageError" });
  expect(room.getSnapshot().joined).toBe(true);
  const leaving = room.leave();
  await settle();
  await world.wire.hear(ack(2));
  await leaving;
});

test("a leave that came to nothing is said anew at the next return", async () => {
  const world = await World.live();
  const room = await join(world);
  const leaving = room.leave();
  await settle();
  await world.wire.hear(failed(2, "INTERNAL"));
  expect(await fate(leaving)).toMatchObject({ code: "INTERNAL" });
  await world.back({ taken: 2, rooms: [{ room: "tea", seq: 0 }] });
  expect(world.wire.of("leave")).toMatchObject([{ room: "tea", id: 3 }]);
});

test("a loop over a stream of a client that has ended ends with its error", async () => {
  const world = await World.live();
  await world.client.end();
  const reading = (async () => {
    for await (const _ of world.client.stream("answer"));
  })();
  expect(await fate(reading)).toMatchObject({ name: "ClientClosed" });
});
