// What a client measured, said to a server that asks for it, and what the server advises: `report`, `advise`.

import type { Clock } from "./clock.ts";
import type { Said } from "./words.ts";

/** Milliseconds between two, whatever a server asks for; and for how long its advice is followed. */
const SHORTEST = 5000;
const LONGEST = 3_600_000;

/** What the server advised last, and until when it holds (since 1970). */
export interface Advice {
  why: string;
  transport: string | undefined;
  until: number;
}

/** When the next is due. Nothing is said unless `welcome.limits.report` asks for it. */
export class Reports {
  advice: Advice | undefined;
  readonly #clock: Clock;
  readonly #say: () => void;
  #every = 0;
  #stop: (() => void) | undefined;

  constructor(clock: Clock, say: () => void) {
    this.#clock = clock;
    this.#say = say;
  }

  /** A new connection, and after how many seconds its server wants the next. */
  begin(seconds: unknown): void {
    this.#every = Number(seconds) > 0 ? Math.max(Number(seconds) * 1000, SHORTEST) : 0;
    this.#due(this.#every);
  }

  /** The connection is gone. */
  end(): void {
    this.#stop?.();
  }

  #due(after: number): void {
    this.end();
    if (!this.#every) return;
    this.#stop = this.#clock.after(after, () => {
      const held = (this.advice?.until ?? 0) - this.#clock.wall();
      // What can wait waits as long as the server says.
      if (held > 0) return this.#due(held);
      this.#say();
      this.#due(this.#every);
    });
  }

  /** A hint, never an order. */
  advised({ why, transport, hold }: Said): void {
    const known = typeof hold === "number" && hold > 0 && hold * 1000 <= LONGEST;
    this.advice = {
      why: String(why ?? ""),
      transport: typeof transport === "string" ? transport : undefined,
      until: this.#clock.wall() + (known ? hold * 1000 : 0),
    };
  }
}
