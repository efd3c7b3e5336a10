// What becomes of documents, one after the other: a place for each key, so that what waits is bounded by the keys.

import type { DocumentChange } from "./collections_change.ts";
import { same } from "./collections_contents.ts";
import type { Watcher } from "./collections_page.ts";
import type { RtcoreError } from "./errors.ts";

/** @internal Those that are told from now on. `ended`: nothing more comes. */
export function changesOf<Document>(
  subscribe: (watcher: Watcher<Document>) => () => void,
  ended: () => RtcoreError | undefined,
): AsyncGenerator<DocumentChange<Document>, void, undefined> {
  const waiting = new Map<string, DocumentChange<Document>>();
  let wake: (() => void) | undefined;
  const stop = subscribe((changes) => {
    for (const change of changes) {
      const before = waiting.get(change.key);
      waiting.delete(change.key);
      const both = before ? { ...change, before: before.before, own: change.own && before.own } : change;
      if (!same(both.before, both.now)) waiting.set(change.key, both);
    }
    wake?.();
  });
  return (async function* taken() {
    try {
      for (;;) {
        const [first] = waiting.values();
        const over = ended();
        if (first) {
          waiting.delete(first.key);
          yield first;
        } else if (over) {
          if (over.code === "CLOSED") return;
          throw over;
        } else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      stop();
    }
  })();
}
