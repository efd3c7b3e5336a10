// Everything but React and MessagePack: what a page of the server's gets at /rt/client.js.

import type { Client } from "./client.ts";
import { type Options, connect as withParts } from "./connect.ts";
import { fallback } from "./fallback.ts";
import { offline } from "./offline.ts";

/** Connect, by the best transport that works here, with an outbox that outlives the page. */
export const connect = (url?: string | URL, options: Options = {}): Client =>
  withParts(url, { with: [fallback, offline], ...options });

export type { Options } from "./connect.ts";
export * from "./errors.ts";
export type * from "./types.ts";
