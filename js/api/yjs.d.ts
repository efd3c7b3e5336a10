import { L as Collection, f as Room } from "./connect.js";
import { Awareness } from "y-protocols/awareness";
import { Doc } from "yjs";

//#region src/yjs.d.ts
/** How a text is edited. */
interface TextOptions {
  /** Where those who edit it see each other: a room in which members may publish `awareness`, joined by the caller. */
  room?: Room | undefined;
  /** The presence to be used; without it one is made. */
  awareness?: Awareness | undefined;
  /** Called with what a change that was refused says; without it that is seen in `collection.refused`. */
  refused?: ((error: Error) => void) | undefined;
}
/** A text of a collection as a document of Yjs. What is written away from the network waits in the collection's outbox. */
declare class TextProvider {
  #private;
  readonly doc: Doc;
  readonly awareness: Awareness;
  /** The document at `key` must be there when something is written. */
  constructor(collection: Collection, key: string, field: string, doc: Doc, options?: TextOptions);
  /** Whether all that was written here is at the server. */
  get saved(): boolean;
  /** The document is let go of; what was written stays, and waits for the server. */
  destroy(): void;
}
//#endregion
export { TextOptions, TextProvider };
