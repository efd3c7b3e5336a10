// Everything but React and MessagePack: what a page of the server's gets at /rt/client.js.

import { type Options, connect as withParts } from "./connect.ts";
import { fallback } from "./fallback.ts";
import { rooms } from "./rooms.ts";
import { streams } from "./streams.ts";
import { tabs } from "./tabs.ts";
import type { Connect } from "./typed.ts";

/** Connect, by the best transport that works here, with one session for all tabs, and an outbox that outlives them. */
export const connect = ((url?: string | URL, options: Options = {}) =>
  withParts(url, { with: [rooms, streams, fallback, tabs], ...options })) as Connect<Options>;

export type { Options } from "./connect.ts";
export * from "./errors.ts";
export type * from "./types.ts";
