// How a collection is opened, how it is, and what came of a whole set of documents.

import type { Conflict, OwnChange, Refusal } from "./collections_change.ts";
import type { RtcoreError } from "./errors.ts";

/** How a collection is opened. */
export interface CollectionOptions {
  /** The version of the type that this program knows. */
  schema?: number | undefined;
  /** For the application's authorizer. */
  data?: unknown;
  /** Of which kind the fields are that are CRDTs: a field in which nothing is yet does not say so itself. */
  crdts?: Readonly<Record<string, CrdtKind>> | undefined;
}

/** The kinds of CRDTs, as the wire names them. */
export type CrdtKind = "g-counter" | "pn-counter" | "g-set" | "or-set" | "lww-register" | "text";

/** What came of `sync`. */
export interface SyncResult<Document> {
  /** Every change is done, and nothing of any was lost. */
  success: boolean;
  /** The position up to which everything is confirmed here. */
  syncId: string | undefined;
  /** What came of each key that differed. */
  changes: Record<string, OwnChange["result"]>;
  conflicts: Conflict<Document>[];
  refused: Refusal<Document>[];
}

/** How a collection is. A new object for each change of it, or of a document. */
export interface CollectionView {
  /** Whether everything that was said to this moment is held, as far as the connection knows. */
  readonly whole: boolean;
  /** `epoch.seq`: everything up to here is confirmed; undefined: nothing yet. */
  readonly position: string | undefined;
  /** Why it does not go on by itself: no right, say. */
  readonly problem: RtcoreError | undefined;
  /** Whether the server has documents of a later schema than this program. */
  readonly outdated: boolean;
}
