// The page's half of a client: what the program holds, and what the session tells of it.

import type { Clock } from "./clock.ts";
import { errorOf, type RtcoreError } from "./errors.ts";
import { given, milliseconds } from "./given.ts";
import { Sent } from "./handle.ts";
import type { Asking, Call, News, Status } from "./port.ts";
import type { Event } from "./reader.ts";
import { tellEach } from "./waiting.ts";
import { dataOf, type Said } from "./words.ts";

/** How a request is made. */
export interface AskOptions {
  /** Milliseconds that the caller waits; Infinity: as long as it takes. */
  timeout?: number | undefined;
  /** Ends it, as a timeout does. */
  signal?: AbortSignal | undefined;
  /** 1 to 128 characters: the server does what has the same key and content once, for an hour. */
  key?: string | undefined;
}

/** How something is sent. */
export interface SendOptions extends AskOptions {
  /** Milliseconds after which it is not written any more. */
  ttl?: number | undefined;
  /** Keep it in the store even when it can go out at once. */
  keep?: boolean | undefined;
  /** Never queued, and never sent again. */
  volatile?: boolean | undefined;
  /** With `overflow: "drop_by_key"`, a newer one with the same takes the place of an older. */
  dropKey?: string | undefined;
  /** @internal Of a leave: the join that it takes back. */
  view?: string | undefined;
}

/** Answers a question of the server: what it gives, or what it throws, is the reply. */
// biome-ignore lint/suspicious/noExplicitAny: what a server asks
export type Answer = (data: any) => unknown;

/** @internal What a session tells of rooms and streams. */
export interface Listener {
  /** The number up to which everything was handed to the program; undefined: all that was heard. */
  done?(): number | undefined;
  take(news: News): void;
  /** Of a room of which more is said than is taken: its name. */
  readonly behind?: string | undefined;
  /** Of a stream: how far it is. */
  readonly progress?: Said;
  /** Of a room: which join it is of which room, and up to where it has heard. */
  readonly view?: { view: string; room: string; mark: number; data: string | undefined } | undefined;
}

/** The page's side of the port. */
export class Page {
  status!: Status;
  /** Why the client has ended. */
  over: RtcoreError | undefined;
  /** Asks the session. Set by whoever joins the two halves. */
  call: (call: Call) => void = () => undefined;
  /** Rooms and the inbox. */
  readonly listeners = new Set<Listener>();
  readonly streams = new Map<string, Listener>();
  readonly answers = new Map<string, Answer>();
  /** Called when the status is another. */
  readonly watchers = new Set<() => void>();
  /** Called before the page goes, or sleeps: what is said then is the last that leaves. */
  readonly lastWords = new Set<() => void>();
  /** Told of each request as it is made, and of all news: for who counts them. */
  spy: ((news: News | { on: "asked"; name: string }) => void) | undefined;
  /** How often functions of the program threw. */
  failures = 0;
  readonly #sent = new Map<string, Sent>();
  readonly #name: () => string;
  readonly #clock: Clock;
  readonly #timeout: number;
  #seq = 0;

  constructor(name: () => string, clock: Clock, timeout: number) {
    this.#name = name;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** `epoch.seq`: everything up to here was received by this page, or told as a gap. */
  get position(): string | undefined {
    return this.status.epoch && `${this.status.epoch}.${this.#seq}`;
  }

  /** The same, up to what was handed to the program: what is kept, so that nothing is skipped after a crash. */
  get done(): string | undefined {
    const numbers = [...this.listeners].map((listener) => listener.done?.() ?? this.#seq);
    return this.status.epoch && `${this.status.epoch}.${Math.min(this.#seq, ...numbers)}`;
  }

  // -- asking

  /** Make a request. `prepare`: what must be there before anything is told of it. Throws a `UsageError` for what cannot be said, or waited for. */
  ask(
    kind: Asking["kind"],
    fields: Said,
    data?: unknown,
    options: SendOptions = {},
    prepare?: (sent: Sent) => void,
  ): Sent {
    const { timeout = Number.POSITIVE_INFINITY, signal, ttl, keep, volatile, dropKey, key, view } = options;
    milliseconds("timeout", options.timeout);
    milliseconds("ttl", ttl);
    given("signal", signal, signal instanceof AbortSignal, "an AbortSignal");
    const name = this.#name();
    const text = dataOf(data);
    const drop = (is: "RequestTimeout" | "AbortError"): void => this.call({ do: "drop", name, is });
    const sent = new Sent(
      name,
      () => this.call({ do: "poke" }),
      () => drop("AbortError"),
    );
    this.#sent.set(name, sent);
    this.spy?.({ on: "asked", name });
    const refused = signal?.aborted
      ? ({
          is: "AbortError",
          code: "ABORTED",
          message: `${kind} was not done: its signal is aborted`,
        } as const)
      : this.status.state === "ended" && this.status.error;
    if (refused) {
      this.take({ on: "end", name, failure: refused });
      // A room that the program left is wanted by nobody, whether somebody waits for the answer or not.
      if (kind !== "leave") return sent;
    }
    const aborted = (): void => drop("AbortError");
    const late =
      timeout < Number.POSITIVE_INFINITY && this.#clock.after(timeout, () => drop("RequestTimeout"));
    if (signal || late) {
      signal?.addEventListener("abort", aborted);
      const over = (): void => {
        if (late) late();
        signal?.removeEventListener("abort", aborted);
      };
      sent.applied.then(over, over);
    }
    prepare?.(sent);
    this.call({ do: "ask", name, kind, fields, data: text, key, ttl, keep, volatile, dropKey, view });
    return sent;
  }

  /** Its result, in the client's time where the caller has none. What cannot be asked rejects it, and throws nothing. */
  result(
    kind: Asking["kind"],
    fields: Said,
    data?: unknown,
    options: SendOptions = {},
    prepare?: () => void,
    // biome-ignore lint/suspicious/noExplicitAny: what a handler answers
  ): Promise<any> {
    try {
      const timeout = options.timeout ?? this.#timeout;
      return this.ask(kind, fields, data, { ...options, timeout }, prepare).applied;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // -- hearing

  take(news: News): void {
    this.spy?.(news);
    switch (news.on) {
      case "hear":
        // The `to` of a gap moves no position.
        this.#seq = Math.max(this.#seq, (news.said as Event).seq ?? 0);
        return this.#listeners(news);
      case "epoch":
        this.#seq = 0;
        return this.#listeners(news);
      case "room":
      case "data":
        return this.#listeners(news);
      case "stage":
        return this.#sent.get(news.name)?.stage(news.stage);
      case "end":
        this.streams.get(news.name)?.take(news);
        this.#sent.get(news.name)?.end(news.failure, news.result);
        this.#sent.delete(news.name);
        return;
      case "stream":
        return this.streams.get(news.name)?.take(news);
      case "question":
        void this.#answer(news.id, news.event, news.data);
        return;
      case "status":
        this.status = news.status;
        this.#seq = Math.max(this.#seq, news.status.seq);
        tellEach(this.watchers);
        return;
      case "over":
        this.over = errorOf(news.failure);
        this.take({
          on: "status",
          status: { ...this.status, state: "ended", live: false, error: news.failure },
        });
        this.#listeners(news);
        for (const stream of [...this.streams.values()]) stream.take(news);
    }
  }

  #listeners(news: News): void {
    for (const listener of this.listeners) listener.take(news);
  }

  async #answer(id: number, event: string, data: unknown): Promise<void> {
    const answer = this.answers.get(event);
    if (!answer) {
      this.call({
        do: "reply",
        id,
        error: { code: "NOT_FOUND", message: `there is no answer for ${event}` },
      });
      return;
    }
    try {
      this.call({ do: "reply", id, data: dataOf((await answer(data)) ?? null) });
    } catch (error) {
      const { code, message } = error as RtcoreError;
      if (typeof code !== "string") reportError(error);
      const told =
        typeof code === "string" ? { code, message } : { code: "INTERNAL", message: "the answer failed" };
      this.call({ do: "reply", id, error: told });
    }
  }
}
