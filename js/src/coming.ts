// Coming back: whether, when, and under which number.

import type { Failure } from "./errors.ts";

/** The code of a connection that ended without one (RFC 6455 §7.4.1). */
export const ABNORMAL = 1006;
const FIRST = 1000;
const CAP = 30_000;
/** Being live for so long begins the waits anew: a server that closes after each welcome is not asked each second. */
const CALM = 10_000;

/** Waits: 1 s doubling to 30 s, the chance drawn after the cap; what the server asked for wins. */
export class Backoff {
  #failures = 0;
  #liveSince: number | undefined;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The client is live from now on. */
  live(now: number): void {
    this.#liveSince = now;
  }

  /** Milliseconds until the next attempt. `after`: what the server asked for, in seconds. */
  wait(now: number, after?: number): number {
    if (this.#liveSince !== undefined && now - this.#liveSince >= CALM) this.#failures = 0;
    this.#liveSince = undefined;
    const longest = Math.min(CAP, FIRST * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return after === undefined ? this.#random() * longest : Math.max(0, after * 1000);
  }
}

/** `hello.n` rises with each hello of a session; and how many of ours have no answer yet. */
export class HelloNumbers {
  last = 0;
  unanswered = 0;

  next(wall: number): number {
    this.unanswered++;
    return (this.last = Math.max(this.last + 1, wall));
  }

  /** The server knows a higher one. */
  known(n: unknown): void {
    if (typeof n === "number") this.last = Math.max(this.last, n);
  }
}

/** Whether a close ends the client; undefined: it comes back. `helloOpen`: a hello of its own has no answer. */
export const verdict = (code: number, reason: string, helloOpen: boolean): Failure | undefined => {
  const why = reason && `: ${reason}`;
  const ended = (is: Failure["is"], text: string, name: string): Failure => ({
    is,
    message: text + why,
    code: name,
    close: code,
  });
  if (code === 4500) {
    // An old hello of our own may have taken the session back: then nobody else speaks for it.
    return helloOpen ? undefined : ended("Superseded", "another client took this session over", "SUPERSEDED");
  }
  if (code === 4501) return ended("TokenRefused", "the server does not accept the token", "UNAUTHORIZED");
  if (code === 4502) return ended("Forbidden", "the server does not let this client in", "FORBIDDEN");
  if (code === 4503) return ended("SessionClosed", "the application ended the session", "FORBIDDEN");
  // After these the same again would meet the same answer.
  if ((code > 4499 && code < 5000) || [1000, 1002, 1003, 1007, 1009].includes(code)) {
    return ended("SessionClosed", `the server closed the connection for good with ${code}`, "INTERNAL");
  }
  return undefined;
};
