// One's own changes: those that wait, in the order of their numbers, and those that came to nothing.
//
// Invariants: numbers rise by one, and all below the first are over; what is at work here is looked up by number or by
// key, never by going through all: a laptop comes back with a hundred thousand.

import type { Said } from "./words.ts";

/** @internal A change that waits. */
export interface Pending {
  n: number;
  key: string;
  /** As it is said. Fixed before it is first sent. */
  said: Said;
  /** What was seen before it. */
  was?: unknown;
  /** It may have been sent. */
  sent?: boolean | undefined;
  /** The result that came of it. */
  outcome?: Said | undefined;
  /** It is in what is confirmed: it is not shown on top of it. */
  confirmed?: boolean | undefined;
  /** The request of a page that it is. */
  name?: string | undefined;
}

/** @internal A change that was not done: a conflict waits for its author, what was refused is refused for good. */
export interface Failed {
  change: Pending;
  conflict?: { seq: number | null; fields: string[]; gone: boolean } | undefined;
  rejected?: { code: string; message: string } | undefined;
}

const skipOf = ({ n, key, name }: Pending): Pending => ({
  n,
  key,
  name,
  said: { n, op: "skip", key, base: null },
  confirmed: true,
});

/** @internal */
export class Queue {
  readonly all = new Map<number, Pending>();
  readonly #byKey = new Map<string, Set<number>>();
  #last = 0;
  /** Those with an outcome that are not confirmed yet. */
  readonly #answered = new Set<number>();

  get first(): Pending | undefined {
    for (const first of this.all.values()) return first;
    return undefined;
  }

  push(pending: Pending): void {
    this.all.set(pending.n, pending);
    this.#last = pending.n;
    const numbers = this.#byKey.get(pending.key) ?? new Set();
    this.#byKey.set(pending.key, numbers.add(pending.n));
    if (pending.outcome) this.#answered.add(pending.n);
  }

  /** Whether a change up to this number was never sent: who is told of its number hears of another's. */
  isUnsent(n: number): boolean {
    // They are sent in their order, and what was taken back before that says nothing.
    for (let at = Math.min(n, this.#last); ; at--) {
      const pending = this.all.get(at);
      if (!pending) return false;
      if (pending.said.op !== "skip") return !pending.sent;
    }
  }

  /** The highest number whose outcome is known; 0: there is none. */
  get lastAnswered(): number {
    let last = 0;
    for (const { n, outcome } of this.all.values()) if (outcome) last = n;
    return last;
  }

  /** What was confirmed is gone: each is shown again until it is in what comes next. Those that change. */
  *unconfirm(): Iterable<Pending> {
    for (const pending of this.all.values()) {
      const { confirmed, outcome, said } = pending;
      // What came to nothing, or changed nothing, is in nothing that could come.
      if (!confirmed || said.op === "skip" || (outcome && outcome.seq == null)) continue;
      pending.confirmed = false;
      if (outcome) this.#answered.add(pending.n);
      yield pending;
    }
  }

  /** What came of it; false: it is not there, or that was known. */
  answer(n: number, outcome: Said): boolean {
    const pending = this.all.get(n);
    if (!pending || pending.outcome) return false;
    pending.outcome = outcome;
    this.#answered.add(n);
    return true;
  }

  /** Its number says nothing any more; what it was. */
  skip(n: number): Pending {
    const pending = this.all.get(n)!;
    this.#answered.delete(n);
    this.all.set(n, skipOf(pending));
    return pending;
  }

  /**
   * What was done in an epoch that has ended counts as not answered. What came to nothing, or changed nothing, is over with its
   * answer, and may be decided by now: its number says nothing. All of them are kept as that, too, and seen again.
   */
  *unanswered(): Iterable<Pending> {
    this.#answered.clear();
    for (const pending of this.all.values()) {
      const { n, outcome, said } = pending;
      if (outcome && outcome.seq == null) this.all.set(n, skipOf(pending));
      else Object.assign(pending, { outcome: undefined, confirmed: said.op === "skip" });
      if (outcome) yield pending;
    }
  }

  /** Those of a key that are not in what is confirmed. */
  *ofKey(key: string): Iterable<Pending> {
    for (const n of this.#byKey.get(key) ?? []) {
      const pending = this.all.get(n);
      if (pending && !pending.confirmed) yield pending;
    }
  }

  /** Those with an outcome that are not confirmed: which are now. */
  settle(held: (pending: Pending) => boolean): Pending[] {
    const settled: Pending[] = [];
    for (const n of this.#answered) {
      const pending = this.all.get(n);
      if (pending && !pending.confirmed) {
        if (!held(pending)) continue;
        pending.confirmed = true;
        settled.push(pending);
      }
      this.#answered.delete(n);
    }
    return settled;
  }

  /** The first, if it is over. */
  pop(): Pending | undefined {
    const { first } = this;
    if (!first?.confirmed || !first.outcome) return undefined;
    this.#forget(first);
    return first;
  }

  #forget({ n, key }: Pending): void {
    this.all.delete(n);
    this.#answered.delete(n);
    const numbers = this.#byKey.get(key);
    numbers?.delete(n);
    if (!numbers?.size) this.#byKey.delete(key);
  }

  /** All of them, out. */
  drain(): Pending[] {
    const all = [...this.all.values()];
    for (const each of all) this.#forget(each);
    return all;
  }
}
