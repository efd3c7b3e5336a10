// The machine of a collection where what is heard, what pages bring and what was answered meet: first syncs, pages that overtake
// events, tombstones that are let go of, and conflicts whose epoch has ended.

import { expect, test } from "vitest";
import { Replica } from "../src/collections_replica.ts";
import type { Said } from "../src/words.ts";

const sync = (writer: Said = {}): Said => ({
  schema: 3,
  strategy: "merge",
  horizon: "e.0",
  writer: { name: "w1", n: 0, outcomes: [], ...writer },
});
const page = (docs: Said[], next: string, more: Said = {}): Said => ({ docs, next, complete: true, ...more });
const put = (key: string): Said => ({
  key,
  op: "put",
  value: { title: key },
  prev: null,
  writer: "w9",
  n: 1,
});

/** Joined, with a document, and everything up to e.100. */
const joined = (): Replica => {
  const replica = new Replica();
  replica.join("e", sync());
  replica.nextPull();
  replica.page(page([{ key: "k", value: { title: "tea" }, seq: 90 }], "e.100"), 0);
  replica.keep();
  return replica;
};

/** As one that comes back from a store with these documents. */
const again = (replica: Replica): Replica => {
  const made = new Replica();
  for (const [key, { seq, value }] of replica.confirmed.keys) made.confirmed.restore(key, seq, value);
  made.restore(replica.state);
  made.join("e", sync());
  return made;
};

test("what a first sync does not bring was deleted before it began: its delete has no tombstone in it", () => {
  const replica = new Replica();
  replica.join("e", sync());
  replica.hear(101, put("gone"));
  replica.hear(102, put("stays"));
  replica.nextPull();
  const first = [{ key: "a", value: 1, seq: 50 }];
  replica.page(page(first, "e.50", { complete: false, begun: "e.110" }), 0);
  expect(replica.get("gone"), "no page has come to it").toBeDefined();
  for (const one of [replica, again(replica)]) {
    one.keep();
    one.nextPull();
    one.page(page([{ key: "stays", value: { title: "stays" }, seq: 102 }], "e.112", { begun: "e.110" }), 0);
    expect(one.get("gone")).toBeUndefined();
    expect([one.get("stays"), one.get("a"), one.whole]).toEqual([{ title: "stays" }, 1, true]);
    const { forgotten, touched } = one.keep();
    expect([[...forgotten], touched.has("gone")]).toEqual([["gone"], true]);
    // What comes after where it began is told by tombstones.
    one.hear(113, put("later"));
    expect(one.get("later")).toBeDefined();
  }
});

test("an event that a page has overtaken brings nothing back, and one's own is known to be in the page", () => {
  const replica = joined();
  replica.change("k", { op: "patch", value: { likes: { $crdt: "pn-counter", add: 1 } } }, 0);
  replica.nextPush(0);
  replica.gap(120);
  replica.nextPull();
  replica.page(page([{ key: "k", value: { title: "tea" }, seq: 118 }], "e.120"), 0);
  replica.hear(110, put("deleted by 115"));
  expect(replica.get("deleted by 115")).toBeUndefined();
  replica.hear(105, { key: "k", op: "patch", value: {}, prev: 90, writer: "w1", n: 1 });
  expect(replica.get("k")).toEqual({ title: "tea" });
});

test("the oldest tombstones go from what is kept, too", () => {
  const replica = joined();
  const kept = new Set<string>();
  const keep = (): void => {
    const { forgotten, touched } = replica.keep();
    for (const key of touched) kept.add(key);
    for (const key of forgotten) kept.delete(key);
  };
  for (let n = 0; n < 10_500; n++) {
    replica.hear(200 + 2 * n, put(`d${n}`));
    replica.hear(201 + 2 * n, { key: `d${n}`, op: "delete", prev: 200 + 2 * n, writer: "w9", n: 2 });
    keep();
  }
  expect(kept.size).toBeLessThanOrEqual(10_001);
  expect([kept.has("d0"), kept.has("d10499")]).toEqual([false, true]);
});

/** What is said next meets a conflict at its change n, and then the server has lost its log. */
function conflictInAnotherEpoch(replica: Replica, n: number): void {
  const conflict = { seq: 105, fields: ["title"], gone: false };
  replica.pushed(replica.nextPush(0)!.token, { results: [{ n, conflict }], held: null }, 0);
  replica.away();
  replica.join("f", sync());
}

test("a conflict that waits for its author waits in another epoch, too, and is said by his decision alone", () => {
  const replica = joined();
  replica.put("waits", { title: "one" }, 0);
  replica.change("k", { op: "patch", value: { title: "mine" } }, 0);
  conflictInAnotherEpoch(replica, 2);
  expect(replica.failed.size).toBe(1);
  expect(replica.decide(2, "mine", undefined, 0)).toBe(3);
  // The number of the document that it met was one of the epoch that has ended.
  const said = replica.nextPush(0)!.changes.map(({ n, op, base }: Said) => [n, op, base]);
  expect(said).toEqual([
    [1, "put", null],
    [2, "skip", null],
    [3, "patch", null],
  ]);
});

test("who is fenced by one result knows what came of the others of that push", () => {
  const replica = joined();
  replica.put("a", { title: "one" }, 0);
  replica.put("b", { title: "two" }, 0);
  const out = replica.nextPush(0)!;
  const reused = { n: 1, rejected: { code: "ID_REUSED", message: "" } };
  replica.pushed(out.token, { results: [reused, { n: 2, seq: 107 }], held: null }, 0);
  expect(replica.fenced).toBe(true);
  const failed = [...replica.failed].map(([n, { rejected }]) => [n, rejected?.code]);
  expect(failed, "the second is done").toEqual([[1, "FENCED"]]);
});

test("what is not held yet may be there: one's own fields are said, and not all of what it was", () => {
  const replica = joined();
  replica.change("k", { op: "patch", value: { title: "mine" } }, 0);
  conflictInAnotherEpoch(replica, 1);
  replica.decide(1, "mine", undefined, 0);
  expect(replica.nextPush(0)!.changes.map(({ op, value }: Said) => [op, value])).toEqual([
    ["patch", { title: "mine" }],
  ]);
});
