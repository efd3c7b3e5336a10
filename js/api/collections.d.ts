import { B as CrdtKind, L as Collection, R as CollectionOptions, V as SyncResult, ct as ChangeOutcome, dt as Failed, ft as OwnChange, lt as Conflict, n as Part, pt as Refusal, ut as DocumentChange, z as CollectionView } from "./connect.js";

//#region src/collections.d.ts
/** Collections can be opened. */
declare const collections: Part;
//#endregion
export { type ChangeOutcome, type Collection, type CollectionOptions, type CollectionView, type Conflict, type CrdtKind, type DocumentChange, type Failed, type OwnChange, type Refusal, type SyncResult, collections };
