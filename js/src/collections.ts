// Collections, as a part of a client: `client.collection`. It is put behind `rooms`, and before `tabs` or `offline`.

import { Collection } from "./collections_page.ts";
import { Shared } from "./collections_rooms.ts";
import type { CollectionOptions } from "./collections_types.ts";
import type { Kit, Part } from "./connect.ts";
import { dataOf } from "./words.ts";

/** Collections can be opened. */
export const collections: Part = ({ client, hands, page }: Kit) => {
  hands.makeRooms = (around) => new Shared(around, hands.clock);
  client.collection = async <Document>(
    name: string,
    options: CollectionOptions = {},
  ): Promise<Collection<Document>> => {
    const { data, schema } = options;
    let made!: Collection<Document>;
    const sent = page.ask("join", { room: `$sync/${name}`, schema }, data, {}, ({ name: view }) => {
      made = new Collection(page, name, view, options, dataOf(data));
    });
    await sent.applied;
    return made;
  };
  client.signOut = async ({ discard = false } = {}) => {
    await page.ask("change", { does: "sign out", discard }).applied;
    await client.end();
  };
};

export type {
  ChangeOutcome,
  Conflict,
  DocumentChange,
  Failed,
  OwnChange,
  Refusal,
} from "./collections_change.ts";
export type { Collection } from "./collections_page.ts";
export type { CollectionOptions, CollectionView, CrdtKind, SyncResult } from "./collections_types.ts";
