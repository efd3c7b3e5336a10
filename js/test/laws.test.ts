// Laws, over random programs and random faults: what is asked is done at most once, and once where it is said so; each
// entry of a room is heard once, in order.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../src/client.ts";
import { connect, type Kit } from "../src/connect.ts";
import { rooms } from "../src/rooms.ts";
import { ServerModel } from "./server_model.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Numbers that a seed gives. */
const dice = (seed: number): (() => number) => {
  let state = seed * 2654435761 + 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 374761393;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
};

const client = (server: ServerModel, random: () => number): Client =>
  connect("http://server.example/rt", {
    random,
    with: [
      rooms,
      (kit: Kit) => {
        kit.hands.choice = {
          next: () => "websocket",
          open: () => (_, ears) => server.link(ears),
          failed: () => false,
          worked: () => undefined,
          measured: () => undefined,
        };
      },
    ],
  });

for (let seed = 1; seed <= 40; seed++) {
  test(`seed ${seed}`, async () => {
    const random = dice(seed);
    const server = new ServerModel();
    const one = client(server, random);
    const joining = one.join("tea");
    await vi.advanceTimersByTimeAsync(50);
    const room = await joining;
    const heard: unknown[] = [];
    room.on("*", (each) => heard.push(each.type === "gap" ? "gap" : each.data));
    const said: unknown[] = [];
    const outcomes = new Map<string, string>();
    for (let n = 0; n < 60; n++) {
      const what = random();
      if (what < 0.35) {
        const name = `do ${n}`;
        outcomes.set(name, "pending");
        one
          .emit("do", n, { timeout: random() < 0.2 ? 40 : Number.POSITIVE_INFINITY })
          .then(() => outcomes.set(name, "done"))
          .catch(({ maybeDone }) => outcomes.set(name, maybeDone ? "maybe" : "not"));
      } else if (what < 0.65) {
        said.push(n);
        server.say("tea", n);
      } else if (what < 0.75) {
        for (const connection of server.connections) connection.close(1006);
      } else if (what < 0.8) one.reconnect();
      else if (what < 0.85) server.mute = !server.mute;
      else if (what < 0.88) {
        server.mute = false;
        server.sessions.clear();
        for (const connection of server.connections) connection.close(4000);
      }
      await vi.advanceTimersByTimeAsync(Math.floor(random() * 60));
    }
    server.mute = false;
    await vi.advanceTimersByTimeAsync(100);
    one.reconnect();
    await vi.advanceTimersByTimeAsync(60_000);
    const counts = new Map<string, number>();
    for (const each of server.done) counts.set(each, (counts.get(each) ?? 0) + 1);
    for (const [name, outcome] of outcomes) {
      const times = counts.get(name) ?? 0;
      expect([name, outcome]).not.toEqual([name, "pending"]);
      expect(times, `${name}: ${outcome}`).toBeLessThanOrEqual(1);
      if (outcome === "done") expect(times, name).toBe(1);
      if (outcome === "not") expect(times, name).toBe(0);
    }
    expect(heard.filter((each) => each !== "gap")).toEqual(said);
    expect(one.status.live).toBe(true);
    void one.end();
  });
}
