// One collection in a session: what is heard of it, what is due, what is kept, and who is told. All that its replica is
// told ends in `settle`: what is to be kept is noted, what is seen anew is told, what is due goes out. A push leaves when
// it, and all that was told before it, is committed.

import type { Clock } from "./clock.ts";
import type { Kept } from "./collections_notes.ts";
import { Replica } from "./collections_replica.ts";
import { Told } from "./collections_told.ts";
import type { Failure } from "./errors.ts";
import type { Ask } from "./outbox.ts";
import type { Kind, News } from "./port.ts";
import type { Sending } from "./sending.ts";
import type { Change } from "./store.ts";
import { dataOf, type Said } from "./words.ts";

/** Milliseconds until what was refused for now is asked again, if the server does not say; doubled for pulls. */
const AGAIN = 1000;
const LONGEST = 30_000;
/** How many names of what pages asked for are known: one may ask again when another page leads. */
const NAMES = 64;
const NO_RIGHT: readonly (string | undefined)[] = ["FORBIDDEN", "NOT_FOUND", "UNAUTHORIZED"];

/** @internal What all collections of a session have around them. */
export interface Around {
  sending: Sending;
  clock: Clock;
  tell: (news: News) => void;
  name: () => string;
  epoch: () => string;
  /** What a join says of the writer. */
  me: () => Said;
  /** It is a copy of another's: another client id for all. */
  renew: () => void;
}

/** Where a row is kept: all of a prefix are together, those of changes in the order of their numbers. */
export const rowKey = (prefix: string, key: string | number): string =>
  `${prefix} ${typeof key === "number" ? String(key).padStart(16, "0") : key}`;

/** @internal */
export class Held {
  readonly name: string;
  readonly room: string;
  readonly replica: Replica;
  /** What pages know of it. */
  readonly told: Told;
  /** Under which its rows are kept; undefined: they are not. */
  number: number | undefined;
  /** Whose it is; undefined: nobody was welcome yet. */
  user: string | null | undefined;
  /** Who looks at it, and on which page. */
  readonly views = new Map<string, string | undefined>();
  /** What a page asked for under this name, and the number that it got; of pages that may ask again. */
  readonly names = new Map<string, number | null>();
  /** For the application's authorizer, as a text. */
  data: string | undefined;
  member = false;
  confirmed = false;
  ended = false;
  /** The id of the newest join that was acknowledged since the last `welcome`. */
  stay = 0;
  loaded: Promise<void> = Promise.resolve();
  /** What was heard before the store was read; undefined: it was read. */
  #unread: (() => void)[] | undefined = [];
  readonly #around: Around;
  readonly #running = new Set<Ask>();
  joining: Ask | undefined;
  #joinAt = Number.POSITIVE_INFINITY;
  #pullAt = 0;
  #pullWaits = 0;
  #busy = false;
  #more = false;
  #timer: (() => void) | undefined;

  constructor(around: Around, name: string, schema?: number) {
    this.#around = around;
    this.name = name;
    this.room = `$sync/${name}`;
    this.replica = new Replica(schema);
    this.told = new Told(this.room, this.replica, around.tell);
  }

  /** A page asked for a change under this name. */
  remember(name: string, n: number | null): void {
    this.names.set(name, n);
    for (const old of this.names.keys()) {
      if (this.names.size <= NAMES) break;
      this.names.delete(old);
    }
  }

  /** Do it when the store was read: until then the replica is empty, and what is settled on that would be kept. */
  when(act: () => void): void {
    if (this.#unread) this.#unread.push(act);
    else act();
  }

  // -- the room

  /** Ask to be let in, unless it is, or was asked. */
  join(): void {
    const { sending } = this.#around;
    if (this.ended || this.member || this.joining || !sending.open) return;
    this.#joinAt = Number.POSITIVE_INFINITY;
    const sync = { ...this.#around.me(), seen: this.replica.seen };
    this.joining = this.#ask("join", { room: this.room, sync }, (failure, ack) => {
      const { id = 0 } = this.joining ?? {};
      this.joining = undefined;
      if (failure) this.#notIn(failure);
      else {
        this.stay = id;
        this.joined(ack.sync ?? {});
      }
    });
  }

  /** The server's word on the room. */
  joined(sync: Said): void {
    this.member = this.confirmed = true;
    this.told.problem = undefined;
    this.told.schema = sync.schema;
    this.#pullAt = this.#pullWaits = 0;
    this.replica.lane.most = this.#around.sending.http ? 1 : 4;
    this.replica.join(this.#around.epoch(), sync);
    this.settle();
  }

  #notIn(failure: Failure): void {
    this.told.problem = failure;
    // Without the right, nothing that was confirmed stays.
    if (failure.is === "Rejected" && NO_RIGHT.includes(failure.code)) this.replica.left();
    else this.#joinAt = this.#around.clock.now() + (failure.after ?? 0) * 1000 + (failure.after ? 0 : AGAIN);
    this.settle();
  }

  /** The server took the session out of it. */
  left(reason: string): void {
    this.member = this.confirmed = false;
    this.told.problem = { is: "LeftRoom", code: "FORBIDDEN", message: `out of ${this.name}: ${reason}` };
    this.#drop();
    this.replica.left();
    this.settle();
  }

  /** The connection is gone: what was asked will not be answered. */
  away(): void {
    this.confirmed = false;
    this.stay = 0;
    this.#drop();
    this.replica.away();
    this.settle();
  }

  #drop(): void {
    const { sending } = this.#around;
    this.joining = undefined;
    for (const ask of [...this.#running]) {
      this.#running.delete(ask);
      sending.end(ask, { is: "NotDone", message: "the connection was lost" });
    }
  }

  /** It speaks under another client id from now on, and asks to be let in under that. */
  renew(): void {
    this.replica.renew();
    this.#drop();
    this.member = this.confirmed = false;
    this.settle();
    this.join();
  }

  /** What it may do is another. */
  grants(grants: string[]): void {
    const { lane } = this.replica;
    if (grants.includes("write") && lane.rest === "right") lane.rest = this.told.problem = undefined;
    this.settle();
  }

  /** Nobody looks at it any more, or the client is over. */
  end(failure?: Failure): void {
    this.ended = true;
    this.#drop();
    this.#timer?.();
    if (failure) this.#around.tell({ on: "data", room: this.room, said: { ended: failure } });
  }

  // -- what is due

  /** Do what is due, keep what is to be kept, and tell who is to be told. `own`: a call of the program was the cause. */
  settle(own = false): void {
    this.#more = this.#busy;
    if (this.#busy) return;
    this.#busy = true;
    do {
      this.#more = false;
      this.#step(own);
      own = false;
    } while (this.#more);
    this.#busy = false;
    this.#wait();
  }

  #step(own: boolean): void {
    const { replica } = this;
    const { clock, sending } = this.#around;
    const now = clock.now();
    const pushes = [];
    let pull: Said | undefined;
    if (this.member && this.confirmed && sending.open && !this.ended) {
      for (let push = replica.nextPush(now); push; push = replica.nextPush(now)) pushes.push(push);
      if (now >= this.#pullAt) pull = replica.nextPull();
    }
    const kept = replica.keep();
    this.#store(kept);
    this.told.tell(kept, own);
    if (pull) {
      this.#ask("pull", { collection: this.name, ...pull }, (failure, page) => this.#pulled(failure, page));
    }
    for (const { token, changes } of pushes) {
      const fields = { collection: this.name, changes: JSON.parse(dataOf(changes)!), seen: replica.seen };
      this.#ask("push", fields, (failure, ack) => this.#pushed(token, failure, ack));
    }
    if (replica.fenced) this.#around.renew();
  }

  #ask(
    kind: Kind,
    fields: Said,
    done: (failure: Failure | undefined, result: Said) => void,
  ): Ask | undefined {
    const { name, sending } = this.#around;
    let over = false;
    let ask: Ask | undefined;
    ask = sending.submit(
      { name: name(), kind, fields, data: kind === "join" ? this.data : undefined, ours: true },
      {
        done: (asked, failure, result) => {
          over = true;
          const early = !this.#running.delete(asked);
          // (One that ends before it is under way is told all the same: it is over a limit, say.)
          if (!early || asked !== ask) done(failure, result ?? {});
        },
      },
    );
    if (over) return undefined;
    this.#running.add(ask);
    return ask;
  }

  #pulled(failure: Failure | undefined, page: Said): void {
    const { clock } = this.#around;
    if (failure) {
      this.replica.pullFailed();
      this.#pullWaits = Math.min(LONGEST, this.#pullWaits * 2 || AGAIN);
      this.#pullAt = clock.now() + ((failure.after ?? 0) * 1000 || this.#pullWaits);
    } else {
      this.#pullAt = this.#pullWaits = 0;
      this.replica.page(page, clock.now());
      const { trouble } = this.replica;
      if (trouble) this.told.problem = { is: "NotDone", ...trouble };
    }
    this.settle();
  }

  #pushed(token: number, failure: Failure | undefined, ack: Said): void {
    const now = this.#around.clock.now();
    if (failure) {
      const { after, code = "INTERNAL", message, is } = failure;
      const retry = failure.retry === true || (is !== "Rejected" && is !== "TooLarge");
      this.replica.pushFailed(token, { code, message }, retry, (after ?? 0) * 1000 || AGAIN, now);
      if (this.replica.lane.rest === "right") this.told.problem = failure;
    } else this.replica.pushed(token, ack, now);
    this.settle();
  }

  // -- what is kept

  #store({ dirty, dropped, forgotten, touched }: Kept): void {
    const { number, replica } = this;
    const { keeper } = this.#around.sending;
    if (number === undefined || !keeper?.note) return;
    const rows: Change[] = [];
    if (dropped) rows.push(["data", [`d ${number} `, `d ${number}!`]]);
    for (const key of forgotten) rows.push(["data", rowKey(`d ${number}`, key)]);
    for (const key of touched) {
      const known = replica.confirmed.keys.get(key);
      if (known) rows.push(["data", rowKey(`d ${number}`, key), { key, ...known }]);
    }
    for (const n of dirty) rows.push(["data", rowKey(`n ${number}`, n), replica.row(n)]);
    const names = [...this.names].slice(-NAMES);
    rows.push(["data", rowKey(`s ${number}`, "state"), { ...replica.state, names }]);
    keeper.note(...rows);
  }

  /** Called when all that was noted is committed; at once where nothing is kept. */
  whenKept(call: () => void): void {
    const { keeper } = this.#around.sending;
    if (this.number !== undefined && keeper?.note) keeper.hand([""], call);
    else call();
  }

  /** Everything was read from the store: it is what is seen. */
  restored(): void {
    this.told.restored();
    const heard = this.#unread ?? [];
    this.#unread = undefined;
    this.settle();
    for (const act of heard) act();
  }

  // -- time

  #wait(): void {
    const { clock, sending } = this.#around;
    const { rest } = this.replica.lane;
    this.#timer?.();
    this.#timer = undefined;
    if (this.ended || !sending.open) return;
    const rests =
      typeof rest === "number" && !this.replica.lane.flying.size ? rest : Number.POSITIVE_INFINITY;
    const pulls = this.member && this.#pullWaits ? this.#pullAt : Number.POSITIVE_INFINITY;
    const due = Math.min(this.#joinAt, pulls, rests);
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = clock.after(Math.max(1, due - clock.now()), () => {
      this.#timer = undefined;
      if (this.#joinAt <= clock.now()) this.join();
      this.settle();
    });
  }
}
