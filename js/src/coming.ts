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

const ENDS: Readonly<Record<number, readonly [is: Failure["is"], message: string, code: string]>> = {
  4500: ["Superseded", "another client took this session over", "SUPERSEDED"],
  4501: ["TokenRefused", "the server does not accept the token", "UNAUTHORIZED"],
  4502: ["Forbidden", "the server does not let this client in", "FORBIDDEN"],
  4503: ["SessionClosed", "the application ended the session", "FORBIDDEN"],
};

/** Whether a close ends the client; undefined: it comes back. `helloOpen`: a hello of its own has no answer. */
export const verdict = (close: number, reason: string, helloOpen: boolean): Failure | undefined => {
  // An old hello of our own may have taken the session back: then nobody else speaks for it. And after the other
  // codes the same again would meet the same answer.
  const final = (close > 4499 && close < 5000) || [1000, 1002, 1003, 1007, 1009].includes(close);
  if (!final || (close === 4500 && helloOpen)) return undefined;
  const [is, message, code] = ENDS[close] ?? [
    "SessionClosed",
    `the server closed for good with ${close}`,
    "INTERNAL",
  ];
  return { is, message: message + (reason && `: ${reason}`), code, close };
};
