// How a program takes what a reader holds: by iteration, or by functions that are called.

import { callable } from "./given.ts";
import type { Event, Heard, Reader } from "./reader.ts";
import { soon } from "./waiting.ts";

/** Called with each event of its name; under `*` with all, and with each gap. */
// biome-ignore lint/suspicious/noExplicitAny: a handler says what it takes
export type Handler = (heard: any) => unknown;

/** An iterator over a reader. Leaving the loop ends the reader. */
export async function* iterate(reader: Reader, left: () => void): AsyncGenerator<Heard, void, undefined> {
  try {
    for (;;) {
      const item = reader.take();
      if (item) yield item;
      else if (reader.size) continue;
      else if (reader.over) {
        if (reader.over.error) throw reader.over.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
        reader.wake = undefined;
      }
    }
  } finally {
    left();
  }
}

/** Functions by the names of events. What one throws is reported, and stops nobody. */
export class Handlers {
  readonly #by = new Map<string, Set<Handler>>();
  readonly #reader: () => Reader;
  readonly #failed: () => void;

  /** `reader`: asked once, when there is a first handler. `failed`: told when one throws. */
  constructor(reader: () => Reader, failed: () => void) {
    this.#reader = reader;
    this.#failed = failed;
  }

  on(event: string, handler: Handler): void {
    callable("handler", handler);
    const first = !this.#by.size;
    const those = this.#by.get(event) ?? new Set();
    this.#by.set(event, those.add(handler));
    if (first) this.#serve(this.#reader());
  }

  off(event: string, handler: Handler): void {
    this.#by.get(event)?.delete(handler);
  }

  /** Call them with all that comes, in order, once the present turn is over. */
  #serve(reader: Reader): void {
    let due = false;
    const drain = (): void => {
      due = false;
      for (let item = reader.take(); item; item = reader.take()) this.#call(item);
    };
    reader.wake = () => {
      if (due) return;
      due = true;
      soon(drain);
    };
    reader.wake();
  }

  #call(item: Heard): void {
    const name = (item as Event).event ?? "";
    for (const those of [this.#by.get(name), this.#by.get("*")]) {
      for (const handler of those ?? []) {
        try {
          handler(item);
        } catch (error) {
          this.#failed();
          reportError(error);
        }
      }
    }
  }
}
