// Changes as a program sees them: one's own, with stages that can be awaited; what becomes of documents; and what came
// to nothing, with both sides.

import { errorOf, type RtcoreError } from "./errors.ts";
import type { Said } from "./words.ts";

/**
 * What came of a change, for its author. `kind`: `done`, `conflict` (its author decides), `rejected`, `discarded` (taken
 * back before it was sent), or `nothing` (nothing differed, so nothing was said). `by`: what decided, where it was not
 * done as wished, and `lost` what did not count: names of fields, or true for all of it.
 */
export interface ChangeOutcome {
  readonly kind: "done" | "conflict" | "rejected" | "discarded" | "nothing";
  readonly seq?: number | null | undefined;
  readonly by?: string | undefined;
  readonly lost?: readonly string[] | true | undefined;
  /** Milliseconds of its time that lay in the server's future. */
  readonly clamped?: number | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly gone?: boolean | undefined;
}

/** From a result of a push. */
export const outcomeOf = ({ conflict, rejected, seq, by, lost, clamped }: Said): ChangeOutcome =>
  rejected
    ? { kind: "rejected", ...rejected }
    : conflict
      ? { kind: "conflict", ...conflict }
      : { kind: "done", seq, by, lost: lost?.length === 0 ? undefined : lost, clamped };

interface Stage<T> {
  promise: Promise<T>;
  resolve(it: T): void;
  reject(error: Error): void;
}

const stage = <T>(): Stage<T> => {
  let made!: Omit<Stage<T>, "promise">;
  const promise = new Promise<T>((resolve, reject) => {
    made = { resolve, reject };
  });
  // Whoever awaits none is not bothered.
  promise.catch(() => undefined);
  return { promise, ...made };
};

/** A change that is kept here. `n` is its number; null: nothing differed, so nothing is said. */
export class OwnChange {
  readonly n: number | null;
  readonly key: string;
  /** What came of it, as far as that is known. */
  result: ChangeOutcome | undefined;
  readonly #outcome: Stage<ChangeOutcome> = stage();
  readonly #applied: Stage<ChangeOutcome> = stage();

  /** @internal */
  constructor(n: number | null, key: string) {
    this.n = n;
    this.key = key;
    if (n === null) {
      this.answered({ kind: "nothing" });
      this.over();
    }
  }

  /** Whether what came of it is known. */
  get done(): boolean {
    return this.result !== undefined;
  }

  /** The server has answered for it, whatever it said. As long as there is no connection, this waits. */
  get accepted(): Promise<unknown> {
    return this.#outcome.promise;
  }

  /** What came of it; it does not throw for what the server decided. */
  get outcome(): Promise<ChangeOutcome> {
    return this.#outcome.promise;
  }

  /** It is done, and in what is confirmed here. Throws a `Rejected` for what was refused, and (`CONFLICT`) for a conflict. */
  get applied(): Promise<ChangeOutcome> {
    return this.#applied.promise;
  }

  /** @internal */
  answered(outcome: ChangeOutcome): void {
    this.result ??= outcome;
    this.#outcome.resolve(this.result);
    const { kind, code = "CONFLICT", fields = [], gone, message } = this.result;
    if (kind !== "conflict" && kind !== "rejected") return;
    const what = gone ? "the document is gone" : `${fields.join(", ")} changed meanwhile`;
    this.#applied.reject(
      errorOf({ is: "Rejected", code, message: message ?? `${this.key}: ${what}`, details: this.result }),
    );
  }

  /** @internal It is over. */
  over(): void {
    if (this.result) this.#applied.resolve(this.result);
  }

  /** @internal Nobody here will hear what came of it. */
  ends(error: RtcoreError): void {
    this.#outcome.reject(error);
    this.#applied.reject(error);
  }
}

/** Something else is seen of a key. `before` and `now`: the document; undefined where there is none. */
export interface DocumentChange<Document> {
  readonly key: string;
  readonly before: Document | undefined;
  readonly now: Document | undefined;
  /** Because of a call of this client; else the server, or another, made it so. */
  readonly own: boolean;
}

/** @internal Decides about a change that came to nothing. */
export type Decide = (n: number, key: string, how: string, document?: unknown) => Promise<OwnChange>;

/** A change that came to nothing. */
export class Failed<Document> {
  readonly n: number;
  readonly key: string;
  /** As it was said: `op`, `value`, `unset`. */
  readonly change: Said;
  /** The document as it would be with the change; undefined: deleted. */
  readonly mine: Document | undefined;
  /** As it is now. */
  readonly theirs: Document | undefined;
  /** As it was seen before. */
  readonly base: Document | undefined;
  protected readonly decide: Decide;

  /** @internal */
  constructor({ n, key, said, was, theirs }: Said, mine: unknown, decide: Decide) {
    this.n = n;
    this.key = key;
    this.change = said;
    this.mine = mine as Document;
    this.theirs = theirs;
    this.base = was;
    this.decide = decide;
  }

  /** Make this the document, whatever was wanted. Resolves once that is kept here, as all of these do. */
  set(document: Document): Promise<OwnChange> {
    return this.decide(this.n, this.key, "set", document);
  }

  /** Let go of the change: what is there stays. */
  async discard(): Promise<void> {
    await this.decide(this.n, this.key, "discard");
  }
}

/** A change that met another's, and waits for its author. */
export class Conflict<Document> extends Failed<Document> {
  /** What both changed. */
  readonly fields: readonly string[];
  /** The document was deleted meanwhile, or is another one. */
  readonly gone: boolean;

  /** @internal */
  constructor(row: Said, mine: unknown, decide: Decide) {
    super(row, mine, decide);
    this.fields = row.conflict.fields;
    this.gone = row.conflict.gone;
  }

  /** My change counts after all. */
  keepMine(): Promise<OwnChange> {
    return this.decide(this.n, this.key, "mine");
  }

  /** What is there stays. */
  keepTheirs(): Promise<OwnChange> {
    return this.decide(this.n, this.key, "discard");
  }
}

/** A change that was refused for good: `code` and `message` say why. */
export class Refusal<Document> extends Failed<Document> {
  readonly code: string;
  readonly message: string;

  /** @internal */
  constructor(row: Said, mine: unknown, decide: Decide) {
    super(row, mine, decide);
    this.code = row.rejected.code;
    this.message = row.rejected.message;
  }

  /** Say it anew, on what is there now. */
  retry(): Promise<OwnChange> {
    return this.decide(this.n, this.key, "retry");
  }
}
