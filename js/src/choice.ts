// Which transport is tried next: the best that works here, remembered for the server; what failed, again after a while;
// and whether to move while the connection is there.

import type { Choice, Measured, Open } from "./link.ts";

/** Milliseconds after which what failed is tried again; doubled at each further failure. */
const AGAIN = 5000;
const LONGEST = 300_000;
/** Down, where the smoothed round trip or the part of pings without an answer is above this. */
const SLOW = 1000;
const LOSSY = 0.05;
/** So many readings in a row, so that one slow answer moves nobody. */
const STEADY = 3;
/** At most one move, or try, in this time: each asks the application again. And before the way up, doubled at each fall. */
const DWELL = 60_000;
const LONGEST_DWELL = 3_600_000;

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
  #since = Number.POSITIVE_INFINITY;
  #tried = Number.NEGATIVE_INFINITY;
  #dwell = DWELL;
  #bad = 0;
  #advised: string | undefined;

  constructor(by: Readonly<Record<string, Open>>, memory: Memory) {
    this.#by = by;
    this.#names = Object.keys(by);
    this.#memory = memory;
    // The first attempt is by what worked here the last time.
    this.#remembered = this.#names.find((name) => name === memory.get());
  }

  next(now: number): string {
    const best = this.#remembered;
    this.#remembered = this.#advised = undefined;
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

  #above(transport: string): string[] {
    return this.#names.slice(0, Math.max(0, this.#names.indexOf(transport)));
  }

  failedAbove(transport: string): string[] {
    return this.#above(transport).filter((name) => this.#failures.has(name));
  }

  worked(transport: string, now: number): void {
    this.#failures.delete(transport);
    this.#againAt.delete(transport);
    this.#memory.set(transport);
    this.#since = now;
    this.#bad = 0;
    this.#advised = undefined;
  }

  advised(transport: string | undefined): void {
    this.#advised = this.#names.find((name) => name === transport);
    // What was only left, and has not failed, need not wait.
    if (!this.#failures.has(transport!)) this.#againAt.delete(transport!);
  }

  toTry(transport: string, now: number, pulse?: Measured): string | undefined {
    if (pulse) this.#bad = pulse.loss > LOSSY || pulse.smoothed! > SLOW ? this.#bad + 1 : 0;
    if (now < Math.max(this.#since, this.#tried) + DWELL) return undefined;
    const above = this.#above(transport);
    const names = this.#advised ? [this.#advised] : [];
    // Up: not by figures, neither of this transport nor of a worse one, but by trying.
    if (now >= this.#since + this.#dwell) names.push(...above);
    // Down: only the best is left, for below it one way over plain HTTP is as slow as the other.
    if (!above.length && this.#bad >= STEADY) names.push(...this.#names.slice(1, 2));
    const to = names.find((name) => name !== transport && this.#due(name, now));
    if (!to) return undefined;
    this.#tried = now;
    this.#advised = undefined;
    if (!above.includes(to)) {
      // A fall: those above count as failed until the way up is tried, over a return too.
      this.#dwell = Math.min(LONGEST_DWELL, this.#dwell * 2);
      for (const name of this.#above(to)) this.#againAt.set(name, now + this.#dwell);
    }
    return to;
  }
}
