// What goes up: who goes next, under which id, what is kept in a store first, and what an ack does.

import type { Failure } from "./errors.ts";
import { type Ask, counts, type Hooks, unanswered } from "./outbox.ts";
import { AGAIN, type Asking } from "./port.ts";
import { Pace } from "./pulse.ts";
import { Requests } from "./requests.ts";
import { encode, type Said } from "./words.ts";

/** Connections in a row that ended with the same request as the first unanswered, and nothing moved. */
const POISON = 5;
/** How often a request is sent again of which the server said that it did nothing, and may later. */
const TRIES = 5;
const RETRY_FIRST = 500;
/** The way up. */
export class Sending extends Requests {
  /** Acks may not come, and are asked for again. */
  http = false;
  /** Who was welcome last; undefined: nobody yet. */
  user: string | null | undefined;
  life: string | undefined;
  taken = 0;
  readonly pace = new Pace();
  #progress = false;
  #ackedSaid = 0;
  #paced = false;
  #busy = false;

  // -- in

  /** Take a request. Its end is told, sooner or later. */
  submit(asking: Asking, hooks: Hooks = {}, front = false): Ask {
    const ask: Ask = { ...asking, ...hooks, asks: 0, closes: 0 };
    const { box } = this;
    const away = !this.open || box.queue.length > 0 || box.written.size >= this.limits.acks;
    const once = !AGAIN.has(ask.kind);
    ask.user = once ? (asking.user === undefined ? this.user : asking.user) : undefined;
    if (ask.volatile && !this.open) {
      return this.refuse(ask, "UNAVAILABLE", "there is no connection");
    }
    const full = away && counts(ask) && box.noRoom(ask, (old, why) => this.refuse(old, "OVERLOADED", why));
    if (full) return this.refuse(ask, "OVERLOADED", full);
    const keyed = ask.kind === "emit" || ask.kind === "publish";
    if (keyed && !ask.volatile) {
      if (away) ask.key ??= ask.name;
      if (away || ask.keep) ask.kept = this.keeper?.add(ask) ?? false;
    }
    if (front) box.queue.unshift(ask);
    else box.queue.push(ask);
    if (ask.ttl !== undefined) this.#mortal(ask, ask.ttl);
    if (!ask.kept) this.stage(ask, "queued");
    this.flush();
    return ask;
  }

  /** A row of the store, in its order, before the first connection. */
  restored(ask: Ask): void {
    if (ask.id === undefined) this.box.queue.push(ask);
    else {
      this.box.written.set(ask.id, ask);
      this.box.lastId = Math.max(this.box.lastId, ask.id);
    }
    if (ask.dies !== undefined) this.#mortal(ask, ask.dies - this.clock.wall());
  }

  #mortal(ask: Ask, ttl: number): void {
    ask.dies = this.clock.wall() + ttl;
    ask.late = this.clock.after(Math.max(0, ttl), () => {
      if (ask.written === undefined) this.refuse(ask, "TIMEOUT", "its time is over");
    });
  }

  // -- out

  /** Write all that may go now. */
  flush(): void {
    if (this.#busy) return; // what is asked for meanwhile is found by the loop, behind what it holds already
    this.#busy = true;
    const batch: string[] = [];
    while (this.open && this.box.written.size < this.limits.acks) {
      const ask = this.box.next(this.user);
      const wait = ask && this.pace.wait(this.clock.now());
      if (wait) this.#pause(wait);
      if (!ask || wait) break;
      if (ask.before?.(ask) === false) continue;
      const text = this.#first(ask);
      if (text) batch.push(text);
    }
    this.#busy = false;
    this.hand(batch);
  }

  #pause(wait: number): void {
    if (this.#paced) return;
    this.#paced = true;
    this.clock.after(Math.ceil(wait), () => {
      this.#paced = false;
      this.flush();
    });
  }

  #first(ask: Ask): string | undefined {
    const acked = this.acked;
    this.box.write(ask);
    const text = this.#message(ask, acked > this.#ackedSaid ? acked : 0);
    const large = this.tooLarge(ask.kind, text);
    if (large) {
      this.end(ask, large);
      return undefined;
    }
    this.#ackedSaid = acked;
    ask.user = this.user;
    ask.life = this.life;
    ask.written = ask.said = this.clock.now();
    ask.writtenWall = this.clock.wall();
    if (ask.kept) this.keeper?.wrote(ask);
    this.stage(ask, "written");
    return text;
  }

  #message({ kind, id, fields, key, data }: Ask, acked = 0): string {
    const said: Said = { type: kind, id, ...fields };
    if (key !== undefined) said.key = key;
    if (acked) said.acked = acked;
    return encode(said, data);
  }

  /** After a return to the same session: all that was written, by rising id, before anything new. */
  again(): void {
    const batch: string[] = [];
    this.#busy = true;
    for (const ask of [...this.box.written.values()]) {
      const failure = ask.volatile ? unanswered(ask, "the connection was lost") : this.repeat(ask, batch);
      if (failure) this.end(ask, { maybeDone: !AGAIN.has(ask.kind), ...failure });
    }
    this.#busy = false;
    this.hand(batch);
  }

  /** Say it once more, with these; gives why not. A server that was started anew may take less than it did. */
  repeat(ask: Ask, batch?: string[]): Failure | undefined {
    const text = this.#message(ask);
    const large = this.tooLarge(ask.kind, text);
    if (large) return large;
    ask.said = this.clock.now();
    ask.again = true;
    void (batch ? batch.push(text) : this.sayText(text));
    return undefined;
  }

  /** Over plain HTTP an ack may not come: it is asked for again, after 1 s, 2 s and so on. */
  askAgain(): void {
    const now = this.clock.now();
    for (const ask of this.box.written.values()) {
      if (now >= ask.said! + 1000 * 2 ** Math.min(ask.asks, 5)) {
        ask.asks++;
        ask.said = now;
        ask.again = true;
        this.write(this.#message(ask));
      }
    }
  }

  /** Give no more ids on this connection. */
  hold(): void {
    this.#busy = true;
  }

  // -- acks

  /** The answer to a request; to none that is known: nothing. */
  ack({ id, data, error }: Said): void {
    const ask = this.box.written.get(id);
    if (!ask) return;
    this.#progress = true;
    if (!error) this.end(ask, undefined, data);
    else if (error.code === "ACK_EXPIRED" || error.code === "OUTCOME_UNKNOWN") {
      // With a key that still holds, asking again gives the truth. What counts as passed over may still be wanted.
      const again = this.#holds(ask) || (error.code === "ACK_EXPIRED" && ask.wanted?.(ask));
      if (again && ask.asks < TRIES) this.#once(ask, 0);
      else
        this.end(ask, {
          is: "MaybeDone",
          maybeDone: true,
          code: error.code,
          message: error.message ?? error.code,
        });
    } else if (!error.retry || !this.#retry(ask, error.after)) {
      const { code = "INTERNAL", message = code, details, retry, after } = error;
      this.end(ask, { is: "Rejected", code: `${code}`, message: `${message}`, details, retry, after });
    }
    this.flush();
  }

  /** Whether the key of what was written still says what became of it. */
  #holds(ask: Ask): boolean {
    const age = Math.max(this.clock.now() - ask.written!, this.clock.wall() - ask.writtenWall!);
    return (
      ask.key !== undefined &&
      ask.user != null &&
      ask.user === this.user &&
      ask.life !== undefined &&
      ask.life === this.life &&
      age < 900 * this.limits.keys
    );
  }

  #retry(ask: Ask, after: unknown): boolean {
    if (ask.asks >= TRIES || ask.volatile || (ask.ours && ask.kind !== "leave")) return false;
    this.#once(ask, typeof after === "number" ? after * 1000 : RETRY_FIRST * 2 ** ask.asks);
    return true;
  }

  /** The same, under a new id, after a while; with none to wait before all that is queued. */
  #once(ask: Ask, wait: number): void {
    this.park(ask);
    ask.asks++;
    ask.id = undefined;
    ask.accepted = false;
    if (ask.kept) this.keeper?.unwrote(ask);
    const go = (): void => {
      this.unpark([ask]);
      this.flush();
    };
    if (wait) this.clock.after(wait, go);
    else go();
  }

  /** The server has taken all ids up to this. */
  took(taken: unknown): void {
    if (typeof taken !== "number" || taken <= this.taken) return;
    this.taken = taken;
    for (const ask of this.box.written.values()) {
      if (ask.id! <= taken && !ask.accepted) {
        ask.accepted = this.#progress = true;
        this.stage(ask, "accepted");
      }
    }
  }

  /** The acks of all ids up to this are here, and kept where there is a store. */
  get acked(): number {
    return this.keeper?.acked(this.box.acked) ?? this.box.acked;
  }

  /** The session is another: what may go again stands before the queue, the rest ends. */
  fresh(): void {
    this.taken = this.#ackedSaid = 0;
    const lost = this.box.fresh((ask) => !ask.volatile && this.#holds(ask));
    for (const ask of this.box.queue) if (ask.kept && ask.written !== undefined) this.keeper?.unwrote(ask);
    for (const ask of lost) this.lose(ask);
  }

  /** The connection is gone. Who was first in line too often, and nothing moved, is why. */
  override closed(): void {
    super.closed();
    const [first] = this.box.written.values();
    if (first) {
      first.closes = this.#progress ? 0 : first.closes + 1;
      if (first.closes >= POISON) {
        this.end(first, unanswered(first, `each of ${POISON} connections ended with it`));
      }
    }
    this.#progress = false;
  }
}
