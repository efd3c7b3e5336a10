// What the demonstration's pages of shared data stand on, as one file: these pages have no bundler. A program of one's own
// takes the same from `rtcore/core`, `rtcore/collections` and so on.

import { collections } from "../src/collections.ts";
import { type Options, connect as withParts } from "../src/connect.ts";
import { fallback } from "../src/fallback.ts";
import { msgpack } from "../src/msgpack.ts";
import { offline } from "../src/offline.ts";
import { rooms } from "../src/rooms.ts";

/** Connect, with a store of the window's own: each window is a device. */
export const connect = (url?: string, options: Options = {}) =>
  withParts(url, { with: [rooms, fallback, collections, msgpack, offline], ...options });

export { Doc } from "yjs";
export { add, ORSet, PNCounter, remove, shown } from "../src/crdt.ts";
export { TextProvider } from "../src/yjs.ts";
