// A server's collection as plainly as can be said: what the client's machine must agree with at the end of any world.

import type { Said } from "../src/words.ts";

interface Doc {
  value: Said;
  seq: number;
  /** Number and writer of the last change of each field. */
  fields: Map<string, [seq: number, writer: string]>;
}

interface Writer {
  name: string;
  n: number;
  seen: number;
  incarnation: number;
  nonce: string;
  outcomes: Map<number, { content: string; result: Said }>;
}

export interface Who {
  client: string;
  incarnation: number;
  nonce: string;
  seen: number;
}

const BASE = 100;
const PAGE = 3;
const GRAVES = 3;

/** What it is to be of changes that met another's: the later counts, or its author is asked. */
export type Strategy = "merge" | "custom";

export class CollectionModel {
  readonly strategy: Strategy;
  epoch = 1;
  head = BASE;
  horizon = BASE;
  docs = new Map<string, Doc>();
  graves = new Map<string, number>();
  log: { seq: number; data: Said }[] = [];
  #writers = new Map<string, Writer>();
  #names = 0;
  /** Marks of changes that were done, in this life. */
  done: string[] = [];

  constructor(strategy: Strategy) {
    this.strategy = strategy;
  }

  position(seq: number): string {
    return `e${this.epoch}.${seq}`;
  }

  /** All was in memory, and is gone. */
  restart(): void {
    this.epoch++;
    this.head = this.horizon = BASE;
    this.docs.clear();
    this.graves.clear();
    this.log = [];
    this.#writers.clear();
    this.done = [];
  }

  /** These writers are lost, and nothing else. */
  forget(clients: Iterable<string>): void {
    for (const client of clients) this.#writers.delete(client);
  }

  #writer(client: string): Writer | undefined {
    return this.#writers.get(client);
  }

  join({ client, seen }: Who): Said {
    const writer = this.#writer(client);
    if (writer) this.#seen(writer, seen);
    const outcomes = [...(writer?.outcomes.values() ?? [])].map(({ result }) => structuredClone(result));
    const told = { name: writer?.name ?? `new ${client}`, n: writer?.n ?? 0, outcomes };
    return { schema: 1, strategy: this.strategy, horizon: this.position(this.horizon), writer: told };
  }

  #seen(writer: Writer, seen: number): void {
    writer.seen = Math.max(writer.seen, seen);
    writer.n = Math.max(writer.n, seen);
    for (const n of writer.outcomes.keys()) if (n <= writer.seen) writer.outcomes.delete(n);
  }

  push(who: Who, changes: Said[]): Said {
    let writer = this.#writer(who.client);
    if (!writer) {
      const name = `w${++this.#names}`;
      writer = { name, n: 0, seen: 0, incarnation: 0, nonce: "", outcomes: new Map() };
      this.#writers.set(who.client, writer);
    }
    const { incarnation, nonce } = writer;
    const first = changes[0]!.n;
    if (
      who.incarnation < incarnation ||
      (who.incarnation === incarnation && nonce !== "" && who.nonce !== nonce)
    )
      return { results: [], held: { n: first, code: "FENCED" } };
    Object.assign(writer, { incarnation: who.incarnation, nonce: who.nonce });
    this.#seen(writer, who.seen);
    const results: Said[] = [];
    for (const change of changes) {
      const { n } = change;
      const known = writer.outcomes.get(n);
      const content = JSON.stringify(change);
      if (known && known.content === content) results.push(structuredClone(known.result));
      else if (known || n <= writer.n) results.push({ n, rejected: { code: "ID_REUSED", message: "" } });
      else if (n > writer.n + 1) return { results, held: { n: writer.n + 1, code: "EXPECTED" } };
      else {
        const result = { n, ...this.#decide(writer.name, change) };
        writer.n = n;
        writer.outcomes.set(n, { content, result: structuredClone(result) });
        results.push(result);
      }
    }
    return { results, held: null };
  }

  /** What came of a change. */
  #decide(writer: string, change: Said): Said {
    const { key, n, op, unset = [], value } = change;
    if (op === "skip") return { seq: null };
    const [epoch, digits] = String(change.base ?? "").split(".");
    const base = epoch === `e${this.epoch}` ? Number(digits) : 0;
    const doc = this.docs.get(key);
    if (value?.poison) return { rejected: { code: "INVALID_MESSAGE", message: "poison" } };
    const prev = doc?.seq ?? this.graves.get(key) ?? null;
    if (!doc) {
      if (op === "delete") return { seq: prev };
      if (op === "patch") return { conflict: { seq: prev, fields: [], gone: true } };
    }
    const names: string[] =
      op === "patch"
        ? [...Object.keys(value), ...unset]
        : [...(doc?.fields.keys() ?? []), ...Object.keys(value ?? {})];
    const contested = [...new Set(names)].filter((name) => {
      const [seq, by] = doc?.fields.get(name) ?? [0, writer];
      const other = op === "delete" || JSON.stringify(doc?.value[name]) !== JSON.stringify(value?.[name]);
      return seq > base && by !== writer && other;
    });
    if (contested.length && this.strategy === "custom")
      return { conflict: { seq: doc!.seq, fields: contested, gone: false } };
    if (op === "delete" && contested.length) return { seq: doc!.seq, by: "merge", lost: true };
    const seq = ++this.head;
    const data: Said = { key, op, prev, writer, n };
    if (op === "delete") {
      this.docs.delete(key);
      this.graves.set(key, seq);
      if (this.graves.size > GRAVES) {
        const [oldest, gone] = [...this.graves].sort(([, one], [, other]) => one - other)[0]!;
        this.graves.delete(oldest);
        this.horizon = gone;
      }
    } else {
      const now = op === "put" ? { ...value } : { ...doc!.value, ...value };
      for (const name of unset) delete now[name];
      const fields = new Map(doc?.fields);
      for (const name of names) fields.set(name, [seq, writer]);
      this.docs.set(key, { value: now, seq, fields });
      this.graves.delete(key);
      Object.assign(data, op === "put" ? { value: now } : { value, unset });
    }
    for (const [name, it] of Object.entries(value ?? {}))
      if (name.startsWith("mark")) this.done.push(String(it));
    this.log.push({ seq, data });
    return { seq };
  }

  pull({ after, begun }: Said, client: string): Said {
    const at = (text: string | undefined): number | undefined => {
      const [epoch, digits] = String(text).split(".");
      return epoch === `e${this.epoch}` && Number(digits) <= this.head ? Number(digits) : undefined;
    };
    const from = after === undefined ? 0 : at(after);
    const started = begun === undefined ? (after === undefined ? this.head : 0) : at(begun);
    const n = this.#writer(client)?.n ?? 0;
    if (from === undefined || started === undefined)
      return { reset: true, docs: [], next: this.position(this.head), n };
    if (after !== undefined && Math.max(from, started) < this.horizon)
      return { reset: true, docs: [], next: this.position(this.head), n };
    const all: Said[] = [
      ...[...this.docs].map(([key, { seq, value }]) => ({ key, seq, value: structuredClone(value) })),
      ...[...this.graves]
        .filter(([, seq]) => seq > started)
        .map(([key, seq]) => ({ key, seq, deleted: true })),
    ]
      .filter(({ seq }) => seq > from)
      .sort((one, other) => one.seq - other.seq);
    const docs = all.slice(0, PAGE);
    const complete = docs.length === all.length;
    const next = this.position(complete ? this.head : docs.at(-1)!.seq);
    return { docs, next, complete, reset: false, begun: started ? this.position(started) : null, n };
  }
}
