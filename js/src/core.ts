// The core of a client: a WebSocket, the states, coming back, requests, rooms, streams, an outbox in memory.

export type { Client, JoinOptions, Storage } from "./client.ts";
export { connect, type Kit, type Options, type Part, type Token } from "./connect.ts";
export type { Handler } from "./consumer.ts";
export * from "./errors.ts";
export type { Sent } from "./handle.ts";
export type { Overflow } from "./outbox.ts";
export type { Answer, AskOptions, SendOptions } from "./page.ts";
export type { Status } from "./port.ts";
export type { Event, Gap, Heard } from "./reader.ts";
export type { Member, Past, PublishOptions, Room, RoomView } from "./room.ts";
export type { State } from "./states.ts";
