// One's own changes of a collection: those that wait, in their order, what came of them, and when they leave. What is seen is
// what is confirmed with them on top.

import type { Confirmed } from "./collections_confirmed.ts";
import { changed, difference } from "./collections_contents.ts";
import { Lane, type Out } from "./collections_lane.ts";
import { Notes } from "./collections_notes.ts";
import { type Failed, type Pending, Queue } from "./collections_pending.ts";
import { invalid, isMarked, Refused } from "./crdt_said.ts";
import { bytesOf, dataOf, type Said } from "./words.ts";

const KEY = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no key may have
const CONTROL = /[\0-\x1f\x7f-\x9f]/;
const NO_RIGHT = ["UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND"];

const isReused = ({ rejected }: Said): boolean => rejected?.code === "ID_REUSED";

/** @internal */
export abstract class Own {
  readonly confirmed: Confirmed;
  readonly queue = new Queue();
  readonly failed = new Map<number, Failed>();
  readonly lane = new Lane();
  /** The highest number that was ever given. */
  last = 0;
  /** One's public name, as the last join told it. */
  name = "";
  joined = false;
  schema: number | undefined;
  protected custom = false;
  protected limits: Said = { value: 1 << 20, fields: 1000 };
  protected readonly notes = new Notes();

  constructor(confirmed: Confirmed) {
    this.confirmed = confirmed;
  }

  get fenced(): boolean {
    return this.lane.rest === "fenced";
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

  // -- what is said

  nextPush(now: number): Out | undefined {
    const push = this.joined ? this.lane.next(this.queue, now, this.seen) : undefined;
    for (const { n } of push?.changes ?? []) {
      const pending = this.queue.all.get(n)!;
      if (!pending.sent) this.notes.now.dirty.add(n);
      pending.sent = true;
    }
    return push;
  }

  pushed(token: number, { results = [], held }: Said, now: number): void {
    if (!this.lane.landed(token)) return;
    for (const result of results) if (!isReused(result)) this.settle(result);
    // (Who is fenced by one of them knows what came of the others.)
    for (const result of results) if (isReused(result)) this.settle(result);
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
    this.touch(change);
    if (change.said.op === "skip") return;
    this.notes.now.news.push([n, "answered", { n, rejected }]);
    this.failed.set(n, { change, rejected });
  }

  protected touch({ n, key }: Pending): void {
    this.notes.now.dirty.add(n);
    this.notes.now.touched.add(key);
  }

  /** This is a copy of another's outbox: it says nothing more under its name, until it is renewed. */
  fence(): void {
    this.lane.rest = "fenced";
    for (const change of this.queue.drain()) {
      // What is known to be done, or was told already, is no change to be said anew.
      if (change.outcome) {
        this.touch(change);
        this.notes.now.news.push([change.n, "over"]);
      } else
        this.#refuse(change, { code: "FENCED", message: "a copy of this outbox was opened: say it anew" });
    }
  }

  /** What came of a change is known. */
  protected settle(result: Said): void {
    const { n, conflict, rejected } = result;
    if (isReused(result)) {
      const pending = this.queue.all.get(n);
      if (pending && !pending.outcome) this.fence();
      return;
    }
    if (!this.queue.answer(n, result)) return;
    const change = this.queue.all.get(n)!;
    this.touch(change);
    // Of a skip it was told what came of the change whose number it is.
    if (change.said.op !== "skip") {
      this.notes.now.news.push([n, "answered", result]);
      const waits = { ...change, confirmed: undefined, outcome: undefined };
      if (conflict) {
        const { seq = null, fields = [], gone = false } = conflict;
        this.failed.set(n, { change: waits, conflict: { seq, fields, gone } });
      } else if (rejected) this.failed.set(n, { change: waits, rejected });
    }
    this.tidy();
  }

  /** Let go of the changes that are over: those that came to nothing, and those that are held. */
  protected tidy(): void {
    const { at = -1, keys } = this.confirmed;
    const settled = this.queue.settle(({ key, outcome }) => {
      const { conflict, rejected, seq } = outcome!;
      return conflict || rejected || seq == null || at >= seq || (keys.get(key)?.seq ?? -1) >= seq;
    });
    // One before it may still wait: it is not over, and is seen no more all the same.
    for (const pending of settled) this.touch(pending);
    for (let first = this.queue.pop(); first; first = this.queue.pop()) {
      this.touch(first);
      this.notes.now.news.push([first.n, "over"]);
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
    if (this.custom && was !== undefined) said.was = was;
    if (on?.conflict) said.resolves = [on.change.n];
    const pending: Pending = { n, key, said, was, name };
    this.queue.push(pending);
    this.touch(pending);
    return n;
  }

  #check({ op, value, unset = [] }: Said): void {
    if (op === "delete") return;
    const plain = value instanceof Object && !Array.isArray(value) && !(value instanceof Uint8Array);
    if (op === "patch" && !plain) throw invalid("a patch has an object as its value");
    for (const name of unset) if (name in value) throw invalid(`${name} is set and taken out, both`);
    const over = (what: string, is: number, most: number): void => {
      if (is > most) throw new Refused("TOO_LARGE", `${what}: ${is}; the collection takes ${most}`);
    };
    over("bytes of the value", bytesOf(dataOf(value) ?? ""), this.limits.value);
    const fields = plain && !isMarked(value) ? Object.keys(value).length : 0;
    over("fields of the change", fields + unset.length, this.limits.fields);
  }

  /** Take back a change that was never sent. False: it may have been done already. */
  discard(n: number): boolean {
    const pending = this.queue.all.get(n);
    if (!pending || pending.sent || pending.said.op === "skip") return false;
    this.touch(this.queue.skip(n));
    this.notes.now.news.push([n, "discarded"]);
    return true;
  }

  /** Decide about a change that came to nothing. The change that does it; undefined: nothing is to be changed. */
  decide(n: number, how: string, value: unknown, at: number, name?: string): number | undefined {
    const failed = this.failed.get(n);
    if (!failed) throw new Refused("NOT_FOUND", `change ${n} waits for no decision`);
    const { key, said, was } = failed.change;
    const { op, value: wanted, unset } = said;
    const { behind, keys } = this.confirmed;
    // (What is not held may be there all the same, until everything was heard.)
    const known = keys.has(key) || failed.conflict?.gone || !behind;
    const gone = known && this.theirs(key) === undefined;
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
    this.notes.now.dirty.add(n);
    return made;
  }

  // -- what was kept

  /** The row of a change; undefined: it is over. */
  row(n: number): Said | undefined {
    const pending = this.queue.all.get(n);
    const failed = this.failed.get(n);
    return pending || failed ? { n, pending, failed } : undefined;
  }
}
