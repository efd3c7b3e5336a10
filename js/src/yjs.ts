// A provider for Yjs: a document of Yjs and a field of a collection's document are kept the same. Editors bind to the
// document, and to `awareness`, as they do with y-websocket.

import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import { applyUpdate, type Doc, encodeStateAsUpdate, mergeUpdates } from "yjs";
import type { Collection } from "./collections.ts";
import { SAYS } from "./crdt_said.ts";
import type { Room } from "./room.ts";
import type { Said as State } from "./words.ts";

/** How a text is edited. */
export interface TextOptions {
  /** Where those who edit it see each other: a room in which members may publish `awareness`, joined by the caller. */
  room?: Room | undefined;
  /** The presence to be used; without it one is made. */
  awareness?: Awareness | undefined;
  /** Called with what a change that was refused says; without it that is seen in `collection.refused`. */
  refused?: ((error: Error) => void) | undefined;
}

const same = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one?.length === other?.length && !!one?.every((byte, at) => byte === other?.[at]);

/** A text of a collection as a document of Yjs. What is written away from the network waits in the collection's outbox. */
export class TextProvider {
  readonly doc: Doc;
  readonly awareness: Awareness;
  readonly #collection: Collection;
  readonly #key: string;
  readonly #field: string;
  readonly #options: TextOptions;
  readonly #stops: (() => void)[] = [];
  /** Who is shown, by the session that said so. */
  readonly #shown = new Map<string, Set<number>>();
  #heard: readonly Uint8Array[] = [];
  #unsaid: Uint8Array[] = [];
  #saying = false;

  /** The document at `key` must be there when something is written. */
  constructor(collection: Collection, key: string, field: string, doc: Doc, options: TextOptions = {}) {
    this.doc = doc;
    this.awareness = options.awareness ?? new Awareness(doc);
    this.#collection = collection;
    this.#key = key;
    this.#field = field;
    this.#options = options;
    const hear = (): void => this.#hear();
    const wrote = (update: Uint8Array, origin: unknown): void => {
      if (origin !== this) this.#say(update);
    };
    doc.on("update", wrote);
    this.#stops.push(collection.subscribe(hear, key), () => doc.off("update", wrote));
    hear();
    const before = encodeStateAsUpdate(doc);
    // What was in the document before is written, too: as y-websocket does.
    if (!this.#heard.length && before.length > 2) this.#say(before);
    if (options.room) this.#meet(options.room);
  }

  /** Whether all that was written here is at the server. */
  get saved(): boolean {
    return (
      !this.#saying && !this.#unsaid.length && !this.#collection.pending.some(({ key }) => key === this.#key)
    );
  }

  /** The document is let go of; what was written stays, and waits for the server. */
  destroy(): void {
    removeAwarenessStates(this.awareness, [this.doc.clientID], "destroyed");
    for (const stop of this.#stops.splice(0)) stop();
  }

  // -- the text

  #hear(): void {
    const state: State | undefined = this.#collection.get(this.#key)?.[this.#field];
    const updates: readonly Uint8Array[] = state?.u ?? [];
    // As a rule there are more than before; else all are new: they were merged, or the document is another.
    const last = this.#heard.length - 1;
    const from = last >= 0 && same(this.#heard[last], updates[last]) ? last + 1 : 0;
    this.#heard = updates;
    this.doc.transact(() => {
      for (const update of updates.slice(from)) applyUpdate(this.doc, update, this);
    }, this);
  }

  #say(update: Uint8Array): void {
    this.#unsaid.push(update);
    if (!this.#saying) void this.#sayAll();
  }

  /** One change at a time is put in the outbox: what is written meanwhile goes with the next. */
  async #sayAll(): Promise<void> {
    this.#saying = true;
    try {
      while (this.#unsaid.length) {
        await Promise.resolve(); // what one transaction after the other writes in one go is one change
        const u = [mergeUpdates(this.#unsaid.splice(0))];
        const change = await this.#collection.patch(this.#key, {
          [this.#field]: { [SAYS]: () => ({ $crdt: "text", u }) },
        });
        change.applied.catch((error: Error) => this.#options.refused?.(error));
      }
    } catch (error) {
      this.#options.refused?.(error as Error);
    } finally {
      this.#saying = false;
    }
  }

  // -- who is there

  #meet(room: Room): void {
    const awareness = this.awareness;
    // With an echo: other tabs of this browser are the same session, and hear nothing else of this one.
    const publish = (update: Uint8Array): void =>
      void room.publish("awareness", update, { volatile: true }).catch(() => {});
    const say = (clients: number[]): void => publish(encodeAwarenessUpdate(awareness, clients));
    const changed = (
      { added, updated, removed }: Record<"added" | "updated" | "removed", number[]>,
      origin: unknown,
    ): void => {
      if (origin !== this)
        say([...added, ...updated, ...removed].filter((client) => client === this.doc.clientID));
    };
    awareness.on("update", changed);
    const stop = room.subscribe(() => this.#went(room));
    // Who closes the page is shown no longer, though its session may go on in another tab. A page that is back from the
    // browser's cache says by itself that it is here, as soon as it moves, or after 15 s.
    const goes = room.beforeSleep(() =>
      publish(encodeAwarenessUpdate(awareness, [this.doc.clientID], new Map())),
    );
    this.#stops.push(stop, goes, () => awareness.off("update", changed));
    // With the room the presence of others ends; the text goes on.
    this.#follow(room, say).catch(() => {});
    if (awareness.getLocalState()) say([this.doc.clientID]);
  }

  async #follow(room: Room, say: (clients: number[]) => void): Promise<void> {
    for await (const heard of room) {
      if (!this.#stops.length) return;
      if (heard.type === "gap" || heard.event !== "awareness" || !(heard.data instanceof Uint8Array))
        continue;
      const before = new Set(this.awareness.getStates().keys());
      try {
        applyAwarenessUpdate(this.awareness, heard.data, this);
      } catch {
        continue; // what somebody said is no presence
      }
      const came = [...this.awareness.getStates().keys()].filter((client) => !before.has(client));
      if (!came.length) continue;
      const session = heard.from?.session ?? "";
      this.#shown.set(session, new Set([...(this.#shown.get(session) ?? []), ...came]));
      // Who is new has heard nothing of those who were there.
      if (this.awareness.getLocalState()) say([this.doc.clientID]);
    }
  }

  /** Of sessions that are in the room no more nobody is shown. */
  #went(room: Room): void {
    const here = new Set(room.members.map(({ session }) => session));
    for (const [session, clients] of this.#shown) {
      if (here.has(session)) continue;
      this.#shown.delete(session);
      removeAwarenessStates(this.awareness, [...clients], this);
    }
  }
}
