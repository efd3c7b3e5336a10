// A whole set of documents at once: the difference is worked out, said, and waited for.

import type { OwnChange } from "./collections_change.ts";
import type { Collection } from "./collections_page.ts";
import type { SyncResult } from "./collections_types.ts";
import type { RtcoreError } from "./errors.ts";
import { another } from "./waiting.ts";

/** @internal Put, and delete, what differs, and wait for the server's word on each. `ended`: nothing more comes. */
export async function sync<Document>(
  collection: Collection<Document>,
  documents: Readonly<Record<string, Document | null | undefined>>,
  ended: () => RtcoreError | undefined,
  signal?: AbortSignal,
): Promise<SyncResult<Document>> {
  const made = new Map<string, OwnChange>();
  for (const [key, document] of Object.entries(documents)) {
    if (document == null && !collection.has(key)) continue;
    const change = await (document == null ? collection.delete(key) : collection.put(key, document));
    if (change.n !== null) made.set(key, change);
  }
  const changes = new Map<string, OwnChange["result"]>();
  for (const [key, change] of made) {
    while (!change.result) {
      const over = ended();
      if (over) throw over;
      await another(collection.subscribe, signal);
    }
    if (change.result.kind === "done") await change.applied;
    changes.set(key, change.result);
  }
  const numbers = new Set([...made.values()].map(({ n }) => n));
  return {
    success: [...changes.values()].every((one) => one?.kind === "done" && !one.lost),
    syncId: collection.position,
    changes: Object.fromEntries(changes),
    conflicts: collection.conflicts.filter(({ n }) => numbers.has(n)),
    refused: collection.refused.filter(({ n }) => numbers.has(n)),
  };
}
