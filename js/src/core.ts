// The core of a client: a WebSocket, the states, coming back, requests both ways, an outbox in memory. What else a
// client is made of are parts: `rooms`, `streams`, `fallback`, `offline`, `tabs`, `msgpack`.

export { connect, type Options } from "./connect.ts";
export * from "./errors.ts";
export type * from "./types.ts";
