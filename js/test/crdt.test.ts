// CRDTs: the vectors that all twins pass, and laws over random replicas.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, assign, GCounter, GSet, LWWRegister, ORSet, PNCounter, remove, shown } from "../src/crdt.ts";
import { apply, emptyOf, hear, readState, SAYS, shown as seen } from "../src/crdt_said.ts";
import type { Said } from "../src/words.ts";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/crdt.json", import.meta.url), "utf8"));
const KINDS: Record<
  string,
  new (
    replica?: string,
  ) => { state: Said; value: unknown; merge(other: Said): void }
> = {
  "g-counter": GCounter,
  "pn-counter": PNCounter,
  "g-set": GSet,
  "or-set": ORSet,
  "lww-register": LWWRegister,
};

/** Every order of some things. */
const orders = <T>(all: T[]): T[][] =>
  all.length < 2
    ? [all]
    : all.flatMap((one, at) => orders(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));

describe("the vectors", () => {
  test.each<Said>(vectors.merges)(
    "merged in each order, and twice: $about",
    ({ kind, states, state, value }) => {
      for (const order of orders<Said>(states)) {
        const replica = new KINDS[kind]!("me");
        for (const each of [...order, ...order]) replica.merge(each);
        expect(replica.state).toEqual(state);
        expect(replica.value).toEqual(value);
        expect(seen(state)).toEqual(value);
      }
    },
  );

  test.each<Said>(vectors.operations)("said and heard: $about", ({ kind, ops, state }) => {
    let mine = emptyOf(kind);
    for (const { op, heard, ...author } of ops) {
      const told = apply(mine, op, author);
      expect(told ?? null).toEqual(heard);
      if (told) mine = hear(mine, told);
    }
    expect(mine).toEqual(state);
  });

  test.each<Said>(vectors.refused)("refused: $about", ({ kind, op, state, code }) => {
    const attempt = (): unknown => (op ? apply(emptyOf(kind), op, { writer: "w", n: 1 }) : readState(state));
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});

// -- laws

interface Replica {
  state: Said;
  merge(other: Said): void;
}
type Step = { at: number; element: string; number: number; adds: boolean };

const steps = fc.array(
  fc.record<Step>({
    at: fc.nat({ max: 4 }),
    element: fc.constantFrom("x", "y", "z", "__proto__", "😀"),
    number: fc.integer({ min: 0, max: 9 }),
    adds: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** What one step does to a replica: its delta. */
const act: Record<string, (replica: never, step: Step) => Said> = {
  "g-counter": (replica: GCounter, { number }) => replica.add(number),
  "pn-counter": (replica: PNCounter, { number, adds }) => replica.add(adds ? number : -number),
  "g-set": (replica: GSet, { element }) => replica.add(element),
  "or-set": (replica: ORSet, { element, adds }) => (adds ? replica.add(element) : replica.remove(element)),
  "lww-register": (replica: LWWRegister, { element, number }) => replica.set(element, number),
};

describe.each(Object.keys(KINDS))("laws of a %s", (kind) => {
  const make = (name: string): Replica => new KINDS[kind]!(name);
  const replicas = (): Replica[] => ["a", "b", "c", "d", "e"].map(make);
  const run = (all: Replica[], program: Step[]): { from: number; delta: Said }[] =>
    program.map((step) => ({
      from: step.at,
      delta: structuredClone(act[kind]!(all[step.at] as never, step)),
    }));
  const merged = (...states: Said[]): Said => {
    const made = make("none");
    for (const state of states) made.merge(state);
    return made.state;
  };

  test("merging is commutative, associative and idempotent, and what was heard once changes nothing", () => {
    fc.assert(
      fc.property(steps, (program) => {
        const all = replicas();
        run(all, program);
        const [a, b, c] = all.map(({ state }) => structuredClone(state)) as [Said, Said, Said];
        expect(merged(a, b)).toEqual(merged(b, a));
        expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)));
        expect(merged(a, b, a, b, a)).toEqual(merged(a, b));
      }),
      { numRuns: 60 },
    );
  });

  test("all deltas, in any order and more than once, are all states", () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (program, chance) => {
        const all = replicas();
        const deltas = run(all, program).map(({ delta }) => delta);
        const states = all.map(({ state }) => state);
        const order = [...deltas, ...deltas]
          .map((delta) => ({ delta, at: chance.next().value as number }))
          .sort((one, other) => one.at - other.at);
        expect(merged(...order.map(({ delta }) => delta))).toEqual(merged(...states));
      }),
      { numRuns: 60 },
    );
  });

  test("a state goes through JSON and back as it is", () => {
    fc.assert(
      fc.property(steps, (program) => {
        const all = replicas();
        run(all, program);
        for (const { state } of all) expect(merged(JSON.parse(JSON.stringify(state)))).toEqual(state);
      }),
      { numRuns: 30 },
    );
  });
});

test("an or-set that all merge after each step holds what a plain model says", () => {
  fc.assert(
    fc.property(steps, (program) => {
      const all = ["a", "b", "c", "d", "e"].map((name) => new ORSet(name));
      const model = new Set<string>();
      for (const { at, element, adds } of program) {
        const delta = adds ? all[at]!.add(element) : all[at]!.remove(element);
        if (adds) model.add(element);
        else model.delete(element);
        for (const other of all) other.merge(delta);
      }
      for (const each of all) expect(new Set(each.value)).toEqual(model);
    }),
    { numRuns: 60 },
  );
});

// -- in documents

test("what was done to a value since it was read is said as an operation", () => {
  const tags = new ORSet("w1");
  tags.add("tea");
  tags.add("milk");
  const read = ORSet.of(tags.state);
  read.remove("tea");
  read.add("coffee");
  expect(read[SAYS]("or-set")).toEqual({ $crdt: "or-set", add: ["coffee"], remove: { tea: [["w1", 1]] } });
  const votes = PNCounter.of({ $crdt: "pn-counter", p: { w1: 4 }, n: {} });
  votes.add(-1);
  expect(votes[SAYS]("pn-counter")).toEqual({ $crdt: "pn-counter", add: -1 });
  expect(() => votes[SAYS]("or-set")).toThrow(expect.objectContaining({ code: "TYPE_CONFLICT" }));
  expect(new GSet()[SAYS]("g-set")).toEqual({ $crdt: "g-set", add: [] });
});

test("operations are said in the words of the kind that they are for", () => {
  const state = { $crdt: "or-set", e: { x: [["w", 1]] }, c: { w: 1 } };
  expect(add("x", "y")[SAYS]("or-set", state)).toEqual({ $crdt: "or-set", add: ["x", "y"] });
  expect(remove("x", "y")[SAYS]("or-set", state)).toEqual({ $crdt: "or-set", remove: { x: [["w", 1]] } });
  expect(add()[SAYS]("g-counter", {})).toEqual({ $crdt: "g-counter", add: 1 });
  expect(assign(null)[SAYS]("lww-register", {})).toEqual({ $crdt: "lww-register", set: null });
  for (const [op, kind] of [
    [remove("x"), "g-set"],
    [assign(1), "or-set"],
    [add(1, 2), "g-counter"],
  ] as const)
    expect(() => op[SAYS](kind, {})).toThrow(expect.objectContaining({ code: "TYPE_CONFLICT" }));
  expect(shown(state)).toEqual(["x"]);
  expect(shown({ a: 1 })).toEqual({ a: 1 });
});

test("a set is bounded in elements and bytes, a sum in what every reader keeps exact", () => {
  const set = new ORSet("a");
  for (let n = 0; n < 10_000; n++) set.add(`e${n}`);
  expect(() => set.add("one more")).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  set.remove("e1");
  set.add("one more");
  expect(set.size).toBe(10_000);
  // What went takes no room.
  const long = new ORSet("a".repeat(100_000));
  for (let n = 0; n < 20; n++) long.add("e");
  expect(long.size).toBe(1);
  const counter = new GCounter("a");
  counter.add(Number.MAX_SAFE_INTEGER);
  expect(() => counter.add(1)).toThrow(expect.objectContaining({ code: "OVERFLOW" }));
  expect(() => counter.merge({ $crdt: "g-counter", p: { b: 1 } })).toThrow(
    expect.objectContaining({ code: "OVERFLOW" }),
  );
  expect(counter.value).toBe(Number.MAX_SAFE_INTEGER);
});
