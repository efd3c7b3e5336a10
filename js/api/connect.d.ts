import { h as Clock, t as Client } from "./client.js";

//#region src/fallback.d.ts
/** The names of transports, best first. */
type Transport = "websocket" | "sse" | "polling";
/** All transports, or those of `transport`, best first. */
declare const fallback: Part;
//#endregion
//#region src/outbox.d.ts
/** What is done when the outbox is full: the new request is refused, or an older one ends as not done. */
type Overflow = "reject" | "drop_oldest" | "drop_by_key";
//#endregion
//#region src/store.d.ts
/** One change: in `rows`, `meta` or `data`, under a key; without a value it is taken out, as all between two keys are. */
type Change = readonly [store: "rows" | "meta" | "data", key: string, value?: unknown] | readonly [store: "data", keys: readonly [first: string, last: string]];
/** What is kept. */
interface Kept {
  rows: unknown[];
  meta: Map<string, unknown>;
}
/** Where a client keeps what must outlive its page. */
interface Store {
  load(): Promise<Kept>;
  /** At most so many rows of `data` whose keys are between these, in their order. */
  read(after: string, before: string, most: number): Promise<unknown[]>;
  /** All or nothing. Rejects with `Fenced` where a higher `g` leads. */
  commit(g: number, changes: readonly Change[]): Promise<void>;
  /** Raise `g`, and lead under it. Who leads is among `programs` before it says a word to the server. */
  lead(program: string): Promise<number>;
  close(): void;
}
//#endregion
//#region src/connect.d.ts
/** A token, or a function that is asked for one at each attempt. `refused`: the one that was not accepted. */
type Token = string | null | ((refused?: string) => string | null | undefined | Promise<string | null | undefined>);
/** How a client is made. */
interface Options {
  token?: Token | undefined;
  /** Milliseconds that a request may take, where the call does not say: 5,000. */
  timeout?: number | undefined;
  /** After so many failed attempts in a row the client ends. Without it: never. */
  attempts?: number | undefined;
  /** How many messages wait while the client is away: 100. */
  queue?: number | undefined;
  /** And how many bytes of them: 1 MiB. */
  queueBytes?: number | undefined;
  /** What is done beyond that. */
  overflow?: Overflow | undefined;
  /** False: this page has a session of its own, and does not share one with the other tabs. */
  tabs?: boolean | undefined;
  /** With `offline` or `tabs`: who uses this page. What one keeps, no other sends. */
  user?: string | undefined;
  /** With `offline` or `tabs`: "strict" survives a crash of the machine, too. */
  durability?: IDBTransactionDurability | undefined;
  /** For tests: another store than IndexedDB. */
  store?: ((name: string) => Promise<Store>) | undefined;
  /** With `fallback`: the transports that may be used, best first; all of them, if none are named. */
  transport?: Transport | readonly Transport[] | undefined;
  /** What the client is made of besides its core. */
  with?: readonly Part[] | undefined;
  /** For tests: time. */
  clock?: Clock | undefined;
  /** For tests: chance. */
  random?: (() => number) | undefined;
}
/** A part of a client: what it changes is this package's own affair. */
type Part = (kit: never) => void;
/** Connect. The client comes back by itself whenever the connection is lost. Throws a `TypeError` for no address. */
declare const connect: (url?: string | URL, options?: Options) => Client;
//#endregion
export { Overflow as a, connect as i, Part as n, Transport as o, Token as r, fallback as s, Options as t };
