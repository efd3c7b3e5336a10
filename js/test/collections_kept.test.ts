// Collections over the end of a page, and over several pages: a real server, IndexedDB in memory, channels of Node.

import { createHash } from "node:crypto";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { type Server, startServer } from "../../tests/e2e/serve.mjs";
import { collections } from "../src/collections.ts";
import { partOf, sumText } from "../src/collections_sum.ts";
import { type Client, connect, type Options } from "../src/core.ts";
import { add, shown } from "../src/crdt.ts";
import { offline } from "../src/offline.ts";
import { rooms } from "../src/rooms.ts";
import { tabs } from "../src/tabs.ts";
import { until } from "./until.ts";

let server: Server;
let count = 0;

/** Locks of one browser: first come, first served. */
class Locks {
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #held = new Set<string>();

  async request(
    name: string,
    options: LockOptions,
    call: (lock: object | null) => unknown,
  ): Promise<unknown> {
    if (options.ifAvailable && this.#held.has(name)) return call(null);
    const before = this.#lines.get(name);
    const mine = (async () => {
      await before?.catch(() => undefined);
      if (options.signal?.aborted) throw new Error("AbortError");
      this.#held.add(name);
      try {
        return await call({ name });
      } finally {
        this.#held.delete(name);
      }
    })();
    this.#lines.set(name, mine);
    return mine;
  }
}

beforeAll(async () => {
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  server = await startServer("tests.client.served:app");
}, 120_000);
afterAll(() => server.stop(), 20_000);
beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("IDBKeyRange", IDBKeyRange);
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { locks: new Locks() });
  return () => vi.unstubAllGlobals();
});

const open = (part: typeof offline, options: Options = {}): Client =>
  connect(`${server.url}/rt`, {
    token: "ann",
    timeout: 30_000,
    ...options,
    with: [rooms, collections, part],
  });
const fresh = (kind = "plain"): string => `${kind}:kept-${process.pid}-${++count}`;
const crdts = { votes: "pn-counter" } as const;

test("what one page held and changed while away is there on the next, and goes out once", async () => {
  const name = fresh("board");
  const first = open(offline);
  const board = await first.collection(name, { crdts });
  await (await board.put("i", { title: "tea" })).applied;
  expect(first.storage).toEqual({ durable: true });
  first.pause();
  await board.patch("i", { votes: add(3) });
  await board.patch("i", { title: "green tea" });
  await first.close();

  const second = open(offline);
  second.pause();
  const again = await second.collection(name, { crdts });
  expect(again.get("i")).toMatchObject({ title: "green tea" });
  expect(shown(again.get("i").votes)).toBe(3);
  expect(again.pending.map(({ key }) => key)).toEqual(["i", "i"]);
  second.tryNow();
  await until(again, () => again.whole && !again.pending.length);
  expect(shown(again.get("i").votes)).toBe(3);
  await second.close();

  const third = open(offline);
  const last = await third.collection(name, { crdts });
  await last.ready();
  expect([shown(last.get("i").votes), last.get("i").title, last.pending]).toEqual([3, "green tea", []]);
  await third.close();
}, 60_000);

const stored = async <T>(
  mode: IDBTransactionMode,
  act: (rows: IDBObjectStore) => IDBRequest<T>,
): Promise<T> => {
  const [{ name }] = (await indexedDB.databases()) as [{ name: string }];
  const settled = <V>(asked: IDBRequest<V>): Promise<V> =>
    new Promise((done, failed) => {
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  const db = await settled(indexedDB.open(name));
  try {
    return await settled(act(db.transaction("data", mode).objectStore("data")));
  } finally {
    db.close();
  }
};

test("rows of deletes go with the oldest, those too that were left before they did", async () => {
  const name = fresh("board");
  const first = open(offline);
  const board = await first.collection(name, { crdts });
  await (await board.put("i", { title: "tea" })).applied;
  await first.close();
  const keys = await stored("readonly", (rows) => rows.getAllKeys());
  const prefix = String(keys.find((key) => String(key).startsWith("d "))).replace(/ i$/, "");
  await stored("readwrite", (rows) => {
    for (let n = 1; n < 10_100; n++) rows.put({ key: `gone ${n}`, seq: n / 1e6 }, `${prefix} gone ${n}`);
    return rows.put({ key: "gone 0", seq: 0 }, `${prefix} gone 0`);
  });
  const second = open(offline);
  const again = await second.collection(name, { crdts });
  await again.ready();
  expect(again.get("i").title).toBe("tea");
  await second.close();
  const left = await stored("readonly", (rows) => rows.getAllKeys());
  expect(left.filter((key) => String(key).startsWith(prefix)).length).toBeLessThanOrEqual(10_001);
  expect([left.includes(`${prefix} i`), left.includes(`${prefix} gone 0`)]).toEqual([true, false]);
}, 60_000);

test("a conflict and a refusal outlive the page", async () => {
  const name = fresh("notes");
  const first = open(offline);
  const notes = await first.collection(name);
  await (await notes.put("secret", { title: "x" })).outcome;
  await first.close();
  const second = open(offline);
  const again = await second.collection(name);
  expect(again.refused).toMatchObject([{ key: "secret", code: "FORBIDDEN", mine: { title: "x" } }]);
  await again.refused[0]!.discard();
  await second.close();
  const third = open(offline);
  expect((await third.collection(name)).refused).toEqual([]);
  await third.close();
}, 60_000);

test("a store that cannot be read is given up, and that is said; what was changed goes out from memory", async () => {
  vi.stubGlobal("IDBKeyRange", undefined);
  const client = open(offline);
  const notes = await client.collection(fresh());
  expect(client.storage).toMatchObject({ durable: false, reason: expect.any(String) });
  await (await notes.put("n", { title: "tea" })).applied;
  await client.close();
}, 60_000);

test("signing out asks first where something would be lost, and then nothing of the user stays", async () => {
  const name = fresh();
  const first = open(offline);
  const notes = await first.collection(name);
  await (await notes.put("n", { title: "tea" })).applied;
  first.pause();
  await notes.put("n", { title: "coffee" });
  await expect(first.signOut()).rejects.toMatchObject({
    code: "UNSENT",
    details: { pending: 1, messages: 0 },
  });
  expect(notes.get("n")).toEqual({ title: "coffee" });
  await first.signOut({ discard: true });
  const second = open(offline);
  second.pause();
  expect((await second.collection(name)).size).toBe(0);
  expect(second.session).toBeUndefined();
  await second.close();
}, 60_000);

test("two pages see the same documents, and each its own changes", async () => {
  const name = fresh();
  const one = open(tabs);
  const mine = await one.collection(name);
  await (await mine.put("a", { from: "one" })).applied;
  const two = open(tabs);
  const theirs = await two.collection(name);
  expect(theirs.get("a")).toEqual({ from: "one" });
  const heard = mine.changes();
  const put = await theirs.put("b", { from: "two" });
  expect(theirs.get("b")).toEqual({ from: "two" });
  expect((await heard.next()).value).toMatchObject({ key: "b", now: { from: "two" } });
  expect(await put.applied).toMatchObject({ kind: "done" });
  expect([one.session, mine.size]).toEqual([two.session, 2]);
  await theirs.close();
  await (await mine.delete("a")).applied;
  await two.close();
  await one.close();
}, 60_000);

test("what a page changed while another led is said once by the next that leads", async () => {
  const name = fresh("board");
  const one = open(tabs);
  const mine = await one.collection(name, { crdts });
  await (await mine.put("i", { title: "tea" })).applied;
  const two = open(tabs);
  const theirs = await two.collection(name, { crdts });
  await theirs.ready();
  const change = await theirs.patch("i", { votes: add(5) });
  await one.close();
  expect(await change.outcome).toMatchObject({ kind: "done" });
  await (await theirs.patch("i", { votes: add(1) })).applied;
  expect(shown(theirs.get("i").votes)).toBe(6);
  await two.close();
}, 60_000);

test("the checksum is that of SHA-256, whatever the key", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 90, unit: "grapheme" }), fc.maxSafeNat(), (key, seq) => {
      const whole = createHash("sha256").update(`${key}\0${seq}`).digest("hex");
      expect(sumText(partOf(key, seq))).toBe(whole.slice(0, 16));
    }),
    { numRuns: 200 },
  );
});
