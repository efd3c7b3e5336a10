// What the two halves of a client say to each other. The *page* has what the program holds: promises, iterators,
// handlers. The *session* has what the server knows: ids, position, memberships, the connection. In one tab a call
// of the other is a function call; over several tabs it is a message, so all of it can be cloned.

import type { Failure } from "./errors.ts";
import type { Advice } from "./reports.ts";
import type { State } from "./states.ts";
import type { Said } from "./words.ts";

export type Kind =
  | "emit"
  | "publish"
  | "join"
  | "leave"
  | "history"
  | "auth"
  | "open"
  /** To a collection: what the program wants of it. It never leaves the client as such. */
  | "change"
  | "push"
  | "pull";

/** What may be done again without harm: it changes nothing, or only what this session hears. */
export const AGAIN: ReadonlySet<string> = new Set<Kind>(["join", "leave", "history", "auth", "push", "pull"]);

/** A request as its page makes it. */
export interface Asking {
  /** Which no other request ever has. */
  name: string;
  kind: Kind;
  /** The message without type, id, key and data. */
  fields: Said;
  /** The data, as the text that it is in the message. */
  data?: string | undefined;
  key?: string | undefined;
  volatile?: boolean | undefined;
  /** It is kept in the store, if there is one, even when it goes out at once. */
  keep?: boolean | undefined;
  /** Milliseconds after which it is not written any more. */
  ttl?: number | undefined;
  /** A newer one with the same may take its place in a full outbox. */
  dropKey?: string | undefined;
  /** Of a leave: the join that it takes back. */
  view?: string | undefined;
  /** It is the client's own: nobody waits for it, and it does not count. */
  ours?: boolean | undefined;
  /** The page that made it. */
  page?: string | undefined;
  /** Whose it is: who was welcome last when it was asked for; undefined: the next to be welcome. */
  user?: string | null | undefined;
}

/** What a page asks of the session. */
export type Call =
  | ({ do: "ask" } & Asking)
  /** Its caller does not wait any more. */
  | { do: "drop"; name: string; is: "RequestTimeout" | "AbortError" }
  /** Somebody wants to know what the server has taken. */
  | { do: "poke" }
  /** Of a stream: credit, item, end, cancel. */
  | { do: "tell"; name: string; said: Said; data?: string | undefined }
  /** The answer to a question of the server. */
  | { do: "reply"; id: number; error?: Said | undefined; data?: string | undefined };

/** What a session tells its pages. */
export type News =
  | { on: "stage"; name: string; stage: "queued" | "written" | "accepted"; id?: number | undefined }
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers
  | { on: "end"; name: string; result?: any; failure?: Failure | undefined }
  /** An event or a gap. `prev`: the number of its room before it. `size`: bytes, near enough for a bound. */
  | { on: "hear"; said: Said; prev: number; size: number }
  /** Of a room: `room`, `presence`, `grants`, or `left`. */
  | { on: "room"; said: Said }
  /** Of a collection: what is seen anew, and what became of one's own changes. `to`: the view that asked for it. */
  | { on: "data"; room: string; to?: string | undefined; said: Said }
  /** The old numbers say nothing any more. */
  | { on: "epoch" }
  /** Of a stream: `item`, `credit`, `end`; `wanted` after a return. */
  | { on: "stream"; name: string; said: Said }
  /** `to`: the page that it is put to. */
  | { on: "question"; id: number; event: string; data: unknown; to?: string | undefined }
  | { on: "status"; status: Status }
  /** The client has ended, or (with `lost`) its streams have. */
  | { on: "over"; failure: Failure; lost?: boolean | undefined };

/** What a session measured. Milliseconds. */
export interface Measured {
  /** The last round trip, and how many there were. */
  readonly trip: number | undefined;
  readonly trips: number;
  /** The part of the last 20 pings that had no answer. */
  readonly loss: number;
  /** How often it came back. */
  readonly reconnects: number;
  /** Near enough: what was said and heard, as text. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Transports that would have been better than the one in use, and failed. */
  readonly failed: readonly string[];
  /** By how much the server's clock is ahead. */
  readonly ahead: number | undefined;
  /** What the server advised last, and until when (since 1970) it holds. */
  readonly advised: Advice | undefined;
}

/** How a client is doing. A new object for each change, so that it can be compared by identity. */
export interface Status {
  readonly state: State;
  /** Welcome, and each joined room is confirmed. */
  readonly live: boolean;
  /** The one in use, or tried last. */
  readonly transport: string;
  readonly session: string | undefined;
  /** Who the application says this session belongs to; null: nobody; undefined: not known yet. */
  readonly user: string | null | undefined;
  readonly epoch: string | undefined;
  /** The number up to which the session has heard. */
  readonly seq: number;
  /** The smoothed round trip in milliseconds. */
  readonly latency: number | undefined;
  /** What was measured of the connection. */
  readonly measured: Measured;
  /** Requests that wait to be written. */
  readonly queued: number;
  /** Requests that were written and have no answer. */
  readonly unanswered: number;
  /** Requests that wait for another user. */
  readonly foreign: number;
  /** Requests that ended with an error. */
  readonly failed: number;
  /** Why it is away, or has ended. */
  readonly error: Failure | undefined;
}
