import { B as CrdtKind, L as Collection, R as CollectionOptions, V as SyncResult, dt as DocumentChange, ft as Failed, lt as ChangeOutcome, mt as Refusal, n as Part, pt as OwnChange, ut as Conflict, z as CollectionView } from "./connect.js";

//#region src/collections.d.ts
/** Collections can be opened. */
declare const collections: Part;
//#endregion
export { type ChangeOutcome, type Collection, type CollectionOptions, type CollectionView, type Conflict, type CrdtKind, type DocumentChange, type Failed, type OwnChange, type Refusal, type SyncResult, collections };
