// `vectors/scenarios/`, carried by the transports of this client, as the Python client and the server's own tests play
// them. The other half, what the client says by itself, is rulings.test.ts.

import { afterAll, beforeAll, describe, test } from "vitest";
import WebSocket from "ws";
import { type Server, startServer } from "../../tests/e2e/serve.mjs";
import type { Said } from "../src/words.ts";
import { Play, type Script, scenarios, WAYS } from "./scenario.ts";

/** One server for all scenarios that want the same of it. */
const servers = new Map<string, Promise<Server>>();

const serverFor = ({ app = "app", limits = {} }: Script): Promise<Server> => {
  const options = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  const key = [app, ...options].join(" ");
  const server = servers.get(key) ?? startServer(`${app}:app`, { folder: "tests/wire", options, port: 0 });
  servers.set(key, server);
  return server;
};

beforeAll(() => {
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
});
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
}, 60_000);

/** A WebSocket of a browser compresses by itself: this client offers nothing of its own. */
const offers = (step: Said): boolean => step.hear?.compress != null;

const played = Object.entries(scenarios()).filter(
  ([, { steps, for: players = ["server"] }]) => players.includes("server") && !steps.some(offers),
);

describe.each(played)("%s", (_, { ways = Object.keys(WAYS), ...script }) => {
  test.for(ways.filter((way) => way in WAYS))(
    "is heard over %s as it is written",
    { timeout: 120_000 },
    async (way) => {
      const { url } = await serverFor(script);
      await new Play(script, way, new URL(`${url}/rt`)).run();
    },
  );
});
