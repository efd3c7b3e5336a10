// The core of a client: a WebSocket, the states, coming back, requests, rooms, streams, an outbox in memory.

export { connect, type Options } from "./connect.ts";
export * from "./errors.ts";
export type * from "./types.ts";
