// What was asked and not answered: the queue, and what was written.
//
// Invariants:
// - An id is given when a request is first written, above every id that the session ever used; what was never written
//   has none. So whether bytes may have left is never guessed.
// - `written` is in the order of the ids, `queue` in the order of the calls.
// - `drop_*` and a time to live take only from `queue`.
// - A request of a user goes out under no other. What nobody owns yet belongs to the first who is welcome.

import type { Failure } from "./errors.ts";
import { AGAIN, type Asking } from "./port.ts";

/** A request on its way. */
export interface Ask extends Asking {
  id?: number | undefined;
  /** In which life of the server it was written, and when, by both clocks. */
  life?: string | undefined;
  written?: number | undefined;
  writtenWall?: number | undefined;
  accepted?: boolean;
  /** It has a row in the store. */
  kept?: boolean;
  /** When its time to live is over, by the wall's clock. */
  dies?: number | undefined;
  /** Takes back the timer of that. */
  late?: () => void;
  /** When it was last said, and how often. */
  said?: number;
  asks: number;
  /** How many connections in a row ended with it as the first without an ack, and nothing moved. */
  closes: number;
  /** It was written more than once: its ack may speak of an earlier time. */
  again?: boolean;
  ended?: boolean;
  /** Called when its turn has come; false: it is not to be written. */
  before?: ((ask: Ask) => boolean) | undefined;
  /** Called where the server passed it over; true: it is wanted all the same, and asked for anew. */
  wanted?: ((ask: Ask) => boolean) | undefined;
  /** Called with its end; what it gives takes the place of the result. */
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers
  done?: ((ask: Ask, failure: Failure | undefined, result: any) => unknown) | undefined;
}

/** @internal What a request calls on its way. */
export type Hooks = Pick<Ask, "before" | "wanted" | "done">;

/** What is done when the outbox is full: the new request is refused, or an older one ends as not done. */
export type Overflow = "reject" | "drop_oldest" | "drop_by_key";

/** @internal How much may wait unwritten. */
export interface Bounds {
  messages: number;
  bytes: number;
  overflow: Overflow;
}

/** @internal Whether it takes a place. Joins bound the leaves, and a room that is full of nobody's wishes stays joined. */
export const counts = (ask: Asking): boolean => !ask.ours && ask.kind !== "leave";

const sizeOf = (ask: Asking): number => (ask.data?.length ?? 0) + 64;

/** Queue and written, in their orders. */
export class Outbox {
  queue: Ask[] = [];
  readonly written = new Map<number, Ask>();
  lastId = 0;
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Why there is no room for it; undefined: there is, perhaps after an older one was dropped, which is told why. */
  noRoom(ask: Ask, drop: (old: Ask, why: string) => void): string | undefined {
    const { messages, bytes, overflow } = this.#bounds;
    const waiting = this.queue.filter(counts);
    const size = waiting.reduce((sum, each) => sum + sizeOf(each), sizeOf(ask));
    if (waiting.length < messages && size <= bytes) return undefined;
    const count = waiting.length + 1;
    const why = `with it ${count} messages of ${size} bytes would wait; the outbox takes ${messages} of ${bytes}`;
    if (overflow === "reject" || sizeOf(ask) > bytes) return why;
    const old = waiting.find(
      (each) => overflow === "drop_oldest" || (ask.dropKey && each.dropKey === ask.dropKey),
    );
    if (!old) return why;
    drop(old, `a newer one took its place, for ${why}`);
    return undefined;
  }

  /** The first in the queue that may go out under this user. */
  next(user: string | null | undefined): Ask | undefined {
    return this.queue.find((ask) => ask.user === undefined || ask.user === user);
  }

  /** Give it the next id. */
  write(ask: Ask): void {
    this.forget(ask);
    ask.id = ++this.lastId;
    this.written.set(ask.id, ask);
  }

  /** It is neither queued nor written any more. */
  forget(ask: Ask): void {
    if (ask.id !== undefined && this.written.get(ask.id) === ask) this.written.delete(ask.id);
    else if (this.queue.includes(ask)) this.queue.splice(this.queue.indexOf(ask), 1);
  }

  /** The acks of all ids up to this are here. */
  get acked(): number {
    for (const id of this.written.keys()) return id - 1;
    return this.lastId;
  }

  /** The session is another, so ids mean nothing any more. What may go again stands before the queue; the rest is given. */
  fresh(may: (ask: Ask) => boolean): Ask[] {
    const asks = [...this.written.values()];
    const again = asks.filter((ask) => AGAIN.has(ask.kind) || may(ask));
    this.written.clear();
    this.lastId = 0;
    for (const ask of again) {
      ask.id = undefined;
      ask.again = ask.accepted = false;
    }
    this.queue.unshift(...again);
    return asks.filter((ask) => !again.includes(ask));
  }
}

/** How a request ends that has no ack. */
export const unanswered = (ask: Ask, why: string, is?: Failure["is"]): Failure => {
  const maybeDone = ask.written !== undefined && !AGAIN.has(ask.kind);
  return {
    is: is ?? (maybeDone ? "MaybeDone" : "NotDone"),
    code:
      is === "RequestTimeout" ? "TIMEOUT" : is ? "ABORTED" : maybeDone ? "OUTCOME_UNKNOWN" : "UNAVAILABLE",
    message: `${ask.kind} ${maybeDone ? "was sent, and may have been done" : "was not done"}: ${why}`,
    maybeDone,
  };
};
