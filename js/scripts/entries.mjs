// What a program may import.

export const ENTRIES = [
  "index",
  "core",
  "rooms",
  "streams",
  "fallback",
  "offline",
  "tabs",
  "msgpack",
  "monitor",
  "react",
  "collections",
  "crdt",
  "yjs",
];
