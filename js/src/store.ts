// What is kept in IndexedDB: requests by name, and beside them who leads, the session, replies, marks, outcomes.

/** One change: in `rows` or `meta`, under a key; without a value it is taken out. */
export type Change = readonly [store: "rows" | "meta", key: string, value?: unknown];

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
  /** All or nothing. Rejects with `Fenced` where a higher `g` leads. */
  commit(g: number, changes: readonly Change[]): Promise<void>;
  /** Raise `g`, and lead under it. */
  lead(): Promise<number>;
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
    return this.#db.transaction(["rows", "meta"], mode, { durability: this.#durability });
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
      if (value === undefined) transaction.objectStore(store).delete(key);
      else transaction.objectStore(store).put(value, key);
    }
    await done;
  }

  async lead(): Promise<number> {
    const transaction = this.#begin("readwrite");
    const done = complete(transaction);
    const meta = transaction.objectStore("meta");
    const g = ((await asked(meta.get("leader"))) ?? 0) + 1;
    meta.put(g, "leader");
    await done;
    return g;
  }

  close(): void {
    this.#db.close();
  }
}

/** Open the store of this name. Rejects where there is none, or it does not answer. */
export const openStore = async (name: string, durability: IDBTransactionDurability): Promise<Store> => {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const store of ["rows", "meta"]) opening.result.createObjectStore(store);
  };
  return new Indexed(await inTime(asked(opening), "IndexedDB"), durability);
};
