// The session's half of a client: calls of pages and messages of the server go in; frames, and news for the pages,
// come out.

import { Asked } from "./asked.ts";
import { Beat } from "./beat.ts";
import { Connection } from "./connection.ts";
import type { Failure } from "./errors.ts";
import type { Streams } from "./flows.ts";
import { Hearing } from "./hearing.ts";
import { Identity } from "./identity.ts";
import { limitsOf } from "./limits.ts";
import type { Hands, Line, Owner } from "./line.ts";
import type { Rooms } from "./memberships.ts";
import { Outbox } from "./outbox.ts";
import type { Call, News, Status } from "./port.ts";
import { Sending } from "./sending.ts";
import { soon } from "./waiting.ts";
import { bytesOf, encode, type Said } from "./words.ts";

/** For which `close` waits for the answers to what was written. */
const GRACE = 5000;

/** One session with a server, over whatever connections it takes. */
export class Session implements Owner {
  readonly connection: Connection;
  readonly who: Identity;
  readonly sending: Sending;
  readonly hearing: Hearing;
  /** Where the client can join, and where it can stream. */
  readonly rooms: Rooms | undefined;
  readonly streams: Streams | undefined;
  readonly asked = new Asked();
  readonly beat: Beat;
  /** Called at each welcome, before anything is written. */
  onWelcome: (() => void) | undefined;
  readonly #hands: Hands;
  readonly #tell: (news: News) => void;
  #told = false;
  #poked = false;
  #size = 0;
  readonly #watchers = new Set<() => void>();

  constructor(hands: Hands, tell: (news: News) => void) {
    this.#hands = hands;
    this.who = new Identity(hands.program);
    this.#tell = (news) => {
      tell(news);
      if (news.on === "stage" || news.on === "end" || news.on === "data") this.changed();
    };
    this.connection = new Connection(hands, this);
    const write = (text: string): void => {
      this.beat.bytesOut += text.length;
      this.connection.line?.link?.say(text);
    };
    this.sending = new Sending(new Outbox(hands.bounds), hands.clock, write, this.#tell);
    this.beat = new Beat(hands, this.connection, this.sending, this.who);
    const { codec } = hands;
    // What waits may leave by plain HTTP, which speaks JSON, or in the codec's bytes.
    if (codec) this.sending.measure = (text) => Math.max(bytesOf(text), codec.pack(text).length);
    this.streams = hands.makeStreams?.(this.sending, this.#tell);
    this.hearing = new Hearing(this.#tell);
    this.rooms = this.hearing.rooms = hands.makeRooms?.({
      sending: this.sending,
      tell: this.#tell,
      settle: () => this.#settle(),
      name: hands.name,
      since: (mark) => this.hearing.since(mark),
      epoch: () => this.hearing.epoch ?? "",
    });
  }

  // -- what pages ask

  take(call: Call): void {
    if (call.do === "ask") {
      if (this.connection.state === "ended") {
        this.#tell({ on: "end", name: call.name, failure: this.connection.error });
      } else if (call.kind === "join") this.rooms?.enter(call);
      else if (call.kind === "leave") this.rooms?.exit(call);
      else if (call.kind === "open") this.streams?.open(call);
      else if (call.kind === "change") this.rooms?.change?.(call);
      else this.sending.submit(call);
      this.changed();
    } else if (call.do === "drop") this.sending.drop(call.name, call.is);
    else if (call.do === "tell") this.streams?.say(call.name, call.said, call.data);
    else if (call.do === "reply") this.#reply(call);
    else soon(() => this.#poke());
  }

  /** Somebody wants to know what the server has taken, behind what is being written now. */
  #poke(): void {
    this.#poked = this.beat.pulse?.asked !== undefined;
    if (!this.#poked) this.beat.ping();
  }

  /** The status is another: it is told when this turn is over. */
  changed(): void {
    if (this.#told) return;
    this.#told = true;
    soon(() => {
      this.#told = false;
      this.#tell({ on: "status", status: this.status });
      for (const watcher of this.#watchers) watcher();
    });
  }

  get status(): Status {
    const { connection } = this;
    const { box, failed, user } = this.sending;
    return {
      state: connection.state,
      live: connection.state === "live",
      transport: connection.line?.transport ?? "",
      session: this.who.session,
      user: this.who.user,
      epoch: this.hearing.epoch,
      seq: this.hearing.seq,
      latency: this.beat.pulse?.smoothed,
      measured: this.beat.measured,
      queued: box.queue.length,
      unanswered: box.written.size,
      foreign: box.queue.filter((ask) => ask.user !== undefined && ask.user !== user).length,
      failed,
      error: connection.error,
    };
  }

  /** A page is gone, and with it what it joined and reads. */
  gone(page: string): void {
    this.rooms?.gone(page);
    this.streams?.gone(page);
  }

  // -- the connection's owner

  get welcomed(): boolean {
    return this.sending.open;
  }

  get known(): boolean {
    return this.who.session !== undefined;
  }

  get helloOpen(): boolean {
    return this.who.hellos.unanswered > 0;
  }

  hello(token: string | null | undefined): string {
    const wall = this.#hands.clock.wall();
    return encode(this.who.hello(token, this.hearing.position, this.streams?.wanted, wall));
  }

  dropped(): void {
    this.beat.end();
    if (this.sending.open) this.sending.closed();
    this.rooms?.unconfirm();
  }

  /** For good: everything that waits hears of it. */
  over(failure: Failure): void {
    this.sending.endAll(failure.message);
    this.#tell({ on: "over", failure });
  }

  heard(line: Line, messages: Said[], size: number): void {
    const { beat, connection } = this;
    if (line === connection.line && beat.pulse) beat.pulse.heard = this.#hands.clock.now();
    beat.bytesIn += size * messages.length;
    this.#size = size;
    for (const said of messages) {
      if (line.gone) return;
      if (said.type === "welcome") {
        const expected = connection.state === "welcoming" && !this.sending.open;
        if (line === connection.next || (line === connection.line && expected)) this.#welcome(line, said);
      } else if (said.type === "bye") this.who.hellos.known(said.n);
      else if (line === connection.line && this.sending.open) this.#message(said);
    }
  }

  /** Wait for the answers to what was written, and end. `bye`: end the session at the server too. */
  async close(bye: boolean): Promise<void> {
    const { box } = this.sending;
    if (!bye && box.written.size && this.sending.open) {
      await new Promise<void>((resolve) => {
        const done = this.#hands.clock.after(GRACE, resolve);
        const watcher = (): void => {
          if (box.written.size && this.sending.open) return;
          this.#watchers.delete(watcher);
          done();
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
    // What runs for the session is cancelled by `bye`: only where nothing is left, and nothing is kept.
    if (this.sending.open && (bye || !(box.written.size || box.queue.length))) {
      // Past whatever waits for a store.
      this.connection.line?.link?.say(encode({ type: "bye" }));
    }
    this.connection.over({ is: "ClientClosed", code: "CLOSED", message: "the client was closed" });
  }

  // -- hearing

  #message(said: Said): void {
    const { hearing } = this;
    switch (said.type) {
      case "event":
        return hearing.event(said, this.#size);
      case "ack":
        this.sending.ack(said);
        return this.rooms?.acked();
      case "presence":
        return this.rooms?.word(said);
      case "gap":
        return hearing.gap(said);
      case "room":
      case "left":
      case "grants":
        return this.rooms?.told(said);
      case "item":
      case "credit":
      case "end":
        return this.streams?.heard(said);
      case "request":
        return this.#question(said);
      case "pong":
        this.beat.ponged(said);
        this.changed();
        if (this.#poked) this.#poke();
        this.rooms?.time?.(said.server);
        return this.sending.took(said.taken);
      case "advise":
        this.beat.advised(said);
        return this.changed();
      case "expiring":
        return this.#expiring();
    }
  }

  #welcome(line: Line, said: Said): void {
    const { connection, hearing, rooms, sending, streams, who } = this;
    if ((said.v ?? 1) !== 1) {
      const message = `the server speaks version ${said.v} of the protocol, not 1`;
      connection.over({ is: "NotRtcore", code: "INVALID_MESSAGE", message });
      return;
    }
    const limits = limitsOf(said.limits);
    if (typeof said.session !== "string" || typeof said.epoch !== "string")
      throw new SyntaxError("a welcome without session or epoch");
    connection.welcomed(line);
    rooms?.unconfirm();
    if (sending.open) sending.closed();
    const { resumed, sameLife } = who.welcome(said);
    const now = this.#hands.clock.now();
    sending.limits = limits;
    sending.http = line.transport !== "websocket";
    sending.user = who.user;
    sending.life = who.life;
    for (const ask of sending.box.queue) {
      if (ask.user === undefined && ask.kind !== "join" && ask.kind !== "leave") ask.user = who.user;
    }
    sending.pace.begin(sending.limits.messages_per_second, now);
    hearing.begin(said.epoch, said.seq);
    line.link?.welcomed?.(said.session, said.key);
    if (!sameLife || !resumed) this.asked.forget();
    this.onWelcome?.();
    rooms?.time?.(said.time);
    const begin = (): void => {
      sending.open = true;
      this.beat.begin(said.time);
    };
    if (resumed) {
      sending.box.lastId = Math.max(sending.box.lastId, said.taken ?? 0);
      // A server that began anew knows no more than which ids it may have taken: then acks alone tell.
      if (sameLife) sending.took(said.taken);
      else sending.taken = said.taken ?? 0;
      const listed: string[] = (said.rooms ?? []).map((each: Said) => each.room);
      rooms?.listed(listed);
      sending.again();
      rooms?.unwanted(listed);
      begin();
      streams?.resumed(said.streams);
    } else {
      streams?.fresh();
      const before = rooms?.before();
      sending.fresh();
      rooms?.fresh(before);
      begin();
    }
    sending.flush();
    this.beat.ping();
    this.beat.tick();
    this.#settle();
    this.changed();
  }

  /** Live, once each joined room is confirmed. */
  #settle(): void {
    if (this.sending.open && this.rooms?.settled !== false) this.connection.settled();
  }

  // -- questions of the server

  #question({ id, event, data }: Said): void {
    const kept = this.asked.comes(id);
    if (typeof kept === "string") this.connection.line?.link?.say(this.#fitting(id, kept));
    else if (kept) this.#tell({ on: "question", id, event, data });
  }

  #reply({ id, error, data }: Call & { do: "reply" }): void {
    const text = this.#fitting(id, encode({ type: "reply", id, error }, data));
    // It is kept before it leaves.
    if (this.asked.replied(id, text)) this.sending.sayText(text);
  }

  /** A reply; one that is too large is an error in its place. */
  #fitting(id: number, text: string): string {
    const large = this.sending.tooLarge("the reply", text);
    return large ? encode({ type: "reply", id, error: { code: large.code, message: large.message } }) : text;
  }

  #expiring(): void {
    this.#hands.token?.().then(
      (token) =>
        this.sending.submit({ name: this.#hands.name(), kind: "auth", fields: { token }, ours: true }),
      () => undefined, // the token ends, and the next attempt asks again
    );
  }
}
