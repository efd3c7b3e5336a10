// What the pages of a group say to each other.

import type { Failure } from "./errors.ts";
import type { Call, News } from "./port.ts";
import type { Said } from "./words.ts";

/** What a page tells its program that left the group for good. */
export const CLOSED: Failure = { is: "ClientClosed", code: "CLOSED", message: "the client was closed" };

/** What a page says of itself. */
export interface Here {
  tab: string;
  visible: boolean;
  epoch: string | undefined;
  seq: number;
  /** The questions of the server that it answers. */
  answers: string[];
  views: { view: string; room: string; mark: number; data: string | undefined }[];
  streams: { name: string; id: number; progress: Said }[];
  /** What the last leader told of the session: for the next one, where nothing is stored. */
  who: Said | undefined;
}

/** A message of the channel. */
export type Word =
  | { is: "call"; from: string; call: Call; n: number; written: boolean }
  /** The leader has a call of this page. */
  | { is: "got"; to: string; n: number }
  | {
      is: "news";
      g: number;
      news: News[];
      /** Who the session is, and whether what is asked is kept: with each status. */
      who?: Said | undefined;
      storage?: { durable: boolean; reason?: string | undefined };
    }
  /** Who is there? */
  | { is: "roll" }
  | { is: "here"; here: Here }
  | { is: "gone"; tab: string }
  | { is: "end" }
  | { is: "now"; what: "tryNow" | "reconnect" };

/** @internal What a page has around it. */
export interface Surroundings {
  document: Document | undefined;
  locks: LockManager;
  channel(name: string): BroadcastChannel;
}
