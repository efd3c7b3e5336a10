// A collection as a program sees it: documents by their keys, what is confirmed with one's own changes on top.

import { Conflict, type DocumentChange, OwnChange, outcomeOf, Refusal } from "./collections_change.ts";
import { changesOf } from "./collections_changes.ts";
import { same } from "./collections_contents.ts";
import { sync } from "./collections_sync.ts";
import type { CollectionOptions, CollectionView, SyncResult } from "./collections_types.ts";
import { said, wanted } from "./collections_value.ts";
import { byCodePoint } from "./crdt_said.ts";
import { errorOf, type RtcoreError } from "./errors.ts";
import type { Listener, Page } from "./page.ts";
import type { News } from "./port.ts";
import { another, tellEach } from "./waiting.ts";
import type { Said } from "./words.ts";

/** @internal Called with what became of documents, and when anything else is another. */
export type Watcher<Document> = (changes: readonly DocumentChange<Document>[]) => void;

/**
 * Documents by their keys. Looking never waits, and works without a connection; what is given is shared, and is not to be
 * changed. Changing resolves once the change is kept (with `offline` or `tabs`: committed to IndexedDB); what came of it
 * is told by the handle.
 */
// biome-ignore lint/suspicious/noExplicitAny: documents are the application's
export class Collection<Document = any> implements Iterable<[string, Document]> {
  readonly name: string;
  readonly #page: Page;
  readonly #room: string;
  readonly #id: string;
  readonly #options: CollectionOptions;
  readonly #data: string | undefined;
  #docs = new Map<string, Document>();
  readonly #rows = new Map<number, Said>();
  readonly #own = new Map<number, OwnChange>();
  readonly #watchers = new Set<Watcher<Document>>();
  /** What comes in pieces, before the last of them. */
  #coming: Map<string, Document> | undefined;
  #keys: string[] | undefined;
  #view: CollectionView = { whole: false, position: undefined, problem: undefined, outdated: false };
  #ended: RtcoreError | undefined;

  /** @internal */
  constructor(page: Page, name: string, id: string, options: CollectionOptions, data: string | undefined) {
    this.#page = page;
    this.name = name;
    this.#room = `$sync/${name}`;
    this.#id = id;
    this.#options = options;
    this.#data = data;
    page.listeners.add(this);
  }

  /** @internal Another page that leads opens it anew from this. */
  get view(): Listener["view"] {
    return { view: this.#id, room: this.#room, mark: this.#options.schema ?? 0, data: this.#data };
  }

  // -- looking

  /** The document; undefined: there is none. */
  get(key: string): Document | undefined {
    return this.#docs.get(key);
  }

  has(key: string): boolean {
    return this.#docs.has(key);
  }

  get size(): number {
    return this.#docs.size;
  }

  /** Its keys, in the order of their code points. */
  keys(): readonly string[] {
    return (this.#keys ??= [...this.#docs.keys()].sort(byCodePoint));
  }

  /** The documents, in the order of their keys. */
  values(): Document[] {
    return this.keys().map((key) => this.#docs.get(key)!);
  }

  entries(): [string, Document][] {
    return this.keys().map((key) => [key, this.#docs.get(key)!]);
  }

  [Symbol.iterator](): Iterator<[string, Document]> {
    return this.entries()[Symbol.iterator]();
  }

  get whole(): boolean {
    return this.#view.whole;
  }

  get position(): string | undefined {
    return this.#view.position;
  }

  get problem(): RtcoreError | undefined {
    return this.#ended ?? this.#view.problem;
  }

  get outdated(): boolean {
    return this.#view.outdated;
  }

  /** Wait until it is whole. Throws what stands in the way, and what a signal gives. */
  async ready({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    while (!this.whole) {
      if (this.problem) throw this.problem;
      await another(this.subscribe, signal);
    }
  }

  // -- changing

  /** Create a document, or make it this one: of one that is seen, the fields that differ are said. */
  put(key: string, document: Document): Promise<OwnChange> {
    return this.#do(key, { does: "put" }, () => this.#said(document, this.get(key), "put"));
  }

  /** Set fields of a document, and take those of `unset` out. Throws a `NotDone` (`NOT_FOUND`) where there is none. */
  patch(
    key: string,
    fields: { [Field in keyof Document]?: unknown },
    { unset = [] }: { unset?: readonly (keyof Document & string)[] } = {},
  ): Promise<OwnChange> {
    return this.#do(key, { does: "patch", unset }, () => this.#said(fields, this.#there(key), "patch"));
  }

  /** Delete a document. Throws a `NotDone` (`NOT_FOUND`) where there is none. */
  delete(key: string): Promise<OwnChange> {
    return this.#do(key, { does: "delete" }, () => void this.#there(key));
  }

  #said(value: unknown, there: unknown, how: "put" | "patch"): unknown {
    return said(value, there, how, this.#options.crdts);
  }

  #there(key: string): Document {
    const there = this.get(key);
    if (there !== undefined) return there;
    throw errorOf({ is: "NotDone", code: "NOT_FOUND", message: `there is no ${key} in ${this.name}` });
  }

  async #do(key: string, fields: Said, value: () => unknown): Promise<OwnChange> {
    const n = await this.#ask({ key, ...fields }, value());
    return this.#handle(n, key);
  }

  /** What the session makes of it, once that is kept. */
  // biome-ignore lint/suspicious/noExplicitAny: a number, or whether it could be done
  #ask(fields: Said, value?: unknown): Promise<any> {
    if (this.#ended) throw this.#ended;
    return this.#page.ask("change", { collection: this.name, ...fields }, value).applied;
  }

  #handle(n: number | null, key: string): OwnChange {
    const known = n === null ? undefined : this.#own.get(n);
    if (known) return known;
    const made = new OwnChange(n, key);
    if (n !== null) this.#own.set(n, made);
    return made;
  }

  /** Take back a change that was never sent; false: it may have been done already. */
  async discard(change: OwnChange): Promise<boolean> {
    return change.n !== null && (await this.#ask({ does: "discard", n: change.n }));
  }

  /**
   * Make these documents so (undefined or null: not there), and wait for the server's word on each. Keys that are not
   * named stay as they are.
   */
  sync(
    documents: Readonly<Record<string, Document | null | undefined>>,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<SyncResult<Document>> {
    return sync(this, documents, () => this.#ended, signal);
  }

  // -- what waits, and what came to nothing

  /** One's own changes that are not confirmed yet, in their order; those of pages before this one too. */
  get pending(): OwnChange[] {
    return this.#failed(({ waits }) => waits).map(({ n, key }) => this.#handle(n, key));
  }

  /** Changes that met another's and wait for a decision. */
  get conflicts(): Conflict<Document>[] {
    return this.#failed(({ conflict }) => conflict).map(
      (row) => new Conflict(row, wanted(row), this.#decide),
    );
  }

  /** Changes that were refused for good, until they are retried or let go of. */
  get refused(): Refusal<Document>[] {
    return this.#failed(({ rejected }) => rejected).map((row) => new Refusal(row, wanted(row), this.#decide));
  }

  #failed(which: (row: Said) => unknown): Said[] {
    return [...this.#rows.values()].filter(which).sort((one, other) => one.n - other.n);
  }

  #decide = (n: number, key: string, how: string, document?: unknown): Promise<OwnChange> =>
    this.#do(key, { does: "decide", n, how }, () =>
      how === "set" ? this.#said(document, this.get(key), "put") : undefined,
    );

  // -- hearing

  /** How it is: the same object until something of it, or of a document, is another. */
  getSnapshot = (): CollectionView => this.#view;

  /** Call it with what became of documents (of one key, if it is named), and when anything else is another. */
  subscribe = (watcher: Watcher<Document>, key?: string): (() => void) => {
    const mine: Watcher<Document> = (changes) => {
      const these = key === undefined ? changes : changes.filter((change) => change.key === key);
      if (key === undefined || these.length) watcher(these);
    };
    this.#watchers.add(mine);
    return () => this.#watchers.delete(mine);
  };

  /**
   * What becomes of documents from now on, one's own changes and others'. Of a key that changes again before it is taken
   * both are told as one: so what waits is bounded by the number of keys.
   */
  changes(): AsyncGenerator<DocumentChange<Document>, void, undefined> {
    return changesOf(this.subscribe, () => this.#ended);
  }

  // -- going

  /** Hear it no longer. What was held and what is pending are kept for the next time, where there is a store. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const { applied } = this.#page.ask("leave", { room: this.#room }, undefined, { view: this.#id });
    this.#end(errorOf({ is: "ClientClosed", code: "CLOSED", message: `${this.name} was closed` }));
    await applied;
  }

  #end(error: RtcoreError): void {
    this.#ended ??= error;
    this.#page.listeners.delete(this);
    for (const change of this.#own.values()) change.ends(error);
    this.#changed([]);
  }

  // -- what the session tells

  /** @internal */
  take(news: News): void {
    if (news.on === "over") this.#end(errorOf(news.failure));
    if (news.on !== "data" || news.room !== this.#room || (news.to ?? this.#id) !== this.#id) return;
    const { all, docs = [], rows = [], news: told = [], own = false, last, ended } = news.said;
    if (ended) {
      this.#end(errorOf(ended));
      return;
    }
    if (all === "first") this.#coming = new Map();
    if (all) for (const [key, document] of docs) this.#coming?.set(key, document);
    if (all && !last) return;
    const changes = all ? this.#anew() : this.#apply(docs, own);
    if (all) this.#rows.clear();
    for (const [n, row] of rows) {
      if (row) this.#rows.set(n, row);
      else this.#rows.delete(n);
    }
    this.#tell(told);
    // Another page led when they were made, and went before it could tell what came of them.
    if (all) for (const n of [...this.#own.keys()]) if (!this.#rows.has(n)) this.#lost(n);
    const { whole, position, outdated, problem } = news.said;
    this.#view = { whole, position, outdated, problem: problem && errorOf(problem) };
    this.#changed(changes);
  }

  #apply(docs: [string, Document | undefined][], own: boolean): DocumentChange<Document>[] {
    const changes = docs.map(([key, now]) => ({ key, before: this.#docs.get(key), now, own }));
    for (const { key, before, now } of changes) {
      if ((before === undefined) !== (now === undefined)) this.#keys = undefined;
      if (now === undefined) this.#docs.delete(key);
      else this.#docs.set(key, now);
    }
    return changes;
  }

  /** All of it was told: what is another. */
  #anew(): DocumentChange<Document>[] {
    const coming = this.#coming!;
    this.#coming = undefined;
    const keys = new Set([...this.#docs.keys(), ...coming.keys()]);
    const docs = [...keys].filter((key) => !same(this.#docs.get(key), coming.get(key)));
    return this.#apply(
      docs.map((key) => [key, coming.get(key)]),
      false,
    );
  }

  #tell(told: [number, string, Said?][]): void {
    for (const [n, what, result] of told) {
      const change = this.#own.get(n);
      if (what === "answered") change?.answered(outcomeOf(result!));
      else if (what === "discarded") change?.answered({ kind: "discarded" });
      if (what === "answered" && change?.result?.kind === "done") continue;
      change?.over();
      this.#own.delete(n);
    }
  }

  /** It is over, and nobody says any more how. */
  #lost(n: number): void {
    const message = `change ${n} of ${this.name} is over: another page led, and told nobody how`;
    this.#own.get(n)?.ends(errorOf({ is: "MaybeDone", code: "OUTCOME_UNKNOWN", maybeDone: true, message }));
    this.#own.delete(n);
  }

  #changed(changes: readonly DocumentChange<Document>[]): void {
    this.#view = { ...this.#view };
    tellEach(this.#watchers, changes);
  }
}
