// Laws, over random programs and random faults: what is asked is done at most once, and once where it is said so; each
// entry of a room is heard once, in order.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../src/client.ts";
import { connect, type Kit } from "../src/connect.ts";
import { Reader } from "../src/reader.ts";
import { rooms } from "../src/rooms.ts";
import { ServerModel } from "./server_model.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

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
        };
      },
    ],
  });

/** What a program, a network and a server may do, and how long nothing else happens then. */
const step = fc.record({
  what: fc.oneof(
    { weight: 7, arbitrary: fc.constant("ask" as const) },
    { weight: 1, arbitrary: fc.constant("ask for a moment" as const) },
    { weight: 6, arbitrary: fc.constant("say" as const) },
    { weight: 2, arbitrary: fc.constant("cut" as const) },
    { weight: 1, arbitrary: fc.constant("reconnect" as const) },
    { weight: 1, arbitrary: fc.constant("mute or not" as const) },
    { weight: 1, arbitrary: fc.constant("forget all sessions" as const) },
  ),
  wait: fc.nat({ max: 60 }),
});

/** Found by chance: nothing was heard before, the join after the loss has no answer, and the session comes back. */
const FOUND = [
  { what: "forget all sessions" as const, wait: 0 },
  { what: "say" as const, wait: 0 },
  { what: "mute or not" as const, wait: 0 },
  { what: "reconnect" as const, wait: 4 },
];

test("each request is done at most once, once if its end says so; each entry is heard once, in order", async () => {
  const law = fc.asyncProperty(
    fc.array(step, { maxLength: 80 }),
    fc.nat({ max: 99 }),
    async (steps, chance) => {
      const server = new ServerModel();
      const one = client(server, () => chance / 100);
      const joining = one.join("tea");
      await vi.advanceTimersByTimeAsync(50);
      const room = await joining;
      const heard: unknown[] = [];
      room.on("*", (each) => heard.push(each.type === "gap" ? "gap" : each.data));
      const said: unknown[] = [];
      const outcomes = new Map<string, string>();
      for (const [n, { what, wait }] of steps.entries()) {
        if (what === "ask" || what === "ask for a moment") {
          const name = `do ${n}`;
          outcomes.set(name, "pending");
          one
            .emit("do", n, { timeout: what === "ask" ? Number.POSITIVE_INFINITY : 40 })
            .then(() => outcomes.set(name, "done"))
            .catch(({ maybeDone }) => outcomes.set(name, maybeDone ? "maybe" : "not"));
        } else if (what === "say") {
          said.push(n);
          server.say("tea", n);
        } else if (what === "reconnect") one.reconnect();
        else if (what === "mute or not") server.mute = !server.mute;
        else {
          if (what === "forget all sessions") {
            server.mute = false;
            server.sessions.clear();
          }
          for (const connection of server.connections) connection.close(what === "cut" ? 1006 : 4000);
        }
        await vi.advanceTimersByTimeAsync(wait);
      }
      server.mute = false;
      await vi.advanceTimersByTimeAsync(100);
      one.reconnect();
      await vi.advanceTimersByTimeAsync(60_000);
      for (const [name, outcome] of outcomes) {
        const times = server.done.filter((each) => each === name).length;
        expect([name, outcome]).not.toEqual([name, "pending"]);
        expect(times, `${name}: ${outcome}`).toBeLessThanOrEqual(1);
        if (outcome === "done") expect(times, name).toBe(1);
        if (outcome === "not") expect(times, name).toBe(0);
      }
      expect(heard.filter((each) => each !== "gap")).toEqual(said);
      expect(one.status.live).toBe(true);
      void one.end();
      await vi.advanceTimersByTimeAsync(0);
    },
  );
  await fc.assert(law, { numRuns: 40, examples: [[FOUND, 0]] });
}, 60_000);

test("a reader gives each number once, in order, as an event or within a gap, whatever it has no room for", () => {
  // Of each entry: how many come before the consumer takes some, how many it takes, and where history begins.
  const burst = fc.record({
    come: fc.nat({ max: 1500 }),
    take: fc.nat({ max: 1500 }),
    forgot: fc.nat({ max: 4000 }),
  });
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 6 }), (bursts) => {
      let head = 0;
      let forgot = 0;
      let asked: Reader | undefined;
      const reader = new Reader(0, (one) => {
        asked = one;
      });
      const heard: [number, number][] = [];
      const entry = (seq: number) => ({ type: "event" as const, event: "say", data: seq, seq, time: 0 });
      const answer = (): void => {
        const one = asked;
        asked = undefined;
        if (!one) return;
        const from = Math.max(one.at, forgot);
        const history = [];
        for (let seq = from + 1; seq <= Math.min(head, from + 1000); seq++) history.push(entry(seq));
        one.filled({ history, complete: one.at >= forgot, more: head > from + 1000, seq: head }, "tea");
      };
      const take = (count: number): void => {
        for (let n = 0; n < count; n++) {
          const item = reader.take();
          if (item?.type === "gap") heard.push([item.from, item.to]);
          else if (item) heard.push([item.seq!, item.seq!]);
          answer();
        }
      };
      for (const { come, take: count, forgot: upTo } of bursts) {
        for (let n = 0; n < come; n++) {
          reader.push(entry(head + 1), head, 10);
          head++;
        }
        forgot = Math.max(forgot, Math.min(head, upTo));
        take(count);
      }
      take(2 * head + 10);
      let at = 0;
      const odd = heard.filter(([from, to]) => {
        const next = from === at + 1 && to >= from;
        at = to;
        return !next;
      });
      expect(odd).toEqual([]);
      expect(at).toBe(head);
    }),
    { numRuns: 60 },
  );
}, 60_000);
