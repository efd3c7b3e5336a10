// A room that the client is in.

import { type Handler, Handlers, iterate } from "./consumer.ts";
import { errorOf } from "./errors.ts";
import { present } from "./members.ts";
import type { AskOptions, Page } from "./page.ts";
import type { News } from "./port.ts";
import { type Heard, Reader } from "./reader.ts";
import type { Member, Past, PublishOptions, RoomView } from "./view.ts";
import { tellEach } from "./waiting.ts";
import type { Said } from "./words.ts";

/**
 * A room as one `join` of the program sees it. `for await (const heard of room)`: history first, then what is said.
 * What nobody has asked for yet waits, within a bound (1,024 events or 1 MiB); what is over it is had from the
 * server's history afterwards, or is a gap.
 */
export class Room implements AsyncIterable<Heard> {
  readonly name: string;
  readonly #page: Page;
  readonly #id: string;
  readonly #data: string | undefined;
  readonly #readers = new Set<Reader>();
  readonly #watchers = new Set<() => void>();
  /** Of whoever asks first. */
  #first: Reader | undefined;
  readonly #handlers = new Handlers(
    () => this.#reader(),
    () => this.#page.failures++,
  );
  /** What came before the answer to the join. */
  #early: (News & { on: "hear" })[] | undefined = [];
  /** The number after which the events of this join begin, and the last that was heard. */
  #start = 0;
  #mark = 0;
  readonly #members = new Map<string, Said>();
  #view: RoomView = { members: [], count: undefined, state: undefined, grants: [], joined: false };

  /** @internal */
  constructor(page: Page, name: string, id: string, data?: string) {
    this.#data = data;
    this.#page = page;
    this.name = name;
    this.#id = id;
    page.listeners.add(this);
  }

  // -- what is known

  get members(): readonly Member[] {
    return this.#view.members;
  }

  get count(): number | undefined {
    return this.#view.count;
  }

  get state(): RoomView["state"] {
    return this.#view.state;
  }

  get grants(): readonly string[] {
    return this.#view.grants;
  }

  /** The same object until something of it is another. */
  getSnapshot = (): RoomView => this.#view;

  /** Call it when the snapshot is another; gives what takes that back. */
  subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  // -- hearing

  [Symbol.asyncIterator](): AsyncGenerator<Heard, void, undefined> {
    const reader = this.#reader();
    // What was not taken waits for the next who asks.
    return iterate(reader, () => {
      if (this.#first) this.#readers.delete(reader);
      else this.#first = reader;
    });
  }

  /** Call it with each event of this name; under `*` with all, and with each gap. */
  on(event: string, handler: Handler): this {
    this.#handlers.on(event, handler);
    return this;
  }

  off(event: string, handler: Handler): this {
    this.#handlers.off(event, handler);
    return this;
  }

  /** The first has what waits; a later one has it from the server's history. */
  #reader(): Reader {
    const first = this.#first;
    this.#first = undefined;
    const reader = first ?? new Reader(this.#start, (one) => this.#fill(one));
    if (!first) {
      reader.lack(this.#mark);
      if (this.#page.over) reader.end(this.#page.over);
    }
    this.#readers.add(reader);
    return reader;
  }

  #fill(reader: Reader): void {
    const { epoch } = this.#page.status;
    if (!epoch || !this.#view.joined) {
      reader.cannotFill(this.name);
      return;
    }
    this.#page.ask("history", { room: this.name, after: `${epoch}.${reader.at}`, limit: 1000 }).applied.then(
      (told) => {
        if (epoch === this.#page.status.epoch) reader.filled(told, this.name);
      },
      () => {
        reader.cannotFill(this.name);
        reader.wake?.();
      },
    );
  }

  // -- saying

  /** Say something here, and wait for the server: the entry's number (null for a volatile one). */
  async publish(event: string, data?: unknown, options: PublishOptions = {}): Promise<number | null> {
    const fields: Said = { room: this.name, event };
    if (options.echo === false) fields.echo = false;
    if (options.volatile) fields.volatile = true;
    const told = await this.#page.result("publish", fields, data, options);
    return told?.seq ?? null;
  }

  /** What the room still holds: the newest `last`, or the oldest `limit` after a number. */
  async history(
    which: { last?: number; after?: number; limit?: number },
    options: AskOptions = {},
  ): Promise<Past> {
    const { after, ...fields } = which;
    const where = after === undefined ? {} : { after: `${this.#page.status.epoch}.${after}` };
    return this.#page.result("history", { room: this.name, ...fields, ...where }, undefined, options);
  }

  /**
   * Leave. Iterators of this join end; the server hears of it with the last join. Who waits no longer has left all
   * the same: the leave is said until it has its answer.
   */
  async leave(options: AskOptions = {}): Promise<void> {
    const { listeners } = this.#page;
    if (!listeners.has(this)) return;
    await this.#page.result("leave", { room: this.name }, undefined, { ...options, view: this.#id }, () => {
      // What cannot be waited for is no leave.
      listeners.delete(this);
      this.#end();
    });
  }

  /** @internal Call it before the page goes, or sleeps; gives what takes that back. */
  beforeSleep(say: () => void): () => void {
    const { lastWords } = this.#page;
    lastWords.add(say);
    return () => lastWords.delete(say);
  }

  // -- what the session tells

  /** @internal The answer to the join. */
  joined(told: Said, since?: number): void {
    const { history = [], gap, at, began } = told;
    this.#mark = at ?? began;
    this.#start = since ?? (history.length ? history[0].seq - 1 : this.#mark);
    const reader = (this.#first = new Reader(this.#start, (one) => this.#fill(one)));
    this.#readers.add(reader);
    this.#show({ ...told, type: "room" });
    if (gap) reader.push({ ...gap, type: "gap", room: this.name }, 0, 0);
    for (const said of history) reader.push(said, 0, 64);
    if (since === undefined || began !== undefined) reader.at = Math.max(reader.at, this.#mark);
    else reader.lack(this.#mark);
    const early = this.#early!;
    this.#early = undefined;
    for (const news of early) this.take(news);
  }

  /** @internal */
  get view(): { view: string; room: string; mark: number; data: string | undefined } | undefined {
    return this.#early ? undefined : { view: this.#id, room: this.name, mark: this.#mark, data: this.#data };
  }

  /** @internal */
  get behind(): string | undefined {
    return [...this.#readers].some(({ behind }) => behind) ? this.name : undefined;
  }

  /** @internal */
  done(): number | undefined {
    const numbers = [...this.#readers].map((reader) => reader.done ?? this.#mark);
    return numbers.length ? Math.min(...numbers) : undefined;
  }

  /** @internal */
  take(news: News): void {
    if (news.on === "epoch") {
      this.#mark = this.#start = 0;
      for (const reader of this.#readers) reader.newEpoch(this.name);
    } else if (news.on === "over") this.#end(errorOf(news.failure));
    else if ((news.on !== "hear" && news.on !== "room") || news.said.room !== this.name) return;
    else if (news.on === "room") this.#show(news.said);
    else if (this.#early) this.#early.push(news);
    else {
      const { said, prev, size } = news;
      const number = said.seq ?? said.to ?? 0;
      if (number) this.#mark = said.reason === "epoch" ? number : Math.max(this.#mark, number);
      for (const reader of this.#readers) reader.push(said as Heard, prev, size);
    }
  }

  #show(said: Said): void {
    const { count, state, grants } = said;
    if (said.type === "left") {
      this.#page.listeners.delete(this);
      const message = `out of the room ${this.name}: ${said.reason || "no reason was given"}`;
      this.#end(errorOf({ is: "LeftRoom", code: "FORBIDDEN", message }));
      return;
    }
    present(this.#members, said);
    this.#changed({
      members: [...this.#members.values()] as Member[],
      count: count ?? this.#view.count,
      state: state === undefined ? this.#view.state : state,
      grants: grants ?? this.#view.grants,
      joined: true,
    });
  }

  #changed(view: RoomView): void {
    this.#view = view;
    tellEach(this.#watchers);
  }

  #end(error?: Error): void {
    for (const reader of this.#readers) reader.end(error);
    this.#changed({ ...this.#view, joined: false });
  }
}
