// Three tabs are one session: design 15, *Tabs*. Each case in italics there is a test here.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Room } from "../src/room.ts";
import { ServerModel } from "./server_model.ts";
import { Browser } from "./tabs_world.ts";
import { fate } from "./world.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const MANY = 2000;
const run = async (ms = 400): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
};
const listen = (room: Room): unknown[] => {
  const heard: unknown[] = [];
  room.on("*", (one) => heard.push(one.type === "gap" ? `gap ${one.reason}` : one.data));
  return heard;
};

async function three(stored = true) {
  const server = new ServerModel();
  const browser = new Browser(server);
  browser.stored = stored;
  const tabs = [browser.open(), browser.open(), browser.open()] as const;
  await run();
  return { server, browser, tabs };
}

test("three tabs are one session, one socket, and each has its answers", async () => {
  const { server, tabs } = await three();
  expect(server.sessions.size).toBe(1);
  expect(server.sockets).toBe(1);
  const answers = tabs.map(({ client }, n) => client.emit("say", n));
  await run();
  expect(await Promise.all(answers)).toEqual([0, 1, 2]);
  expect(new Set(tabs.map(({ client }) => client.session)).size).toBe(1);
  expect(tabs.map(({ client }) => client.status.live)).toEqual([true, true, true]);
});

test("a room is joined once, heard by all, and left with the last tab", async () => {
  const { server, tabs } = await three();
  server.say("tea", "past");
  const joins = tabs.map(({ client }) => client.join("tea", { last: 5 }));
  await run();
  const rooms = await Promise.all(joins);
  const heard = rooms.map(listen);
  server.say("tea", "present");
  await run();
  expect(heard).toEqual([
    ["past", "present"],
    ["past", "present"],
    ["past", "present"],
  ]);
  expect(rooms.map(({ count }) => count)).toEqual([1, 1, 1]);
  void rooms[0]!.leave();
  await run();
  const [session] = server.sessions.values();
  expect(session!.rooms.has("tea")).toBe(true);
  server.say("tea", "later");
  await run();
  expect(heard[1]).toEqual(["past", "present", "later"]);
  void rooms[1]!.leave();
  void rooms[2]!.leave();
  await run();
  expect(session!.rooms.has("tea")).toBe(false);
});

for (const stored of [true, false]) {
  const how = stored ? "with a store" : "without a store";

  test(`the leader crashes: the session goes on, nothing is missed and nothing is done twice, ${how}`, async () => {
    const { server, browser, tabs } = await three(stored);
    const joins = tabs.map(({ client }) => client.join("tea"));
    await run();
    const heard = (await Promise.all(joins)).map(listen);
    const { session } = tabs[1].client;
    server.mute = true;
    const asked = tabs[1].client.emit("buy", 1);
    await run(10);
    tabs[0].crash();
    server.say("tea", "meanwhile");
    server.mute = false;
    await run(2000);
    expect(await fate(asked)).toBe(1);
    expect(server.done).toEqual(["buy 1"]);
    expect(tabs[1].client.session).toBe(session);
    expect(heard[1]).toEqual(["meanwhile"]);
    expect(heard[2]).toEqual(["meanwhile"]);
    expect(server.sockets).toBe(1);
    void browser;
  });
}

test("the leader dies before the commit: its next asks again, and it is done once", async () => {
  const { server, browser, tabs } = await three();
  browser.stuck = [];
  const asked = tabs[2].client.emit("buy", 1);
  await run(50);
  tabs[0].crash();
  // The commit of the dead leader never happens.
  browser.stuck = undefined;
  await run(2000);
  expect(await fate(asked)).toBe(1);
  expect(server.done).toEqual(["buy 1"]);
});

test("the leader dies between write and ack: the ack is asked for again under the same number", async () => {
  const { server, tabs } = await three();
  server.mute = true;
  const asked = tabs[2].client.emit("buy", 2);
  await run(50);
  expect(server.done).toEqual(["buy 2"]);
  tabs[0].crash();
  server.mute = false;
  await run(2000);
  expect(await fate(asked)).toBe(2);
  expect(server.done).toEqual(["buy 2"]);
});

test("the leader dies between commit and write: what it gave a number goes out under it, once", async () => {
  const { server, browser, tabs } = await three();
  browser.stuck = [];
  const asked = tabs[2].client.emit("buy", 2);
  await run(50);
  expect(server.done).toEqual([]);
  // The commit is done, and its leader is gone before the bytes are.
  tabs[0].crash();
  for (const call of browser.stuck.splice(0)) call();
  browser.stuck = undefined;
  await run(2000);
  expect(await fate(asked)).toBe(2);
  expect(server.done).toEqual(["buy 2"]);
});

test("the leader dies between the ack and its commit: the next one asks for the ack again", async () => {
  const { server, browser, tabs } = await three();
  const asked = tabs[2].client.emit("buy", 3);
  await run(4);
  browser.stuck = [];
  await run(50);
  tabs[0].crash();
  browser.stuck = undefined;
  await run(2000);
  expect(await fate(asked)).toBe(3);
  expect(server.done).toEqual(["buy 3"]);
});

test("what the leader wrote from memory alone may have been done, when it leads no more", async () => {
  const { server, tabs } = await three();
  server.mute = true;
  const asked = tabs[0].client.emit("buy", 4);
  await run(10);
  expect(server.done).toEqual(["buy 4"]);
  tabs[0].freeze();
  server.mute = false;
  const other = tabs[1].client.emit("look", 1);
  await run(8000);
  expect(await fate(other)).toBe(1);
  tabs[0].thaw();
  await run(2000);
  expect(await fate(asked)).toMatchObject({ maybeDone: true });
  expect(server.done.filter((each) => each === "buy 4")).toHaveLength(1);
});

test("a leader that is frozen with its lock is taken over from after 5 s, and writes nothing when it thaws", async () => {
  const { server, tabs } = await three();
  tabs[0].freeze();
  const asked = tabs[1].client.emit("buy", 5);
  await run(4000);
  expect(await fate(asked)).toBe("pending");
  await run(2500);
  expect(await fate(asked)).toBe(5);
  const { hellos } = server;
  tabs[0].thaw();
  await run(3000);
  expect(server.sessions.size).toBe(1);
  expect(server.sockets).toBe(1);
  expect(server.hellos).toBe(hellos);
  const late = tabs[0].client.emit("look", 6);
  await run();
  expect(await fate(late)).toBe(6);
  expect(server.done).toEqual(["buy 5", "look 6"]);
});

test("a hidden leader hands over to a visible tab, and its own requests are done once", async () => {
  const { server, tabs } = await three();
  const joins = tabs.map(({ client }) => client.join("tea"));
  await run();
  const heard = (await Promise.all(joins)).map(listen);
  server.mute = true;
  const asked = tabs[0].client.emit("buy", 7);
  await run(10);
  tabs[0].show(false);
  await run(500);
  server.mute = false;
  await run(3000);
  expect(await fate(asked)).toBe(7);
  expect(server.done).toEqual(["buy 7"]);
  server.say("tea", "after");
  await run();
  expect(heard).toEqual([["after"], ["after"], ["after"]]);
  expect(server.sessions.size).toBe(1);
  expect(server.sockets).toBe(1);
});

test("a hidden tab takes nothing over from a leader that does not answer; once it is seen it does", async () => {
  const { server, tabs } = await three();
  tabs[1].show(false);
  tabs[2].show(false);
  await run();
  tabs[0].freeze();
  const asked = tabs[1].client.emit("buy", 1, { timeout: Number.POSITIVE_INFINITY });
  await run(20_000);
  expect([tabs[1].tab.leads, tabs[2].tab.leads]).toEqual([false, false]);
  tabs[1].show(true);
  const again = tabs[1].client.emit("look", 2);
  await run(8000);
  expect(tabs[1].tab.leads).toBe(true);
  expect([await fate(asked), await fate(again)]).toEqual([1, 2]);
  expect([...server.done].sort()).toEqual(["buy 1", "look 2"]);
});

test("a hidden tab that gets the lock passes it on to one that can be seen; all hidden: it leads", async () => {
  const { server, tabs } = await three();
  tabs[1].show(false);
  await run();
  tabs[0].crash();
  await run(2000);
  expect(tabs[2].tab.leads).toBe(true);
  tabs[2].show(false);
  await run(2000);
  expect([tabs[1].tab.leads, tabs[2].tab.leads]).toEqual([false, true]);
  expect(server.sessions.size).toBe(1);
});

test("a request of the server is asked of one tab, one that can be seen first; if that dies, of the next", async () => {
  const { server, tabs } = await three();
  const asked: number[] = [];
  let answer!: (it: string) => void;
  tabs[1].client.answer("confirm", () => {
    asked.push(1);
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  tabs[2].client.answer("confirm", () => {
    asked.push(2);
    return "yes";
  });
  tabs[1].show(true);
  tabs[2].show(false);
  await run();
  server.ask(9, "confirm");
  await run();
  expect(asked).toEqual([1]);
  tabs[1].crash();
  await run();
  expect(asked).toEqual([1, 2]);
  expect(server.replies).toEqual([{ type: "reply", id: 9, data: "yes" }]);
  void answer;
});

test("a reply is kept before it leaves: after the leader's death nobody is asked twice", async () => {
  const { server, tabs } = await three();
  let times = 0;
  for (const { client } of tabs) client.answer("confirm", () => ++times);
  for (const tab of tabs) tab.show(true);
  await run();
  server.ask(9, "confirm");
  await run();
  tabs[0].crash();
  await run(2000);
  server.ask(9, "confirm");
  await run();
  expect(times).toBe(1);
  expect(server.replies).toEqual([
    { type: "reply", id: 9, data: 1 },
    { type: "reply", id: 9, data: 1 },
  ]);
});

test("a tab that sleeps through 2,000 events hears all of them, once and in order", async () => {
  const { server, tabs } = await three();
  const joins = tabs.map(({ client }) => client.join("tea"));
  await run();
  const heard = (await Promise.all(joins)).map(listen);
  tabs[2].control.pause();
  await run();
  server.say("tea", ...Array.from({ length: MANY }, (_, n) => n));
  await run();
  expect(heard[1]).toHaveLength(MANY);
  expect(heard[2]).toEqual([]);
  tabs[2].control.check();
  await run(2000);
  expect(heard[2]).toEqual(heard[1]);
});

test("the leader goes to sleep and comes back: it lets go of lock and socket, and is a tab like the others", async () => {
  const { server, tabs } = await three();
  tabs[0].control.pause();
  await run(1000);
  expect(server.sessions.size).toBe(1);
  expect([tabs[1].tab.leads, tabs[2].tab.leads].filter(Boolean)).toHaveLength(1);
  tabs[0].control.check();
  await run(1000);
  const asked = tabs[0].client.emit("look", 8);
  await run();
  expect(await fate(asked)).toBe(8);
  expect(server.sockets).toBe(1);
});

test("what a paused tab is asked is queued, within the bounds, and goes out when it is back, while the others go on", async () => {
  const { server, browser } = await three();
  const tab = browser.open({ queue: 2 });
  await run();
  const { client } = tab;
  client.pause();
  await run();
  expect(client.status).toMatchObject({ live: false, queued: 0 });
  expect(client.storage).toEqual({ durable: false, reason: "paused, and other tabs go on" });
  const sent = [client.send("buy", 1), client.send("buy", 2)];
  await run(10);
  expect(await fate(Promise.all(sent.map(({ queued }) => queued)))).toEqual([undefined, undefined]);
  expect(client.status.queued).toBe(2);
  expect(await fate(client.emit("buy", 3))).toMatchObject({ code: "OVERLOADED", maybeDone: false });
  expect(await fate(client.send("buy", 4, { volatile: true }).applied)).toMatchObject({
    code: "UNAVAILABLE",
  });
  const others = browser.tabs[0]!.client.emit("buy", 5);
  await run();
  expect(await fate(others)).toBe(5);
  expect(server.done).toEqual(["buy 5"]);
  client.tryNow();
  await run(1000);
  expect(await fate(Promise.all(sent.map(({ applied }) => applied)))).toEqual([1, 2]);
  expect(server.done).toEqual(["buy 5", "buy 1", "buy 2"]);
  expect(client.status).toMatchObject({ live: true, queued: 0 });
  expect(client.storage.durable).toBe(true);
  expect(server.sockets).toBe(1);
});

test("what a paused tab takes back, or what has lived too long there, is not done", async () => {
  const { server, tabs } = await three();
  const { client } = tabs[1];
  client.pause();
  const stop = new AbortController();
  const ends = [
    client.send("buy", 1, { ttl: 100 }).applied,
    client.emit("buy", 2, { timeout: 100 }),
    client.emit("buy", 3, { signal: stop.signal }),
  ];
  void Promise.allSettled(ends);
  stop.abort();
  await run();
  for (const end of ends) expect(await fate(end)).toMatchObject({ maybeDone: false });
  expect(client.status.queued).toBe(0);
  client.tryNow();
  await run(1000);
  expect(server.done).toEqual([]);
});

test("a tab that is paused alone keeps what it is asked, and the tab that is opened then sends it", async () => {
  const server = new ServerModel();
  const browser = new Browser(server);
  const first = browser.open();
  await run();
  first.client.pause();
  await run();
  expect(server.sockets).toBe(0);
  const sent = first.client.send("buy", 1);
  await run();
  expect(await fate(sent.queued)).toBeUndefined();
  expect(first.client.storage.durable).toBe(true);
  expect(first.client.status.queued).toBe(1);
  first.crash();
  const second = browser.open();
  await run(1000);
  expect(server.done).toEqual(["buy 1"]);
  second.client.pause();
  await run();
  const other = second.client.send("buy", 2);
  await run();
  browser.open();
  await run(1000);
  expect(server.done).toEqual(["buy 1", "buy 2"]);
  expect(second.client.status.live).toBe(false);
  second.client.tryNow();
  await run(1000);
  expect(await fate(other.applied)).toBe(2);
  expect(server.done).toEqual(["buy 1", "buy 2"]);
  expect(second.client.status.live).toBe(true);
});

test("what a paused tab was asked under one user goes out under no other", async () => {
  const { server, tabs } = await three();
  tabs[1].client.pause();
  await run();
  const sent = tabs[1].client.send("buy", 1);
  for (const session of server.sessions.values()) session.user = "bob";
  tabs[0].client.reconnect();
  await run(1000);
  expect(tabs[0].client.status.user).toBe("bob");
  tabs[1].client.tryNow();
  await run(1000);
  expect(server.done).toEqual([]);
  expect(tabs[0].client.status.foreign).toBe(1);
  expect(await fate(sent.applied)).toBe("pending");
});

test("a closed tab's rooms are left, its callers are forgotten, and what became of its requests is told", async () => {
  const { server, tabs } = await three();
  const joined = tabs[2].client.join("tea");
  await run();
  await joined;
  server.mute = true;
  void tabs[2].client.emit("buy", 9);
  await run(10);
  tabs[2].crash();
  await run();
  server.mute = false;
  tabs[0].client.reconnect();
  await run(1000);
  const [session] = server.sessions.values();
  expect(session!.rooms.has("tea")).toBe(false);
  expect(tabs[0].client.outbox).toMatchObject([{ kind: "emit", fields: { event: "buy" }, result: 9 }]);
});

test("a logout ends the session for all tabs", async () => {
  const { server, tabs } = await three();
  void tabs[1].client.end();
  await run();
  expect(server.sessions.size).toBe(0);
  expect(tabs.map(({ client }) => client.status.state)).toEqual(["ended", "ended", "ended"]);
  await expect(tabs[2].client.emit("look", 1)).rejects.toMatchObject({ name: "ClientClosed" });
});

test("an old script beside a new one: lock, channel and database have the version of what tabs say in their names", async () => {
  const { browser, tabs } = await three();
  const names = [
    ...browser.wishes.keys(),
    ...browser.kept.keys(),
    ...tabs.flatMap(({ channels }) => channels.map(({ name }) => name)),
  ];
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(name).toMatch(/^rtcore\/1 /);
});

test("one membership, one data: another one joins again, for all", async () => {
  const { server, tabs } = await three();
  const first = tabs[0].client.join("tea", { data: { as: "ann" } });
  await run();
  const heard = listen(await first);
  const same = tabs[1].client.join("tea", { data: { as: "ann" } });
  await run();
  await same;
  expect(server.joins.map(({ data }) => data)).toEqual([{ as: "ann" }]);
  const other = tabs[2].client.join("tea", { data: { as: "bob" } });
  await run();
  await other;
  expect(server.joins.map(({ data }) => data)).toEqual([{ as: "ann" }, { as: "bob" }]);
  server.say("tea", 1);
  await run();
  expect(heard).toEqual([1]);
});

test("a tab that was away for longer than history goes back is told a gap, and hears the rest", async () => {
  const { server, tabs } = await three();
  const joins = tabs.map(({ client }) => client.join("tea"));
  await run();
  const heard = (await Promise.all(joins)).map(listen);
  tabs[2].control.pause();
  await run();
  server.say("tea", ...Array.from({ length: 20 }, (_, n) => n + 1));
  await run();
  server.forgot = 15;
  tabs[2].control.check();
  await run(2000);
  expect(heard[2]).toEqual(["gap slow", 16, 17, 18, 19, 20]);
});

test("without a store, a tab that opens while nobody leads has session and marks of who answers", async () => {
  const { server, browser, tabs } = await three(false);
  const joining = tabs[1].client.join("tea");
  await run();
  const heard = listen(await joining);
  const { session } = tabs[1].client;
  tabs[0].crash();
  tabs[2].crash();
  const late = browser.open();
  server.say("tea", "meanwhile");
  await run(2000);
  expect(late.client.session).toBe(session);
  expect(heard).toEqual(["meanwhile"]);
  expect(server.sessions.size).toBe(1);
});

test("what a closed tab had not sent is sent by the next, and its end is told there", async () => {
  const { server, tabs } = await three();
  for (const { client } of tabs) client.pause();
  await run();
  void tabs;
  const link = server.link;
  server.link = (ears) => {
    setTimeout(() => ears.closed({ code: 1006 }), 1);
    return { say: () => undefined, shut: () => undefined };
  };
  for (const { client } of tabs) client.tryNow();
  await run(2000);
  const sent = tabs[2].client.send("buy", 1);
  await run();
  await sent.queued;
  tabs[2].crash();
  server.link = link;
  await run(60_000);
  expect(server.done).toEqual(["buy 1"]);
  const outcomes = tabs.slice(0, 2).flatMap(({ client }) => client.outbox);
  expect(outcomes).toMatchObject([{ kind: "emit", fields: { event: "buy" }, result: 1 }]);
});

test("another user, and an old script, are other groups: nothing of one goes out in the other's session", async () => {
  const { server, browser } = await three();
  const bob = browser.open({ user: "bob" });
  await run();
  expect(server.sessions.size).toBe(2);
  const asked = bob.client.emit("look", 1);
  await run();
  expect(await fate(asked)).toBe(1);
});

test("a copy of the browser's profile has a session of its own once both are there: none is told the other's answers", async () => {
  const { server, browser, tabs } = await three();
  const { session } = tabs[0].client;
  const copy = new Browser(server);
  for (const [name, kept] of browser.kept) copy.kept.set(name, structuredClone(kept));
  for (const tab of tabs) tab.control.pause();
  await run();
  const other = copy.open();
  await run(2000);
  expect(other.client.session).toBe(session);
  for (const tab of tabs) tab.control.check();
  await run(3000);
  expect(tabs[0].client.session).not.toBe(session);
  expect(other.client.session).toBe(session);
  const asked = [tabs[1].client.emit("buy", "ours"), other.client.emit("buy", "the copy's")];
  await run();
  expect(await Promise.all(asked)).toEqual(["ours", "the copy's"]);
});

for (const stored of [true, false]) {
  test(`a leader dies before its welcome: the next goes on with the session, ${stored ? "with" : "without"} a store`, async () => {
    const { server, tabs } = await three(stored);
    const { session } = tabs[0].client;
    const { link } = server;
    tabs[0].crash();
    // What the next one hears is nothing; the server has its hello.
    server.link = (ears) => link({ ...ears, heard: () => undefined });
    await run(1000);
    server.link = link;
    tabs[1].crash();
    await run(2000);
    expect(tabs[2].client.session).toBe(session);
    expect(server.sessions.size).toBe(1);
  });
}

test("all tabs reload at once: the session is the same, and what was not sent goes out", async () => {
  const { server, browser, tabs } = await three();
  const { session } = tabs[0].client;
  browser.stuck = [];
  for (const tab of tabs) tab.crash();
  browser.stuck = undefined;
  const again = browser.open();
  await run(2000);
  expect(again.client.session).toBe(session);
  expect(server.sessions.size).toBe(1);
});
