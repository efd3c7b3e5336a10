// Which transport is tried next: the best that works here, remembered for the server; what failed, again after a while;
// and whether to move while the connection is there.

import type { Choice, Open } from "./link.ts";

/** Milliseconds after which what failed is tried again; doubled at each further failure. */
const AGAIN = 5000;
const LONGEST = 300_000;
/** Down when it is worse than this, up to a better one when this one is calm. */
const SLOW = 1000;
const LOSSY = 0.05;
const QUICK = 100;
const CALM = 0.01;
/** So many readings in a row, so that one slow answer moves nobody. */
const STEADY = 3;
/** At most one move in this time: each asks the application again. */
const DWELL = 60_000;

/** @internal Where it is remembered what worked. */
export interface Memory {
  get(): string | null;
  set(transport: string): void;
}

/** The transports that may be used, best first, and which of them failed lately. */
export class Transports implements Choice {
  readonly #names: string[];
  readonly #by: Readonly<Record<string, Open>>;
  readonly #memory: Memory;
  readonly #failures = new Map<string, number>();
  readonly #againAt = new Map<string, number>();
  #remembered: string | undefined;
  #since = 0;
  #dwell = DWELL;
  #bad = 0;
  #good = 0;

  constructor(by: Readonly<Record<string, Open>>, memory: Memory) {
    this.#by = by;
    this.#names = Object.keys(by);
    this.#memory = memory;
    // The first attempt is by what worked here the last time.
    this.#remembered = this.#names.find((name) => name === memory.get());
  }

  next(now: number): string {
    const best = this.#remembered;
    this.#remembered = undefined;
    // All have failed lately: the one whose turn comes first.
    const soonest = this.#names.reduce((one, other) => (this.#at(other) < this.#at(one) ? other : one));
    return best ?? this.#names.find((name) => this.#due(name, now)) ?? soonest;
  }

  #at(name: string): number {
    return this.#againAt.get(name) ?? Number.NEGATIVE_INFINITY;
  }

  #due(name: string, now: number): boolean {
    return this.#at(name) <= now;
  }

  open(transport: string): Open {
    return this.#by[transport]!;
  }

  failed(transport: string, now: number): boolean {
    const count = (this.#failures.get(transport) ?? 0) + 1;
    this.#failures.set(transport, count);
    this.#againAt.set(transport, now + Math.min(LONGEST, AGAIN * 2 ** (count - 1)));
    return this.#names.some((name) => this.#due(name, now));
  }

  failedAbove(transport: string): string[] {
    const better = this.#names.slice(0, Math.max(0, this.#names.indexOf(transport)));
    return better.filter((name) => this.#failures.has(name));
  }

  worked(transport: string, now: number): void {
    this.#failures.delete(transport);
    this.#againAt.delete(transport);
    this.#memory.set(transport);
    this.#since = now;
    this.#bad = this.#good = 0;
  }

  measured(transport: string, rtt: number | undefined, loss: number, now: number): string | undefined {
    if (rtt === undefined) return undefined;
    const at = this.#names.indexOf(transport);
    this.#bad = rtt > SLOW || loss > LOSSY ? this.#bad + 1 : 0;
    this.#good = rtt < QUICK && loss < CALM ? this.#good + 1 : 0;
    if (now - this.#since < DWELL) return undefined;
    const worse = this.#names[at + 1];
    if (this.#bad >= STEADY && worse !== undefined && at === 0) {
      this.#dwell *= 2;
      return worse;
    }
    // Up: not by the figures of the worse transport, but by trying.
    const better = this.#names.slice(0, Math.max(at, 0)).find((name) => this.#due(name, now));
    return better !== undefined && this.#good >= STEADY && now - this.#since >= this.#dwell
      ? better
      : undefined;
  }
}
