// The rooms of a session: who wants them, what was told of them, and who is there.
//
// Of each room the session keeps the number up to which it has heard *or been told* (`mark`): a gap that ends at or
// below it was told before. Events that come before the ack of a join wait for it: history first.

import type { Failure } from "./errors.ts";
import { Membership, type Stay } from "./membership.ts";
import type { Ask, Hooks } from "./outbox.ts";
import type { Asking, News } from "./port.ts";
import type { Sending } from "./sending.ts";
import type { Said } from "./words.ts";

/** How many events wait for the ack of their join. */
const EARLY = 1024;

/** @internal What the rooms need of the session around them. */
export interface Around {
  sending: Sending;
  tell: (news: News) => void;
  /** Something was confirmed. */
  settle: () => void;
  name: () => string;
  /** Where a room is joined again from. */
  since: (mark: number) => string;
  /** The life of the log, as the last `welcome` told it. */
  epoch: () => string;
}

/** All of them by name. */
export class Rooms {
  readonly #rooms = new Map<string, Membership>();
  readonly #around: Around;
  /** `room`, `left` and `grants` that overtook the ack of the join which they speak of. */
  #ahead: Said[] = [];
  /** Where there are collections: what the program wants of one, and what time it is at the server. */
  declare change?: (asking: Asking) => void;
  declare time?: (server: unknown) => void;

  constructor(around: Around) {
    this.#around = around;
  }

  #make(name: string): Membership {
    const room = this.#rooms.get(name) ?? new Membership(name);
    this.#rooms.set(name, room);
    return room;
  }

  /** Whether each room of the session is confirmed on this connection, and none waits to be joined again. */
  get settled(): boolean {
    for (const room of this.#rooms.values()) {
      if (room.joining?.ours || (room.member && !room.confirmed)) return false;
    }
    return true;
  }

  // -- joining

  /** The program joins. Where the session is in the room already, the mirror answers, and `history`. */
  enter(asking: Asking): void {
    const room = this.#make(asking.fields.room);
    room.views.set(asking.name, asking.page);
    this.#around.sending.submit(asking, {
      ...this.#hooks(room),
      before: (ask) => this.#turn(room, ask),
    });
  }

  /** Of a join. A server that was started again may not know whether it is the newest: no leave of ours went after it. */
  #hooks(room: Membership): Required<Hooks> {
    return {
      before: (ask) => this.#joins(room, ask),
      wanted: (ask) => room.joining === ask && room.inside,
      done: (ask, failure, result) => this.#entered(room, ask, failure, result),
    };
  }

  /** Its turn has come: whether it is to be written, and as what. One that was the room's join still is. */
  #turn(room: Membership, ask: Ask): boolean {
    const { sending } = this.#around;
    if (!room.inside || room.joining === ask) {
      ask.kind = "join";
      return this.#joins(room, ask);
    }
    const other = ask.data !== undefined && ask.data !== room.data;
    if (room.joining || !room.confirmed || other) {
      // One membership, one data: another one joins again, for all.
      if (!room.joining && room.confirmed) this.#rejoin(room, { room: room.name }, ask.data);
      sending.park(ask);
      room.waiting.push(ask);
      return false;
    }
    if (ask.fields.last === undefined) {
      sending.end(ask, undefined, room.mirror);
      return false;
    }
    ask.kind = "history";
    ask.fields = { room: room.name, last: ask.fields.last };
    ask.data = undefined;
    return true;
  }

  #joins(room: Membership, ask: Ask): true {
    room.inside = true;
    room.joining = ask;
    return true;
  }

  #entered(room: Membership, ask: Ask, failure: Failure | undefined, result: Said): unknown {
    const joined = room.joining === ask;
    if (joined) room.joining = undefined;
    if (failure) this.#notIn(room, ask, failure, joined);
    else if (joined) {
      room.data = ask.data;
      this.#joined(room, ask, result);
      result = { ...result, at: result.began };
    } else if (ask.kind === "history") result = { ...room.mirror, ...result, at: result.seq };
    if (joined) this.#release(room);
    this.#around.settle();
    return result;
  }

  #joined(room: Membership, ask: Ask, ack: Said): void {
    const { began = ask.again || room.member ? room.mark : ack.seq, history = [], gap } = ack;
    room.member = room.confirmed = true;
    room.by = room.stay = ask.id!;
    room.began = Math.max(room.began, began);
    ack.began = room.began;
    room.snapshot(ack);
    if (ask.ours) {
      if (room.lostEpoch) {
        // Between the old numbers and the new ones is what nobody can count.
        this.gap({
          type: "gap",
          room: room.name,
          from: 0,
          to: history[0] ? history[0].seq - 1 : began,
          reason: "epoch",
        });
      } else if (gap) this.gap({ ...gap, type: "gap", room: room.name });
      for (const said of history) this.#take(room, said, 0);
      this.#around.tell({ on: "room", said: { ...room.mirror, type: "room", room: room.name } });
    }
    room.lostEpoch = false;
    room.mark = Math.max(room.mark, room.began);
    for (const [said, size] of room.early.splice(0)) this.#take(room, said, size);
    if (room.missed > room.mark) {
      room.mark = room.missed;
      this.#around.tell({ on: "hear", said: { type: "lack", room: room.name }, prev: room.missed, size: 0 });
    }
    room.missed = 0;
  }

  #notIn(room: Membership, ask: Ask, failure: Failure, joined: boolean): void {
    const { sending } = this.#around;
    room.views.delete(ask.name);
    if (joined && !room.member) {
      if (ask.ours) {
        this.left({ type: "left", room: room.name, reason: failure.message });
        return;
      }
      const refused = failure.is === "Rejected" || failure.is === "TooLarge";
      if (refused || room.waiting.length) room.inside = false;
      if (refused) for (const each of room.waiting.splice(0)) sending.end(each, failure);
    }
    if (!room.views.size) this.#leave(room);
  }

  #release(room: Membership): void {
    this.#around.sending.unpark(room.waiting.splice(0));
    this.#around.sending.flush();
  }

  #rejoin(room: Membership, fields: Said, data: string | undefined): void {
    const { sending, name } = this.#around;
    const asking: Asking = { name: name(), kind: "join", fields, data, ours: true };
    room.joining = sending.submit(asking, this.#hooks(room), true);
  }

  // -- leaving

  /** The program takes a join back. The server hears of it with the last. */
  exit(asking: Asking): void {
    const room = this.#make(asking.fields.room);
    room.views.delete(asking.view!);
    this.#leave(room, asking);
  }

  #leave(room: Membership, asking?: Asking): void {
    const { sending, name } = this.#around;
    let due = false; // the server put it off: it is said again
    sending.submit(asking ?? { name: name(), kind: "leave", fields: { room: room.name }, ours: true }, {
      before: (ask) => {
        const last = (room.inside || due) && !room.views.size;
        if (last) [room.inside, due] = [false, true];
        else sending.end(ask, undefined, null);
        return last;
      },
      done: (ask, failure) => {
        if (!failure && (ask.id ?? 0) > room.by) room.member = room.confirmed = false;
        // Where it came to nothing, the next return says that nobody wants the room.
        if (!room.views.size && !room.inside && (failure || !room.member)) this.#rooms.delete(room.name);
      },
    });
  }

  /** A join of before this session was here. `mark`: the number up to which it has heard. */
  adopt(name: string, view: string, page: string, mark: number, data?: string): void {
    const room = this.#make(name);
    room.views.set(view, page);
    room.data ??= data;
    const { sending, since } = this.#around;
    if (!sending.open) {
      room.mark = room.member ? Math.min(room.mark, mark) : mark;
      room.member = room.inside = true;
    } else if (room.inside) {
      this.#around.tell({ on: "hear", said: { type: "lack", room: name }, prev: room.mark, size: 0 });
    } else this.#rejoin(room, { room: name, since: since(mark) }, data);
  }

  /** A page is gone, and what it joined with it. */
  gone(page: string): void {
    for (const room of this.#rooms.values()) {
      for (const [view, of] of room.views) if (of === page) room.views.delete(view);
      if (!room.views.size) this.#leave(room);
    }
  }

  /**
   * `room`, `left` or `grants`. Over plain HTTP the ack of a join comes by one connection and these by another: what was
   * said before that join is passed over, what was said behind it is done behind its ack.
   */
  told(said: Said): void {
    const { joining, member, stay = 0 }: Partial<Stay> = this.stay(said.room) ?? {};
    if (said.type === "room")
      // it is in it since
      this.#ahead = this.#ahead.filter(({ room, type }) => type !== "left" || room !== said.room);
    const { id = Number.NaN } = said; // a server of before it says none
    if ((joining?.id ?? Number.NaN) <= id) this.#ahead.push(said);
    else if (id < stay || (joining && !member)) return;
    else if (said.type === "left") this.left(said);
    else this.word(said);
  }

  /** An ack came: what waited for it is done behind it. */
  acked(): void {
    if (this.#ahead.length) for (const said of this.#ahead.splice(0)) this.told(said);
  }

  protected stay(room: string): Stay | undefined {
    return this.#rooms.get(room);
  }

  /** The server took the session out. */
  left(said: Said): void {
    const room = this.#rooms.get(said.room);
    if (!room) return;
    room.member = room.confirmed = false;
    room.inside = room.joining !== undefined;
    room.views.clear();
    for (const ask of [room.joining, ...room.waiting])
      if (ask && !ask.ours) room.views.set(ask.name, ask.page);
    this.#around.tell({ on: "room", said });
    this.#release(room);
    if (!room.views.size) this.#rooms.delete(room.name);
  }

  // -- hearing

  /** An event of the feed; false: no room of this name is wanted. */
  hear(said: Said, size: number): boolean {
    const room = this.#rooms.get(said.room);
    if (!room) return false;
    if (room.member || !room.joining) this.#take(room, said, size);
    else if (room.early.length < EARLY) room.early.push([said, size]);
    else room.missed = said.seq ?? room.missed;
    return true;
  }

  #take(room: Membership, said: Said, size: number): void {
    const prev = room.mark;
    if (said.seq != null) {
      if (said.seq <= prev) return;
      room.mark = said.seq;
    }
    this.#around.tell({ on: "hear", said, prev, size });
  }

  /** What the server will not say. */
  gap(said: Said): boolean {
    const room = this.#rooms.get(said.room);
    if (!room) return false;
    const { mark } = room;
    const anew = said.reason === "epoch";
    if (anew || said.to > mark) {
      room.lostEpoch = false;
      room.mark = anew ? Math.max(0, said.to) : said.to;
      const from = anew ? said.from : Math.max(said.from, mark + 1);
      this.#around.tell({ on: "hear", said: { ...said, from }, prev: mark, size: 0 });
    }
    return true;
  }

  /** `room`, `presence` or `grants`. */
  word(said: Said): void {
    const room = this.#rooms.get(said.room);
    if (!room) return;
    if (said.type === "presence") room.presence(said);
    else if (said.type === "grants") room.grants(said.grants);
    else {
      room.snapshot(said);
      room.began = said.began ?? room.began;
      // What a join under way makes up for begins where was heard up to: that may be at 0.
      if (!room.joining) room.mark ||= room.began;
    }
    this.#around.tell({ on: "room", said });
    if (said.type === "room") {
      if (!room.joining) this.#release(room);
      this.#around.settle();
    }
  }

  // -- coming back

  /** The connection is gone: nothing is confirmed on the next. */
  unconfirm(): void {
    this.#ahead = [];
    for (const room of this.#rooms.values()) {
      room.confirmed = false;
      room.stay = 0;
    }
  }

  /** The old numbers say nothing any more. */
  newEpoch(): void {
    for (const room of this.#rooms.values()) {
      room.lostEpoch ||= room.member || room.joining?.ours === true; // that is of a room which was heard
      room.mark = room.began = room.missed = 0;
    }
  }

  /** The session is the same, and the rooms are as the server says. What was written goes again after this. */
  listed(listed: string[]): void {
    for (const room of this.#rooms.values()) {
      const here = listed.includes(room.name);
      if (room.member && !here) {
        if (room.joining) room.member = false;
        else
          this.left({
            type: "left",
            room: room.name,
            reason: "the session came back, and is not in it any more",
          });
      } else if (here && !room.member && !room.joining && room.views.size) {
        // The session was in it before this page was there.
        room.member = room.inside = true;
      }
    }
  }

  /** The session is in these, and those that nobody wants are left. */
  unwanted(listed: string[]): void {
    for (const name of listed) {
      if (this.#rooms.has(name)) continue;
      const room = this.#make(name);
      room.member = room.inside = true;
      this.#leave(room);
    }
  }

  /** The session is another. The rooms as they stood before the first unanswered join or leave. */
  before(): Membership[] {
    return [...this.#rooms.values()].filter((room) => room.member);
  }

  /** These are joined again, in front of what may go again. */
  fresh(before: Membership[] = []): void {
    const { sending, since } = this.#around;
    for (const room of this.#rooms.values()) {
      sending.unpark(room.waiting.splice(0));
      room.inside = room.member = room.confirmed = false;
      room.joining = undefined;
      room.early = [];
      room.by = 0;
    }
    for (const room of before.reverse()) {
      this.#rejoin(room, { room: room.name, since: since(room.mark) }, room.data);
    }
  }
}
