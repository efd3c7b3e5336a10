// What is kept of collections: which there are, who speaks, and the rows of each. All under one roof in the store, each kind
// of row under a prefix of its own.

import { type Held, rowKey } from "./collections_held.ts";
import type { Writer } from "./collections_writer.ts";
import type { Keeper } from "./keeper.ts";
import type { Said } from "./words.ts";

const WRITER = rowKey("w", "me");
/** Rows that are read in one piece, so that none takes long. */
const PIECE = 2000;

/** @internal */
export class Shelf {
  /** Of each collection that is kept: its row. */
  readonly #index = new Map<number, Said>();
  readonly #keeper: () => Keeper | undefined;
  readonly #writer: Writer;
  #begun: Promise<void> | undefined;

  constructor(keeper: () => Keeper | undefined, writer: Writer) {
    this.#keeper = keeper;
    this.#writer = writer;
  }

  /** Whether there is a store that rows can be read from. */
  get there(): boolean {
    const keeper = this.#keeper();
    return !!(keeper?.read && keeper.note);
  }

  async #read(prefix: string): Promise<Said[]> {
    const found: Said[] = [];
    let after = `${prefix} `;
    for (;;) {
      const some = (await this.#keeper()!.read!(after, `${prefix}!`, PIECE)) as Said[];
      found.push(...some);
      if (some.length < PIECE) return found;
      const { key, n } = some.at(-1)!;
      after = rowKey(prefix, n ?? key);
    }
  }

  /** It is opened: who speaks, and which collections it has. Once. */
  begin(): Promise<void> {
    this.#begun ??= (async () => {
      const [writer] = await this.#read("w");
      if (writer) this.#writer.restore(writer);
      this.speaks();
      for (const row of await this.#read("c")) this.#index.set(row.number, row);
    })();
    return this.#begun;
  }

  /** Who speaks is kept. */
  speaks(): void {
    this.#keeper()?.note?.(["data", WRITER, this.#writer.row]);
  }

  /** What is kept of a collection for a user, or for nobody yet; a place for it is made. */
  async restore(held: Held, user: string | null | undefined): Promise<void> {
    const mine = [...this.#index.values()].filter(
      (row) => row.name === held.name && (row.user === undefined || user === undefined || row.user === user),
    );
    // Whose it is is known, better than not.
    const row = mine.find((each) => each.user === user) ?? mine.at(-1);
    held.number = row?.number ?? Math.max(0, ...this.#index.keys()) + 1;
    held.user = user === undefined ? row?.user : user;
    this.note(held);
    if (!row) return;
    const { replica } = held;
    const [{ names, ...state } = { names: [] }] = await this.#read(`s ${held.number}`);
    for (const [name, n] of names) held.names.set(name, n);
    for (const { key, seq, value } of await this.#read(`d ${held.number}`)) {
      replica.confirmed.restore(key, seq, value);
    }
    replica.restore(state);
    for (const change of await this.#read(`n ${held.number}`)) {
      replica.restoreChange(change);
      const { name } = change.pending ?? change.failed.change;
      if (name) held.names.set(name, change.n);
    }
  }

  /** Whose a collection is, and under which number its rows are. */
  note(held: Held): void {
    if (held.number === undefined) return;
    const row = { key: String(held.number), number: held.number, name: held.name, user: held.user };
    this.#index.set(held.number, row);
    this.#keeper()?.note?.(["data", rowKey("c", row.key), row]);
  }

  /** The numbers of what is kept for a user, and how many changes of those that are not open wait there. */
  async of(user: string | null | undefined, open: Set<number | undefined>): Promise<[number[], number]> {
    await this.begin();
    const rows = [...this.#index.values()].filter((row) => row.user === undefined || row.user === user);
    const numbers = rows.map(({ number }) => number as number);
    let pending = 0;
    for (const number of numbers) if (!open.has(number)) pending += (await this.#read(`n ${number}`)).length;
    return [numbers, pending];
  }

  /** Nothing of these stays. */
  forget(numbers: number[]): void {
    const keeper = this.#keeper();
    for (const number of numbers) {
      for (const what of ["d", "n", "s"])
        keeper?.note?.(["data", [`${what} ${number} `, `${what} ${number}!`]]);
      keeper?.note?.(["data", rowKey("c", String(number))]);
      this.#index.delete(number);
    }
  }
}
