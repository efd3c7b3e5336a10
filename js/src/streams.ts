// Streams of items, as a part of a client: `client.stream` and `client.upload`.

import type { Kit, Part } from "./connect.ts";
import { Streams } from "./flows.ts";
import { down, up } from "./stream.ts";

/** Items can be read, and sent. */
export const streams: Part = ({ client, hands, page }: Kit) => {
  hands.makeStreams = (sending, tell) => new Streams(sending, tell);
  client.stream = (name, data, options) => down(page, name, data, options?.signal);
  client.upload = (name, items, data, options) => up(page, name, data, items, options?.signal);
};
