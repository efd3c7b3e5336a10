// @vitest-environment happy-dom
// The hooks, under Strict Mode, which mounts everything twice.

import { act, createElement, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, test, vi } from "vitest";
import type { Client } from "../src/client.ts";
import { connect, type Kit } from "../src/connect.ts";
import {
  RtProvider,
  useEvent,
  usePresence,
  useRoom,
  useRoomView,
  useStatus,
  useStream,
} from "../src/react.ts";
import { rooms } from "../src/rooms.ts";
import { streams } from "../src/streams.ts";
import { ServerModel } from "./server_model.ts";

(globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;

const made: Client[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((client) => client.end()));
});

/** A client of a model of a server, which counts how often it was made. */
const clientOf = (server: ServerModel): Client => {
  const client = connect("http://server.example/rt", {
    with: [
      rooms,
      streams,
      (kit: Kit) => {
        kit.hands.choice = {
          next: () => "websocket",
          open: () => (_, ears) => server.link(ears),
          failed: () => false,
          worked: () => undefined,
        };
      },
    ],
  });
  made.push(client);
  return client;
};

const mount = async (tree: ReturnType<typeof createElement>) => {
  const place = document.createElement("div");
  const root = createRoot(place);
  await act(async () => root.render(createElement(StrictMode, null, tree)));
  const until = (text: string) =>
    vi.waitFor(
      async () => {
        await act(async () => undefined);
        expect(place.textContent).toContain(text);
      },
      { timeout: 10_000, interval: 10 },
    );
  return { place, root, until };
};

test("under Strict Mode a provider opens one client, and closes it once when it is gone", async () => {
  const server = new ServerModel();
  const open = vi.fn(() => clientOf(server));
  const Status = () => createElement("p", null, useStatus().state);
  const { root, until } = await mount(createElement(RtProvider, { connect: open }, createElement(Status)));
  await until("live");
  expect(open).toHaveBeenCalledTimes(1);
  await act(async () => root.unmount());
  await vi.waitFor(() => expect(made[0]!.status.state).toBe("ended"), { timeout: 10_000 });
});

test("two components are in a room once, hear each event once, and the room is left after the last", async () => {
  const server = new ServerModel();
  const client = clientOf(server);
  const join = vi.spyOn(client, "join");
  const heard: unknown[] = [];
  const Hears = () => {
    const room = useRoom("tea");
    useEvent(room, "say", (one) => "data" in one && heard.push(one.data));
    return createElement("p", null, useRoomView(room).joined ? "joined" : "not yet");
  };
  const Counts = () => createElement("p", null, `members: ${usePresence(useRoom("tea")).length}`);
  const tree = createElement(RtProvider, { client }, createElement(Hears), createElement(Counts));
  const { root, until } = await mount(tree);
  await until("joined");
  expect(join).toHaveBeenCalledTimes(1);
  const room = await join.mock.results[0]!.value;
  await room.publish("say", "hello");
  await vi.waitFor(() => expect(heard).toEqual(["hello"]), { timeout: 10_000 });
  const leave = vi.spyOn(room, "leave");
  await act(async () => root.unmount());
  await vi.waitFor(() => expect(leave).toHaveBeenCalledTimes(1), { timeout: 10_000 });
});

test("a stream is opened once under Strict Mode, anew for other data, and cancelled with its component", async () => {
  const client = clientOf(new ServerModel());
  const opened: unknown[] = [];
  const cancelled: unknown[] = [];
  client.stream = async function* (_name, data, { signal } = {}) {
    opened.push(data);
    signal?.addEventListener("abort", () => cancelled.push(data));
    for (let n = 0; n < 3; n++) yield `${data}${n}`;
    // It ends for "a"; of "b" more may come at any time.
    if (data === "b") await new Promise(() => undefined);
    if (data === "c") throw new Error("the model is away");
  };
  let ask!: (data: string | undefined) => void;
  const Shows = () => {
    const [data, setData] = useState<string | undefined>(undefined);
    ask = setData;
    const { items, done, error } = useStream<string>("answer", data);
    return createElement("p", null, `${items.join(",")} ${error?.message ?? (done ? "done" : "more")}`);
  };
  const { root, until } = await mount(createElement(RtProvider, { client }, createElement(Shows)));
  await until(" more");
  expect(opened).toEqual([]);
  await act(async () => ask("a"));
  await until("a0,a1,a2 done");
  await act(async () => ask("b"));
  await until("b0,b1,b2 more");
  await act(async () => ask("c"));
  await until("c0,c1,c2 the model is away");
  expect(opened).toEqual(["a", "b", "c"]);
  await act(async () => root.unmount());
  expect(cancelled).toEqual(["a", "b", "c"]);
});

test("without a provider the hooks say so", async () => {
  const Status = () => createElement("p", null, useStatus().state);
  const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
  await expect(mount(createElement(Status))).rejects.toThrow("there is no <RtProvider> above");
  errors.mockRestore();
});
