// A server and several clients in a world of chance: links that break, acks that are lost, programs that are started again from
// what they kept, copies of their stores, a server that forgets. At the end, when all can speak: every view is the server's,
// and every change was done once, or is in `failed` at its author.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Replica } from "../src/collections_replica.ts";
import { Refused } from "../src/crdt_said.ts";
import type { Said } from "../src/words.ts";
import { CollectionModel, type Strategy, type Who } from "./collections_model.ts";

const KEYS = ["a", "b", "c"];

/** A program with its store: what it keeps is all that is left of it after a start. */
class Device {
  replica = new Replica();
  client: string;
  incarnation = 1;
  nonce: string;
  online = false;
  cursor = 0;
  #docs = new Map<string, Said>();
  #rows = new Map<number, Said>();
  #state: Said = {};
  static made = 0;

  constructor() {
    this.client = `c${++Device.made}`;
    this.nonce = `${this.client}/1`;
  }

  get who(): Who {
    const { client, incarnation, nonce, replica } = this;
    return { client, incarnation, nonce, seen: replica.seen };
  }

  /** As the driver of the machine does after each call. */
  keep(): void {
    const { dropped, touched, forgotten, dirty } = this.replica.keep();
    if (dropped) this.#docs.clear();
    for (const key of forgotten) this.#docs.delete(key);
    for (const key of touched) {
      const known = this.replica.confirmed.keys.get(key);
      if (known) this.#docs.set(key, structuredClone({ key, ...known }));
    }
    for (const n of dirty) {
      const row = this.replica.row(n);
      if (row) this.#rows.set(n, structuredClone(row));
      else this.#rows.delete(n);
    }
    this.#state = structuredClone(this.replica.state);
    if (this.replica.fenced) this.#renew();
  }

  #renew(): void {
    this.client = `c${++Device.made}`;
    this.incarnation = 1;
    this.nonce = `${this.client}/1`;
    this.replica.renew();
    this.online = false;
    this.keep();
  }

  start(): void {
    this.online = false;
    this.incarnation++;
    this.nonce = `${this.client}/${this.incarnation}/${++Device.made}`;
    this.replica = new Replica();
    for (const { key, seq, value } of this.#docs.values()) {
      this.replica.confirmed.restore(key, seq, structuredClone(value));
    }
    this.replica.restore(structuredClone(this.#state));
    const rows = [...this.#rows].sort(([one], [other]) => one - other);
    for (const [, row] of rows) this.replica.restoreChange(structuredClone(row));
    this.keep();
  }

  /** What a copy of another's store holds; the program on it begins anew. */
  copy(other: Device): void {
    this.#docs = structuredClone(other.#docs);
    this.#rows = structuredClone(other.#rows);
    this.#state = structuredClone(other.#state);
    this.client = other.client;
    this.incarnation = other.incarnation;
    this.start();
  }
}

type Fate = "arrives" | "is lost" | "ack is lost";
type Step =
  | { do: "change"; at: number; key: number; what: number }
  | { do: "push"; at: number; fate: Fate }
  | { do: "pull"; at: number; lost: boolean }
  | { do: "hear"; at: number; count: number }
  | { do: "drop" | "join" | "start"; at: number }
  | { do: "copy"; at: number; from: number }
  | { do: "server"; forgets: "all" | "writers" }
  | { do: "decide"; at: number; how: number };

const at = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      at,
      key: fc.nat({ max: 2 }),
      what: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      at,
      fate: fc.constantFrom<Fate>("arrives", "arrives", "arrives", "is lost", "ack is lost"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pull" as const), at, lost: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("hear" as const), at, count: fc.nat({ max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const), at }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("join" as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("start" as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), at, from: at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("server" as const),
      forgets: fc.constantFrom<"all" | "writers">("all", "writers"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("decide" as const), at, how: fc.nat({ max: 2 }) }) },
);

class World {
  readonly server: CollectionModel;
  readonly devices = [new Device(), new Device(), new Device()];
  now = 1_000_000;
  made = 0;
  /** Marks of changes that were made, and are not accounted for elsewhere. */
  readonly marks = new Set<string>();
  /** Marks that their author said anew although they may have been done. */
  readonly risked = new Set<string>();

  constructor(strategy: Strategy) {
    this.server = new CollectionModel(strategy);
  }

  step(it: Step): void {
    this.now += 5000;
    if (it.do === "server") {
      if (it.forgets === "all") {
        // What was done there is gone with it, and nobody says that it is not.
        for (const mark of this.server.done) this.marks.delete(mark);
        this.server.restart();
      } else this.forget();
      for (const device of this.devices) this.drop(device);
      return;
    }
    const device = this.devices[it.at]!;
    if (it.do === "change") this.change(device, KEYS[it.key]!, it.what);
    else if (it.do === "push") this.push(device, it.fate);
    else if (it.do === "pull") this.pull(device, it.lost);
    else if (it.do === "hear") this.hear(device, it.count);
    else if (it.do === "drop") this.drop(device);
    else if (it.do === "join") this.join(device);
    else if (it.do === "start") device.start();
    else if (it.do === "copy") {
      if (it.at === it.from) return;
      // What the store held that is written over goes with it.
      for (const mark of marksOf(device)) this.marks.delete(mark);
      device.copy(this.devices[it.from]!);
    } else if (it.do === "decide") this.decide(device, it.how);
    device.keep();
  }

  /**
   * Writers are forgotten. Whose number is not the server's any more asks for its own changes only where what it holds goes
   * on; and of what a copy of its store said, nobody is left who knows. Both may be done again, then.
   */
  forget(): void {
    const clients = this.forgettable();
    this.server.forget(clients);
    for (const { client, replica } of this.devices) {
      if (!clients.includes(client)) continue;
      const { at = 0, begun = 0, epoch } = replica.confirmed;
      const goesOn = epoch === `e${this.server.epoch}` && Math.max(at, begun) >= this.server.horizon;
      for (const { said, sent } of replica.queue.all.values())
        if (!sent || !goesOn) for (const mark of marksIn(said)) this.risked.add(mark);
    }
  }

  /**
   * Writers that had an answer: they see that the server's number is below theirs. That a writer without one was forgotten,
   * which takes a silence of 90 days, it cannot know, and what it said may be done again.
   */
  forgettable(): string[] {
    const unheard = new Set(
      this.devices.filter(({ replica }) => replica.seen === 0).map(({ client }) => client),
    );
    return this.devices.map(({ client }) => client).filter((client) => !unheard.has(client));
  }

  change(device: Device, key: string, what: number): void {
    const { replica } = device;
    const mark = `m${++this.made}`;
    const there = replica.get(key) as Said | undefined;
    try {
      if (what === 0 && there) replica.change(key, { op: "delete" }, this.now);
      else if (what === 1 && there) {
        replica.change(key, { op: "patch", value: { title: mark }, unset: ["done"] }, this.now);
      } else if (what === 2) replica.put(key, { ...there, poison: true }, this.now);
      else if (there) {
        replica.change(key, { op: "patch", value: { [`mark${this.made}`]: mark } }, this.now);
        this.marks.add(mark);
      } else if (replica.put(key, { [`mark${this.made}`]: mark, title: "tea", done: false }, this.now)) {
        this.marks.add(mark);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  elsewhere(device: Device, mark: string): boolean {
    return this.devices.some((other) => other !== device && marksOf(other).includes(mark));
  }

  decide(device: Device, how: number): void {
    const { replica } = device;
    const [first] = replica.failed.values();
    if (!first) return;
    const { n, was } = first.change;
    // Of a document that is gone it says all that it was, and what others had said in it.
    if (how === 0) for (const mark of marksIn({ value: was })) this.risked.add(mark);
    // (What is decided otherwise says its mark no more.)
    for (const mark of marksIn(first.change.said)) {
      if (how !== 0) this.marks.delete(mark);
      // To say it anew is the author's risk where nobody knows whether it was done, or another who has a copy may decide, too.
      else if (first.rejected || this.server.done.includes(mark) || this.elsewhere(device, mark))
        this.risked.add(mark);
    }
    try {
      replica.decide(n, ["mine", "theirs", "set"][how]!, { title: "decided" }, this.now);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  drop(device: Device): void {
    device.online = false;
    device.replica.away();
    device.keep();
  }

  join(device: Device): void {
    if (device.online) device.replica.away();
    device.replica.join(`e${this.server.epoch}`, this.server.join(device.who));
    device.cursor = this.server.log.length;
    device.online = true;
    device.keep();
  }

  push(device: Device, fate: Fate): void {
    if (!device.online) return;
    const { replica } = device;
    const { seen } = replica;
    const out = replica.nextPush(this.now);
    if (!out) return;
    const who = { ...device.who, seen };
    const changes = structuredClone(out.changes);
    device.keep();
    const ack = fate === "is lost" ? undefined : this.server.push(who, changes);
    if (fate === "arrives") replica.pushed(out.token, ack!, this.now);
    else this.drop(device);
  }

  pull(device: Device, lost: boolean): void {
    if (!device.online) return;
    const due = device.replica.nextPull();
    if (!due) return;
    const page = this.server.pull(due, device.client);
    if (lost) this.drop(device);
    else device.replica.page(page, this.now);
  }

  hear(device: Device, count: number): void {
    if (!device.online) return;
    for (const { seq, data } of this.server.log.slice(device.cursor, device.cursor + count)) {
      device.replica.hear(seq, structuredClone(data));
    }
    device.cursor = Math.min(this.server.log.length, device.cursor + count);
  }

  /** Everybody speaks until nobody has anything to say. */
  heal(): void {
    for (let round = 0; round < 60; round++) {
      this.now += 70_000;
      for (const device of this.devices) {
        if (!device.online) this.join(device);
        this.push(device, "arrives");
        device.keep();
        this.hear(device, 1000);
        this.pull(device, false);
        device.keep();
      }
    }
  }

  judge(): void {
    const docs = [...this.server.docs].map(([key, { value }]) => [key, value]).sort();
    for (const { client, replica } of this.devices) {
      expect([...replica.queue.all.values()], `${client} waits`).toEqual([]);
      expect(replica.trouble).toBeUndefined();
      expect(replica.whole).toBe(true);
      const seen = KEYS.map((key) => [key, replica.get(key)]).filter(([, value]) => value !== undefined);
      expect(seen.sort(), `${client} sees something else`).toEqual(docs);
    }
    const done = this.server.done.filter((mark) => !this.risked.has(mark));
    expect(new Set(done).size, `${done} twice`).toBe(done.length);
    const failed = new Set(this.devices.flatMap(marksOf));
    for (const mark of this.marks)
      expect(this.server.done.includes(mark) || failed.has(mark), `${mark} is lost`).toBe(true);
  }
}

const marksIn = (said: Said): string[] =>
  Object.entries(said.value ?? {}).flatMap(([name, mark]) => (name.startsWith("mark") ? [String(mark)] : []));

/** Marks of what waits at a device, or came to nothing there. */
const marksOf = ({ replica }: Device): string[] => [
  ...[...replica.queue.all.values()].flatMap(({ said }) => marksIn(said)),
  ...[...replica.failed.values()].flatMap(({ change }) => marksIn(change.said)),
];

test.each<Strategy>(["merge", "custom"])(
  "under %s all views end equal, and each change is done once or is told to its author",
  (strategy) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
        const world = new World(strategy);
        for (const it of steps) world.step(it);
        world.heal();
        world.judge();
      }),
      {
        numRuns: Number(process.env.RUNS ?? 150),
        ...(process.env.SEED && { seed: Number(process.env.SEED) }),
      },
    );
  },
  120_000,
);
