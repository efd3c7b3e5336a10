// The table of states, and a client that is driven through every cell of it.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Happening, type State, TABLE } from "../src/states.ts";
import { settle, World } from "./world.ts";

const happenings = Object.keys(TABLE.idle) as Happening[];

test("the table is that of SPEC.md", () => {
  const spec = readFileSync(new URL("../SPEC.md", import.meta.url), "utf8");
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const lines = spec.slice(spec.indexOf("## What happens, and which")).split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).slice(0, 8);
  const [, ...names] = cells(rows[0]!);
  expect(names).toEqual(happenings);
  for (const row of rows.slice(2)) {
    const [state, ...follow] = cells(row);
    const told = Object.fromEntries(names.map((name, at) => [name, follow[at] === "-" ? state : follow[at]]));
    expect(TABLE[state as State]).toEqual(told);
  }
});

/** A client in this state. */
const reach: Record<Exclude<State, "idle">, () => Promise<World>> = {
  connecting: async () => new World().connect(),
  welcoming: async () => {
    const world = new World().connect();
    await world.wire.open();
    return world;
  },
  live: () => World.live(),
  waiting: async () => {
    const world = await World.live();
    await world.wire.close();
    return world;
  },
  ended: async () => {
    const world = await World.live();
    await world.wire.close(4503);
    return world;
  },
};
/** What makes it happen, as far as the outside can. */
const make: Record<Exclude<Happening, "start">, (world: World) => Promise<void>> = {
  opened: async (world) => world.wire?.open(),
  settled: async (world) => {
    if (world.wire) await world.wire.welcome().catch(() => undefined);
  },
  lost: async (world) => world.wire?.close(),
  due: async (world) => {
    world.client.tryNow();
    await world.clock.pass(0);
  },
  refused: async (world) => world.wire?.close(4503),
  close: async (world) => world.client.close(),
};

for (const state of Object.keys(reach) as (keyof typeof reach)[]) {
  for (const happening of Object.keys(make) as (keyof typeof make)[]) {
    test(`${state}, ${happening}`, async () => {
      const world = await reach[state]();
      await settle();
      expect(world.client.status.state).toBe(state);
      await make[happening](world);
      await settle();
      // A welcome opens first; and what is gone says nothing any more.
      const opens = state === "connecting" && happening === "settled";
      const gone = state === "waiting" && happening === "refused";
      const follows = opens ? "live" : gone ? "waiting" : TABLE[state][happening];
      expect(world.client.status.state).toBe(follows);
    });
  }
}
