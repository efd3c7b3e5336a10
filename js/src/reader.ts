// What a consumer has not taken yet: a bounded buffer, and where it must be filled from afterwards.
//
// No ack waits behind a consumer. So a full buffer is not waited for: what comes is dropped, and its numbers are a
// *hole* that `history` fills when the consumer is through. What history does not have is a gap with reason `slow`.
//
// Invariants: `at` is the number up to which everything was put into the buffer, or told as a gap. While there is a
// hole nothing from the live feed is put in; `missed` is the highest number that was left out.

import type { Said } from "./words.ts";

const MOST = 1024;
const MOST_BYTES = 1 << 20;

/** Something that was said: in a room, to a user, to all, or to this session alone (then it has no room). */
// biome-ignore lint/suspicious/noExplicitAny: what an application says is its own
export interface Event<Data = any> {
  type: "event";
  event: string;
  data: Data;
  /** Its number in the server's log; a volatile one has none. */
  seq?: number;
  room?: string;
  /** Who said it; null: the application. */
  from?: { session: string; user: string | null } | null;
  /** Milliseconds since 1970, by the server. */
  time: number;
  trace?: string;
}

/** Some or all of the numbers `from` to `to` were entries that will not be heard. */
export interface Gap {
  type: "gap";
  from: number;
  to: number;
  /** `ring`, `age`, `memory`, `store`, `epoch`, `restart`; `slow`: this page did not keep up. */
  reason: string;
  room?: string;
}

export type Heard = Event | Gap;

/** One consumer. */
export class Reader {
  at: number;
  /** What to do when there is something to take. */
  wake: (() => void) | undefined;
  /** What ended it. */
  over: { error?: Error | undefined } | undefined;
  #hole = false;
  #missed = 0;
  #asking = false;
  #items: (readonly [item: Heard, size: number])[] = [];
  #head = 0;
  #bytes = 0;
  /** Ask for what comes after `at`; without it there is no history. */
  readonly #fill: ((reader: Reader) => void) | undefined;

  constructor(at = 0, fill?: (reader: Reader) => void) {
    this.at = at;
    this.#fill = fill;
  }

  /** More was said than was taken. */
  get behind(): boolean {
    return this.#hole;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  // -- in

  /** From the feed, in its order. `prev`: the number before it; who has not heard that one lacks something. */
  push(item: Heard | { type: "lack" }, prev: number, size: number): void {
    if (this.over) return;
    if (prev > this.at && this.#fill) this.lack(prev);
    if (item.type === "lack") return;
    const number = item.type === "gap" ? item.to : item.seq;
    const full = this.size >= MOST || this.#bytes >= MOST_BYTES;
    if (number == null) {
      if (!full && !this.#hole) this.#put(item, size);
    } else if (number > this.at || (item.type === "gap" && item.reason === "epoch")) {
      if (full || this.#hole) this.lack(number);
      else this.#reached(item, number, size);
    }
  }

  #reached(item: Heard, number: number, size: number): void {
    if (item.type === "gap" && item.from <= this.at && item.reason !== "epoch")
      item = { ...item, from: this.at + 1 };
    this.#put(item, size);
    this.at = Math.max(this.at, number);
  }

  #put(item: Heard, size: number): void {
    this.#items.push([item, size]);
    this.#bytes += size;
    this.wake?.();
  }

  /** All from `at` to this number is to be had from history. */
  lack(upTo: number): void {
    if (upTo <= this.at) return;
    this.#hole = true;
    this.#missed = Math.max(this.#missed, upTo);
    if (!this.size) this.wake?.();
  }

  // -- out

  /** The next, if there is one. Who asks is through with the one before. */
  take(): Heard | undefined {
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = this.#bytes = 0;
      if (this.#hole && !this.#asking && !this.over) {
        this.#asking = true;
        if (this.#fill) this.#fill(this);
        else this.cannotFill();
      }
    }
    if (this.#head === this.#items.length) return undefined;
    if (this.#head === MOST) {
      this.#items.splice(0, MOST);
      this.#head = 0;
    }
    const [item, size] = this.#items[this.#head++]!;
    this.#bytes -= size;
    return item;
  }

  /** The number up to which everything was handed over; undefined: all that was heard. */
  get done(): number | undefined {
    for (let at = this.#head; at < this.#items.length; at++) {
      const [item] = this.#items[at]!;
      const number = item.type === "gap" ? item.from : item.seq;
      if (number != null) return number - 1;
    }
    return this.#hole ? this.at : undefined;
  }

  // -- the hole

  /** The answer to what was asked for. */
  filled({ history = [], complete = true, more = false, gap, seq }: Said, room: string): void {
    this.#asking = false;
    const wanted = history.filter((said: Event) => said.seq! > this.at);
    const first: number | undefined = wanted[0]?.seq;
    if (gap) this.#slow(gap.to, room);
    else if (!complete) this.#slow(first === undefined ? this.#missed : first - 1, room);
    for (const said of wanted) this.#reached(said, said.seq, 64);
    if (!more || first === undefined) {
      if (seq !== undefined) this.at = Math.max(this.at, seq);
      if (!more) this.#slow(Math.min(this.#missed, seq ?? this.#missed), room);
      this.#hole = this.#missed > this.at;
    }
    this.wake?.();
  }

  /** History was refused, or cannot be had: the hole is told, and the feed goes on. */
  cannotFill(room?: string): void {
    this.#asking = this.#hole = false;
    this.#slow(this.#missed, room);
  }

  /** What is up to here and was not heard will not be. */
  #slow(to: number, room?: string): void {
    if (to <= this.at) return;
    const gap = { type: "gap", from: this.at + 1, to, reason: "slow" } as const;
    this.#reached(room === undefined ? gap : { ...gap, room }, to, 0);
  }

  /** The old numbers say nothing any more. */
  newEpoch(room?: string): void {
    if (this.#hole) this.cannotFill(room);
    this.#asking = false;
    this.at = this.#missed = 0;
  }

  /** Nothing more comes; what waits may still be taken. */
  end(error?: Error): void {
    if (this.over) return;
    this.over = { error };
    this.wake?.();
  }
}
