// What may keep requests over the end of the page.

import type { Failure } from "./errors.ts";
import type { Ask } from "./outbox.ts";
import type { Change } from "./store.ts";

/** @internal What keeps requests over the end of the page. What it holds back leaves when it is committed. */
export interface Keeper {
  /** Keep it from now on; `queued` is told when that is done. False: it is not kept. */
  add(ask: Ask): boolean;
  wrote(ask: Ask): void;
  unwrote(ask: Ask): void;
  ended(ask: Ask, failure?: Failure, result?: unknown): void;
  /** Let these leave when all that was noted before is kept. */
  hand(messages: string[], leave: (messages: string[]) => void): void;
  /** The acks of all ids up to this are kept too. */
  acked(here: number): number;
  /** One more change, with the next commit; soon. */
  note?(...changes: Change[]): void;
  /** At most so many rows of collections whose keys are between these, in their order. Rejects when there is no store. */
  read?(after: string, before: string, most: number): Promise<unknown[]>;
}
