// The rooms of a session, with collections among them: `$sync/NAME` is a collection's, all others are rooms as they are
// without this. Collections are opened once, however many views of pages look at them.

import type { Clock } from "./clock.ts";
import { Held, type Around as Whole } from "./collections_held.ts";
import { Shelf } from "./collections_shelf.ts";
import { Writer } from "./collections_writer.ts";
import type { Refused } from "./crdt_said.ts";
import type { Failure } from "./errors.ts";
import type { Membership, Stay } from "./membership.ts";
import { type Around, Rooms } from "./memberships.ts";
import type { Asking } from "./port.ts";
import { type Said, valueIn } from "./words.ts";

const PREFIX = "$sync/";

const isSync = (room: string): boolean => room.startsWith(PREFIX);

/** @internal */
export class Shared extends Rooms {
  readonly #held = new Map<string, Held>();
  readonly #here: Around;
  readonly #writer: Writer;
  readonly #whole: Whole;
  readonly #shelf: Shelf;
  #renewing = false;

  constructor(around: Around, clock: Clock) {
    super(around);
    this.#here = around;
    this.#writer = new Writer(clock);
    const { epoch, name, sending, tell } = around;
    this.#shelf = new Shelf(() => sending.keeper, this.#writer);
    this.#whole = {
      clock,
      epoch,
      name,
      sending,
      tell,
      me: () => {
        const { client, incarnation, nonce } = this.#writer;
        return { client, incarnation, nonce };
      },
      renew: () => this.#renew(),
    };
  }

  override time = (server: unknown): void => this.#writer.learned(server);

  // -- opening

  override enter(asking: Asking): void {
    const { room, schema } = asking.fields;
    if (!isSync(room)) {
      super.enter(asking);
      return;
    }
    const held = this.#open(room, asking.name, asking.page, asking.data, schema);
    void held.loaded.then(() => this.#here.tell({ on: "end", name: asking.name, result: null }));
  }

  override adopt(room: string, view: string, page: string, mark: number, data?: string): void {
    if (isSync(room)) this.#open(room, view, page, data, mark || undefined);
    else super.adopt(room, view, page, mark, data);
  }

  #open(room: string, view: string, page: string | undefined, data?: string, schema?: number): Held {
    const name = room.slice(PREFIX.length);
    let held = this.#held.get(name);
    if (!held) {
      held = new Held(this.#whole, name, schema);
      held.data = data;
      this.#held.set(name, held);
      held.loaded = this.#load(held);
    }
    const opened = held;
    held.views.set(view, page);
    void held.loaded.then(() => opened.told.snapshot(view));
    return held;
  }

  async #load(held: Held): Promise<void> {
    const { sending } = this.#here;
    held.user = sending.user;
    try {
      if (this.#shelf.there) {
        await this.#shelf.begin();
        await this.#shelf.restore(held, sending.user);
      }
    } catch {
      // It is not kept: the client's `storage` says why.
      held.number = undefined;
    }
    if (held.ended) return;
    held.restored();
    held.join();
  }

  override exit(asking: Asking): void {
    const { room } = asking.fields;
    if (!isSync(room)) {
      super.exit(asking);
      return;
    }
    const held = this.#held.get(room.slice(PREFIX.length));
    held?.views.delete(asking.view!);
    if (held && !held.views.size) this.#close(held);
    this.#here.tell({ on: "end", name: asking.name, result: null });
  }

  #close(held: Held, failure?: Failure): void {
    this.#held.delete(held.name);
    const { member, room } = held;
    held.end(failure);
    if (member && this.#here.sending.open) this.#leave(room);
  }

  #leave(room: string): void {
    const { name, sending } = this.#here;
    sending.submit({ name: name(), kind: "leave", fields: { room }, ours: true });
  }

  override gone(page: string): void {
    super.gone(page);
    for (const held of [...this.#held.values()]) {
      for (const [view, of] of held.views) if (of === page) held.views.delete(view);
      if (!held.views.size) this.#close(held);
    }
  }

  // -- what programs want of them

  override change = (call: Asking): void => {
    const { name, fields } = call;
    if (fields.does === "sign out") {
      void this.#signOut(call);
      return;
    }
    const held = this.#held.get(fields.collection);
    const end = (failure?: Failure, result?: unknown): void =>
      this.#here.tell({ on: "end", name, failure, result });
    if (!held) {
      end({ is: "NotDone", code: "UNAVAILABLE", message: `${fields.collection} is not open here` });
      return;
    }
    void held.loaded.then(() => {
      try {
        // Another page led, and did it before it went.
        const known = held.names.get(name);
        const n = known === undefined ? this.#does(held, call) : known;
        if (typeof n !== "boolean") held.remember(name, n);
        held.settle(true);
        held.whenKept(() => end(undefined, n));
      } catch (error) {
        const { code = "INTERNAL", message } = error as Refused;
        if (code === "INTERNAL") reportError(error);
        held.settle();
        end({ is: "Rejected", code, message });
      }
    });
  };

  #does(held: Held, { data, fields, name }: Asking): number | null | boolean {
    const { replica } = held;
    const { does, how, key, n, unset } = fields;
    const value = data === undefined ? undefined : valueIn(data);
    const at = this.#writer.now;
    if (does === "discard") return replica.discard(n);
    if (does === "put") return replica.put(key, value, at, name) ?? null;
    if (does === "decide") return replica.decide(n, how, value, at, name) ?? null;
    const op = does === "delete" ? { op: does } : { op: does, value, ...(unset?.length ? { unset } : {}) };
    return replica.change(key, op, at, name);
  }

  /** Nothing of this user stays; unless that would lose something, and nobody said that it may. */
  async #signOut({ name, fields }: Asking): Promise<void> {
    const { sending, tell } = this.#here;
    const { keeper } = sending;
    const end = (failure?: Failure): void => tell({ on: "end", name, failure });
    // One that is being read does not know yet what it has.
    await Promise.all([...this.#held.values()].map(({ loaded }) => loaded));
    const counts = this.counts;
    const open = new Set([...this.#held.values()].map(({ number }) => number));
    let mine: number[] = [];
    try {
      if (this.#shelf.there) {
        const [kept, pending] = await this.#shelf.of(sending.user, open);
        mine = kept;
        counts.pending += pending;
      }
    } catch {
      // What cannot be read cannot be said either.
    }
    const waiting = [...sending.all()].filter(
      ({ kind, ours }) => !ours && (kind === "emit" || kind === "publish"),
    );
    counts.messages = waiting.length;
    if (!fields.discard && Object.values(counts).some((count) => count > 0)) {
      const { pending, conflicts, refused, messages } = counts;
      const message = `${pending} changes are not confirmed, ${conflicts} wait for a decision, ${refused} were refused, and ${messages} messages wait: wait for them, or give them up with { discard: true }`;
      end({ is: "NotDone", code: "UNSENT", message, details: counts });
      return;
    }
    const failure: Failure = { is: "ClientClosed", code: "CLOSED", message: "signed out" };
    for (const held of [...this.#held.values()]) this.#close(held, failure);
    for (const ask of waiting) sending.end(ask, { is: "NotDone", code: "ABORTED", message: "signed out" });
    this.#shelf.forget(mine);
    keeper?.note?.(["meta", "session"], ["meta", "position"]);
    if (keeper?.note) keeper.hand([""], () => end());
    else end();
  }

  /** Another client id for all: this store, or another that is a copy of it, was opened elsewhere. */
  #renew(): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const all = [...this.#held.values()];
    const fence = ({ replica }: Held): void => {
      if (!replica.fenced) replica.fence();
    };
    for (const held of all) held.when(() => fence(held));
    this.#writer.renew();
    this.#shelf.speaks();
    for (const held of all) held.when(() => held.renew());
    this.#renewing = false;
  }

  // -- hearing

  #of(said: Said): Held | undefined {
    return this.#held.get(String(said.room).slice(PREFIX.length));
  }

  override hear(said: Said, size: number): boolean {
    if (!isSync(said.room)) return super.hear(said, size);
    const held = this.#of(said);
    held?.when(() => {
      // What comes before the server's word on the room is pulled after it.
      if (!held.confirmed || said.event !== "change") return;
      held.replica.hear(said.seq, said.data);
      held.settle();
    });
    return true;
  }

  override gap(said: Said): boolean {
    if (!isSync(said.room)) return super.gap(said);
    const held = this.#of(said);
    held?.when(() => {
      if (!held.confirmed) return;
      held.replica.gap(said.to);
      held.settle();
    });
    return true;
  }

  override word(said: Said): void {
    const held = isSync(said.room) ? this.#of(said) : undefined;
    if (!isSync(said.room)) super.word(said);
    else if (said.type === "grants") held?.when(() => held.grants(said.grants));
    else if (said.type === "room") held?.when(() => held.joined(said.sync ?? {}));
  }

  protected override stay(room: string): Stay | undefined {
    return isSync(room) ? this.#of({ room }) : super.stay(room);
  }

  override left(said: Said): void {
    const held = isSync(said.room) ? this.#of(said) : undefined;
    if (!isSync(said.room)) super.left(said);
    else held?.when(() => held.left(said.reason ?? ""));
  }

  // -- coming back

  override unconfirm(): void {
    super.unconfirm();
    for (const held of this.#held.values()) held.when(() => held.away());
  }

  override listed(listed: string[]): void {
    super.listed(listed);
    for (const held of this.#held.values()) {
      held.when(() => {
        held.member = listed.includes(held.room);
      });
    }
  }

  override unwanted(listed: string[]): void {
    super.unwanted(listed.filter((room) => !isSync(room)));
    for (const room of listed) if (isSync(room) && !this.#of({ room })) this.#leave(room);
    this.#welcomed();
  }

  override fresh(before?: Membership[]): void {
    super.fresh(before);
    for (const held of this.#held.values()) {
      held.when(() => {
        held.member = false;
      });
    }
    this.#welcomed();
  }

  #welcomed(): void {
    const { user } = this.#here.sending;
    for (const held of [...this.#held.values()]) {
      if (held.user !== undefined && held.user !== user) {
        const message = `${held.name} was ${held.user}'s; this session is ${user}'s`;
        this.#close(held, { is: "NotDone", code: "FORBIDDEN", message });
        continue;
      }
      if (held.user === undefined) {
        held.user = user;
        this.#shelf.note(held);
      }
      // (Once this turn is over, in which the session is not open yet.)
      void held.loaded.then(() => held.join());
    }
  }

  /** Pending, in conflict and refused, of all that is open. */
  get counts(): Said {
    let [pending, conflicts, refused] = [0, 0, 0];
    for (const { replica } of this.#held.values()) {
      for (const { confirmed } of replica.queue.all.values()) if (!confirmed) pending++;
      for (const { conflict } of replica.failed.values()) {
        if (conflict) conflicts++;
        else refused++;
      }
    }
    return { pending, conflicts, refused };
  }
}
