// What is kept in IndexedDB: requests by name, and beside them who leads, the session, replies, marks, outcomes.

import { programsOf } from "./identity.ts";

/** One change: in `rows`, `meta` or `data`, under a key; without a value it is taken out, as all between two keys are. */
export type Change =
  | readonly [store: "rows" | "meta" | "data", key: string, value?: unknown]
  | readonly [store: "data", keys: readonly [first: string, last: string]];

/** What is kept. */
export interface Kept {
  rows: unknown[];
  meta: Map<string, unknown>;
}

/** Another page leads: nothing was written. */
export class Fenced extends Error {}

/** Where a client keeps what must outlive its page. */
export interface Store {
  load(): Promise<Kept>;
  /** At most so many rows of `data` whose keys are between these, in their order. */
  read(after: string, before: string, most: number): Promise<unknown[]>;
  /** All or nothing. Rejects with `Fenced` where a higher `g` leads. */
  commit(g: number, changes: readonly Change[]): Promise<void>;
  /** Raise `g`, and lead under it. Who leads is among `programs` before it says a word to the server. */
  lead(program: string): Promise<number>;
  close(): void;
}

/** A store that does not answer is given up. */
const PATIENCE = 1000;

/** Rejects when it takes too long. */
export const inTime = <T>(promise: Promise<T>, what: string): Promise<T> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${what} does not answer`)), PATIENCE);
    promise.finally(() => clearTimeout(late)).then(resolve, reject);
  });

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Kept means committed: the `complete` of the transaction, and not the `success` of a request. */
const complete = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
  });

const STORES = ["rows", "meta", "data"] as const;

class Indexed implements Store {
  readonly #db: IDBDatabase;
  readonly #durability: IDBTransactionDurability;

  constructor(db: IDBDatabase, durability: IDBTransactionDurability) {
    this.#db = db;
    this.#durability = durability;
    // A newer script wants to change the database: it must not wait for us.
    db.onversionchange = () => db.close();
  }

  #begin(mode: IDBTransactionMode): IDBTransaction {
    return this.#db.transaction(STORES, mode, { durability: this.#durability });
  }

  async load(): Promise<Kept> {
    const transaction = this.#begin("readonly");
    const meta = transaction.objectStore("meta");
    const [rows, keys, values] = await Promise.all([
      asked(transaction.objectStore("rows").getAll()),
      asked(meta.getAllKeys()),
      asked(meta.getAll()),
    ]);
    return { rows, meta: new Map(keys.map((key, at) => [String(key), values[at]])) };
  }

  async commit(g: number, changes: readonly Change[]): Promise<void> {
    const transaction = this.#begin("readwrite");
    const done = complete(transaction);
    done.catch(() => undefined);
    if (((await asked(transaction.objectStore("meta").get("leader"))) ?? 0) > g) {
      transaction.abort();
      throw new Fenced();
    }
    for (const [store, key, value] of changes) {
      if (typeof key !== "string") transaction.objectStore(store).delete(IDBKeyRange.bound(...key));
      else if (value === undefined) transaction.objectStore(store).delete(key);
      else transaction.objectStore(store).put(value, key);
    }
    await done;
  }

  read(after: string, before: string, most: number): Promise<unknown[]> {
    const data = this.#begin("readonly").objectStore("data");
    return asked(data.getAll(IDBKeyRange.bound(after, before, true, true), most));
  }

  async lead(program: string): Promise<number> {
    const transaction = this.#begin("readwrite");
    const done = complete(transaction);
    const meta = transaction.objectStore("meta");
    const [leader, programs] = await Promise.all([asked(meta.get("leader")), asked(meta.get("programs"))]);
    const g = (leader ?? 0) + 1;
    meta.put(g, "leader");
    meta.put(programsOf(program, programs), "programs");
    await done;
    return g;
  }

  close(): void {
    this.#db.close();
  }
}

/** Open the store of this name. Rejects where there is none, or it does not answer. */
export const openStore = async (name: string, durability: IDBTransactionDurability): Promise<Store> => {
  const opening = indexedDB.open(name, 2);
  opening.onupgradeneeded = ({ oldVersion }) => {
    // The first version had no collections.
    for (const store of STORES.slice(oldVersion * 2)) opening.result.createObjectStore(store);
  };
  return new Indexed(await inTime(asked(opening), "IndexedDB"), durability);
};
