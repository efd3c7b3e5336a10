// What is kept, and a store that hangs, is blocked, or vanishes.

import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Part } from "../src/connect.ts";
import { programsOf } from "../src/identity.ts";
import { offline } from "../src/offline.ts";
import { Fenced, openStore, type Store } from "../src/store.ts";
import { World } from "./world.ts";

const eventually = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 10_000, interval: 5 });

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  const held = new Set<string>();
  const request = async (name: string, _: LockOptions, call: (lock: object | null) => unknown) => {
    if (held.has(name)) return call(null);
    held.add(name);
    try {
      return await call({ name });
    } finally {
      held.delete(name);
    }
  };
  vi.stubGlobal("navigator", { locks: { request } });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** A client with an outbox of its own. */
const open = async (options = {}, parts: Part[] = [offline]): Promise<World> => {
  const world = new World().connect(options, parts);
  await eventually(() => expect(world.wires).toHaveLength(1));
  return world;
};

test("a store that another leads is written by nobody else", async () => {
  const one = await openStore("x", "default");
  const g = await one.lead("p1");
  await one.commit(g, [["rows", "a", { name: "a" }]]);
  const two = await openStore("x", "default");
  const higher = await two.lead("p2");
  await expect(one.commit(g, [["rows", "b", { name: "b" }]])).rejects.toBeInstanceOf(Fenced);
  await two.commit(higher, [["rows", "a"]]);
  expect(await two.load()).toMatchObject({ rows: [] });
});

test("a hello says which page it is, and the pages before it that had this store and were not welcome", async () => {
  const first = await open();
  const { program } = await first.wire.welcome();
  expect(program).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  await first.back();
  expect(first.wire.of("hello")[0]!.program).toEqual(program);
  await first.client.close();
  const second = await open();
  await second.wire.open();
  const [own] = second.wire.of("hello")[0]!.program;
  expect(second.wire.of("hello")[0]!.program).toEqual([own, ...program]);
  await second.client.close();
  const third = await open();
  const { program: three } = await third.wire.welcome();
  expect(three.slice(1)).toEqual([own, ...program]);
  await third.back();
  expect(third.wire.of("hello")[0]!.program).toEqual(three.slice(0, 1));
  await third.client.close();
  const fourth = await open();
  expect((await fourth.wire.welcome()).program.slice(1)).toEqual(three.slice(0, 1));
  await fourth.client.close();
});

test("of many pages that never got through the last that was welcome is named", () => {
  let programs = ["welcome"];
  for (let n = 0; n < 40; n++) programs = programsOf(`p${n}`, programs);
  expect(programs).toHaveLength(16);
  expect([programs[0], programs.at(-1)]).toEqual(["p39", "welcome"]);
});

test("what was said while away goes out of the next page, in its order, by the same session and once", async () => {
  const first = await open();
  await first.wire.welcome();
  await eventually(() => expect(first.client.storage).toEqual({ durable: true }));
  await first.wire.close();
  const said = [1, 2, 3].map((n) => first.client.send("say", n));
  await Promise.all(said.map(({ queued }) => queued));
  await first.client.close();
  await expect(said[0]!.applied).rejects.toMatchObject({ name: "MaybeDone", maybeDone: true });
  const second = await open();
  const hello = await second.wire.welcome({ taken: 0 });
  expect(hello).toMatchObject({ session: "s1", key: "k1" });
  await eventually(() => expect(second.wire.of("emit").map(({ data }) => data)).toEqual([1, 2, 3]));
  for (const { id, data } of second.wire.of("emit")) await second.wire.hear({ type: "ack", id, data });
  await eventually(() => expect(second.client.outbox.map(({ result }) => result)).toEqual([1, 2, 3]));
  await second.client.close();
  const third = await open();
  await third.wire.welcome();
  expect(third.wire.of("emit")).toEqual([]);
  expect(third.client.outbox).toHaveLength(3);
  await third.client.close();
});

test("what was written and not answered before a crash is asked for again under its id", async () => {
  const first = await open();
  await first.wire.welcome();
  await first.client.send("buy", 1, { keep: true }).queued;
  await eventually(() => expect(first.wire.of("emit")).toHaveLength(1));
  // The page is gone, and nothing was said.
  first.kit.control.sleep();
  await first.client.close();
  const second = await open();
  await second.wire.welcome({ taken: 1 });
  await eventually(() => expect(second.wire.of("emit")).toMatchObject([{ id: 1, event: "buy" }]));
  await second.client.end();
});

test("an id of another session means nothing: it may have been done", async () => {
  const first = await open();
  await first.wire.welcome();
  await first.client.send("buy", 1, { keep: true, key: "k" }).queued;
  await eventually(() => expect(first.wire.of("emit")).toHaveLength(1));
  first.kit.control.sleep();
  await first.client.close();
  const second = await open();
  await second.wire.welcome({ resumed: false, session: "s2", life: "l2" });
  expect(second.wire.of("emit")).toEqual([]);
  await eventually(() => expect(second.client.outbox).toMatchObject([{ failure: { maybeDone: true } }]));
  await second.client.close();
});

test("two pages have an outbox each", async () => {
  const [one, two] = [await open(), await open()];
  await one.wire.welcome();
  await two.wire.welcome({ session: "s2" });
  await one.wire.close();
  await one.client.send("a").queued;
  await one.client.close();
  expect(two.client.status.queued).toBe(0);
  await two.client.close();
});

for (const [what, store, reason] of [
  ["cannot be opened", () => Promise.reject(new Error("private mode")), "private mode"],
  [
    "hangs when it commits",
    async () => ({ ...(await openStore("hangs", "default")), ...broken(() => new Promise<void>(() => {})) }),
    "the store does not answer",
  ],
  [
    "vanishes",
    async () => ({
      ...(await openStore("gone", "default")),
      ...broken(() => Promise.reject(new Error("the connection was lost"))),
    }),
    "the connection was lost",
  ],
] as const) {
  test(`a store that ${what} is given up: nothing is held back, and it is told`, async () => {
    const world = await open({ store });
    await world.wire.welcome();
    const kept = world.client.send("a", 1, { keep: true });
    await eventually(() => expect(world.client.storage).toEqual({ durable: false, reason }));
    await eventually(() => expect(world.wire.of("emit")).toHaveLength(1));
    await kept.queued;
    await world.client.end();
  });
}

/** A store whose commits are these. */
function broken(commit: () => Promise<void>): Partial<Store> {
  return {
    commit,
    lead: async () => 1,
    load: async () => ({ rows: [], meta: new Map() }),
    close: () => undefined,
  };
}

test("without Web Locks nothing is kept, and that is told", async () => {
  vi.stubGlobal("navigator", {});
  const world = await open();
  expect(world.client.storage).toMatchObject({ durable: false });
  await world.wire.welcome();
  expect(world.client.status.live).toBe(true);
});
