// The machine of a collection by itself: copies that are fenced, what is held that cannot be gone on from, and changes that a
// server of another schema refuses. Each attack of docs/protocol.md (*Shared data*) that needs no network.

import { expect, test } from "vitest";
import { Replica } from "../src/collections_replica.ts";
import { said } from "../src/collections_value.ts";
import { SAYS } from "../src/crdt_said.ts";
import type { Said } from "../src/words.ts";

const LIMITS = { value: 1000, fields: 3 };
const sync = (writer: Said = {}, more: Said = {}): Said => ({
  schema: 3,
  strategy: "merge",
  horizon: "e.0",
  limits: LIMITS,
  writer: { name: "w1", n: 0, outcomes: [], ...writer },
  ...more,
});
const whole = (docs: Said[] = [], next = "e.100", more: Said = {}): Said => ({
  docs,
  next,
  complete: true,
  reset: false,
  begun: null,
  n: 0,
  ...more,
});

/** One that is joined, and has everything up to e.100. */
const joined = (schema?: number): Replica => {
  const replica = new Replica(schema);
  replica.join("e", sync());
  replica.nextPull();
  replica.page(whole([{ key: "k", value: { title: "tea" }, seq: 90 }]), 0);
  replica.keep();
  return replica;
};

const codes = (replica: Replica): [number, string | undefined][] =>
  [...replica.failed].map(([n, { rejected }]) => [n, rejected?.code]);

test.each<[string, (replica: Replica) => void]>([
  [
    "its push is fenced",
    (replica) => {
      const out = replica.nextPush(0)!;
      replica.pushed(out.token, { results: [], held: { n: 1, code: "FENCED" } }, 0);
    },
  ],
  [
    "its number was used for something else",
    (replica) => {
      const out = replica.nextPush(0)!;
      replica.pushed(out.token, { results: [{ n: 1, rejected: { code: "ID_REUSED", message: "" } }] }, 0);
    },
  ],
  ["a join tells more changes than it ever made", (replica) => replica.join("e", sync({ n: 7 }))],
  [
    "a join tells what came of a change that never left",
    (replica) => replica.join("e", sync({ n: 1, outcomes: [{ n: 1, seq: 101 }] })),
  ],
  [
    "a change is heard under its name that never left",
    (replica) => replica.hear(101, { key: "x", op: "put", value: 1, prev: null, writer: "w1", n: 1 }),
  ],
  [
    "a page was decided with a change that never left",
    (replica) => {
      replica.gap(101);
      replica.nextPull();
      replica.page(whole([], "e.101", { n: 1 }), 0);
    },
  ],
])("a copy is fenced when %s: what is pending is refused, and may be said anew", (_, happens) => {
  const replica = joined();
  replica.put("a", { title: "mine" }, 0);
  replica.put("b", { title: "mine, too" }, 0);
  happens(replica);
  expect(replica.fenced).toBe(true);
  expect(replica.queue.all.size).toBe(0);
  expect(codes(replica)).toEqual([
    [1, "FENCED"],
    [2, "FENCED"],
  ]);
  expect(replica.get("a")).toBeUndefined();
  expect(replica.get("k"), "what is confirmed stays").toEqual({ title: "tea" });
  expect(() => replica.put("c", 1, 0)).toThrow("opened later");
  expect(replica.nextPush(1e9)).toBeUndefined();
  // It speaks under another client id, which has said nothing yet, and the numbers go on.
  replica.renew();
  replica.join("e", sync({ name: "w2" }));
  expect(replica.decide(1, "retry", undefined, 0)).toBe(3);
  const again = replica.nextPush(0)!;
  expect(again.changes.map(({ n, key }) => [n, key])).toEqual([[3, "a"]]);
  expect(replica.seen).toBe(2);
});

test("what another writes under a name that was ours, before our join has its ack, is not ours", () => {
  const replica = joined();
  replica.put("a", { title: "mine" }, 0);
  replica.away();
  replica.hear(101, { key: "x", op: "put", value: 1, prev: null, writer: "w1", n: 1 });
  expect(replica.fenced).toBe(false);
  replica.join("e", sync({ name: "w2" }));
  expect(replica.nextPush(0)?.changes.length).toBe(1);
});

test("what was told before an answer that is here forgets nothing", () => {
  const replica = joined();
  replica.put("a", { title: "mine" }, 0);
  const { token } = replica.nextPush(0)!;
  replica.pushed(token, { held: null, results: [{ n: 1, seq: 101 }] }, 0);
  replica.put("b", { title: "mine, too" }, 0);
  replica.nextPush(0);
  replica.join("e", sync({}));
  expect(codes(replica)).toEqual([]);
});

// Two copies of a store said different things under one number, and one of these was lost: what a join tells is the other's.
test.each([
  ["the same has the outcome that it had", { n: 1, seq: 101 }, false],
  ["another was said by a copy", { n: 1, rejected: { code: "ID_REUSED", message: "" } }, true],
])("what a join tells of a number is said again and compared: %s", (_, answer, fenced) => {
  const replica = joined();
  replica.put("a", { title: "mine" }, 0);
  replica.nextPush(0);
  replica.away();
  replica.join("e", sync({ n: 1, outcomes: [{ n: 1, seq: 101 }] }));
  expect(replica.fenced).toBe(false);
  const out = replica.nextPush(0)!;
  expect(out.changes.map(({ n }: Said) => n)).toEqual([1]);
  replica.pushed(out.token, { held: null, results: [answer] }, 0);
  expect([replica.fenced, replica.get("a") === undefined]).toEqual([fenced, fenced]);
  replica.nextPull();
  replica.page(whole([{ key: "a", value: { title: "mine" }, seq: 101 }], "e.101", { n: 1 }), 0);
  expect([replica.queue.all.size, replica.seen]).toEqual([0, 1]);
  expect(codes(replica)).toEqual(fenced ? [[1, "FENCED"]] : []);
});

test("what is answered is not said again to a server that has forgotten who said it", () => {
  const replica = joined();
  replica.put("a", { title: "one" }, 0);
  const out = replica.nextPush(0)!;
  replica.pushed(out.token, { results: [{ n: 1, seq: 101 }] }, 0);
  replica.put("b", { title: "two" }, 0);
  replica.nextPush(0);
  replica.put("c", { title: "three" }, 0);
  replica.away();
  replica.join("e", sync({ n: 0 }));
  expect(codes(replica)).toEqual([[2, "OUTCOME_UNKNOWN"]]);
  expect(replica.nextPush(0), "the first is not confirmed yet").toBeUndefined();
  replica.nextPull();
  replica.page(whole([{ key: "a", value: { title: "one" }, seq: 101 }], "e.101"), 0);
  expect(replica.nextPush(0)?.changes.map(({ n }) => n)).toEqual([3]);
  expect(replica.seen).toBe(2);
});

test("a reset lets go of what is confirmed, keeps what is pending, and the second in a minute is an error", () => {
  const replica = joined();
  replica.put("mine", { title: "offline" }, 0);
  replica.gap(120);
  const reset = { docs: [], next: "e.120", complete: false, reset: true, begun: null, n: 0 };
  replica.nextPull();
  replica.page(reset, 1_000);
  expect(replica.get("k")).toBeUndefined();
  expect(replica.get("mine")).toEqual({ title: "offline" });
  expect(replica.keep().dropped).toBe(true);
  expect(replica.nextPull(), "from the beginning").toEqual({ after: undefined, begun: undefined });
  replica.page(reset, 2_000);
  expect(replica.trouble?.code).toBe("RESET");
  expect(replica.nextPull(), "not a third time").toBeUndefined();
  expect(replica.queue.all.size).toBe(1);
  replica.join("e", sync());
  expect(replica.trouble, "a new join begins anew").toBeUndefined();
});

test("a checksum that is another is a reset; one that what was heard since hides is not compared", () => {
  const replica = joined();
  replica.gap(101);
  replica.nextPull();
  replica.page(whole([], "e.101", { checksum: "0000000000000000" }), 0);
  expect([replica.position, replica.get("k")]).toEqual([undefined, undefined]);
  const other = joined();
  other.gap(101);
  other.nextPull();
  other.hear(105, { key: "n", op: "put", value: 1, prev: null, writer: "w9", n: 1 });
  other.page(whole([], "e.101", { checksum: "0000000000000000" }), 0);
  expect(other.get("k")).toEqual({ title: "tea" });
});

test("another epoch lets go of what is confirmed, and what was answered and is not held is said again", () => {
  const replica = joined();
  replica.put("a", { title: "mine" }, 0);
  const out = replica.nextPush(0)!;
  replica.pushed(out.token, { results: [{ n: 1, seq: 101 }] }, 0);
  replica.away();
  replica.join("f", sync({}, { horizon: "f.0" }));
  expect(replica.get("k")).toBeUndefined();
  // Over a start, too: what is kept of it has no outcome any more.
  const { dirty } = replica.keep();
  expect([...dirty]).toEqual([1]);
  expect(replica.row(1)?.pending.outcome).toBeUndefined();
  expect(replica.nextPush(0)?.changes.map(({ n }) => n)).toEqual([1]);
});

test("what a server of another schema refuses is kept, and a newer program may say it anew", () => {
  const replica = joined(2);
  expect(replica.schema).toBe(2);
  replica.put("a", { title: "of schema 2" }, 0);
  replica.put("b", { title: "behind it" }, 0);
  const out = replica.nextPush(0)!;
  expect(out.changes.map(({ schema }) => schema)).toEqual([2, 2]);
  const outdated = { code: "OUTDATED", message: "here is 3" };
  replica.pushed(
    out.token,
    {
      results: [
        { n: 1, rejected: outdated },
        { n: 2, seq: 101 },
      ],
    },
    0,
  );
  expect(codes(replica)).toEqual([[1, "OUTDATED"]]);
  // Kept with what it was, over a start of the newer program.
  const [row] = [1].map((n) => structuredClone(replica.row(n)));
  const newer = new Replica(3);
  newer.restore(structuredClone(replica.state));
  newer.restoreChange(row!);
  newer.join("e", sync({ n: 2 }));
  const n = newer.decide(1, "retry", undefined, 0)!;
  expect(newer.queue.all.get(n)?.said).toMatchObject({ schema: 3, value: { title: "of schema 2" } });
});

test("poison among good ones goes alone: one at a time, and a skip fills its number", () => {
  const replica = joined();
  for (const key of ["a", "b", "c"]) replica.put(key, { title: key }, 0);
  const out = replica.nextPush(0)!;
  const why = { code: "INVALID_MESSAGE", message: "no" };
  replica.pushFailed(out.token, why, false, 0, 0);
  const first = replica.nextPush(0)!;
  expect(first.changes.map(({ n }) => n)).toEqual([1]);
  expect(replica.nextPush(0), "the next waits for it").toBeUndefined();
  replica.pushed(first.token, { results: [{ n: 1, seq: 101 }] }, 0);
  const second = replica.nextPush(0)!;
  replica.pushFailed(second.token, why, false, 0, 0);
  const skip = replica.nextPush(0)!;
  expect(skip.changes).toMatchObject([{ n: 2, op: "skip" }]);
  replica.pushed(skip.token, { results: [{ n: 2, seq: null }] }, 0);
  expect(replica.nextPush(0)?.changes).toMatchObject([{ n: 3, key: "c" }]);
  expect(codes(replica)).toEqual([[2, "INVALID_MESSAGE"]]);
});

test.each<[string, string, Said]>([
  ["a key without end", "k".repeat(256), { op: "put", value: 1 }],
  ["no key", "", { op: "put", value: 1 }],
  ["a key with a control character", "a\u0000", { op: "put", value: 1 }],
  ["a value over the limit", "a", { op: "put", value: "x".repeat(2000) }],
  ["more fields than may be", "a", { op: "put", value: { a: 1, b: 2, c: 3, d: 4 } }],
  ["a patch that is no object", "a", { op: "patch", value: [1] }],
  ["a field that is set and taken out", "a", { op: "patch", value: { a: 1 }, unset: ["a"] }],
])("%s is refused here, before it is sent", (_, key, op) => {
  const replica = joined();
  expect(() => replica.change(key, op, 0)).toThrow();
  expect([replica.last, replica.queue.all.size]).toEqual([0, 0]);
});

test("what is left out of order is pulled, and a change of tomorrow's kind too", () => {
  const replica = joined();
  replica.hear(110, { key: "k", op: "patch", value: { a: 1 }, prev: 95, writer: "w2", n: 1 });
  expect([replica.whole, replica.get("k")]).toEqual([false, { title: "tea" }]);
  const other = joined();
  other.hear(110, { key: "k", op: "reverse", prev: 90, writer: "w2", n: 1 });
  expect(other.whole).toBe(false);
  expect(other.nextPull()).toEqual({ after: "e.100", begun: undefined });
});

test("a document that is put with an update of its text says it; one in which nothing was done stays as it is seen", () => {
  const there = { title: "tea", body: { $crdt: "text", u: [Uint8Array.of(0, 0)] } };
  const put = (u: unknown): unknown =>
    said({ title: "milk", body: { [SAYS]: () => ({ $crdt: "text", u }) } }, there, "put");
  const update = Uint8Array.of(1, 2);
  expect(put([update])).toEqual({ title: "milk", body: { $crdt: "text", u: [update] } });
  expect(put(update)).toEqual({ title: "milk", body: { $crdt: "text", u: update } });
  expect(put([])).toEqual({ title: "milk", body: there.body });
});

test("what was heard and not acknowledged counts once after a start, and is seen when what was confirmed goes", () => {
  const likes = (count: number) => ({ likes: { $crdt: "pn-counter", p: { w1: count }, n: {} } });
  const replica = joined();
  replica.change("k", { op: "patch", value: { likes: { $crdt: "pn-counter", add: 1 } } }, 0);
  replica.nextPush(0);
  const heard = { key: "k", op: "patch", value: likes(1), prev: 90, writer: "w1", n: 1 };
  replica.hear(101, heard);
  const seen = { title: "tea", ...likes(1) };
  expect(replica.get("k")).toEqual(seen);
  expect(replica.keep().dirty, "that it is confirmed is kept").toContain(1);
  const again = new Replica();
  again.confirmed.restore("k", 101, structuredClone(replica.confirmed.keys.get("k")!.value));
  again.restore(structuredClone(replica.state));
  again.restoreChange(structuredClone({ n: 1, pending: replica.queue.all.get(1) }));
  expect(again.get("k")).toEqual(seen);
  replica.put("new", { title: "oat" }, 0);
  replica.nextPush(0);
  replica.hear(102, { key: "new", op: "put", value: { title: "oat" }, writer: "w1", n: 2 });
  replica.left();
  expect(replica.get("new")).toEqual({ title: "oat" });
});

test("what was done and is gone by now is seen no more, though a change before it waits for its answer", () => {
  const replica = joined();
  replica.put("waits", { title: "one" }, 0);
  replica.put("gone", { title: "two" }, 0);
  const out = replica.nextPush(0)!;
  replica.pushed(out.token, { results: [{ n: 2, seq: 110 }], held: null }, 0);
  replica.keep();
  expect(replica.get("gone")).toEqual({ title: "two" });
  replica.gap(120);
  replica.nextPull();
  replica.page(whole([], "e.120"), 0);
  expect(replica.get("gone")).toBeUndefined();
  expect([...replica.keep().touched]).toContain("gone");
});

test("a conflict that its author has decided is not said again in another epoch", () => {
  const replica = joined();
  replica.put("waits", { title: "one" }, 0);
  replica.change("k", { op: "patch", value: { title: "mine" } }, 0);
  const out = replica.nextPush(0)!;
  replica.pushed(
    out.token,
    { results: [{ n: 2, conflict: { seq: 105, fields: ["title"], gone: false } }], held: null },
    0,
  );
  replica.decide(2, "theirs", undefined, 0);
  replica.away();
  replica.join("f", sync());
  const said = replica.nextPush(0)!.changes.map(({ n, op }: Said) => [n, op]);
  expect(said).toEqual([
    [1, "put"],
    [2, "skip"],
  ]);
});
