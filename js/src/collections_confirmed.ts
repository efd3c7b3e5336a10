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

  /** All of it goes, and a first sync begins. */
  clear(): void {
    this.keys.clear();
    this.#graves.clear();
    this.at = this.begun = undefined;
    this.behind = true;
    this.need = this.#highest = 0;
    this.#sum = 0n;
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
    for (const [gone] of oldest.slice(0, ASIDE / 10)) {
      this.#graves.delete(gone);
      this.keys.delete(gone);
    }
  }

  /** From what was kept: what it sums to is reckoned when somebody asks. */
  restore(key: string, seq: number, value: unknown): void {
    this.#sum = undefined;
    this.put(key, seq, value);
  }

  /** A change is heard; whether it is another document now. */
  hear(seq: number, { key, op, value, unset, prev }: Said): boolean {
    const held = this.keys.get(key);
    if (held && held.seq >= seq) return false;
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
      return false;
    }
    this.put(key, seq, now);
    if (!this.behind) this.at = Math.max(this.at ?? 0, seq);
    return true;
  }

  /** A document or a tombstone of a page. */
  listed({ key, seq, value, deleted }: Said): boolean {
    const held = this.keys.get(key);
    if (held && held.seq >= seq) return false;
    this.put(key, seq, deleted ? undefined : (value ?? null));
    return true;
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
