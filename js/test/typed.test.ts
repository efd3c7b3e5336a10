// `connect<App>()` checks names and data. Nothing here runs: `npm run types` reads it, and an error that is expected
// and does not come is one.

import { expectTypeOf, test } from "vitest";
import type { Client } from "../src/client.ts";
import { connect } from "../src/index.ts";
import type { Gap } from "../src/reader.ts";

interface App {
  events: {
    "chat:message": { data: { room: string; text: string }; result: { id: string } };
    working: { data: null; result: number };
  };
  streams: { answer: { data: { text: string; words?: number }; item: string } };
  uploads: { dictate: { data: null; item: string; result: { words: number } } };
  rooms: {
    [name: `room:${string}`]: {
      state: { topic: string | null };
      events: { say: { text: string }; closed: null };
    };
    hall: { state: undefined };
  };
}

test("names, data, results, items and states are those of the application", () => {
  const use = async () => {
    const client = connect<App>("/rt");
    expectTypeOf(await client.emit("chat:message", { room: "tea", text: "hello" })).toEqualTypeOf<{
      id: string;
    }>();
    expectTypeOf(await client.emit("working")).toEqualTypeOf<number>();
    expectTypeOf(await client.send("working", null, { keep: true }).applied).toEqualTypeOf<number>();
    for await (const word of client.stream("answer", { text: "why?" }))
      expectTypeOf(word).toEqualTypeOf<string>();
    expectTypeOf(await client.upload("dictate", ["a", "b"])).toEqualTypeOf<{ words: number }>();
    expectTypeOf((await client.join("room:tea")).state).toEqualTypeOf<{ topic: string | null }>();
    // @ts-expect-error there is no such event
    client.emit("chat:massage", { room: "tea", text: "hello" });
    // @ts-expect-error the data lacks its text
    client.emit("chat:message", { room: "tea" });
    // @ts-expect-error the data must be said
    client.emit("chat:message");
    // @ts-expect-error no pattern of rooms has this name
    client.join("kitchen:1");
    // @ts-expect-error the items are strings
    client.upload("dictate", [1, 2]);
  };
  expectTypeOf(use).toBeFunction();
});

test("what is said in rooms is what the application says of them", () => {
  const use = async () => {
    const client = connect<App>("/rt");
    const room = await client.join("room:tea");
    for await (const heard of room) {
      if (heard.type === "gap") expectTypeOf(heard).toEqualTypeOf<Gap>();
      else if (heard.event === "say") expectTypeOf(heard.data).toEqualTypeOf<{ text: string }>();
      else expectTypeOf(heard.data).toEqualTypeOf<null>();
    }
    room.on("say", ({ data, seq }) => {
      expectTypeOf(data).toEqualTypeOf<{ text: string }>();
      expectTypeOf(seq).toEqualTypeOf<number | undefined>();
    });
    room.on("*", (heard) => expectTypeOf(heard.type).toEqualTypeOf<"event" | "gap">());
    room.publish("say", { text: "hello" }, { echo: false }).then((seq) => seq);
    room.publish("closed");
    const [last] = (await room.history({ last: 1 })).history;
    if (last?.event === "say") expectTypeOf(last.data.text).toEqualTypeOf<string>();
    // @ts-expect-error nothing of this name is said there
    room.on("sya", () => undefined);
    // @ts-expect-error the data has no such field
    room.on("say", ({ data }) => data.txet);
    // @ts-expect-error nor is this published
    room.publish("sya", { text: "hello" });
    // @ts-expect-error the data lacks its text
    room.publish("say", {});
    // Of this one nothing is said in the contract.
    const hall = await client.join("hall");
    hall.on("whatever", ({ data }) => data.anything);
    hall.publish("whatever", [1, 2]);
  };
  expectTypeOf(use).toBeFunction();
});

interface Told extends Omit<App, "rooms"> {
  rooms: App["rooms"] & {
    [name: `$user/${string}`]: { state: undefined; events: { moved: { to: string }; paid: number } };
    $all: { state: undefined; events: { closing: null } };
  };
}

test("what is said to a user or to everybody is what the application says of `$user/*` and `$all`", () => {
  const use = async () => {
    const client = connect<Told>("/rt");
    const moved = ({ data }: { data: { to: string } }) => data.to;
    client
      .on("moved", ({ data, event }) => {
        expectTypeOf(data).toEqualTypeOf<{ to: string }>();
        expectTypeOf(event).toEqualTypeOf<"moved">();
      })
      .on("closing", ({ data }) => expectTypeOf(data).toEqualTypeOf<null>())
      .on("moved", moved)
      .off("moved", moved);
    client.on("*", (heard) => {
      if (heard.type === "gap") expectTypeOf(heard).toEqualTypeOf<Gap>();
      else if (heard.event === "paid") expectTypeOf(heard.data).toEqualTypeOf<number>();
      else expectTypeOf(heard.event).toEqualTypeOf<"moved" | "closing">();
    });
    // @ts-expect-error nothing of this name is said to anybody
    client.on("mooved", () => undefined);
    // @ts-expect-error it is said in a room
    client.on("say", () => undefined);
    // @ts-expect-error the data has no such field
    client.on("moved", ({ data }) => data.form);
    // @ts-expect-error a handler of other data
    client.off("paid", moved);
    expectTypeOf(await client.emit("working")).toEqualTypeOf<number>();
  };
  expectTypeOf(use).toBeFunction();
});

test("an application that says nothing of what users are told leaves it open", () => {
  const use = () => {
    connect<App>("/rt").on("whatever", ({ data, seq }) => [data.anything, seq]);
    // A pattern of all rooms is none of those of rtcore's own.
    interface Wide extends Omit<App, "rooms"> {
      rooms: { [name: `${string}`]: { state: undefined; events: { say: string } } };
    }
    connect<Wide>("/rt").on("whatever", ({ data }) => data.anything);
  };
  expectTypeOf(use).toBeFunction();
});

test("without an application a client takes what it is given", () => {
  expectTypeOf(connect).toBeCallableWith("/rt");
  expectTypeOf<ReturnType<() => Client>>().toHaveProperty("emit");
});
