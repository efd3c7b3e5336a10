// Streams of items, as the session knows them: by id for the server, by name for the page. An `open` is answered by
// the first word about its stream: until then it is a request.

import type { Failure } from "./errors.ts";
import type { Ask } from "./outbox.ts";
import type { Asking, News } from "./port.ts";
import type { Sending } from "./sending.ts";
import { encode, type Said } from "./words.ts";

/** @internal */
interface Stream {
  ask: Ask;
  /** The next item that is wanted. */
  next: number;
  /** The credit that was said last. */
  credit: number;
}

/** All that are open. */
export class Streams {
  readonly #known = new Map<string, Stream>();
  readonly #sending: Sending;
  readonly #tell: (news: News) => void;

  constructor(sending: Sending, tell: (news: News) => void) {
    this.#sending = sending;
    this.#tell = tell;
  }

  open(asking: Asking): void {
    const stream: Stream = { ask: asking as Ask, next: 0, credit: asking.fields.credit };
    this.#known.set(asking.name, stream);
    stream.ask = this.#sending.submit(asking, {
      before: (ask) => {
        stream.ask = ask;
        return true;
      },
      done: (_, failure) => {
        if (failure) this.#known.delete(asking.name);
      },
    });
  }

  /** `item`, `credit` or `end`; of a stream that nobody knows: nothing. */
  heard(said: Said): void {
    const stream = this.#of(said.id);
    if (!stream) return;
    const { ask } = stream;
    if (!ask.ended) this.#sending.end(ask);
    if (said.type === "item") {
      if (said.n < stream.next) return;
      stream.next = said.n + 1;
    } else if (said.type === "end") this.#known.delete(ask.name);
    this.#tell({ on: "stream", name: ask.name, said });
  }

  #of(id: number): Stream | undefined {
    for (const stream of this.#known.values()) if (stream.ask.id === id) return stream;
    return undefined;
  }

  /** What its page says of it. */
  say(name: string, said: Said, data?: string): void {
    const stream = this.#known.get(name);
    if (!stream) return;
    const { ask } = stream;
    if (said.type === "credit") stream.credit = said.n;
    if (said.type === "cancel") {
      this.#known.delete(name);
      this.#sending.drop(name, "AbortError");
    }
    if (ask.id === undefined) return;
    const text = encode({ ...said, id: ask.id }, data);
    const large = this.#sending.tooLarge(`the ${said.type} of a stream`, text);
    if (large) this.#stop(name, large);
    else this.#sending.sayText(text);
  }

  #stop(name: string, error: Failure): void {
    this.say(name, { type: "cancel" });
    this.#tell({ on: "stream", name, said: { type: "end", error } });
  }

  /** Of each down that the server knows, the next item: for `hello`. */
  get wanted(): Said {
    const wanted: Said = {};
    for (const { ask, next } of this.#known.values()) if (ask.ended && !ask.fields.up) wanted[ask.id!] = next;
    return wanted;
  }

  /** The session is the same: a credit of before may be lost; up it goes on where the server says. */
  resumed(up: Said = {}): void {
    for (const id of Object.keys(up)) if (!this.#of(+id)) this.#sending.say({ type: "cancel", id: +id });
    for (const { ask, credit } of this.#known.values()) {
      if (!ask.ended) continue;
      if (!ask.fields.up) this.#sending.say({ type: "credit", id: ask.id, n: credit });
      else if (up[ask.id!] === undefined) {
        const large = this.#sending.repeat(ask);
        if (large) this.#stop(ask.name, large);
      } else this.#tell({ on: "stream", name: ask.name, said: { type: "wanted", n: up[ask.id!] } });
    }
  }

  /** The session is another: none that was open goes on. */
  fresh(): void {
    for (const [name, { ask }] of this.#known) {
      if (!ask.ended) continue;
      this.#known.delete(name);
      const error = { code: "STREAM_LOST", message: "the session is another" };
      this.#tell({ on: "stream", name, said: { type: "end", error } });
    }
  }

  /** A stream of before this session was here. */
  adopt(name: string, page: string, id: number, { next, credit, up }: Said): void {
    const ask: Ask = { name, page, id, kind: "open", fields: { up }, ended: true, asks: 0, closes: 0 };
    this.#known.set(name, { ask, next, credit });
  }

  /** A page is gone, and nobody reads its streams. */
  gone(page: string): void {
    for (const [name, { ask }] of this.#known) if (ask.page === page) this.say(name, { type: "cancel" });
  }
}
