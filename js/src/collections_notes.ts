// What calls have changed of a collection, until somebody keeps and tells it.

import type { Said } from "./words.ts";

/** @internal What one call, or several, have changed. */
export interface Kept {
  /** Nothing of what was confirmed before is to be kept. */
  dropped: boolean;
  /** Keys of which something else may be confirmed or seen. */
  touched: Set<string>;
  /** Of which nothing is held any more. */
  forgotten: Set<string>;
  /** Numbers of one's own changes of which something is another. */
  dirty: Set<number>;
  /** What became of one's own changes: their results, that they are over, that they were taken back. */
  news: [n: number, what: "answered" | "over" | "discarded", result?: Said][];
}

/** @internal */
export class Notes {
  now!: Kept;

  constructor() {
    this.take();
  }

  /** What has changed since the last call. */
  take(): Kept {
    const kept = this.now;
    this.now = { dropped: false, touched: new Set(), forgotten: new Set(), dirty: new Set(), news: [] };
    return kept;
  }
}
