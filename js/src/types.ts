// The types that a program may name.

export type { Client, JoinOptions, Outcome, Storage } from "./client.ts";
export type { Part, Token } from "./connect.ts";
export type { Handler } from "./consumer.ts";
export type { Transport } from "./fallback.ts";
export type { Sent } from "./handle.ts";
export type { Overflow } from "./outbox.ts";
export type { Answer, AskOptions, SendOptions } from "./page.ts";
export type { Status } from "./port.ts";
export type { Event, Gap, Heard } from "./reader.ts";
export type { Room } from "./room.ts";
export type { State } from "./states.ts";
export type { Connect, Contract, TypedClient, TypedEvent, TypedRoom } from "./typed.ts";
export type { Member, Past, PublishOptions, RoomView } from "./view.ts";
