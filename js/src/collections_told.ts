// What pages know of a collection: which documents are seen, which changes wait or came to nothing, and how it is.

import { same } from "./collections_contents.ts";
import type { Kept } from "./collections_notes.ts";
import type { Replica } from "./collections_replica.ts";
import type { Failure } from "./errors.ts";
import type { News } from "./port.ts";
import type { Said } from "./words.ts";

/** Documents that are told in one piece. */
const PIECE = 2000;

/** @internal */
export class Told {
  readonly #room: string;
  readonly #replica: Replica;
  readonly #say: (news: News) => void;
  readonly #shown = new Map<string, unknown>();
  #last: Said = {};
  /** Why it is not joined, or cannot go on. */
  problem: Failure | undefined;
  /** The server's, as of the last join. */
  schema: number | undefined;

  constructor(room: string, replica: Replica, say: (news: News) => void) {
    this.#room = room;
    this.#replica = replica;
    this.#say = say;
  }

  /** What has changed is told. `own`: a call of the program was the cause. */
  tell({ dirty, news, touched }: Kept, own: boolean): void {
    const docs: [string, unknown][] = [];
    for (const key of touched) {
      const now = this.#replica.get(key);
      if (same(this.#shown.get(key), now)) continue;
      if (now === undefined) this.#shown.delete(key);
      else this.#shown.set(key, now);
      docs.push([key, now]);
    }
    // What failed is told anew where the other side is another.
    for (const [n, { change }] of this.#replica.failed) if (touched.has(change.key)) dirty.add(n);
    const how = this.#how();
    if (!docs.length && !dirty.size && !news.length && same(how, this.#last)) return;
    this.#last = how;
    const rows = [...dirty].map((n) => [n, this.#row(n)]);
    this.#say({ on: "data", room: this.#room, said: { docs, rows, news, own, ...how } });
  }

  #how(): Said {
    const { position, schema: own, whole } = this.#replica;
    const outdated = own !== undefined && this.schema !== undefined && this.schema > own;
    return { whole, position, problem: this.problem, outdated };
  }

  #row(n: number): Said | undefined {
    const pending = this.#replica.queue.all.get(n);
    const failed = this.#replica.failed.get(n);
    const waits = pending !== undefined && pending.said.op !== "skip" && !pending.confirmed;
    const change = failed?.change ?? pending;
    if (!change || !(waits || failed)) return undefined;
    const { key, said, was } = change;
    const row: Said = { n, key, said, was, waits, sent: pending?.sent };
    if (failed) {
      const { conflict, rejected } = failed;
      Object.assign(row, { conflict, rejected, theirs: this.#replica.theirs(key) });
    }
    return row;
  }

  /** Tell one view all that is seen. */
  snapshot(view: string): void {
    const { failed, queue } = this.#replica;
    const docs = [...this.#shown];
    const rows = [...new Set([...queue.all.keys(), ...failed.keys()])].map((n) => [n, this.#row(n)]);
    for (let at = 0; at === 0 || at < docs.length; at += PIECE) {
      const last = at + PIECE >= docs.length;
      const more = last ? { rows, last, ...this.#how() } : {};
      const said = { all: at === 0 ? "first" : "more", docs: docs.slice(at, at + PIECE), ...more };
      this.#say({ on: "data", room: this.#room, to: view, said });
    }
  }

  /** What was read from the store is what is seen. */
  restored(): void {
    const { confirmed, queue } = this.#replica;
    for (const key of [...confirmed.keys.keys(), ...[...queue.all.values()].map((each) => each.key)]) {
      const now = this.#replica.get(key);
      if (now !== undefined) this.#shown.set(key, now);
    }
  }
}
