// What is confirmed, and how far that reaches.
//
// Invariants: `at` is not above what is held: everything up to it was heard or pulled. Where `behind`, events do not move
// it, pages do.

import { heardPatch } from "./collections_contents.ts";
import { partOf, sumText } from "./collections_sum.ts";
import type { Said } from "./words.ts";

/** Tombstones that are kept. */
const ASIDE = 10_000;

/** @internal What is held of a key; without a value it was deleted. */
export interface Known {
  seq: number;
  value: unknown;
}

/** @internal */
export class Confirmed {
  readonly keys = new Map<string, Known>();
  epoch = "";
  at: number | undefined;
  begun: number | undefined;
  behind = true;
  /** A page must reach this before all is whole. */
  need = 0;
  #highest = 0;
  readonly #graves = new Map<string, number>();
  /** Of all documents held; undefined: reckoned when it is asked for. */
  #sum: bigint | undefined = 0n;
  /** In a first sync: what is held and no page has come to yet. Undefined: reckoned when a page is here. */
  #heard: Set<string> | undefined;
  #lost = new Set<string>();

  /** All of it goes, and a first sync begins. */
  clear(): void {
    this.keys.clear();
    this.#graves.clear();
    this.at = this.begun = undefined;
    this.behind = true;
    this.need = this.#highest = 0;
    this.#sum = 0n;
    this.#heard = undefined;
  }

  /** Keys of which nothing is held any more, since the last call. */
  lost(): Iterable<string> {
    const lost = [...this.#lost].filter((key) => !this.keys.has(key));
    this.#lost.clear();
    return lost;
  }

  put(key: string, seq: number, value: unknown): void {
    const before = this.keys.get(key);
    this.keys.set(key, { seq, value });
    this.#highest = Math.max(this.#highest, seq);
    if (this.#sum !== undefined) {
      if (before && before.value !== undefined) this.#sum -= partOf(key, before.seq);
      if (value !== undefined) this.#sum += partOf(key, seq);
    }
    this.#graves.delete(key);
    if (value !== undefined) return;
    this.#graves.set(key, seq);
    if (this.#graves.size <= ASIDE) return;
    const oldest = [...this.#graves].sort(([, one], [, other]) => one - other);
    for (const [gone] of oldest.slice(0, ASIDE / 10)) this.#forget(gone);
  }

  #forget(key: string): void {
    const held = this.keys.get(key);
    if (held?.value !== undefined && this.#sum !== undefined) this.#sum -= partOf(key, held.seq);
    this.keys.delete(key);
    this.#graves.delete(key);
    this.#lost.add(key);
  }

  /** From what was kept: what it sums to is reckoned when somebody asks. */
  restore(key: string, seq: number, value: unknown): void {
    this.#sum = undefined;
    this.put(key, seq, value);
  }

  /** A change is heard: it is another document now, or it was in what is held, or what it builds on is not held. */
  hear(seq: number, { key, op, value, unset, prev }: Said): "applied" | "old" | "left out" {
    const held = this.keys.get(key);
    // (Acks go ahead of events: a page may reach above them, and have no word of a key that was deleted since.)
    if (Math.max(held?.seq ?? -1, this.at ?? -1) >= seq) return "old";
    let now: unknown;
    try {
      if (op === "put") now = value ?? null;
      else if (op === "patch" && held && held.seq === prev && held.value !== undefined) {
        now = heardPatch(held.value, value, unset ?? []);
      } else if (op !== "delete") throw new Error("left out");
    } catch {
      // What it builds on is not held, or it is of another time: it is pulled.
      this.behind = true;
      this.need = Math.max(this.need, seq);
      return "left out";
    }
    this.put(key, seq, now);
    this.#heard?.add(key);
    if (!this.behind) this.at = seq;
    return "applied";
  }

  /** A document or a tombstone of a page. */
  listed({ key, seq, value, deleted }: Said): boolean {
    const held = this.keys.get(key);
    if (held && held.seq >= seq) return false;
    this.put(key, seq, deleted ? undefined : (value ?? null));
    return true;
  }

  /**
   * A page of a first sync reaches up to `next`. Of a key that was deleted before the sync `begun` no tombstone comes: what was
   * heard of up to there, and is not in the page, is of another life or deleted, and goes.
   */
  prove({ docs = [], complete }: Said, next: number, begun: number | undefined): void {
    if (begun === undefined) return;
    const { at = -1, keys } = this;
    this.#heard ??= new Set([...keys].filter(([, { seq }]) => seq > at).map(([key]) => key));
    const listed = new Set(docs.map(({ key }: Said) => key));
    for (const key of this.#heard) {
      const held = keys.get(key);
      if (held && held.seq > Math.min(next, begun)) continue;
      this.#heard.delete(key);
      if (held?.value !== undefined && !listed.has(key)) this.#forget(key);
    }
    if (complete) this.#heard = undefined;
  }

  /** Whether the checksum of a page at `next` is that of what is held. What was heard since may hide that. */
  agrees(checksum: string, next: number): boolean {
    if (this.#highest > next) return true;
    if (this.#sum === undefined) {
      this.#sum = 0n;
      for (const [key, { seq, value }] of this.keys) if (value !== undefined) this.#sum += partOf(key, seq);
    }
    return sumText(this.#sum) === checksum;
  }
}
