// What `send` gives: a request of which each stage can be awaited.

import { errorOf, type Failure } from "./errors.ts";

const ORDER = ["queued", "accepted", "applied"] as const;
type Stage = (typeof ORDER)[number];

/** A request on its way. Whoever awaits a stage hears of a failure; who awaits none is not bothered. */
// biome-ignore lint/suspicious/noExplicitAny: what a handler answers
export class Sent<Result = any> {
  /** Its name, which no other request ever has. */
  readonly name: string;
  /** Whether it has ended. */
  done = false;
  /** Whether the server may have done it, as far as is known now. */
  maybeDone = false;
  readonly #stages: Record<
    Stage,
    { promise: Promise<Result>; resolve(it?: Result): void; reject(error: Error): void }
  >;
  /** @internal Called with the result in the session's turn, before whoever awaits it. */
  whenApplied: ((result: Result) => void) | undefined;
  /** Somebody waits for `accepted`: a `pong` says so. */
  #wanted = false;
  readonly #poke: () => void;
  readonly #takeBack: () => void;

  constructor(name: string, poke: () => void, takeBack: () => void) {
    this.name = name;
    this.#poke = poke;
    this.#takeBack = takeBack;
    const stage = () => {
      let resolve!: (it?: Result) => void;
      let reject!: (error: Error) => void;
      const promise = new Promise<Result>((yes, no) => {
        resolve = yes as typeof resolve;
        reject = no;
      });
      promise.catch(() => undefined);
      return { promise, resolve, reject };
    };
    this.#stages = { queued: stage(), accepted: stage(), applied: stage() };
  }

  /** It is kept here; with a store: it is committed. */
  get queued(): Promise<unknown> {
    return this.#stages.queued.promise;
  }

  /** The server has taken it, and will not forget it while its session lives. */
  get accepted(): Promise<unknown> {
    this.#wanted = true;
    if (this.maybeDone && !this.done) this.#poke();
    return this.#stages.accepted.promise;
  }

  /** Its result. */
  get applied(): Promise<Result> {
    return this.#stages.applied.promise;
  }

  /** Wait no longer: what was not written is not sent; what was written may have been done. */
  takeBack(): void {
    if (!this.done) this.#takeBack();
  }

  /** @internal */
  stage(stage: string): void {
    if (stage === "written") {
      this.maybeDone = true;
      if (this.#wanted) this.#poke();
    } else this.#stages[stage as Stage].resolve();
  }

  /** @internal */
  end(failure?: Failure, result?: Result): void {
    this.done = true;
    this.maybeDone = failure ? (failure.maybeDone ?? false) : true;
    try {
      if (!failure) this.whenApplied?.(result as Result);
    } catch (error) {
      failure = {
        is: "Rejected",
        code: "INTERNAL",
        message: `the server answered what none should: ${error}`,
      };
    }
    for (const stage of ORDER) {
      if (failure) this.#stages[stage].reject(errorOf(failure));
      else this.#stages[stage].resolve(result);
    }
  }
}
