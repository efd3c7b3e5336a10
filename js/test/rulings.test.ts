// What a client must do where it could lose a message, do one twice, or lie: docs/protocol.md, design 15.

import { expect, test, vi } from "vitest";
import { connect, type Kit } from "../src/connect.ts";
import { msgpack } from "../src/msgpack.ts";
import type { JoinOptions, Room } from "../src/types.ts";
import type { Said } from "../src/words.ts";
import { fate, settle, World } from "./world.ts";

const ack = (id: number, data: unknown = null): Said => ({ type: "ack", id, data });
const failed = (id: number, code: string, more: Said = {}): Said => ({
  type: "ack",
  id,
  error: { code, message: code, ...more },
});
const event = (seq: number, room = "tea"): Said => ({
  type: "event",
  room,
  event: "say",
  data: seq,
  seq,
  time: 0,
});
const joined = (id: number, more: Said = {}): Said =>
  ack(id, { seq: 0, began: 0, history: [], members: [], count: 1, grants: ["publish", "history"], ...more });

/** A join of "tea", the client's first request, and its answer. */
const join = async (world: World, answer: Said = {}, options: JoinOptions = {}): Promise<Room> => {
  const joining = world.client.join("tea", options);
  await settle();
  await world.wire.hear(joined(1, answer));
  return joining;
};

test("nothing follows a hello until its welcome is here", async () => {
  const world = new World().connect();
  void world.client.emit("a").catch(() => undefined);
  await world.wire.open();
  expect(world.wire.said.map(({ type }) => type)).toEqual(["hello"]);
  await world.client.end();
});

test("after a return everything written and unanswered goes first, by rising id, with its old id", async () => {
  const world = await World.live();
  const { client } = world;
  for (const event of ["a", "b"]) client.send(event);
  await world.wire.close();
  client.send("c");
  await world.clock.pass(1000);
  await world.wire.welcome({ taken: 1 });
  expect(world.wire.of("emit").map(({ id, event }) => [id, event])).toEqual([
    [1, "a"],
    [2, "b"],
    [3, "c"],
  ]);
});

test("in another session what was written without a key may have been done, and what was not written goes out", async () => {
  const world = await World.live();
  const written = world.client.emit("a", 1);
  const keyed = world.client.emit("b", 2, { key: "k" });
  await world.wire.close();
  const queued = world.client.send("c", 3);
  await world.clock.pass(1000);
  await world.wire.welcome({ resumed: false, session: "s2" });
  expect(await fate(written)).toMatchObject({ name: "MaybeDone", maybeDone: true });
  expect(world.wire.of("emit").map(({ id, event, key }) => [id, event, key])).toEqual([
    [1, "b", "k"],
    [2, "c", queued.name],
  ]);
  await world.wire.hear(ack(1, "first"));
  expect(await fate(keyed)).toBe("first");
});

for (const [why, more] of [
  ["another user", { user: "bob" }],
  ["nobody", { user: null }],
  ["another life of the server", { life: "l2" }],
] as const) {
  test(`a key does not help in the session of ${why}`, async () => {
    const world = await World.live();
    const keyed = world.client.emit("b", 2, { key: "k", timeout: 60_000 });
    await world.back({ resumed: false, session: "s2", ...more });
    expect(world.wire.of("emit")).toEqual([]);
    expect(await fate(keyed)).toMatchObject({ maybeDone: true });
  });
}

test("a key does not help after nine tenths of its time, by whichever clock says more", async () => {
  const world = await World.live();
  const keyed = world.client.emit("b", 2, { key: "k", timeout: Number.POSITIVE_INFINITY });
  await world.wire.close();
  world.clock.slept += 3600 * 900 + 1;
  await world.clock.pass(1000);
  await world.wire.welcome({ resumed: false, session: "s2" });
  expect(await fate(keyed)).toMatchObject({ maybeDone: true });
});

test("what one user said while away goes out under no other, and is counted", async () => {
  const world = await World.live();
  await world.wire.close();
  world.client.send("a");
  await world.clock.pass(1000);
  await world.wire.welcome({ resumed: false, session: "s2", user: "bob" });
  expect(world.wire.of("emit")).toEqual([]);
  expect(world.client.status.foreign).toBe(1);
  await world.back({ resumed: false, session: "s3", user: "ann" });
  expect(world.wire.of("emit")).toHaveLength(1);
});

test("a timeout takes back what was not written, and says that what was written may have been done", async () => {
  const world = await World.live();
  const written = world.client.emit("a", 1, { timeout: 100 });
  await world.wire.close();
  const queued = world.client.emit("b", 1, { timeout: 100 });
  await world.clock.pass(150);
  expect(await fate(written)).toMatchObject({ code: "TIMEOUT", maybeDone: true });
  expect(await fate(queued)).toMatchObject({ code: "TIMEOUT", maybeDone: false });
  await world.clock.pass(1000);
  await world.wire.welcome();
  expect(world.wire.of("emit")).toEqual([]);
});

test("a time to live ends what was not written", async () => {
  const world = await World.live();
  await world.wire.close();
  const dead = world.client.send("a", 1, { ttl: 500 });
  await world.clock.pass(1000);
  await world.wire.welcome();
  expect(world.wire.of("emit")).toEqual([]);
  expect(await fate(dead.applied)).toMatchObject({ code: "TIMEOUT", maybeDone: false });
});

test("a volatile message is refused while away, and never sent again", async () => {
  const world = await World.live();
  const written = world.client.emit("a", 1, { volatile: true });
  await world.wire.close();
  expect(await fate(world.client.emit("b", 1, { volatile: true }))).toMatchObject({ maybeDone: false });
  await world.clock.pass(1000);
  await world.wire.welcome();
  expect(world.wire.of("emit")).toEqual([]);
  expect(await fate(written)).toMatchObject({ maybeDone: true });
});

test("the outbox is bounded, and what is done beyond it is told", async () => {
  const world = await World.live({ queue: 2 });
  await world.wire.close();
  const [, , third] = [1, 2, 3].map((n) => world.client.send("a", n));
  expect(await fate(third!.applied)).toMatchObject({ name: "NotDone", code: "OVERLOADED" });
  const other = await World.live({ queue: 2, overflow: "drop_oldest" });
  await other.wire.close();
  const [first] = [1, 2, 3].map((n) => other.client.send("a", n));
  expect(await fate(first!.applied)).toMatchObject({ name: "NotDone", maybeDone: false });
  const keyed = await World.live({ queue: 2, overflow: "drop_by_key" });
  await keyed.wire.close();
  const [, x] = ["y", "x", "x"].map((dropKey, n) => keyed.client.send("a", n, { dropKey }));
  expect(await fate(x!.applied)).toMatchObject({ name: "NotDone" });
});

test("queued, accepted, applied: each can be awaited, and a pong says what was accepted", async () => {
  const world = await World.live();
  const sent = world.client.send("a");
  await sent.queued;
  const accepted = sent.accepted;
  await settle();
  await world.wire.hear({ type: "pong", time: 0, taken: 0 });
  await settle();
  const ping = world.wire.of("ping").at(-1)!;
  expect(await fate(accepted)).toBe("pending");
  await world.wire.hear({ type: "pong", time: ping.time, taken: 1 });
  expect(await fate(accepted)).toBe(undefined);
  await world.wire.hear(ack(1, 7));
  expect(await sent.applied).toBe(7);
});

test("a server that began anew says of no request that it was accepted: it only knows what it may have taken", async () => {
  const world = await World.live();
  const accepted = world.client.send("a").accepted;
  await world.back({ taken: 65536, life: "l2" });
  await world.wire.hear({ type: "pong", time: world.wire.of("ping").at(-1)!.time, taken: 65536 });
  expect(await fate(accepted)).toBe("pending");
  const second = world.client.send("b").accepted;
  await settle();
  await world.wire.hear({ type: "pong", time: 0, taken: 65537 });
  expect(await fate(second)).toBe(undefined);
});

test("an error with retry is tried again after its time, under a new id and the same key", async () => {
  const world = await World.live();
  const asked = world.client.emit("a", 1, { key: "k" });
  await world.wire.hear(failed(1, "OVERLOADED", { retry: true, after: 2 }));
  await world.clock.pass(1900);
  expect(world.wire.of("emit")).toHaveLength(1);
  await world.clock.pass(200);
  expect(world.wire.of("emit").map(({ id, key }) => [id, key])).toEqual([
    [1, "k"],
    [2, "k"],
  ]);
  await world.wire.hear(ack(2, "yes"));
  expect(await asked).toBe("yes");
});

test("a lost ack is asked for again with a key, and is maybe done without", async () => {
  const world = await World.live();
  const keyed = world.client.emit("a", 1, { key: "k" });
  const plain = world.client.emit("b", 1);
  await world.wire.hear(failed(1, "ACK_EXPIRED"), failed(2, "OUTCOME_UNKNOWN"));
  await world.clock.pass(1);
  expect(world.wire.of("emit").map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(await fate(plain)).toMatchObject({ code: "OUTCOME_UNKNOWN", maybeDone: true });
  await world.wire.hear(ack(3, 1));
  expect(await keyed).toBe(1);
});

test("what is over the server's limit fails alone, and is not sent", async () => {
  const world = await World.live({}, { limits: { max_message: 2000 } });
  const big = world.client.emit("a", "x".repeat(3000));
  const small = world.client.emit("b", 1);
  expect(await fate(big)).toMatchObject({ code: "TOO_LARGE", maybeDone: false });
  expect(world.wire.of("emit").map(({ event }) => event)).toEqual(["b"]);
  void small.catch(() => undefined);
});

test("what would be over the limit in MessagePack alone is not sent either", async () => {
  const world = new World().connect({}, [msgpack]);
  await settle();
  await world.wire.welcome({ limits: { max_message: 2000 } });
  const halves = world.client.emit("a", new Array(400).fill(0.5));
  expect(await fate(halves)).toMatchObject({ code: "TOO_LARGE", maybeDone: false });
});

test("what asks for a part that is not there is told which", () => {
  const still = (kit: Kit): void => {
    kit.start = () => undefined;
  };
  const client = connect("http://server.example/rt", { with: [still] });
  expect(() => client.join("tea")).toThrow("without rooms");
  expect(() => client.stream("numbers")).toThrow("without streams");
});

test("it paces itself by the server's messages a second", async () => {
  const world = await World.live({}, { limits: { messages_per_second: 10 } });
  for (let n = 0; n < 30; n++) world.client.send("a", n);
  expect(world.wire.of("emit").length).toBeLessThanOrEqual(10);
  await world.clock.pass(1000);
  expect(world.wire.of("emit").length).toBeLessThanOrEqual(20);
  await world.clock.pass(1100);
  expect(world.wire.of("emit").map(({ data }) => data)).toEqual(Array.from({ length: 30 }, (_, n) => n));
});

test("the first unanswered at five closes in a row ends as maybe done", async () => {
  const world = await World.live();
  const poison = world.client.emit("a", 1, { timeout: Number.POSITIVE_INFINITY });
  for (let n = 0; n < 5; n++) {
    await world.wire.close();
    await world.clock.pass(31_000);
    await world.wire.welcome();
  }
  expect(await fate(poison)).toMatchObject({ maybeDone: true });
});

// -- rooms

test("events that come before the ack of their join wait for it: history first", async () => {
  const world = await World.live();
  const joining = world.client.join("tea", { last: 5 });
  await settle();
  await world.wire.hear(event(4));
  await world.wire.hear(joined(1, { seq: 4, began: 3, history: [event(2), event(3)] }));
  const room = await joining;
  const heard: unknown[] = [];
  room.on("say", ({ data }) => heard.push(data));
  await settle();
  expect(heard).toEqual([2, 3, 4]);
});

test("in another session the room is joined again from where it was, and its history fills the hole", async () => {
  const world = await World.live();
  const room = await join(world, {}, { data: { name: "ann" } });
  const heard: unknown[] = [];
  room.on("*", (one) => heard.push(one.type === "gap" ? [one.from, one.to, one.reason] : one.data));
  await world.wire.hear(event(5));
  await world.back({ resumed: false, session: "s2", seq: 9 });
  expect(world.wire.of("join")).toMatchObject([{ room: "tea", since: "e.5", data: { name: "ann" } }]);
  expect(world.client.status.live).toBe(false);
  const gap = { from: 6, to: 7, reason: "ring" };
  await world.wire.hear(joined(1, { seq: 9, began: 9, history: [event(8), event(9)], complete: false, gap }));
  expect(world.client.status.live).toBe(true);
  await world.wire.hear(event(10));
  expect(heard).toEqual([5, [6, 7, "ring"], 8, 9, 10]);
});

test("live is only when each joined room is confirmed", async () => {
  const world = await World.live();
  await join(world);
  await world.back({ rooms: [{ room: "tea", seq: 0 }] });
  expect(world.client.status.live).toBe(false);
  await world.wire.hear({ type: "room", room: "tea", seq: 0, began: 0, members: [], count: 1, grants: [] });
  expect(world.client.status.live).toBe(true);
});

test("a wanted room that is missing after a return is told left; one that nobody wants is left", async () => {
  const world = await World.live();
  const room = await join(world);
  const hearing = (async () => {
    for await (const _ of room);
  })();
  await world.back({ rooms: [{ room: "other", seq: 0 }] });
  expect(await fate(hearing)).toMatchObject({ name: "LeftRoom" });
  expect(world.wire.of("leave")).toMatchObject([{ room: "other" }]);
});

test("publish and leave while away, in another session: the join goes first, then both in their order", async () => {
  const world = await World.live();
  const room = await join(world);
  await world.wire.close();
  void room.publish("say", 1);
  void room.leave();
  await world.clock.pass(1000);
  await world.wire.welcome({ resumed: false, session: "s2" });
  const said = world.wire.said.filter(({ id }) => id !== undefined).map(({ type }) => type);
  expect(said).toEqual(["join", "publish", "leave"]);
});

test("a gap is told once, and moves no position", async () => {
  const world = await World.live();
  const room = await join(world);
  const heard: unknown[] = [];
  room.on("*", (one) => heard.push([one.from, one.to]));
  const gap = { type: "gap", room: "tea", from: 1, to: 7, reason: "ring" };
  await world.wire.hear(gap, gap);
  await world.wire.hear({ ...gap, to: 9 });
  expect(heard).toEqual([
    [1, 7],
    [8, 9],
  ]);
  expect(world.client.position).toBe("e.0");
});

test("an event that was heard is dropped, and acks move no position", async () => {
  const world = await World.live();
  const room = await join(world, { seq: 50 });
  const heard: unknown[] = [];
  room.on("say", ({ data }) => heard.push(data));
  await world.wire.hear(event(51), event(51), event(50), event(52));
  expect(heard).toEqual([51, 52]);
  expect(world.client.position).toBe("e.52");
});

test("another epoch is told as a gap, and old numbers say nothing", async () => {
  const world = await World.live();
  const room = await join(world);
  const heard: unknown[] = [];
  room.on("*", (one) => heard.push(one.type === "gap" ? one.reason : one.data));
  await world.wire.hear(event(90));
  await world.back({ resumed: false, session: "s2", epoch: "f", seq: 2 });
  expect(world.wire.of("join")).toMatchObject([{ since: "e.90" }]);
  await world.wire.hear(joined(1, { seq: 2, began: 2, history: [event(2)] }));
  await world.wire.hear(event(3));
  expect(heard).toEqual([90, "epoch", 2, 3]);
  expect(world.client.position).toBe("f.3");
});

test("a server that starts anew while its rooms are joined again owes them the gap all the same", async () => {
  const world = await World.live();
  const room = await join(world);
  const heard: unknown[] = [];
  room.on("*", (one) => heard.push(one.type === "gap" ? one.reason : one.data));
  await world.wire.hear(event(90));
  await world.back({ resumed: false, session: "s2" });
  for (let n = 91; n <= 1200; n++) await world.wire.hear(event(n));
  await world.back({ resumed: false, session: "s3", epoch: "f", seq: 2 });
  await world.wire.hear(joined(1, { seq: 2, began: 2 }), event(3));
  expect(heard).toEqual([90, "epoch", 3]);
});

test("no ack waits behind a consumer: what it has no room for is had from history afterwards", async () => {
  const world = await World.live();
  const room = await join(world);
  const iterator = room[Symbol.asyncIterator]();
  for (let n = 1; n <= 1100; n++) await world.wire.raw(JSON.stringify(event(n)));
  const asked = world.client.emit("a", 1);
  await world.wire.hear(ack(2, "here"));
  expect(await fate(asked)).toBe("here");
  const heard: unknown[] = [];
  const read = async (count: number): Promise<void> => {
    while (heard.length < count) heard.push(((await iterator.next()).value as Said).data);
  };
  await read(1024);
  const rest = read(1100);
  await settle();
  const [history] = world.wire.of("history");
  expect(history).toMatchObject({ room: "tea", after: "e.1024" });
  const missed = Array.from({ length: 76 }, (_, n) => event(1025 + n));
  await world.wire.hear(ack(history!.id, { history: missed, seq: 1100, complete: true, more: false }));
  await rest;
  expect(heard).toEqual(Array.from({ length: 1100 }, (_, n) => n + 1));
});

// -- coming back

test("it never comes back before the time that the server named, whatever the page says", async () => {
  const world = await World.live();
  await world.wire.hear({ type: "bye", code: 4000, reason: "restart", after: 5 });
  await world.wire.close(4000);
  world.client.tryNow();
  await world.clock.pass(4900);
  expect(world.wires).toHaveLength(1);
  await world.clock.pass(200);
  expect(world.wires).toHaveLength(2);
});

test("waits double up to 30 s, and begin anew only after 10 s live", async () => {
  const world = await World.live();
  for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const { length } = world.wires;
    await world.wire.close(4002);
    await world.clock.pass(wait - 1);
    expect(world.wires).toHaveLength(length);
    await world.clock.pass(1);
    expect(world.wires).toHaveLength(length + 1);
    await world.wire.welcome();
  }
  await world.clock.pass(10_000);
  const { length } = world.wires;
  await world.wire.close(4002);
  await world.clock.pass(1000);
  expect(world.wires).toHaveLength(length + 1);
});

test("4500 ends a client only if all its hellos were answered", async () => {
  const world = await World.live();
  await world.wire.close();
  await world.clock.pass(1000);
  await world.wire.open();
  await world.wire.close(4500);
  expect(world.client.status.state).toBe("waiting");
  await world.clock.pass(2000);
  await world.wire.welcome();
  await world.wire.close(4500);
  expect(world.client.status).toMatchObject({ state: "ended", error: { is: "Superseded" } });
});

test("hello's number rises, and is above what the server knows", async () => {
  const world = await World.live();
  await world.wire.close();
  await world.clock.pass(1000);
  await world.wire.open();
  await world.wire.hear({ type: "bye", code: 4500, n: 2_000_000_000_000 });
  await world.wire.close(4500);
  await world.clock.pass(2000);
  await world.wire.open();
  expect(world.wire.of("hello")[0]!.n).toBe(2_000_000_000_001);
});

test("a refused token is asked for once more; the same again, or another refusal, ends it", async () => {
  const asked: (string | undefined)[] = [];
  const tokens = ["old", "new"];
  const world = new World().connect({
    token: (refused) => {
      asked.push(refused);
      return tokens.shift() ?? "new";
    },
  });
  await settle();
  await world.wire.open();
  await world.wire.close(4501);
  await world.clock.pass(0);
  await world.wire.open();
  expect(asked).toEqual([undefined, "old"]);
  expect(world.wire.of("hello")[0]!.token).toBe("new");
  await world.wire.close(4501);
  expect(world.client.status.error).toMatchObject({ is: "TokenRefused" });
});

test("a token function that throws is a failed attempt, and never anonymous", async () => {
  let fails = true;
  const world = new World().connect({
    token: () => {
      if (fails) throw new Error("no network");
      return "t";
    },
  });
  await settle();
  expect(world.client.status.state).toBe("waiting");
  expect(world.wire.of("hello")).toEqual([]);
  fails = false;
  await world.clock.pass(1000);
  await world.wire.open();
  expect(world.wire.of("hello")[0]!.token).toBe("t");
});

test("a connection without a welcome is given up after 15 s, a silent one after ping and silence", async () => {
  const world = new World().connect();
  await world.wire.open();
  await world.clock.pass(15_000);
  expect(world.wire.shut).toBeDefined();
  expect(world.client.status.state).toBe("waiting");
  await world.clock.pass(1000);
  await world.wire.welcome();
  await world.clock.pass(84_000);
  expect(world.client.status.live).toBe(true);
  await world.clock.pass(1500);
  expect(world.client.status.live).toBe(false);
});

test("a page that wakes asks whether the server is there, and comes back at once if it is not", async () => {
  const world = await World.live();
  world.kit.control.check();
  await world.clock.pass(1900);
  expect(world.wires).toHaveLength(1);
  await world.clock.pass(200);
  expect(world.wires).toHaveLength(2);
});

test("a clock that jumped is a page that wakes", async () => {
  const world = await World.live();
  world.clock.slept += 3_600_000;
  await world.clock.pass(25_000);
  await world.clock.pass(2000);
  expect(world.wires).toHaveLength(2);
});

test("a pause is the program's: neither a page that is shown nor a network that is back ends it", async () => {
  const page = new EventTarget();
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  const world = await World.live();
  vi.unstubAllGlobals();
  world.client.pause();
  const queued = world.client.send("a");
  for (const what of ["visibilitychange", "online", "offline", "resume"]) page.dispatchEvent(new Event(what));
  await world.clock.pass(60_000);
  expect(world.wires).toHaveLength(1);
  expect(await fate(queued.queued)).toBeUndefined();
  world.client.tryNow();
  await world.clock.pass(0);
  await world.wire.welcome();
  expect(world.wire.of("emit")).toHaveLength(1);
  page.dispatchEvent(new Event("offline"));
  await world.clock.pass(0);
  expect(world.wires, "and after it all is as before").toHaveLength(3);
  await world.client.end();
});

test("make before break: the old transport is heard until the new welcome, and not after", async () => {
  const world = await World.live();
  const room = await join(world);
  const heard: unknown[] = [];
  room.on("say", ({ data }) => heard.push(data));
  const old = world.wire;
  const [ping] = old.of("ping");
  world.moves = "sse";
  await old.hear({ type: "pong", time: ping!.time, taken: 1 });
  world.moves = undefined;
  expect(world.wires).toHaveLength(2);
  await world.wire.open();
  await old.hear(event(1));
  expect(world.client.status).toMatchObject({ live: true, transport: "websocket" });
  expect(world.wire.of("hello")[0]).toMatchObject({ session: "s1", position: "e.0" });
  await world.wire.welcome({ rooms: [{ room: "tea", seq: 1 }] });
  await old.hear(event(7));
  await world.wire.hear(event(1), event(2));
  expect(heard).toEqual([1, 2]);
  expect(old.shut).toBeDefined();
  expect(world.client.transport).toBe("sse");
});

// -- questions, and what none should say

test("a question that comes again is not asked again, and has the same answer", async () => {
  const world = await World.live();
  let times = 0;
  world.client.answer("confirm", () => ++times);
  const question = { type: "request", id: 9, event: "confirm", data: null };
  await world.wire.hear(question, question);
  await world.back();
  await world.wire.hear(question);
  expect(times).toBe(1);
  expect(world.wire.of("reply")).toEqual([{ type: "reply", id: 9, data: 1 }]);
  await world.wire.hear({ ...question, id: 10, event: "unknown" });
  expect(world.wire.of("reply")[1]).toMatchObject({ id: 10, error: { code: "NOT_FOUND" } });
});

for (const frame of [
  "",
  "{",
  "[1]",
  "null",
  '{"type":5}',
  '{"type":"event","room":5,"seq":"x"}',
  '{"type":"ack"}',
]) {
  test(`hostile bytes close the connection, never the page: ${frame || "nothing"}`, async () => {
    const world = await World.live();
    await world.wire.raw(frame);
    await world.clock.pass(1000);
    await world.wire.welcome().catch(() => undefined);
    expect(world.client.status.state).toBe("live");
  });
}

test("messages of an unknown type, and unknown fields, are ignored", async () => {
  const world = await World.live();
  await world.wire.hear({ type: "advise", transport: "sse" }, { type: "whatever" });
  expect(world.client.status.live).toBe(true);
});

test("an acked number is said once all before it have their answers", async () => {
  const world = await World.live();
  for (const each of ["a", "b", "c"]) world.client.send(each);
  await world.wire.hear(ack(1), ack(3));
  world.client.send("d");
  expect(world.wire.of("emit").at(-1)).toMatchObject({ id: 4, acked: 1 });
  await world.wire.hear(ack(2));
  world.client.send("e");
  expect(world.wire.of("emit").at(-1)).toMatchObject({ id: 5, acked: 3 });
});

test("what a program throws where it watches is reported: it is no fault of the server, nor of another watcher", async () => {
  const faults: string[] = [];
  const { reportError } = globalThis;
  globalThis.reportError = ({ message }: Error) => void faults.push(message);
  try {
    const world = await World.live();
    const room = await join(world);
    const heard: string[] = [];
    const watch = (name: string, subscribe: (watcher: () => void) => unknown): void => {
      subscribe(() => {
        throw new Error(name);
      });
      subscribe(() => void heard.push(name));
    };
    watch("room", room.subscribe);
    watch("client", world.client.subscribe);
    await world.wire.hear({ type: "grants", room: "tea", grants: ["history"] });
    expect([room.grants, world.client.status.state]).toEqual([["history"], "live"]);
    expect([heard, faults]).toEqual([["room"], ["room"]]);
    await world.wire.close();
    expect(heard.at(-1)).toBe("client");
    expect(faults.at(-1)).toBe("client");
  } finally {
    globalThis.reportError = reportError;
  }
});
