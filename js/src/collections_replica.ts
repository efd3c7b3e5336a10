// A collection, as a client has it: what is confirmed, and one's own changes replayed on top. The second reading of
// `rust/data`'s client, as deterministic: whoever drives it tells it what was heard, asks what is due, and after each call
// keeps what `keep` gives, all in one transaction, before anything else leaves.

import { Confirmed } from "./collections_confirmed.ts";
import { changed, difference } from "./collections_contents.ts";
import { Lane, type Out } from "./collections_lane.ts";
import { type Failed, type Pending, Queue } from "./collections_pending.ts";
import { invalid, isMarked, Refused } from "./crdt_said.ts";
import { bytesOf, dataOf, type Said } from "./words.ts";

/** Two resets in so short a time (milliseconds) are an error that is shown, and not a third. */
const RESET = 60_000;
const KEY = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no key may have
const CONTROL = /[\0-\x1f\x7f-\x9f]/;
const NO_RIGHT = ["UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND"];

/** @internal What one call, or several, have changed. */
export interface Kept {
  /** Nothing of what was confirmed before is to be kept. */
  dropped: boolean;
  /** Keys of which something else may be confirmed or seen. */
  touched: Set<string>;
  /** Numbers of one's own changes of which something is another. */
  dirty: Set<number>;
  /** What became of one's own changes: their results, that they are over, that they were taken back. */
  news: [n: number, what: "answered" | "over" | "discarded", result?: Said][];
}

const none = (): Kept => ({ dropped: false, touched: new Set(), dirty: new Set(), news: [] });

/** @internal A position's number, if it is of this epoch. */
const numberIn = (position: unknown, epoch: string): number | undefined => {
  const [of, digits] = String(position ?? "").split(".");
  return of === epoch && /^\d+$/.test(digits ?? "") ? Number(digits) : undefined;
};

/** @internal */
export class Replica {
  readonly confirmed = new Confirmed();
  readonly queue = new Queue();
  readonly failed = new Map<number, Failed>();
  readonly lane = new Lane();
  /** The highest number that was ever given. */
  last = 0;
  /** One's public name, as the last join told it. */
  name = "";
  /** Why it does not go on: to be shown. */
  trouble: { code: string; message: string } | undefined;
  joined = false;
  #own: number | undefined;
  schema: number | undefined;
  #custom = false;
  #limits: Said = { value: 1 << 20, fields: 1000 };
  #pulling = false;
  #resetAt: number | undefined;
  #kept = none();

  constructor(schema?: number) {
    this.#own = this.schema = schema;
  }

  get whole(): boolean {
    return this.joined && !this.confirmed.behind;
  }

  get fenced(): boolean {
    return this.lane.rest === "fenced";
  }

  /** Everything up to here is confirmed. */
  get position(): string | undefined {
    const { at, epoch } = this.confirmed;
    return at === undefined ? undefined : `${epoch}.${at}`;
  }

  /** Up to which every outcome is kept, and what it was about is confirmed or was told. */
  get seen(): number {
    return (this.queue.first?.n ?? this.last + 1) - 1;
  }

  /** What is seen of a key. */
  get(key: string): unknown {
    let document = this.theirs(key);
    for (const { n, said } of this.queue.ofKey(key)) {
      document = changed(document, said, { writer: this.name, n, time: said.at ?? 0 });
    }
    return document;
  }

  /** What is confirmed of a key. */
  theirs(key: string): unknown {
    return this.confirmed.keys.get(key)?.value;
  }

  /** What has changed since the last call. */
  keep(): Kept {
    const kept = this.#kept;
    this.#kept = none();
    return kept;
  }

  // -- the room

  /** The server's word on the room: `sync` of the ack of a join, or of `room`. */
  join(epoch: string, sync: Said): void {
    const { confirmed, lane, queue } = this;
    this.joined = true;
    this.#pulling = false;
    this.trouble = undefined;
    lane.down();
    if (!this.fenced) lane.rest = undefined;
    this.schema = this.#own ?? sync.schema;
    this.#custom = sync.strategy === "custom";
    this.#limits = { ...this.#limits, ...sync.limits };
    const same = epoch === confirmed.epoch;
    const horizon = numberIn(sync.horizon, epoch);
    const goesOn =
      same &&
      (sync.horizon == null || (horizon ?? Infinity) <= Math.max(confirmed.at ?? 0, confirmed.begun ?? 0));
    if (!same) {
      this.#drop();
      confirmed.epoch = epoch;
      queue.unanswered();
    }
    confirmed.behind = true;
    if (sync.writer) this.#writer(sync.writer, goesOn);
  }

  #writer({ name = "", n = 0, outcomes = [] }: Said, goesOn: boolean): void {
    this.name = name;
    if (n > this.last) {
      this.fence();
      return;
    }
    for (const outcome of outcomes) this.#settle(outcome);
    if (n >= this.seen || !goesOn) return;
    const message = "the server has forgotten this writer: it may have been done";
    for (const { n: of, sent, outcome } of [...this.queue.all.values()]) {
      if (sent && !outcome) this.#settle({ n: of, rejected: { code: "OUTCOME_UNKNOWN", message } });
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

  #drop(): void {
    for (const key of this.confirmed.keys.keys()) this.#kept.touched.add(key);
    this.#kept.dropped = true;
    this.confirmed.clear();
  }

  // -- what is heard

  hear(seq: number, data: Said): void {
    if (this.confirmed.hear(seq, data)) {
      this.#kept.touched.add(data.key);
      // One's own is in what is confirmed.
      if (this.name && data.writer === this.name) this.queue.confirm(data.n);
    }
    this.#tidy();
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

  page({ docs = [], next, complete, reset, begun, n = 0, checksum }: Said, now: number): void {
    if (!this.#pulling) return;
    this.#pulling = false;
    const { confirmed, queue } = this;
    const upto = numberIn(next, confirmed.epoch);
    if (upto === undefined || reset) {
      this.#reset(now);
      return;
    }
    for (const doc of docs) {
      if (!confirmed.listed(doc)) continue;
      this.#kept.touched.add(doc.key);
      for (const mine of queue.ofKey(doc.key)) if (mine.n <= n) mine.confirmed = true;
    }
    confirmed.at = Math.max(confirmed.at ?? 0, upto);
    confirmed.begun = complete ? undefined : numberIn(begun, confirmed.epoch);
    if (complete) {
      if (checksum && !confirmed.agrees(checksum, upto)) {
        this.#reset(now);
        return;
      }
      confirmed.behind = upto < confirmed.need;
      for (const mine of queue.all.values()) {
        if (mine.n > n) break;
        mine.confirmed = true;
        this.#kept.touched.add(mine.key);
      }
    }
    this.#tidy();
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

  // -- what is said

  nextPush(now: number): Out | undefined {
    const push = this.joined ? this.lane.next(this.queue, now) : undefined;
    for (const { n } of push?.changes ?? []) {
      const pending = this.queue.all.get(n)!;
      if (!pending.sent) this.#kept.dirty.add(n);
      pending.sent = true;
    }
    return push;
  }

  pushed(token: number, { results = [], held }: Said, now: number): void {
    if (!this.lane.landed(token)) return;
    for (const result of results) this.#settle(result);
    if (!held) return;
    if (held.code === "FENCED") this.fence();
    else this.lane.hold(held.n ?? Infinity, now + (held.after ?? 0) * 1000);
  }

  /** A push came back with an error: nothing of it was looked at. `after`: milliseconds. */
  pushFailed(
    token: number,
    why: { code: string; message: string },
    retry: boolean,
    after: number,
    now: number,
  ): void {
    const { lane } = this;
    const numbers = lane.landed(token);
    if (!numbers || this.fenced) return;
    const first = numbers[0]!;
    const right = !retry && NO_RIGHT.includes(why.code);
    lane.hold(first, now + (retry ? after : 0));
    if (right) lane.rest = "right";
    if (retry || right) return;
    if (numbers.length > 1) lane.single = Math.max(lane.single, numbers.at(-1)!);
    else this.#refuse(this.queue.skip(first), why);
  }

  #refuse(change: Pending, rejected: { code: string; message: string }): void {
    const { n } = change;
    this.#touch(change);
    if (change.said.op === "skip") return;
    this.#kept.news.push([n, "answered", { n, rejected }]);
    this.failed.set(n, { change, rejected });
  }

  #touch({ n, key }: Pending): void {
    this.#kept.dirty.add(n);
    this.#kept.touched.add(key);
  }

  /** This is a copy of another's outbox: it says nothing more under its name, until it is renewed. */
  fence(): void {
    this.lane.rest = "fenced";
    for (const change of this.queue.drain()) {
      // What is known to be done, or was told already, is no change to be said anew.
      if (change.outcome) {
        this.#touch(change);
        this.#kept.news.push([change.n, "over"]);
      } else
        this.#refuse(change, { code: "FENCED", message: "a copy of this outbox was opened: say it anew" });
    }
  }

  /** It speaks under another client id from the next join on. */
  renew(): void {
    this.away();
    this.name = "";
    this.lane.rest = undefined;
  }

  /** What came of a change is known. */
  #settle(result: Said): void {
    const { n, conflict, rejected } = result;
    if (rejected?.code === "ID_REUSED") {
      const pending = this.queue.all.get(n);
      if (pending && !pending.outcome) this.fence();
      return;
    }
    if (!this.queue.answer(n, result)) return;
    const change = this.queue.all.get(n)!;
    this.#touch(change);
    // Of a skip it was told what came of the change whose number it is.
    if (change.said.op !== "skip") {
      this.#kept.news.push([n, "answered", result]);
      // Of one that was said again in another epoch, the last word counts.
      this.failed.delete(n);
      const waits = { ...change, confirmed: undefined, outcome: undefined };
      if (conflict) {
        const { seq = null, fields = [], gone = false } = conflict;
        this.failed.set(n, { change: waits, conflict: { seq, fields, gone } });
      } else if (rejected) this.failed.set(n, { change: waits, rejected });
    }
    this.#tidy();
  }

  /** Let go of the changes that are over: those that came to nothing, and those that are held. */
  #tidy(): void {
    const { at = -1, keys } = this.confirmed;
    this.queue.settle(({ key, outcome }) => {
      const { conflict, rejected, seq } = outcome!;
      return conflict || rejected || seq == null || at >= seq || (keys.get(key)?.seq ?? -1) >= seq;
    });
    for (let first = this.queue.pop(); first; first = this.queue.pop()) {
      this.#touch(first);
      this.#kept.news.push([first.n, "over"]);
    }
  }

  // -- one's own changes

  /** Make this the document; of one that is seen, the fields that differ go out. Its number; undefined: nothing differs. */
  put(key: string, value: unknown, at: number, name?: string): number | undefined {
    const op = difference(this.get(key), value);
    return op && this.change(key, op, at, name);
  }

  /** Throws what is `Refused`. `at`: the server's time. */
  change(key: string, op: Said, at: number, name?: string, on?: Failed): number {
    const size = bytesOf(key);
    if (!size || size > KEY) throw invalid(`the key is ${size} bytes long; it has 1 to ${KEY}`);
    if (CONTROL.test(key)) throw invalid("the key has a control character in it");
    if (this.fenced) throw new Refused("FENCED", "a copy of this outbox was opened later");
    this.#check(op);
    const n = ++this.last;
    const known = on?.conflict ? on.conflict.seq : this.confirmed.keys.get(key)?.seq;
    const was = this.get(key);
    const said: Said = { n, ...op, key, base: known == null ? null : `${this.confirmed.epoch}.${known}`, at };
    if (this.schema !== undefined) said.schema = this.schema;
    if (this.#custom && was !== undefined) said.was = was;
    if (on?.conflict) said.resolves = [on.change.n];
    const pending: Pending = { n, key, said, was, name };
    this.queue.push(pending);
    this.#touch(pending);
    return n;
  }

  #check({ op, value, unset = [] }: Said): void {
    if (op === "delete") return;
    const plain = value instanceof Object && !Array.isArray(value) && !(value instanceof Uint8Array);
    if (op === "patch" && !plain) throw invalid("a patch has an object as its value");
    const over = (what: string, is: number, most: number): void => {
      if (is > most) throw new Refused("TOO_LARGE", `${what}: ${is}; the collection takes ${most}`);
    };
    over("bytes of the value", bytesOf(dataOf(value) ?? ""), this.#limits.value);
    const fields = plain && !isMarked(value) ? Object.keys(value).length : 0;
    over("fields of the change", fields + unset.length, this.#limits.fields);
  }

  /** Take back a change that was never sent. False: it may have been done already. */
  discard(n: number): boolean {
    const pending = this.queue.all.get(n);
    if (!pending || pending.sent || pending.said.op === "skip") return false;
    this.#touch(this.queue.skip(n));
    this.#kept.news.push([n, "discarded"]);
    return true;
  }

  /** Decide about a change that came to nothing. The change that does it; undefined: nothing is to be changed. */
  decide(n: number, how: string, value: unknown, at: number, name?: string): number | undefined {
    const failed = this.failed.get(n);
    if (!failed) throw new Refused("NOT_FOUND", `change ${n} waits for no decision`);
    const { key, said, was } = failed.change;
    const { op, value: wanted, unset } = said;
    const gone = this.theirs(key) === undefined;
    let does: Said | undefined;
    if (how === "set") does = gone ? { op: "put", value } : difference(this.get(key), value);
    else if (how === "mine" || how === "retry") {
      does = { op, ...(wanted === undefined ? {} : { value: wanted }), ...(unset ? { unset } : {}) };
      // Of a document that is gone, what it was with the change on top.
      if (how === "mine" && op === "patch" && gone) {
        const kept = Object.entries(was ?? {}).filter(([field]) => !unset?.includes(field));
        does = { op: "put", value: Object.fromEntries([...kept, ...Object.entries(wanted)]) };
      }
    }
    const made = does && this.change(key, does, at, name, failed);
    this.failed.delete(n);
    this.#kept.dirty.add(n);
    return made;
  }

  // -- what was kept

  /** The row of a change; undefined: it is over. */
  row(n: number): Said | undefined {
    const pending = this.queue.all.get(n);
    const failed = this.failed.get(n);
    return pending || failed ? { n, pending, failed } : undefined;
  }

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
    if (pending) this.queue.push({ ...pending, confirmed: pending.said.op === "skip" });
    if (failed) this.failed.set(n, failed as Failed);
    this.#tidy();
  }
}
