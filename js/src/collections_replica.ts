// A collection, as a client has it: what is confirmed, and one's own changes replayed on top. The second reading of
// `rust/data`'s client, as deterministic: whoever drives it tells it what was heard, asks what is due, and after each call
// keeps what `keep` gives, all in one transaction, before anything else leaves.

import { Confirmed } from "./collections_confirmed.ts";
import type { Kept } from "./collections_notes.ts";
import { Own } from "./collections_own.ts";
import type { Failed, Pending } from "./collections_pending.ts";
import type { Said } from "./words.ts";

/** Two resets in so short a time (milliseconds) are an error that is shown, and not a third. */
const RESET = 60_000;

/** @internal A position's number, if it is of this epoch. */
const numberIn = (position: unknown, epoch: string): number | undefined => {
  const [of, digits] = String(position ?? "").split(".");
  return of === epoch && /^\d+$/.test(digits ?? "") ? Number(digits) : undefined;
};

/** @internal */
export class Replica extends Own {
  /** Why it does not go on: to be shown. */
  trouble: { code: string; message: string } | undefined;
  #ownSchema: number | undefined;
  #pulling = false;
  #resetAt: number | undefined;

  constructor(schema?: number) {
    super(new Confirmed());
    this.#ownSchema = this.schema = schema;
  }

  get whole(): boolean {
    return this.joined && !this.confirmed.behind;
  }

  /** Everything up to here is confirmed. */
  get position(): string | undefined {
    const { at, epoch } = this.confirmed;
    return at === undefined ? undefined : `${epoch}.${at}`;
  }

  /** What has changed since the last call. */
  keep(): Kept {
    const kept = this.notes.take();
    for (const key of this.confirmed.lost()) {
      kept.touched.add(key);
      kept.forgotten.add(key);
    }
    return kept;
  }

  // -- the room

  /** The server's word on the room: `sync` of the ack of a join, or of `room`. */
  join(epoch: string, sync: Said): void {
    const { confirmed, lane, queue } = this;
    // Said before an answer that is here: acks go ahead of what waits, and a `room` message waits.
    if (this.joined && epoch === confirmed.epoch && (sync.writer?.n ?? Infinity) < this.#answered) return;
    this.joined = true;
    this.#pulling = false;
    this.trouble = undefined;
    lane.down();
    if (!this.fenced) lane.rest = undefined;
    this.schema = this.#ownSchema ?? sync.schema;
    this.custom = sync.strategy === "custom";
    this.limits = { ...this.limits, ...sync.limits };
    const same = epoch === confirmed.epoch;
    const horizon = numberIn(sync.horizon, epoch);
    const goesOn =
      same &&
      (sync.horizon == null || (horizon ?? Infinity) <= Math.max(confirmed.at ?? 0, confirmed.begun ?? 0));
    if (!same) {
      this.#drop();
      confirmed.epoch = epoch;
      for (const pending of queue.unanswered()) this.touch(pending);
      // The number of the document that a change met says nothing in this one.
      for (const [n, { conflict }] of this.failed) {
        if (conflict) conflict.seq = null;
        this.notes.now.dirty.add(n);
      }
    }
    confirmed.behind = true;
    if (sync.writer) this.#writer(sync.writer, goesOn);
  }

  /** Up to here the server has answered. */
  get #answered(): number {
    return Math.max(this.seen, this.queue.lastAnswered);
  }

  /**
   * What `outcomes` say is of numbers, not of changes: a copy of this store may have said another under one that was
   * sent from here and lost. So it is said again, and the server compares: the same has the outcome that it had.
   */
  #writer({ name = "", n = 0 }: Said, goesOn: boolean): void {
    this.name = name;
    if (n > this.last || this.queue.isUnsent(n)) {
      this.fence();
      return;
    }
    this.lane.told = n;
    if (n >= this.#answered || !goesOn) return;
    const message = "the server has forgotten this writer: it may have been done";
    for (const { n: of, sent, outcome } of [...this.queue.all.values()]) {
      if (sent && !outcome) this.settle({ n: of, rejected: { code: "OUTCOME_UNKNOWN", message } });
    }
  }

  /** The connection is lost: what was sent may have been done or not. */
  away(): void {
    this.joined = this.#pulling = false;
    this.lane.down();
  }

  /** The right to it is gone: what was confirmed goes, what is pending stays. */
  left(): void {
    this.away();
    this.#drop();
  }

  /** It speaks under another client id from the next join on. */
  renew(): void {
    this.away();
    this.name = "";
    this.lane.rest = undefined;
  }

  #drop(): void {
    for (const key of this.confirmed.keys.keys()) this.notes.now.touched.add(key);
    this.notes.now.dropped = true;
    this.confirmed.clear();
    for (const pending of this.queue.unconfirm()) this.touch(pending);
  }

  /** It is in what is confirmed. That is kept with what is confirmed, or it would count twice when both come back. */
  #confirm(pending: Pending | undefined): void {
    if (!pending || pending.confirmed) return;
    pending.confirmed = true;
    this.touch(pending);
  }

  // -- what is heard

  hear(seq: number, data: Said): void {
    const took = this.confirmed.hear(seq, data);
    if (took === "applied") this.notes.now.touched.add(data.key);
    if (took !== "left out") {
      // One's own is in what is confirmed. Before the join's ack a name may be another's by now.
      if (this.joined && this.name && data.writer === this.name) {
        if (this.queue.isUnsent(data.n)) this.fence();
        this.#confirm(this.queue.all.get(data.n));
      }
    }
    this.tidy();
  }

  /** A gap of the room was told, up to this number. */
  gap(to: number): void {
    this.confirmed.behind = true;
    this.confirmed.need = Math.max(this.confirmed.need, to);
  }

  /** The fields of the next `pull`, if one is due. One at a time. */
  nextPull(): Said | undefined {
    const { at, begun, behind, epoch } = this.confirmed;
    if (!this.joined || !behind || this.#pulling || this.trouble) return undefined;
    this.#pulling = true;
    const position = (seq: number | undefined): string | undefined =>
      seq === undefined ? undefined : `${epoch}.${seq}`;
    return { after: position(at), begun: position(begun) };
  }

  pullFailed(): void {
    this.#pulling = false;
  }

  page(page: Said, now: number): void {
    const { docs = [], next, complete, reset, begun, n = 0, checksum } = page;
    if (!this.#pulling) return;
    this.#pulling = false;
    const { confirmed, queue } = this;
    const upto = numberIn(next, confirmed.epoch);
    const first = numberIn(begun, confirmed.epoch);
    if (upto === undefined || reset) {
      this.#reset(now);
      return;
    }
    // Decided under a number that was given here and never left: this is a copy of another's store, or that is one of this.
    if (queue.isUnsent(n)) this.fence();
    for (const doc of docs) {
      if (!confirmed.listed(doc)) continue;
      this.notes.now.touched.add(doc.key);
      for (const mine of queue.ofKey(doc.key)) if (mine.n <= n) this.#confirm(mine);
    }
    confirmed.prove(page, upto, first);
    confirmed.at = Math.max(confirmed.at ?? 0, upto);
    confirmed.begun = complete ? undefined : first;
    if (complete) {
      if (checksum && !confirmed.agrees(checksum, upto)) {
        this.#reset(now);
        return;
      }
      confirmed.behind = upto < confirmed.need;
      for (const mine of queue.all.values()) {
        if (mine.n > n) break;
        this.#confirm(mine);
      }
    }
    this.tidy();
  }

  /** What is held cannot be gone on from. What is pending stays. */
  #reset(now: number): void {
    if (this.#resetAt !== undefined && now - this.#resetAt < RESET) {
      const message = "what is held was reset twice in a minute: the server's answers do not fit";
      this.trouble = { code: "RESET", message };
    }
    this.#resetAt = now;
    this.#drop();
  }

  // -- what was kept

  /** How far it is. */
  get state(): Said {
    const { at, begun, epoch } = this.confirmed;
    return { epoch, at, begun, last: this.last, name: this.name };
  }

  /** Come back from what was kept: the state, then documents, then changes by their numbers. */
  restore({ epoch = "", at, begun, last = 0, name = "" }: Said): void {
    Object.assign(this.confirmed, { epoch, at, begun });
    Object.assign(this, { last, name });
  }

  restoreChange({ n, pending, failed }: Said): void {
    this.last = Math.max(this.last, n);
    if (pending) this.queue.push({ ...pending });
    if (failed) this.failed.set(n, failed as Failed);
    this.tidy();
  }
}
