import { C as CollectionView, J as DocumentChange, K as ChangeOutcome, S as CollectionOptions, T as SyncResult, X as OwnChange, Y as Failed, Z as Refusal, q as Conflict, w as CrdtKind, x as Collection } from "./client.js";
import { n as Part } from "./connect.js";

//#region src/collections.d.ts
/** Collections can be opened. */
declare const collections: Part;
//#endregion
export { type ChangeOutcome, type Collection, type CollectionOptions, type CollectionView, type Conflict, type CrdtKind, type DocumentChange, type Failed, type OwnChange, type Refusal, type SyncResult, collections };
