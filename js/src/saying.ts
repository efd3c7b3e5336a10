// What goes out on the connection of now: measured first, many in one frame, and behind its commit where there is a
// store.

import type { Failure } from "./errors.ts";
import type { Keeper } from "./keeper.ts";
import { DEFAULTS } from "./limits.ts";
import { bytesOf, encode, framed, type Said } from "./words.ts";

/** Bytes of small messages that go into one frame, if the limit is not lower. */
const FRAME = 65_536;

/** The way up, for messages. `open` between `welcome` and the end of the connection. */
export class Saying {
  open = false;
  limits = DEFAULTS;
  keeper: Keeper | undefined;
  /** How many bytes a message has on the way that writes most. */
  measure: (text: string) => number = bytesOf;
  protected readonly write: (frame: string) => void;
  /** Which connection it is. */
  #era = 0;

  constructor(write: (frame: string) => void) {
    this.write = write;
  }

  /** Why this is not written: the server would close for it. */
  tooLarge(what: string, text: string): Failure | undefined {
    const { max_message } = this.limits;
    const size = text.length * 3 > max_message ? this.measure(text) : 0;
    const message = `${what} has ${size} bytes; the server takes ${max_message}`;
    return size > max_message ? { is: "TooLarge", code: "TOO_LARGE", message } : undefined;
  }

  /** What is no request: it is never kept, and says nothing when there is no connection. */
  say(said: Said, data?: string): void {
    this.sayText(encode(said, data));
  }

  sayText(text: string): void {
    if (this.open) this.hand([text]);
  }

  protected hand(batch: string[]): void {
    const era = this.#era;
    const leave = (messages: string[]): void => {
      if (era !== this.#era) return; // they go again with the next connection
      const most = Math.min(FRAME, this.limits.max_message);
      for (const each of framed(messages, most)) this.write(each);
    };
    if (this.keeper) this.keeper.hand(batch, leave);
    else leave(batch);
  }

  /** The connection is gone. */
  closed(): void {
    this.open = false;
    this.#era++;
  }
}
