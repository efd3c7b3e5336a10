// What is pushed, in which order, and when it rests. Up to four pushes are in flight, in the order of numbers. When one
// comes back with a `held`, nothing more goes out until all have come back; then it goes on from there.

import type { Pending, Queue } from "./collections_pending.ts";
import { bytesOf, dataOf, type Said } from "./words.ts";

const LANES = 4;
const PUSH = 100;
const PUSH_BYTES = 256 * 1024;

/** @internal A push to be sent. `token` comes back with its ack. */
export interface Out {
  token: number;
  changes: Said[];
}

/** @internal */
export class Lane {
  /** The numbers of each push that is in flight. */
  readonly flying = new Map<number, number[]>();
  /** Until when it rests (milliseconds), for a right, or for good. */
  rest: number | "right" | "fenced" | undefined;
  /** The highest number that was sent on this connection. */
  sent = 0;
  /** The last number that the server says it has decided. */
  told = Infinity;
  /** How many pushes may be in flight on this transport. */
  most = LANES;
  /** Changes go one at a time up to this number: one of them is refused with its whole push. */
  single = 0;
  #token = 0;

  /** Nothing is in flight any more. */
  down(): void {
    this.flying.clear();
    this.sent = 0;
  }

  /** The next push, if one is due. */
  next(queue: Queue, now: number, seen: number): Out | undefined {
    if (this.flying.size >= this.most) return undefined;
    if (typeof this.rest === "number" && !this.flying.size && now >= this.rest) this.rest = undefined;
    if (this.rest !== undefined) return undefined;
    const some: Pending[] = [];
    let bytes = 0;
    // (Of a copy that was renewed the numbers begin above what was drained.)
    for (let n = Math.max(this.sent + 1, queue.first?.n ?? 0); ; n++) {
      const pending = queue.all.get(n);
      if (!pending) break;
      // What is answered is not said again: it waits to be confirmed. Should the server have forgotten it, what comes next
      // waits for that too, and goes with `seen`.
      if (pending.outcome) continue;
      if (!some.length && n > Math.max(this.told, this.sent, seen) + 1) break;
      const single = n <= this.single;
      if (single && this.flying.size) return undefined;
      const size = bytesOf(dataOf(pending.said)!) + 1;
      if (some.length && (single || some.length >= PUSH || bytes + size > PUSH_BYTES)) break;
      bytes += size;
      some.push(pending);
      if (single) break;
    }
    if (!some.length) return undefined;
    this.sent = some.at(-1)!.n;
    this.flying.set(
      ++this.#token,
      some.map(({ n }) => n),
    );
    return { token: this.#token, changes: some.map(({ said }) => said) };
  }

  /** It came back: its numbers. */
  landed(token: number): number[] | undefined {
    const numbers = this.flying.get(token);
    this.flying.delete(token);
    return numbers;
  }

  /** It goes on from this number, not before `until`. */
  hold(n: number, until: number): void {
    this.sent = Math.min(this.sent, n - 1);
    this.told = n - 1;
    if (typeof this.rest === "number" || this.rest === undefined) this.rest = Math.max(this.rest ?? 0, until);
  }
}
