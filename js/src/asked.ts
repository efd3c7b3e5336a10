// What the server asked of this client: each once, however often the question comes. Replies are kept as long as the
// session and the server's life are the same: 256 of them, 256 KiB.

const KEPT = 256;
const KEPT_BYTES = 256 * 1024;

/** Questions by their ids. */
export class Asked {
  readonly #running = new Set<number>();
  readonly #replies = new Map<number, string>();
  #size = 0;
  /** Called with all that are kept. */
  onKept: ((replies: [number, string][]) => void) | undefined;

  /** A text: say this again. True: ask the program. False: its handler is still at work. */
  comes(id: number): string | boolean {
    const kept = this.#replies.get(id);
    if (kept !== undefined) return kept;
    if (this.#running.has(id)) return false;
    this.#running.add(id);
    return true;
  }

  /** Keep the reply; false: nobody wants it any more. */
  replied(id: number, reply: string): boolean {
    if (!this.#running.delete(id)) return false;
    this.keep(id, reply);
    this.onKept?.([...this.#replies]);
    return true;
  }

  keep(id: number, reply: string): void {
    this.#replies.set(id, reply);
    this.#size += reply.length;
    for (const [old, text] of this.#replies) {
      if (this.#replies.size <= KEPT && this.#size <= KEPT_BYTES) break;
      this.#replies.delete(old);
      this.#size -= text.length;
    }
  }

  /** Another session, or another life: the ids begin again. */
  forget(): void {
    this.#running.clear();
    this.#replies.clear();
    this.#size = 0;
  }

  /** Those that the program has not answered. */
  get open(): number[] {
    return [...this.#running];
  }
}
