// A provider for Yjs against a real server: texts of a collection, and who edits them.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { Doc } from "yjs";
import { type Server, startServer } from "../../tests/e2e/serve.mjs";
import { collections } from "../src/collections.ts";
import { type Client, connect as connectCore } from "../src/core.ts";
import { rooms } from "../src/rooms.ts";
import { TextProvider } from "../src/yjs.ts";

let server: Server;

/** Wait until it is so, of documents and presence and whatever else: looked at again and again. */
const until = (so: () => unknown): Promise<unknown> => vi.waitUntil(so, { timeout: 30_000, interval: 10 });

beforeAll(async () => {
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  server = await startServer("tests.interop.app:app");
}, 60_000);
afterAll(() => server.stop(), 20_000);

const connect = (): Client => connectCore(`${server.url}/rt`, { with: [rooms, collections] });

async function edit(client: Client, key: string, room?: string) {
  const pages = await client.collection("pages:js", { crdts: { body: "text" } });
  await pages.ready();
  const joined = room ? await client.join(room) : undefined;
  const doc = new Doc();
  return {
    pages,
    doc,
    text: doc.getText("t"),
    open: () => new TextProvider(pages, key, "body", doc, { room: joined }),
  };
}

test("two who write at once, and one who was away, end with the same text", async () => {
  await using ann = connect();
  await using bob = connect();
  const [mine, theirs] = [await edit(ann, "p"), await edit(bob, "p")];
  await (await mine.pages.put("p", { title: "tea" })).applied;
  await until(() => theirs.pages.has("p"));
  const [one, other] = [mine.open(), theirs.open()];
  mine.text.insert(0, "tea");
  theirs.text.insert(0, "milk");
  await until(() => mine.text.length === 7 && mine.text.toString() === theirs.text.toString());
  for (const letter of "one two three") mine.text.insert(mine.text.length, letter);
  mine.text.delete(0, 7);
  await until(() => theirs.text.toString() === "one two three" && one.saved);
  one.destroy();
  // Who comes later has all of it; what was in the document before is merged into it.
  const third = await edit(ann, "p");
  third.open();
  expect(third.text.toString()).toBe("one two three");
  theirs.text.insert(0, "> ");
  await until(() => third.text.toString() === "> one two three" && other.saved);
  expect([mine.pages.refused, theirs.pages.refused]).toEqual([[], []]);
});

test("what cannot be kept is told", async () => {
  await using ann = connect();
  const { pages, doc, text } = await edit(ann, "none");
  const refused: Error[] = [];
  new TextProvider(pages, "none", "body", doc, { refused: (error) => refused.push(error) });
  text.insert(0, "x");
  await until(() => refused.length === 1);
});

test("those who edit see each other, and who leaves is gone", async () => {
  await using ann = connect();
  const bob = connect();
  const [mine, theirs] = [await edit(ann, "a", "tea"), await edit(bob, "a", "tea")];
  const [one, other] = [mine.open(), theirs.open()];
  one.awareness.setLocalState({ name: "Ann" });
  other.awareness.setLocalState({ name: "Bob" });
  const names = (provider: TextProvider) =>
    [...provider.awareness.getStates().values()].map(({ name }) => name).sort();
  await until(() => `${names(one)}` === "Ann,Bob" && `${names(other)}` === "Ann,Bob");
  await bob.end();
  await until(() => `${names(one)}` === "Ann");
  one.destroy();
});
