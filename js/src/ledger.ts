// What must be committed before bytes leave, and what waits for it. Many changes go into one commit; ids leave in
// their order, so what needs no commit waits behind what does.

import { wait } from "./clock.ts";
import type { Failure } from "./errors.ts";
import type { Keeper } from "./keeper.ts";
import type { Ask } from "./outbox.ts";
import { type Change, Fenced, inTime, type Store } from "./store.ts";
import { soon } from "./waiting.ts";

/** A request as it is kept. */
export interface Row
  extends Pick<
    Ask,
    | "name"
    | "kind"
    | "fields"
    | "data"
    | "key"
    | "user"
    | "dropKey"
    | "dies"
    | "id"
    | "life"
    | "writtenWall"
    | "page"
  > {
  session?: string | undefined;
  order: number;
}

/** @internal What the ledger tells of. */
export interface Around {
  session(): string | undefined;
  /** What is kept of an end besides. */
  ended(ask: Ask, failure?: Failure, result?: unknown): Change[];
  /** It is kept now. */
  queued(ask: Ask): void;
  /** The store is given up, or another page leads. */
  lost(reason: Error): void;
}

/** @internal */
interface Batch {
  changes: Change[];
  adds: Ask[];
  ends: number[];
  leaves: (() => void)[];
}

const nothing = (): Batch => ({ changes: [], adds: [], ends: [], leaves: [] });
let orders = 0;

/** Steps for a store, in their order. */
export class Ledger implements Keeper {
  readonly #store: Store;
  readonly #around: Around;
  readonly #orders = new WeakMap<Ask, number>();
  readonly #g: number;
  #next = nothing();
  #running: Batch | undefined;
  /** What goes with the next commit, whatever it is for. */
  also: (() => Change[]) | undefined;

  constructor(store: Store, g: number, around: Around) {
    this.#store = store;
    this.#g = g;
    this.#around = around;
  }

  /** A row that is there already. */
  knows(ask: Ask, order: number): void {
    this.#orders.set(ask, order);
  }

  add(ask: Ask): boolean {
    this.#orders.set(ask, Date.now() * 1000 + (orders++ % 1000));
    this.#put(ask);
    this.#next.adds.push(ask);
    return true;
  }

  wrote(ask: Ask): void {
    this.#put(ask);
  }

  unwrote(ask: Ask): void {
    this.#put(ask);
  }

  #put(ask: Ask): void {
    const { name, kind, fields, data, key, user, dropKey, dies, id, life, writtenWall, page } = ask;
    const session = id === undefined ? undefined : this.#around.session();
    const order = this.#orders.get(ask) ?? 0;
    const row: Row = {
      name,
      kind,
      fields,
      data,
      key,
      user,
      dropKey,
      dies,
      id,
      life,
      writtenWall,
      page,
      session,
      order,
    };
    this.note(["rows", name, row]);
  }

  ended(ask: Ask, failure?: Failure, result?: unknown): void {
    this.note(["rows", ask.name], ...this.#around.ended(ask, failure, result));
    if (ask.id !== undefined) this.#next.ends.push(ask.id);
  }

  /** One more, with the next commit; soon. */
  note(...changes: Change[]): void {
    this.#next.changes.push(...changes);
    soon(() => this.#commit());
  }

  hand(messages: string[], leave: (messages: string[]) => void): void {
    if (!messages.length) return;
    if (this.#running || this.#next.changes.length) this.#next.leaves.push(() => leave(messages));
    else leave(messages);
    this.#commit();
  }

  #commit(): void {
    const batch = this.#next;
    if (this.#running || !(batch.changes.length || batch.leaves.length)) return;
    this.#running = batch;
    this.#next = nothing();
    const changes = batch.changes.length ? [...batch.changes, ...(this.also?.() ?? [])] : [];
    const committed = changes.length
      ? inTime(this.#store.commit(this.#g, changes), "the store")
      : Promise.resolve();
    committed.then(
      () => this.#done(batch),
      (error) => {
        // Whoever another page has taken over from says nothing more.
        if (error instanceof Fenced) batch.leaves = [];
        this.#around.lost(error);
        this.#done(batch);
      },
    );
  }

  #done(batch: Batch): void {
    this.#running = undefined;
    for (const ask of batch.adds) this.#around.queued(ask);
    for (const leave of batch.leaves) leave();
    this.#commit();
  }

  acked(here: number): number {
    const ends = [...this.#next.ends, ...(this.#running?.ends ?? [])];
    return Math.min(here, ...ends.map((id) => id - 1));
  }

  async read(after: string, before: string, most: number): Promise<unknown[]> {
    try {
      return await inTime(this.#store.read(after, before, most), "the store");
    } catch (error) {
      this.#around.lost(error as Error);
      throw error;
    }
  }

  /** Wait until what was noted is kept. */
  async flush(): Promise<void> {
    while (this.#running || this.#next.changes.length) {
      this.#commit();
      await wait(5);
    }
  }
}
