// The session's half of a client: calls of pages, messages, closes and times go in; frames, and news for the pages,
// come out.
//
//     idle ─▶ connecting ─▶ welcoming ─▶ live
//                  ▲             │         │
//                  └── waiting ◀─┴─────────┘          ended: from anywhere, for good
//
// Every connection is a `Line` of its own: what an older one says is not heard. At most one hello is under way.

import { Asked } from "./asked.ts";
import type { Clock } from "./clock.ts";
import { ABNORMAL, Backoff, verdict } from "./coming.ts";
import type { Failure } from "./errors.ts";
import { Hearing } from "./hearing.ts";
import { Identity } from "./identity.ts";
import type { Choice, End, Link } from "./link.ts";
import { type Bounds, Outbox } from "./outbox.ts";
import type { Call, News, Status } from "./port.ts";
import { Pulse } from "./pulse.ts";
import { DEFAULTS, Sending } from "./sending.ts";
import { type Happening, type State, TABLE } from "./states.ts";
import { Streams } from "./streams.ts";
import { decode, encode, type Said } from "./words.ts";

/** Within which `welcome` must come, and the token. */
const WELCOME = 15_000;
/** For the answer to a ping, when the page has been away. */
const CHECK = 2000;
/** For which `close` waits for the answers to what was written. */
const GRACE = 5000;
const SECOND = 1000;

/** What a session needs of the world. */
export interface Hands {
  base: URL;
  clock: Clock;
  choice: Choice;
  random(): number;
  /** A name that no request ever had. */
  name(): string;
  /** The token of an attempt. `refused`: the one that the server did not accept. */
  token?: ((refused?: string) => Promise<string | null | undefined>) | undefined;
  /** After so many failures in a row it ends. */
  attempts?: number | undefined;
  bounds: Bounds;
}

/** One connection, or the attempt. */
interface Line {
  transport: string;
  link?: Link;
  token?: string | null | undefined;
  /** Its hello is said. */
  hello?: boolean;
  /** Nothing it says is heard any more. */
  gone?: boolean;
  /** What the server said in `bye`. */
  told?: End;
  /** Takes back the deadline of what it waits for. */
  late?: () => void;
}

/** One session with a server, over whatever connections it takes. */
export class Session {
  state: State = "idle";
  readonly who = new Identity();
  readonly sending: Sending;
  readonly hearing: Hearing;
  readonly streams: Streams;
  readonly asked = new Asked();
  /** Called at each welcome, before anything is written. */
  onWelcome: (() => void) | undefined;
  readonly #hands: Hands;
  readonly #tell: (news: News) => void;
  readonly #backoff: Backoff;
  #line: Line | undefined;
  /** Another transport that is attached while the first is heard. */
  #next: Line | undefined;
  #pulse: Pulse | undefined;
  #beat: (() => void) | undefined;
  #due: (() => void) | undefined;
  #notBefore = 0;
  #failures = 0;
  #refused: string | undefined;
  #error: Failure | undefined;
  #told = false;
  #poked = false;
  #size = 0;
  readonly #watchers = new Set<() => void>();

  constructor(hands: Hands, tell: (news: News) => void) {
    this.#hands = hands;
    this.#tell = (news) => {
      tell(news);
      if (news.on === "stage" || news.on === "end") this.changed();
    };
    this.#backoff = new Backoff(hands.random);
    const write = (text: string): void => this.#line?.link?.say(text);
    this.sending = new Sending(new Outbox(hands.bounds), hands.clock, write, this.#tell);
    this.streams = new Streams(this.sending, this.#tell);
    this.hearing = new Hearing({
      sending: this.sending,
      tell: this.#tell,
      settle: () => this.#settle(),
      name: hands.name,
    });
  }

  // -- what pages ask

  take(call: Call): void {
    if (call.do === "ask") {
      if (this.state === "ended") {
        this.#tell({ on: "end", name: call.name, failure: this.#error });
      } else if (call.kind === "join") this.hearing.rooms.enter(call);
      else if (call.kind === "leave") this.hearing.rooms.exit(call);
      else if (call.kind === "open") this.streams.open(call);
      else this.sending.submit(call);
      this.changed();
    } else if (call.do === "drop") this.sending.drop(call.name, call.is);
    else if (call.do === "tell") this.streams.say(call.name, call.said, call.data);
    else if (call.do === "reply") this.#reply(call);
    else queueMicrotask(() => this.#poke());
  }

  /** Somebody wants to know what the server has taken, behind what is being written now. */
  #poke(): void {
    this.#poked = this.#pulse?.asked !== undefined;
    if (!this.#poked) this.#ping();
  }

  /** The status is another: it is told when this turn is over. */
  changed(): void {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#tell({ on: "status", status: this.status });
      for (const watcher of this.#watchers) watcher();
    });
  }

  get status(): Status {
    const { box, failed, user } = this.sending;
    return {
      state: this.state,
      live: this.state === "live",
      transport: this.#line?.transport ?? "",
      session: this.who.session,
      user: this.who.user,
      epoch: this.hearing.epoch,
      latency: this.#pulse?.smoothed,
      queued: box.queue.length,
      unanswered: box.written.size,
      foreign: box.queue.filter((ask) => ask.user !== undefined && ask.user !== user).length,
      failed,
      error: this.#error,
    };
  }

  #go(happening: Happening): void {
    this.state = TABLE[this.state][happening];
    this.changed();
  }

  // -- connecting

  start(): void {
    if (this.state !== "idle") return;
    this.#go("start");
    this.#open();
  }

  #open(): void {
    this.#due?.();
    this.#line = this.#dial(this.#hands.choice.next(this.#hands.clock.now()));
  }

  #dial(transport: string): Line {
    const { base, choice, clock, token } = this.#hands;
    const line: Line = { transport };
    let opened = false;
    let asked = token === undefined;
    const ready = (): void => {
      if (opened && asked && !line.gone) this.#opened(line);
    };
    if (token) {
      const failed = (reason: unknown): void => this.#giveUp(line, `the token function failed: ${reason}`);
      line.late = clock.after(WELCOME, () => failed("it gave none in time"));
      // A function that throws is a failed attempt, and never "anonymous".
      new Promise<string | null | undefined>((resolve) => resolve(token(this.#refused))).then((given) => {
        line.late?.();
        line.token = given;
        asked = true;
        ready();
      }, failed);
    }
    const ears = {
      opened: () => {
        opened = true;
        ready();
      },
      heard: (frame: string | Said[]) => this.#heard(line, frame),
      alive: () => this.#alive(line),
      closed: (end: End) => this.#closed(line, end),
    };
    line.link = choice.open(transport)(base, ears, this.who.session !== undefined);
    return line;
  }

  #opened(line: Line): void {
    if (line === this.#line) this.#go("opened");
    if (this.#refused !== undefined && line.token === this.#refused) {
      this.#over(verdict(4501, "", false)!);
      return;
    }
    line.hello = true;
    line.late = this.#hands.clock.after(WELCOME, () => this.#giveUp(line, "no welcome came in time"));
    const { position } = this.hearing;
    const hello = this.who.hello(line.token, position, this.streams.wanted, this.#hands.clock.wall());
    line.link!.say(encode(hello), true);
  }

  /** It is of no use. */
  #giveUp(line: Line, reason: string): void {
    if (line.gone) return;
    line.link?.shut(4001, reason.slice(0, 100));
    this.#closed(line, { code: ABNORMAL, reason });
  }

  #closed(line: Line, end: End): void {
    if (line.gone) return;
    const { choice, clock } = this.#hands;
    line.gone = true;
    line.late?.();
    if (line === this.#next) {
      this.#next = undefined;
      choice.failed(line.transport, clock.now());
      return;
    }
    const { code, reason = "", after, useless, failure } = line.told ?? end;
    const wasLive = this.sending.open;
    const over = failure ?? verdict(code, reason, this.who.hellos.unanswered > 0);
    if (code === 4501 && !wasLive && this.#refused === undefined && this.#hands.token) {
      // A token that was kept too long is answered so; the function may have another.
      this.#refused = line.token ?? "";
      this.#lost(0, false);
    } else if (over) this.#over(over);
    else {
      const message = `the connection ended with ${code}${reason && `: ${reason}`}`;
      this.#error = { is: "NotConnected", message, code: "UNAVAILABLE", close: code };
      if (useless || (!wasLive && code === ABNORMAL)) {
        const other = choice.failed(line.transport, clock.now());
        this.#lost(other ? 0 : undefined, !other);
      } else this.#lost(after);
    }
  }

  /** Come back, after so many seconds if that was said. */
  #lost(after?: number, counts = true): void {
    const { attempts, clock } = this.#hands;
    this.#drop();
    this.#go("lost");
    if (this.#next) {
      // Another transport is on its way already.
      this.#line = this.#next;
      this.#next = undefined;
      this.#go("due");
      if (this.#line.hello) this.#go("opened");
      return;
    }
    if (counts && attempts !== undefined && ++this.#failures >= attempts) {
      this.#over({
        ...this.#error!,
        message: `${attempts} attempts failed; the last: ${this.#error?.message}`,
      });
      return;
    }
    const now = clock.now();
    const wait = counts ? this.#backoff.wait(now, after) : (after ?? 0) * SECOND;
    this.#notBefore = after ? now + wait : 0;
    this.#due = clock.after(wait, () => this.#again());
  }

  #again(): void {
    if (this.state !== "waiting") return;
    this.#go("due");
    this.#open();
  }

  #drop(): void {
    this.#pulse = undefined;
    this.#beat?.();
    if (this.sending.open) this.sending.closed();
    this.hearing.rooms.unconfirm();
  }

  /** Do not wait any longer, though never before the time that the server named. */
  tryNow(): void {
    if (this.state !== "waiting") return;
    const { clock } = this.#hands;
    this.#due?.();
    this.#due = clock.after(Math.max(0, this.#notBefore - clock.now()), () => this.#again());
  }

  /** Give this connection up, and come back at once. */
  reconnect(): void {
    const line = this.#line;
    if (line && !line.gone) {
      line.gone = true;
      line.late?.();
      line.link?.shut(1000, "reconnect");
      this.#lost(0, false);
    }
    this.tryNow();
  }

  /** The page was away, or the network is another: is the connection still there? */
  check(): void {
    this.tryNow();
    const line = this.#line;
    if (!this.#pulse || !line) return;
    const then = this.#hands.clock.now();
    this.#ping();
    this.#hands.clock.after(CHECK, () => {
      if (line !== this.#line || line.gone || !this.#pulse || this.#pulse.heard >= then) return;
      line.gone = true;
      line.link?.shut(4001, "silent");
      this.#lost(0, false);
    });
  }

  /** The page is going to sleep: no connection until `check`. */
  pause(): void {
    this.#next?.link?.shut(1000, "");
    this.#next = undefined;
    if (this.state === "idle" || this.state === "ended") return;
    if (this.state !== "waiting") this.reconnect();
    this.#due?.();
  }

  /** Attach another transport, then let go of this one. */
  #move(transport: string): void {
    if (this.#next || this.state !== "live") return;
    this.#next = this.#dial(transport);
  }

  /** For good. Everything that waits hears of it. */
  #over(failure: Failure): void {
    if (this.state === "ended") return;
    for (const line of [this.#line, this.#next]) {
      if (!line) continue;
      line.gone = true;
      line.late?.();
      line.link?.shut(1000, "");
    }
    this.#error = failure;
    this.#drop();
    this.#due?.();
    this.#go(failure.is === "ClientClosed" ? "close" : "refused");
    this.sending.endAll(failure.message);
    this.#tell({ on: "over", failure });
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
    if (bye || !(box.written.size || box.queue.length || this.sending.keeper))
      this.sending.say({ type: "bye" });
    this.#over({ is: "ClientClosed", code: "CLOSED", message: "the client was closed" });
  }

  // -- hearing

  #alive(line: Line): void {
    if (line === this.#line && this.#pulse) this.#pulse.heard = this.#hands.clock.now();
  }

  #heard(line: Line, frame: string | Said[]): void {
    if (line.gone) return;
    this.#alive(line);
    try {
      const messages = typeof frame === "string" ? decode(frame) : frame;
      this.#size = typeof frame === "string" ? frame.length / (messages.length || 1) : 256;
      for (const said of messages) if (!line.gone) this.#hear(line, said);
    } catch (error) {
      this.#giveUp(line, `the server said what none should: ${error}`);
    }
  }

  #hear(line: Line, said: Said): void {
    if (said.type === "bye") {
      line.told = { code: said.code ?? ABNORMAL, reason: said.reason ?? "", after: said.after };
      this.who.hellos.known(said.n);
    } else if (said.type === "welcome") {
      if (line === this.#next || (line === this.#line && this.state === "welcoming" && !this.sending.open)) {
        this.#welcome(line, said);
      }
    } else if (line === this.#line && this.sending.open) this.#message(said);
  }

  #message(said: Said): void {
    const { hearing } = this;
    switch (said.type) {
      case "event":
        return hearing.event(said, this.#size);
      case "ack":
        return this.sending.ack(said);
      case "room":
      case "presence":
      case "grants":
        return hearing.rooms.word(said);
      case "gap":
        return hearing.gap(said);
      case "left":
        return hearing.rooms.left(said);
      case "item":
      case "credit":
      case "end":
        return this.streams.heard(said);
      case "request":
        return this.#question(said);
      case "pong":
        this.#pulse?.ponged(this.#hands.clock.now(), said.time);
        this.#measure();
        this.changed();
        if (this.#poked) this.#poke();
        return this.sending.took(said.taken);
      case "expiring":
        return this.#expiring();
    }
  }

  #welcome(line: Line, said: Said): void {
    const { choice, clock } = this.#hands;
    const { hearing, sending, who } = this;
    line.late?.();
    if ((said.v ?? 1) !== 1) {
      const message = `the server speaks version ${said.v} of the protocol, not 1`;
      this.#over({ is: "NotRtcore", code: "INVALID_MESSAGE", message });
      return;
    }
    if (line === this.#next) {
      // The older connection was heard until now, and is not any more.
      const old = this.#line!;
      old.gone = true;
      old.link?.shut(1000, "");
      this.#line = line;
      this.#next = undefined;
      hearing.rooms.unconfirm();
    }
    const { resumed, sameLife } = who.welcome(said);
    this.#refused = this.#error = undefined;
    this.#failures = 0;
    const now = clock.now();
    choice.worked(line.transport, now);
    sending.limits = { ...DEFAULTS, ...said.limits };
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
    const begin = (): void => {
      sending.open = true;
      this.#pulse = new Pulse(now, sending.limits.ping, sending.limits.silence);
    };
    if (resumed) {
      sending.box.lastId = Math.max(sending.box.lastId, said.taken ?? 0);
      sending.took(said.taken);
      hearing.rooms.resumed((said.rooms ?? []).map((each: Said) => each.room));
      begin();
      this.streams.resumed(said.streams);
    } else {
      this.streams.fresh();
      hearing.rooms.fresh();
      begin();
    }
    sending.flush();
    this.#ping();
    this.#tick();
    this.#settle();
    this.changed();
  }

  /** Live, once each joined room is confirmed. */
  #settle(): void {
    if (!this.sending.open || !this.hearing.rooms.settled) return;
    if (this.state === "welcoming") this.#backoff.live(this.#hands.clock.now());
    this.#go("settled");
  }

  // -- questions of the server

  #question({ id, event, data }: Said): void {
    const kept = this.asked.comes(id);
    if (typeof kept === "string") this.#line?.link?.say(kept);
    else if (kept) this.#tell({ on: "question", id, event, data });
  }

  #reply({ id, error, data }: Call & { do: "reply" }): void {
    const text = encode({ type: "reply", id, error }, data);
    if (this.asked.replied(id, text) && this.sending.open) this.#line?.link?.say(text);
  }

  #expiring(): void {
    this.#hands.token?.().then(
      (token) =>
        this.sending.submit({ name: this.#hands.name(), kind: "auth", fields: { token }, ours: true }),
      () => undefined, // the token ends, and the next attempt asks again
    );
  }

  // -- time

  #ping(): void {
    if (!this.#pulse || !this.sending.open) return;
    this.sending.say(this.#pulse.question(this.#hands.clock.now(), this.sending.acked));
  }

  #measure(): void {
    const { choice, clock } = this.#hands;
    if (!this.#pulse || !this.#line) return;
    const better = choice.measured(this.#line.transport, this.#pulse.smoothed, this.#pulse.loss, clock.now());
    if (better) this.#move(better);
  }

  #tick(): void {
    const { clock } = this.#hands;
    const pulse = this.#pulse!;
    this.#beat?.();
    const then = clock.now();
    const wall = clock.wall();
    let asked = then;
    const next = (): void => {
      const wait = Math.min(pulse.ping, pulse.heard + pulse.ping + pulse.silence - clock.now());
      this.#beat = clock.after(this.sending.http ? SECOND : Math.max(0, wait), beat);
    };
    const beat = (): void => {
      const now = clock.now();
      if (now >= pulse.heard + pulse.ping + pulse.silence) {
        this.#giveUp(this.#line!, "nothing was heard of the server");
        return;
      }
      // A wall that went on while the other clock stood: the machine slept.
      if (clock.wall() - wall - (now - then) > 2 * pulse.ping) this.check();
      if (this.sending.http) this.sending.askAgain();
      if (now - asked >= pulse.ping) {
        asked = now;
        this.#ping();
        this.#measure();
      }
      next();
    };
    next();
  }
}
