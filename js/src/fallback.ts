// What a client does where it cannot have a WebSocket: an event stream, or polls.

import { type Memory, Transports } from "./choice.ts";
import type { Kit, Part } from "./connect.ts";
import { oneOf } from "./given.ts";
import type { Open } from "./link.ts";
import { eventStream, polling } from "./plain.ts";
import { webSocket } from "./socket.ts";

/** The names of transports, best first. */
export type Transport = "websocket" | "sse" | "polling";

const OPENS: Readonly<Record<Transport, Open>> = { websocket: webSocket, sse: eventStream, polling };

const memory = (host: string): Memory => {
  const name = `rtcore:transport:${host}`;
  // What may not be stored here is not remembered.
  const quietly = <T>(call: () => T): T | null => {
    try {
      return call();
    } catch {
      return null;
    }
  };
  return {
    get: () => quietly(() => localStorage.getItem(name)),
    set: (transport) => quietly(() => localStorage.setItem(name, transport)),
  };
};

/** All transports, or those of `transport`, best first. */
export const fallback: Part = ({ base, hands, options }: Kit) => {
  const wanted = options.transport ?? (Object.keys(OPENS) as Transport[]);
  const names = [wanted].flat();
  const look = oneOf(...Object.keys(OPENS));
  for (const name of names.length ? names : [""]) look("transport", name);
  const opens = Object.fromEntries(names.map((name) => [name, OPENS[name]]));
  hands.choice = new Transports(opens, memory(base.host));
};
