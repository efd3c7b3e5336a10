// Requests that have not ended, wherever each of them waits, and how they end.

import type { Clock } from "./clock.ts";
import type { Failure } from "./errors.ts";
import { type Ask, type Outbox, unanswered } from "./outbox.ts";
import type { News } from "./port.ts";
import { Saying } from "./saying.ts";

/** All of them. Each ends once, and its end is told. */
export class Requests extends Saying {
  failed = 0;
  readonly box: Outbox;
  protected readonly clock: Clock;
  readonly #tell: (news: News) => void;
  readonly #later = new Set<Ask>();

  constructor(box: Outbox, clock: Clock, write: (frame: string) => void, tell: (news: News) => void) {
    super(write);
    this.box = box;
    this.clock = clock;
    this.#tell = tell;
  }

  protected stage(ask: Ask, stage: "queued" | "written" | "accepted"): void {
    if (!ask.ours) this.#tell({ on: "stage", name: ask.name, stage, id: ask.id });
  }

  /** It waits for something else than its turn. */
  park(ask: Ask): void {
    this.box.forget(ask);
    this.#later.add(ask);
  }

  /** Their turn is next. */
  unpark(asks: Ask[]): void {
    this.box.queue.unshift(...asks.filter((ask) => this.#later.delete(ask) && !ask.ended));
  }

  /** It ends so. */
  end(ask: Ask, failure?: Failure, result?: unknown): void {
    if (ask.ended) return;
    this.box.forget(ask);
    this.#later.delete(ask);
    ask.ended = true;
    ask.late?.();
    if (ask.kept) this.keeper?.ended(ask, failure, result);
    let told = result;
    try {
      told = ask.done?.(ask, failure, result) ?? result;
    } catch (error) {
      // An answer that none can be: who asked hears of it, and then the connection ends.
      failure = { ...unanswered(ask, `the server answered what none should: ${error}`), code: "INTERNAL" };
      throw error;
    } finally {
      if (failure && !ask.ours) this.failed++;
      if (!ask.ours) this.#tell({ on: "end", name: ask.name, result: told, failure });
    }
  }

  /** All that has not ended. */
  *all(): Iterable<Ask> {
    yield* [...this.box.written.values(), ...this.box.queue, ...this.#later];
  }

  /** Its caller does not wait any more: back if it was not written, else it is not sent again. */
  drop(name: string, is: "RequestTimeout" | "AbortError"): void {
    for (const ask of this.all()) {
      if (ask.name === name) {
        const why = is === "AbortError" ? "given up" : "its time is over";
        const failure = unanswered(ask, why, is);
        if (ask.kind !== "leave") this.end(ask, failure);
        else if (!ask.ours) {
          // Nobody wants the room, whoever waits: it becomes the client's own, and is said all the same.
          ask.ours = true;
          failure.message = `leave is said until it has its answer: ${why}`;
          this.#tell({ on: "end", name, failure });
        }
      }
    }
  }

  /** It was written in a session that is gone. */
  lose(ask: Ask): void {
    this.end(ask, unanswered(ask, "the session is another"));
  }

  /** It is over: each ends with whether it may have been done. What is kept waits in the store. */
  endAll(why: string): void {
    for (const ask of this.all()) {
      const kept = ask.kept && this.keeper;
      ask.kept = false;
      const failure = unanswered(ask, kept ? `${why}; it is kept` : why);
      this.end(ask, kept ? { ...failure, is: "MaybeDone", maybeDone: true } : failure);
    }
  }

  protected refuse(ask: Ask, code: string, why: string): Ask {
    this.end(ask, { is: "NotDone", code, message: `${ask.kind} was not sent: ${why}` });
    return ask;
  }
}
