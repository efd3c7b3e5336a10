// `client.monitor`: figures by window, what is wrong and what to do about it; and what is reported to the server.

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { monitor } from "../src/monitor.ts";
import { settle, World } from "./world.ts";

/** A client that is live and watched; each ping is answered after `trip` ms, each request `ack` after its own. */
const watched = async (options = {}, limits = {}): Promise<World> => {
  const world = new World().connect(options, [monitor]);
  await settle();
  await world.wire.welcome({ time: world.clock.wall(), limits: { report: 0, ...limits } });
  void world.client.monitor;
  return world;
};

const pong = async (world: World, after: number): Promise<void> => {
  const ping = world.wire.of("ping").at(-1)!;
  await world.clock.pass(after);
  await world.wire.hear({ type: "pong", time: ping.time, server: 0, taken: 0 });
};

const kinds = (world: World): string[] => world.client.monitor.diagnose().issues.map(({ type }) => type);

beforeEach(() => {
  vi.stubGlobal("reportError", vi.fn());
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test("figures are counted by window: what was asked, how it ended, what was heard, how long it took", async () => {
  const world = await watched();
  const { client, clock, wire } = world;
  await pong(world, 40);
  const asked = [client.emit("a"), client.emit("b").catch(() => undefined)];
  await clock.pass(500);
  await wire.hear(
    { type: "ack", id: 1, data: 1 },
    { type: "ack", id: 2, error: { code: "NO", message: "no" } },
  );
  await wire.hear({ type: "event", event: "tick", data: 1, seq: 1, time: 0 });
  await Promise.all(asked);
  const minute = client.monitor.window(60);
  expect(minute).toMatchObject({ sent: 2, applied: 1, failed: 1, maybe_done: 0, received: 1, reconnects: 0 });
  expect(minute.latency).toMatchObject({ count: 1, now: 0.04, mean: 0.04 });
  expect(minute.answers).toMatchObject({ count: 2, p95: 0.5 });
  expect(minute.bytes_in).toBeGreaterThan(0);
  await clock.pass(80_000);
  expect(client.monitor.window(60)).toMatchObject({ sent: 0, applied: 0, received: 0 });
  expect(client.monitor.total).toMatchObject({ sent: 2, received: 1 });
  for (const bad of [0, -1, 3601, Number.NaN]) expect(() => client.monitor.window(bad)).toThrow(RangeError);
});

test("nothing is wrong with a client that is well", async () => {
  const world = await watched();
  await pong(world, 20);
  expect(world.client.monitor.diagnose()).toMatchObject({
    status: "healthy",
    issues: [],
    recommendations: [],
  });
});

test("a client that is away says so, and no more once it is back", async () => {
  const world = await watched();
  await world.wire.close();
  world.client.pause();
  await world.clock.pass(11_000);
  const found = world.client.monitor.diagnose();
  expect(found).toMatchObject({ status: "degraded", issues: [{ type: "away", severity: "warning" }] });
  await world.clock.pass(60_000);
  expect(world.client.monitor.diagnose().status).toBe("critical");
  world.client.tryNow();
  await world.clock.pass(0);
  await world.wire.welcome({ time: world.clock.wall() });
  expect(kinds(world)).toEqual([]);
});

test("each rule is raised by what it is about, and goes away with it", async () => {
  const world = await watched({ queue: 5 });
  const { client } = world;
  for (let n = 0; n < 3; n++) {
    await pong(world, 900);
    await world.clock.pass(10_000);
  }
  expect(kinds(world)).toContain("latency");
  await world.wire.close();
  for (let n = 0; n < 5; n++) client.send("a", n);
  await settle();
  expect(kinds(world)).toContain("queue_full");
  for (let n = 0; n < 3; n++) {
    client.tryNow();
    await world.clock.pass(0);
    await world.wire.welcome();
    await world.wire.close();
  }
  expect(kinds(world)).toContain("reconnects");
  client.tryNow();
  await world.clock.pass(0);
  await world.wire.welcome({ time: world.clock.wall() + 60_000 });
  expect(kinds(world)).toContain("clock_skew");
  client.on("boom", () => {
    throw new Error("boom");
  });
  await world.wire.hear({ type: "event", event: "boom", data: 1, seq: 9, time: 0 });
  await settle();
  expect(kinds(world)).toContain("handler_failures");
  expect(kinds(world)).not.toContain("queue_full");
});

test("a rule of one's own is asked, one that throws is reported, one can be taken away", async () => {
  const { client } = await watched();
  const issue = { severity: "critical", message: "m", suggestion: "s", evidence: {} } as const;
  client.monitor.rule("mine", () => issue);
  client.monitor.rule("bad", () => {
    throw new Error("a rule");
  });
  expect(client.monitor.diagnose()).toMatchObject({
    status: "critical",
    issues: [{ type: "mine" }],
    recommendations: ["s"],
  });
  expect(reportError).toHaveBeenCalledOnce();
  client.monitor.rule("mine", null);
  client.monitor.rule("bad", null);
  expect(client.monitor.diagnose().issues).toEqual([]);
});

test("a report comes each so many seconds to a function, until it is ended", async () => {
  const world = await watched();
  const told: string[] = [];
  world.client.monitor.report(({ status }) => told.push(status), 10);
  await world.clock.pass(31_000);
  expect(told).toHaveLength(3);
  world.client.monitor.report(undefined, null);
  await world.clock.pass(31_000);
  expect(told).toHaveLength(3);
  expect(() => world.client.monitor.report(undefined, 0)).toThrow(RangeError);
});

test("a client without the part says which part it is", async () => {
  const world = await World.live();
  expect(() => world.client.monitor).toThrow(/without monitor/);
});

test("no timer is left of a monitor whose client has ended", async () => {
  const world = await watched();
  world.client.monitor.report(() => undefined, 10);
  await world.client.end();
  await world.clock.pass(60_000);
  expect(world.clock.waiting).toBe(0);
});

// -- to the server

test("what was measured is reported each so many seconds where the server asks for it, and else never", async () => {
  const world = await World.live({}, { limits: { report: 30 } });
  await pong(world, 40);
  await world.clock.pass(29_000);
  expect(world.wire.of("report")).toEqual([]);
  await world.clock.pass(1000);
  const { said } = JSON.parse(readFileSync(new URL("../../vectors/reports.json", import.meta.url), "utf8"));
  expect(world.wire.of("report")).toEqual([said[0].report]); // as the server's tests read it
  await world.back({ limits: { report: 30 } });
  await world.clock.pass(30_000);
  expect(world.wire.of("report")).toMatchObject([{ reconnects: 1 }]);
  await world.back();
  await world.clock.pass(60_000);
  expect(world.wire.of("report")).toEqual([]);
});

test("a server that wants a report each moment has one each 5 s", async () => {
  const world = await World.live({}, { limits: { report: 0.01 } });
  await world.clock.pass(20_500);
  expect(world.wire.of("report")).toHaveLength(4);
});

test("an advice of the server holds a report back, for as long as it says and an hour at most", async () => {
  const world = await watched({}, { report: 10 });
  await world.wire.hear({ type: "advise", why: "reconnect_storm", hold: 30 });
  await world.clock.pass(29_000);
  expect(world.wire.of("report")).toEqual([]);
  expect(world.client.monitor.diagnose().metrics.advised).toMatchObject({ why: "reconnect_storm", hold: 1 });
  await world.clock.pass(2000);
  expect(world.wire.of("report")).toHaveLength(1);
  for (const hold of [-1, "soon", 1e9, null]) {
    await world.wire.hear({ type: "advise", why: 5, transport: 6, hold });
    expect(world.client.monitor.diagnose().metrics.advised).toBeUndefined();
  }
});
