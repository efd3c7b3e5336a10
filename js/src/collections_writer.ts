// Who speaks: one writer for all collections of a client; and what time it is at the server.

import type { Clock } from "./clock.ts";
import type { Said } from "./words.ts";

/** A secret that nobody guesses: 128 bits. */
export const secret = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

/** @internal `incarnation`: how often the store was opened; the nonce is made up each time. */
export class Writer {
  client = secret();
  incarnation = 1;
  nonce = secret();
  readonly #clock: Clock;
  /** Milliseconds by which the server's clock is ahead of the wall's here. */
  #offset = 0;
  #told = 0;
  #then = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server said what time it is. A wall that is set back later does not make changes older. */
  learned(server: unknown): void {
    if (typeof server !== "number") return;
    this.#offset = server - this.#clock.wall();
    this.#told = server;
    this.#then = this.#clock.now();
  }

  /** Milliseconds since 1970, at the server. */
  get now(): number {
    const since = this.#told && this.#told + this.#clock.now() - this.#then;
    return Math.max(0, Math.floor(Math.max(this.#clock.wall() + this.#offset, since)));
  }

  /** Another client id: what was said under the first may be another's to say. */
  renew(): void {
    Object.assign(this, { client: secret(), incarnation: 1, nonce: secret() });
  }

  /** What is kept of it. */
  get row(): Said {
    const { client, incarnation } = this;
    return { client, incarnation, offset: this.#offset };
  }

  /** The store is opened once more. */
  restore({ client, incarnation, offset }: Said): void {
    Object.assign(this, { client, incarnation: incarnation + 1 });
    this.#offset = offset;
  }
}
