// Collections against a real server, over each transport, in Node.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { type Server, startServer } from "../../tests/e2e/serve.mjs";
import { collections } from "../src/collections.ts";
import { type Client, connect as connectCore } from "../src/core.ts";
import { add, ORSet, PNCounter, remove, shown } from "../src/crdt.ts";
import { fallback, type Transport } from "../src/fallback.ts";
import { rooms } from "../src/rooms.ts";
import { until } from "./until.ts";

let server: Server;
let count = 0;
interface Note {
  title: string;
  done?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test puts there
  [more: string]: any;
}

beforeAll(async () => {
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  server = await startServer("tests.client.served:app");
}, 60_000);
afterAll(() => server.stop(), 20_000);

const fresh = (kind = "plain"): string => `${kind}:js-${process.pid}-${++count}`;

describe.each<Transport>(["websocket", "sse", "polling"])("over %s", (transport) => {
  const connect = (token: string): Client =>
    connectCore(`${server.url}/rt`, { token, transport, with: [rooms, collections, fallback] });

  test("a document that one puts is seen by the other", async () => {
    await using ann = connect("ann");
    await using bob = connect("bob");
    const name = fresh();
    const mine = await ann.collection<Note>(name);
    const theirs = await bob.collection<Note>(name);
    await theirs.ready();
    const changes = theirs.changes();
    const put = await mine.put("n1", { title: "tea" });
    expect(mine.get("n1")).toEqual({ title: "tea" });
    expect(await put.applied).toMatchObject({ kind: "done" });
    expect((await changes.next()).value).toEqual({
      key: "n1",
      before: undefined,
      now: { title: "tea" },
      own: false,
    });
    await (await mine.patch("n1", { done: true })).applied;
    expect((await changes.next()).value).toMatchObject({ before: { title: "tea" }, now: { done: true } });
    await (await theirs.delete("n1")).applied;
    expect((await changes.next()).value).toMatchObject({ key: "n1", now: undefined });
    expect([theirs.size, mine.pending, mine.conflicts, mine.refused]).toEqual([0, [], [], []]);
    await changes.return();
  });

  test("at a first load nothing was before; of what is held, that was", async () => {
    await using ann = connect("ann");
    await using bob = connect("bob");
    const name = fresh();
    const mine = await ann.collection<Note>(name);
    await mine.put("n1", { title: "tea" });
    await (await mine.patch("n1", { done: true })).applied;
    const theirs = await bob.collection<Note>(name);
    const changes = theirs.changes();
    const tea = { title: "tea", done: true };
    // It is older than this client, and has been another.
    expect((await changes.next()).value).toEqual({ key: "n1", before: undefined, now: tea, own: false });
    const again = theirs.changes();
    await (await mine.patch("n1", { title: "green tea" })).applied;
    const now = { title: "green tea", done: true };
    expect((await again.next()).value).toEqual({ key: "n1", before: tea, now, own: false });
    for (const each of [changes, again]) await each.return();
  });

  test("a watcher that throws is reported, and the collection goes on", async () => {
    const faults: string[] = [];
    const { reportError } = globalThis;
    globalThis.reportError = ({ message }: Error) => void faults.push(message);
    try {
      await using ann = connect("ann");
      await using bob = connect("bob");
      const name = fresh();
      const [mine, theirs] = [await ann.collection<Note>(name), await bob.collection<Note>(name)];
      await theirs.ready();
      const { session } = bob;
      theirs.subscribe(() => {
        throw new Error("drawn badly");
      });
      await (await mine.put("n1", { title: "tea" })).applied;
      await until(theirs, () => theirs.get("n1")?.title === "tea");
      expect([bob.session, bob.status.state]).toEqual([session, "live"]);
      expect(new Set(faults)).toEqual(new Set(["drawn badly"]));
    } finally {
      globalThis.reportError = reportError;
    }
  });

  test("fields that two change apart are both kept; what both change has both sides in a conflict", async () => {
    await using ann = connect("ann");
    await using bob = connect("bob");
    const name = fresh("asked");
    const mine = await ann.collection<Note>(name);
    const theirs = await bob.collection<Note>(name);
    await (await mine.put("n", { title: "tea", done: false })).applied;
    await until(theirs, () => theirs.get("n"));
    ann.pause();
    const one = await mine.patch("n", { title: "coffee" });
    await (await theirs.patch("n", { title: "milk" })).applied;
    await (await theirs.patch("n", { done: true })).applied;
    ann.tryNow();
    expect(await one.outcome).toMatchObject({ kind: "conflict", fields: ["title"] });
    await expect(one.applied).rejects.toMatchObject({ code: "CONFLICT" });
    await until(mine, () => mine.conflicts[0]?.theirs?.done);
    const [conflict] = mine.conflicts;
    expect(conflict).toMatchObject({
      key: "n",
      mine: { title: "coffee", done: false },
      theirs: { title: "milk", done: true },
      base: { title: "tea", done: false },
      gone: false,
    });
    expect(mine.get("n")).toEqual({ title: "milk", done: true });
    await (await conflict!.keepMine()).applied;
    expect(mine.conflicts).toEqual([]);
    await until(theirs, () => theirs.get("n")?.title === "coffee");
  });

  test("what is refused is kept, and said anew or let go of", async () => {
    await using ann = connect("ann");
    const notes = await ann.collection<Note>(fresh("notes"));
    const bad = await notes.put("secret", { title: "x" });
    expect(await bad.outcome).toMatchObject({ kind: "rejected", code: "FORBIDDEN" });
    expect(notes.get("secret")).toBeUndefined();
    const [refusal] = notes.refused;
    expect(refusal).toMatchObject({ key: "secret", code: "FORBIDDEN", mine: { title: "x" } });
    expect(await (await refusal!.retry()).outcome).toMatchObject({ kind: "rejected" });
    await notes.refused[0]!.discard();
    expect(notes.refused).toEqual([]);
    await expect(notes.put("", { title: "x" })).rejects.toMatchObject({ code: "INVALID_MESSAGE" });
    await expect(notes.patch("none", { title: "x" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("without the right there is nothing, and it says why", async () => {
    await using eve = connect("eve");
    const notes = await eve.collection<Note>(fresh("notes"));
    await expect(notes.ready()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await using ann = connect("ann");
    const reads = await ann.collection<Note>(fresh("notes"), { data: "reader" });
    const put = await reads.put("n", { title: "x" });
    await until(reads, () => reads.problem);
    expect(reads.problem).toMatchObject({ code: "FORBIDDEN" });
    expect([put.done, reads.pending.length, reads.get("n")]).toEqual([false, 1, { title: "x" }]);
  });

  test("a set of documents is made so at once", async () => {
    await using ann = connect("ann");
    const notes = await ann.collection<Note>(fresh());
    await notes.put("n1", { title: "tea" });
    await notes.put("n2", { title: "milk" });
    const result = await notes.sync({ n1: { title: "tea" }, n2: null, n3: { title: "coffee" } });
    expect([result.success, Object.keys(result.changes)]).toEqual([true, ["n2", "n3"]]);
    expect([...notes]).toEqual([
      ["n1", { title: "tea" }],
      ["n3", { title: "coffee" }],
    ]);
    expect(result.syncId).toBe(notes.position);
  });

  test("counters and sets are never contested, and each operation counts once", async () => {
    await using ann = connect("ann");
    await using bob = connect("bob");
    const name = fresh("board");
    const crdts = { votes: "pn-counter", tags: "or-set" } as const;
    const mine = await ann.collection<Note>(name, { crdts });
    const theirs = await bob.collection<Note>(name, { crdts });
    await (await mine.put("i", { title: "tea", votes: new PNCounter(), tags: new ORSet() })).applied;
    await until(theirs, () => theirs.get("i"));
    ann.pause();
    await mine.patch("i", { votes: add(2), tags: add("a", "b") });
    await mine.patch("i", { votes: add(-1), tags: remove("a") });
    expect(shown(mine.get("i")!.votes)).toBe(1);
    expect(shown(mine.get("i")!.tags)).toEqual(["b"]);
    await (await theirs.patch("i", { votes: add(0), tags: add("c") })).applied;
    await (await theirs.patch("i", { votes: add(3), tags: remove("c") })).applied;
    const votes = PNCounter.of(theirs.get("i")!.votes);
    votes.add(7);
    await (await theirs.put("i", { ...theirs.get("i")!, votes })).applied;
    await (await theirs.patch("i", { tags: add("d") })).applied;
    ann.tryNow();
    for (const each of [mine, theirs]) {
      await until(each, () => shown(each.get("i")!.votes) === 11 && !each.pending.length);
      expect(shown(each.get("i")!.tags)).toEqual(["b", "d"]);
    }
    expect(mine.get("i")).toEqual(theirs.get("i"));
  });

  test("two hundred changes made away go out in batches, and all of them are done", async () => {
    await using ann = connect("ann");
    await using bob = connect("bob");
    const name = fresh();
    const mine = await ann.collection<Note>(name);
    await mine.ready();
    ann.pause();
    for (let n = 0; n < 230; n++) await mine.put(`n${n}`, { title: `${n}`, picture: new Uint8Array([n]) });
    expect([mine.size, mine.pending.length]).toEqual([230, 230]);
    ann.tryNow();
    await until(mine, () => !mine.pending.length);
    const theirs = await bob.collection<Note>(name);
    await theirs.ready();
    expect(theirs.size).toBe(230);
    expect(theirs.get("n7")).toEqual({ title: "7", picture: new Uint8Array([7]) });
    await theirs.close();
    await expect(theirs.put("n", { title: "" })).rejects.toMatchObject({ code: "CLOSED" });
  }, 30_000);
});
