// The client as a program sees it.

import type { Collection } from "./collections_page.ts";
import type { CollectionOptions } from "./collections_types.ts";
import { type Handler, Handlers } from "./consumer.ts";
import type { Failure } from "./errors.ts";
import { callable } from "./given.ts";
import type { Sent } from "./handle.ts";
import type { Monitor } from "./monitor.ts";
import type { Answer, AskOptions, Page, SendOptions } from "./page.ts";
import type { News, Status } from "./port.ts";
import { type Heard, Reader } from "./reader.ts";
import type { Room } from "./room.ts";
import { another } from "./waiting.ts";
import type { Said } from "./words.ts";

/** How a room is joined. */
export interface JoinOptions extends AskOptions {
  /** So many of its newest entries come first. */
  last?: number | undefined;
  /** What came after this position comes first. */
  since?: string | undefined;
  /** For the application's authorizer. */
  data?: unknown;
}

/** @internal What a client does with its connection. */
export interface Control {
  /** Do not wait for the next attempt any longer, though never before the time that the server named. */
  tryNow(): void;
  /** Give the connection up, and come back at once. */
  reconnect(): void;
  /** No connection until `tryNow`. */
  pause(): void;
  close(bye: boolean): Promise<void>;
}

/** Whether what is sent is kept over the end of the page, and why not. */
export interface Storage {
  durable: boolean;
  reason?: string | undefined;
}

/** How a request ended whose page is gone. */
export interface Outcome {
  name: string;
  kind: string;
  /** `event`, and `room` where there is one. */
  fields: Said;
  // biome-ignore lint/suspicious/noExplicitAny: what an application answers
  result?: any;
  failure?: Failure | undefined;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** What a client does not have whose program left this part out. */
const without = (part: string) => (): never => {
  throw new TypeError(`this client is connected without ${part}: connect(url, { with: [${part}] })`);
};

/** One session with a server, over whatever connections it takes. Made by `connect`. */
export class Client {
  /** What ended without anybody to hear of it: its page was closed, or loaded anew. Newest last. */
  outbox: readonly Outcome[] = [];
  /** Whether what is sent is kept over the end of the page. */
  storage: Storage = { durable: false, reason: "no store was given" };
  /** @internal Whether the program let go of the connection. */
  paused = false;
  readonly #page: Page;
  readonly #control: () => Control;
  readonly #close: (bye: boolean) => Promise<void>;
  readonly #inbox: Reader;
  readonly #handlers = new Handlers(
    () => this.#inbox,
    () => this.#page.failures++,
  );

  /** @internal */
  constructor(page: Page, control: () => Control, close: (bye: boolean) => Promise<void>) {
    this.#page = page;
    this.#control = control;
    this.#close = close;
    // What is said outside of rooms: there is no one history for it.
    const inbox = (this.#inbox = new Reader());
    const mine = new Map<string, number>();
    page.listeners.add({
      done: () => inbox.done,
      take: (news: News) => {
        if (news.on === "epoch") mine.clear();
        if (news.on === "over") inbox.end(page.over);
        if (news.on !== "hear" || (news.said.room && news.said.room[0] !== "$")) return;
        const room = news.said.room ?? "";
        inbox.at = mine.get(room) ?? 0;
        inbox.push(news.said as Heard, 0, news.size);
        mine.set(room, inbox.at);
      },
    });
  }

  // -- looking

  /** How it is doing. A new object for each change. */
  get status(): Status {
    return this.#page.status;
  }

  /** The name of the session; undefined before the first welcome. */
  get session(): string | undefined {
    return this.status.session;
  }

  /** `epoch.seq`: everything up to here was heard, or told as a gap. */
  get position(): string | undefined {
    return this.#page.position;
  }

  /** `websocket`, `sse` or `polling`: the one in use, or tried last. */
  get transport(): string {
    return this.status.transport;
  }

  /** The smoothed round trip in milliseconds. */
  get latency(): number | undefined {
    return this.status.latency;
  }

  /** The status, as a store has it: the same object until something of it is another. */
  getSnapshot = (): Status => this.#page.status;

  /** Call it when the status is another; gives what takes that back. */
  subscribe = (watcher: () => void): (() => void) => {
    this.#page.watchers.add(watcher);
    return () => this.#page.watchers.delete(watcher);
  };

  /** Wait until the client is live. Throws a `ConnectError` when it has ended. */
  async ready({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    while (!this.status.live) {
      if (this.#page.over) throw this.#page.over;
      await another(this.subscribe, signal);
    }
  }

  // -- saying

  /** Say something to the application, and wait for what its handler answers. */
  // biome-ignore lint/suspicious/noExplicitAny: what a handler answers
  emit(event: string, data?: unknown, options?: SendOptions): Promise<any> {
    return this.#page.result("emit", { event }, data, options);
  }

  /** Say something to the application, and go on: the handle's stages can be awaited. */
  send(event: string, data?: unknown, options?: SendOptions): Sent {
    return this.#page.ask("emit", { event }, data, options);
  }

  // -- rooms

  /** Join a room, and wait for the server's word. It is joined again by itself after each return. */
  join: (name: string, options?: JoinOptions) => Promise<Room> = without("rooms");

  /** Open a collection with what is kept of it. It does not wait for the server: `ready` does. */
  // biome-ignore lint/suspicious/noExplicitAny: documents are the application's
  collection: <Document = any>(name: string, options?: CollectionOptions) => Promise<Collection<Document>> =
    without("collections");

  /**
   * End the session, and let go of all that is kept here for this user. Throws a `NotDone` (`UNSENT`, with counts in its
   * `details`) where changes wait, are in conflict or were refused, or messages wait: `discard` gives them up.
   */
  signOut: (options?: { discard?: boolean | undefined }) => Promise<void> = without("collections");

  // -- hearing

  /**
   * Call it with each event of this name that is said to the session, to its user, or to everybody; under `*` with
   * all, and with each gap.
   */
  on(event: string, handler: Handler): this {
    this.#handlers.on(event, handler);
    return this;
  }

  /** Call it no longer. */
  off(event: string, handler: Handler): this {
    this.#handlers.off(event, handler);
    return this;
  }

  /** Answer the server's requests of this name: what the function gives, or throws, is the reply. */
  answer(event: string, answer: Answer): this {
    callable("answer", answer);
    this.#page.answers.set(event, answer);
    return this;
  }

  // -- streams

  /** The items of a stream of the application's, as fast as they are taken. Leaving the loop cancels it. */
  // biome-ignore lint/suspicious/noExplicitAny: what an application says
  stream: (name: string, data?: unknown, options?: { signal?: AbortSignal }) => AsyncGenerator<any> =
    without("streams");

  /** Send items to a function of the application's, as fast as it takes them; gives its result. */
  upload: (
    name: string,
    items: AsyncIterable<unknown> | Iterable<unknown>,
    data?: unknown,
    options?: { signal?: AbortSignal },
    // biome-ignore lint/suspicious/noExplicitAny: what an application answers
  ) => Promise<any> = without("streams");

  // -- looking closer

  /** Figures of the last minute and hour, and what is wrong. It begins to watch when it is first looked at. */
  get monitor(): Monitor {
    return this.monitorOf();
  }

  /** @internal */
  monitorOf: () => Monitor = without("monitor");

  // -- coming and going

  /** Give the connection up and come back at once, though never before the time that the server named. */
  reconnect(): void {
    this.paused = false;
    this.#control().reconnect();
  }

  /**
   * Let go of the connection, and stay away until `tryNow`. What is asked meanwhile is queued. Where other tabs share the
   * session they go on, and what this page queues is in memory alone, which `storage` says.
   */
  pause(): void {
    this.paused = true;
    this.#control().pause();
  }

  /** Do not wait for the next attempt any longer: the network is back, say. */
  tryNow(): void {
    this.paused = false;
    this.#control().tryNow();
  }

  /**
   * Wait for the answers to what was written (5 s), and end. The session is ended at the server too, if nothing is
   * left unanswered and nothing is kept.
   */
  close(): Promise<void> {
    return this.#close(false);
  }

  /** End the session at the server, at once. */
  end(): Promise<void> {
    return this.#close(true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
