// Streams of items. Down: opened once, read as fast as they are taken, resumed with their session. Up: sent as fast as
// the server takes them, and what it has not taken is sent again.

import { errorOf, type Failure } from "./errors.ts";
import type { Page } from "./page.ts";
import type { News } from "./port.ts";
import { dataOf, type Said } from "./words.ts";

/** How many items may be on the way, or wait here. */
const AHEAD = 64;

const failureOf = (error: Said): Failure => ({
  is: error.code === "STREAM_LOST" ? "StreamLost" : "Rejected",
  message: error.message || error.code,
  ...error,
});

/** What both ways have in common: an end, and somebody to wake. */
class Flow {
  over = false;
  error: Error | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: what an application answers
  result: any;
  readonly name: string;
  protected readonly page: Page;
  #wake: (() => void) | undefined;
  /** A signal may outlive many streams. */
  #unwatch: (() => void) | undefined;

  constructor(page: Page, name: string, fields: Said, data: unknown, signal: AbortSignal | undefined) {
    this.page = page;
    const sent = page.ask("open", { stream: name, ...fields }, data, {}, ({ name }) =>
      page.streams.set(name, this),
    );
    this.name = sent.name;
    // A client that has ended asks nothing, and tells nothing else.
    sent.applied.catch((error) => this.stop(error));
    const aborted = (): void => this.cancel(signal?.reason);
    if (signal?.aborted) aborted();
    else {
      signal?.addEventListener("abort", aborted);
      this.#unwatch = () => signal?.removeEventListener("abort", aborted);
    }
  }

  say(said: Said, data?: string): void {
    this.page.call({ do: "tell", name: this.name, said, data });
  }

  /** Nobody wants it any more. */
  cancel(error?: Error): void {
    if (this.over) return;
    this.stop(error);
    this.say({ type: "cancel" });
  }

  stop(error?: Error): void {
    this.page.streams.delete(this.name);
    if (this.over) return;
    this.over = true;
    this.error = error;
    this.#unwatch?.();
    this.wake();
  }

  take(news: News): void {
    if (news.on === "over") this.stop(errorOf(news.failure));
    else if (news.on === "end" && news.failure) this.stop(errorOf(news.failure));
    else if (news.on === "stream" && news.said.type === "end") {
      this.result = news.said.data;
      this.stop(news.said.error && errorOf(failureOf(news.said.error)));
    }
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

class Down extends Flow {
  readonly #items: unknown[] = [];
  #taken = 0;
  #credit = AHEAD;

  get progress(): Said {
    return { next: this.#taken + this.#items.length, credit: this.#credit };
  }

  override take(news: News): void {
    super.take(news);
    if (news.on !== "stream" || news.said.type !== "item" || this.over) return;
    this.#items.push(news.said.data);
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    try {
      for (;;) {
        if (this.#items.length) {
          const item = this.#items.shift();
          this.#taken++;
          if (this.#taken + AHEAD - this.#credit >= AHEAD / 2) {
            this.#credit = this.#taken + AHEAD;
            this.say({ type: "credit", n: this.#credit });
          }
          yield item;
        } else if (this.error) throw this.error;
        else if (this.over) return;
        else await this.news();
      }
    } finally {
      this.cancel();
    }
  }
}

class Up extends Flow {
  #credit = 0;
  /** How far ahead the server lets us go. */
  #window = 0;
  /** What the server may want again, and the number of the first of it. */
  readonly #kept: string[] = [];
  #first = 0;
  #count = 0;
  #ended: Said | undefined;

  get progress(): Said {
    return { next: 0, credit: 0, up: true };
  }

  override take(news: News): void {
    super.take(news);
    if (news.on !== "stream") return;
    const { type, n } = news.said;
    if (type === "credit") {
      this.#window ||= n;
      this.#credit = Math.max(this.#credit, n);
      while (this.#first < n - this.#window && this.#kept.length) {
        this.#kept.shift();
        this.#first++;
      }
      this.wake();
    } else if (type === "wanted") {
      this.#kept.forEach((data, at) => {
        if (this.#first + at >= n) this.say({ type: "item", n: this.#first + at }, data);
      });
      if (this.#ended) this.say(this.#ended);
    }
  }

  async run(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<unknown> {
    try {
      const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
      let next: { done: boolean | undefined; value: unknown } | undefined;
      try {
        for (;;) {
          next = await this.#or(async () => {
            const { done, value } = await source.next();
            return { done, value: await value };
          });
          if (next?.done) break;
          while (this.#count >= this.#credit && !this.over) await this.news();
          if (this.over) break;
          const data = dataOf(next?.value) ?? "null";
          this.#kept.push(data);
          this.say({ type: "item", n: this.#count++ }, data);
        }
      } finally {
        // It is not waited for: a generator that waits for something ends behind that.
        if (!next?.done) void (async () => source.return?.())().catch(() => undefined);
      }
      this.#end();
    } catch (error) {
      if (!this.over) {
        this.#end({ code: "INTERNAL", message: "the sender failed" });
        this.stop(error as Error);
      }
    }
    while (!this.over) await this.news();
    if (this.error) throw this.error;
    return this.result;
  }

  /** What it gives, or nothing where the stream is over before: items may not come for long. */
  async #or<Given>(get: () => Promise<Given>): Promise<Given | undefined> {
    let here = false;
    const told = (): void => {
      here = true;
      this.wake();
    };
    const asked = get();
    asked.then(told, told);
    while (!here && !this.over) await this.news();
    return here ? asked : undefined;
  }

  #end(error?: Said): void {
    if (this.over) return;
    this.#ended = { type: "end", n: this.#count, ...(error && { error }) };
    this.say(this.#ended);
  }
}

/** The items of a stream of the application's. Leaving the loop cancels it. */
export const down = (
  page: Page,
  name: string,
  data: unknown,
  signal?: AbortSignal,
): AsyncGenerator<unknown> => new Down(page, name, { credit: AHEAD }, data, signal)[Symbol.asyncIterator]();

/** Send items; gives what the application's function made of them. */
export const up = (
  page: Page,
  name: string,
  data: unknown,
  items: AsyncIterable<unknown> | Iterable<unknown>,
  signal?: AbortSignal,
): Promise<unknown> => new Up(page, name, { up: true }, data, signal).run(items);
