// Is the server there, how far away is it, and how fast may be spoken.

import type { Said } from "./words.ts";

/** How many of the last pings loss is reckoned from. */
const WINDOW = 20;
/** Milliseconds between two pings at least, whatever a server asks for. */
const SHORTEST = 100;
/** The weight of a new round trip, as RFC 6298 section 2 has it. */
const SMOOTH = 0.125;

/** Pings of one connection; begins anew with each, for figures are of the transport in use. */
export class Pulse {
  heard: number;
  readonly ping: number;
  readonly silence: number;
  /** The smoothed round trip in milliseconds. */
  smoothed: number | undefined;
  /** When the ping without an answer was said. */
  asked: number | undefined;
  /** When the first ping was said since the last answer. */
  #since = Number.POSITIVE_INFINITY;
  /** The last round trip. */
  last: number | undefined;
  #outcomes: boolean[] = [];

  constructor(now: number, ping: number, silence: number) {
    this.heard = now;
    this.ping = Math.max(ping * 1000, SHORTEST);
    this.silence = silence * 1000;
  }

  /** The `ping` that goes out now; one before it that has no answer is lost. */
  question(now: number, acked: number): Said {
    if (this.asked !== undefined) this.#outcome(false);
    this.asked = now;
    this.#since = Math.min(this.#since, now);
    const said: Said = { type: "ping", time: Math.round(now) };
    if (acked) said.acked = acked;
    if (this.last !== undefined) said.rtt = Math.round(this.last);
    return said;
  }

  /** When the connection is given up: nothing was heard, or what goes up has no answer though something comes down. */
  get deadline(): number {
    return Math.min(this.heard, this.#since) + this.ping + this.silence;
  }

  /** Its answer, or (false) one of an earlier ping: it says only that the way up is open. */
  ponged(now: number, time: unknown): boolean {
    this.#since = Number.POSITIVE_INFINITY;
    if (this.asked === undefined || time !== Math.round(this.asked)) return false;
    const trip = (this.last = now - this.asked);
    this.asked = undefined;
    this.smoothed = this.smoothed === undefined ? trip : this.smoothed + SMOOTH * (trip - this.smoothed);
    this.#outcome(true);
    return true;
  }

  #outcome(answered: boolean): void {
    this.#outcomes.push(answered);
    if (this.#outcomes.length > WINDOW) this.#outcomes.shift();
  }

  /** The part of the last pings that had no answer. */
  get loss(): number {
    return this.#outcomes.filter((answered) => !answered).length / (this.#outcomes.length || 1);
  }
}

/** As many messages a second as the server takes; a second's worth may go at once. */
export class Pace {
  #rate = 0;
  #left = 0;
  #then = 0;

  /** A new connection: `rate` messages a second, 0 for no limit. */
  begin(rate: number, now: number): void {
    this.#rate = this.#left = rate;
    this.#then = now;
  }

  /** Milliseconds until one more may go; 0: it goes, and counts. */
  wait(now: number): number {
    if (!this.#rate) return 0;
    this.#left = Math.min(this.#rate, this.#left + ((now - this.#then) * this.#rate) / 1000);
    this.#then = now;
    if (this.#left < 1) return ((1 - this.#left) / this.#rate) * 1000;
    this.#left--;
    return 0;
  }
}
