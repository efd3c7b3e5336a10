// All that a client says is measured against the server's limit before it is sent: it alone fails, with both numbers,
// and the connection lives. A server would close for it, and for what it is not at fault too.

import { expect, test } from "vitest";
import type { Said } from "../src/words.ts";
import { fate, settle, World } from "./world.ts";

const LIMITS = { limits: { max_message: 1024 } };
const BIG = "x".repeat(2000);
const QUESTION: Said = { type: "request", id: 5, event: "q", data: null };

/** What a program asks for, by the message that it becomes. */
const ASKED: Record<string, (world: World) => Promise<unknown>> = {
  emit: ({ client }) => client.emit("e", BIG),
  join: ({ client }) => client.join("tea", { data: BIG }),
  open: async ({ client }) => {
    for await (const _ of client.stream("s", BIG));
  },
  publish: async ({ client, wire }) => {
    const joining = client.join("tea");
    await settle();
    const { id } = wire.of("join")[0]!;
    await wire.hear({ type: "ack", id, data: { seq: 0, began: 0, history: [], members: [], grants: [] } });
    return (await joining).publish("say", BIG);
  },
};

for (const [kind, ask] of Object.entries(ASKED)) {
  test(`${kind} over the limit fails alone, and is not sent`, async () => {
    const world = await World.live({}, LIMITS);
    const asked = ask(world);
    const small = world.client.emit("small");
    const told = await asked.catch((error) => error);
    expect(told).toMatchObject({ name: "TooLarge", code: "TOO_LARGE", maybeDone: false });
    expect(String(told)).toMatch(new RegExp(`${kind} has 2\\d\\d\\d bytes; the server takes 1024`));
    expect(world.wire.of(kind).filter(({ event }) => event !== "small")).toEqual([]);
    expect(await fate(small)).toBe("pending");
    expect(world.wire.shut).toBeUndefined();
  });
}

test("what was written before the limit was lower is not written again", async () => {
  const world = await World.live();
  const large = world.client.emit("e", BIG);
  const joining = world.client.join("tea", { data: BIG });
  const small = world.client.emit("small");
  await settle();
  await world.back({ life: "l2", ...LIMITS });
  expect(await fate(large)).toMatchObject({ name: "TooLarge", maybeDone: true });
  expect(await fate(joining)).toMatchObject({ name: "TooLarge", maybeDone: false });
  expect(await fate(small)).toBe("pending");
  expect(world.wire.of("emit")).toMatchObject([{ id: 3, event: "small" }]);
  expect(world.wire.of("join")).toEqual([]);
});

test("a reply that is kept is measured anew", async () => {
  const world = await World.live();
  world.client.answer("q", () => BIG);
  await world.wire.hear(QUESTION);
  expect(world.wire.of("reply")).toMatchObject([{ data: BIG }]);
  await world.back(LIMITS);
  await world.wire.hear(QUESTION);
  expect(world.wire.of("reply")).toMatchObject([{ id: 5, error: { code: "TOO_LARGE" } }]);
});

test("the words of an error that are over the limit are not sent in a reply", async () => {
  const world = await World.live({}, LIMITS);
  world.client.answer("q", () => {
    throw Object.assign(new Error(BIG), { code: "NO" });
  });
  await world.wire.hear(QUESTION);
  expect(world.wire.of("reply")).toMatchObject([{ id: 5, error: { code: "TOO_LARGE" } }]);
});

for (const [what, first, streams] of [
  ["an item", 1, { "1": 0 }],
  ["an open", BIG, {}],
] as const) {
  test(`${what} that is said again to a server that takes less ends its stream`, async () => {
    const world = await World.live();
    const items = first === 1 ? [BIG] : [1];
    const sending = world.client.upload(
      "s",
      (async function* () {
        yield* items;
        await new Promise(() => undefined);
      })(),
      first,
    );
    sending.catch(() => undefined);
    await settle();
    await world.wire.hear({ type: "credit", id: 1, n: 10 });
    expect(world.wire.of("item").length).toBe(1);
    await world.back({ ...LIMITS, streams });
    expect(world.wire.of("cancel")).toEqual([{ type: "cancel", id: 1 }]);
    expect([...world.wire.of("item"), ...world.wire.of("open")]).toEqual([]);
    expect(world.client.status.live).toBe(true);
  });
}
