// One page of a group that shares one session. Who holds the lock leads: it has the session, gives ids and keeps
// them, and passes on what it hears. Everybody else hands over what it asks, and hears by the channel.
//
// `g` fences: whoever leads has raised it, in the store too, so one that slept with the lock writes nothing.

import type { Outcome } from "./client.ts";
import type { Kit } from "./connect.ts";
import type { Failure } from "./errors.ts";
import { keepIn } from "./keeping.ts";
import type { Ledger } from "./ledger.ts";
import { lock, lockNow } from "./locks.ts";
import { groupOf, storeOf } from "./offline.ts";
import { AGAIN, type Call, type News } from "./port.ts";
import type { Kept, Store } from "./store.ts";
import type { Said } from "./words.ts";

/** For which the others are waited for when a page begins to lead. */
const ROLL = 250;
/** A leader that does not answer a visible page in this time is taken over from. */
const PATIENCE = 5000;
/** How many ends are remembered for those who ask again. */
const ENDED = 1000;

/** For which the answers to what was written are waited for when another page shall lead. */
const DRAIN = 1000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a page says of itself. */
interface Here {
  tab: string;
  visible: boolean;
  epoch: string | undefined;
  seq: number;
  answers: string[];
  views: { view: string; room: string; mark: number; data: string | undefined }[];
  streams: { name: string; id: number; progress: Said }[];
  /** What the last leader told of the session, where nothing is stored. */
  who: Said | undefined;
}

/** What pages say to each other. */
type Word =
  | { is: "call"; from: string; call: Call; n: number; written?: boolean }
  | { is: "got"; to: string; n: number }
  | {
      is: "news";
      g: number;
      news: News[];
      who?: Said;
      storage: { durable: boolean; reason?: string | undefined };
    }
  | { is: "roll"; g: number }
  | { is: "here"; here: Here }
  | { is: "gone"; tab: string }
  | { is: "end" }
  | { is: "now"; what: "tryNow" | "reconnect" };

/** What leads: the rest of a page's life does not need it. */
interface Lead {
  ledger?: Ledger | undefined;
  store?: Store | undefined;
  /** The other pages. */
  tabs: Map<string, Here>;
  /** Those of which the lock is waited for: when it is had, the page is gone. */
  watched: Map<string, () => void>;
  /** Questions of the server, and whom they were put to. */
  questions: Map<number, { news: News; to: string }>;
  /** How what other pages asked has ended: they may ask again. */
  ended: Map<string, News>;
}

/** What a page has around it. */
export interface Surroundings {
  document: Document | undefined;
  locks: LockManager;
  channel(name: string): BroadcastChannel;
}

export class Tab {
  readonly #around: Surroundings;
  readonly #kit: Kit;
  readonly #group: string;
  readonly #control: Kit["control"];
  #channel: BroadcastChannel | undefined;
  #g = 0;
  #lead: Lead | undefined;
  /** Lets go of the leader's lock, or of the wish for it. */
  #letGo: (() => void) | undefined;
  /** Lets go of this page's own lock. */
  #own: (() => void) | undefined;
  #closed = false;
  #who: Said | undefined;
  #n = 0;
  #late: (() => void) | undefined;
  #batch: News[] = [];
  #answers: Here[] = [];
  /** What is asked and not ended, by name. */
  readonly #pending = new Map<string, { call: Call & { do: "ask" }; written: boolean }>();
  readonly #ids = new Map<string, number>();

  constructor(kit: Kit, around: Surroundings) {
    this.#around = around;
    this.#kit = kit;
    this.#group = groupOf(kit);
    kit.tell = (news) => this.#tell(news);
    kit.start = () => {
      kit.page.call = (call) => this.#ask(call);
      this.#join();
    };
    const { control } = kit;
    this.#control = control;
    const now = (what: "tryNow" | "reconnect") => (): void => {
      if (this.#closed) this.#join();
      else if (this.#lead) control[what]();
      else this.#post({ is: "now", what });
    };
    kit.control = {
      tryNow: now("tryNow"),
      reconnect: now("reconnect"),
      check: () => this.#wake(),
      pause: () => this.#sleep(),
      close: (bye) => this.#close(bye, control.close),
    };
    around.document?.addEventListener("visibilitychange", () => this.#seen());
  }

  get #id(): string {
    return this.#kit.id;
  }

  /** Whether this page has the session. */
  get leads(): boolean {
    return this.#lead !== undefined;
  }

  get #visible(): boolean {
    return this.#around.document?.visibilityState !== "hidden";
  }

  // -- coming and going

  #join(): void {
    this.#closed = false;
    // Nobody hears of this page before its own lock is held: it would count as gone.
    void lockNow(this.#around.locks, `${this.#group} ${this.#id}`).then((letGo) => {
      if (this.#closed) {
        letGo?.();
        return;
      }
      this.#own = letGo;
      this.#channel = this.#around.channel(this.#group);
      this.#channel.onmessage = ({ data }) => this.#word(data);
      this.#post({ is: "here", here: this.#here() });
      this.#want();
    });
  }

  #want(steal = false): void {
    const wish = lock(
      this.#around.locks,
      this.#group,
      () => {
        if (wish === this.#letGo) void this.#begin();
      },
      steal ? { steal } : {},
      () => wish === this.#letGo && this.#lead && this.#stop(),
    );
    this.#letGo = wish;
  }

  /** Nothing is written that was not stored; the lock and the socket are let go. */
  #sleep(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#letGo?.();
    this.#own?.();
    this.#own = undefined;
    this.#late?.();
    this.#channel?.close();
    this.#channel = undefined;
    this.#g = 0;
    const { status } = this.#kit.page;
    if (status.live)
      this.#kit.page.take({ on: "status", status: { ...status, state: "waiting", live: false } });
  }

  #wake(): void {
    if (this.#closed) this.#join();
    else if (this.#lead) {
      // It writes nothing before it has read who leads.
      const read = this.#lead.store?.commit(this.#g, []) ?? Promise.resolve();
      read.then(this.#control.check, () => this.#stop());
    } else this.#post({ is: "here", here: this.#here() });
  }

  async #close(bye: boolean, close: (bye: boolean) => Promise<void>): Promise<void> {
    const lead = this.#lead;
    if (bye && !lead) this.#post({ is: "end" });
    if (!lead) this.#kit.page.take({ on: "over", failure: CLOSED });
    else if (bye || !lead.tabs.size) await close(bye);
    else await this.#handOver();
    this.#post({ is: "gone", tab: this.#id });
    if (lead && !bye && lead.tabs.size) this.#kit.page.take({ on: "over", failure: CLOSED });
    await lead?.ledger?.flush();
    this.#sleep();
  }

  // -- leading

  async #begin(): Promise<void> {
    this.#answers = [];
    this.#post({ is: "roll", g: this.#g });
    await wait(ROLL);
    if (this.#closed) return;
    const answers = this.#answers;
    if (!this.#visible && answers.some(({ visible }) => visible)) {
      // A hidden page is a bad leader: whoever comes next in the line.
      this.#letGo?.();
      this.#want();
      return;
    }
    const { kit, store, g, kept } = { kit: this.#kit, ...(await this.#open()) };
    if (this.#closed) return;
    this.#g = g;
    kit.session = kit.makeSession();
    const { hearing, sending, who } = kit.session;
    const lead: Lead = {
      store,
      ended: new Map(),
      tabs: new Map(),
      watched: new Map(),
      questions: new Map(),
    };
    for (const [key, value] of kept.meta) {
      const { name, result, failure } = value as Outcome;
      if (key.startsWith("outcome ")) lead.ended.set(name, { on: "end", name, result, failure });
    }
    this.#lead = lead;
    const known = [...answers, this.#here()];
    if (store) {
      lead.ledger = keepIn(kit, store, g, kept, {
        fenced: () => this.#stop(),
        waits: (page) => (page === this.#id ? "here" : page && lead.tabs.has(page) ? "elsewhere" : undefined),
      });
    } else {
      // What another leader may need is let go of by nobody.
      sending.keeper = { ...NOTHING };
      const told = known.find((each) => each.who)?.who;
      if (told) {
        Object.assign(who, told.who);
        who.hellos.last = told.n;
        sending.user = told.who.user;
        sending.life = told.who.life;
      }
    }
    const epoch = known.find((each) => each.epoch)?.epoch;
    const heard = known.filter((each) => each.epoch === epoch).map(({ seq }) => seq);
    if (epoch && heard.length) {
      hearing.epoch = epoch;
      hearing.seq = Math.min(...heard);
    }
    for (const here of known) this.#met(here);
    for (const { call, written } of this.#pending.values()) this.#take(call, written);
    this.#flush();
    kit.session.connection.start();
  }

  async #open(): Promise<{ store: Store | undefined; g: number; kept: Kept }> {
    try {
      const store = await storeOf(this.#kit, this.#group);
      const g = await store.lead();
      return { store, g, kept: await store.load() };
    } catch (error) {
      const reason = String((error as Error).message ?? error);
      this.#kit.client.storage = { durable: false, reason };
      return { store: undefined, g: Math.max(this.#g + 1, Date.now()), kept: { rows: [], meta: new Map() } };
    }
  }

  /** Lead no more: at once, and without a word to the server. */
  #stop(): void {
    const lead = this.#lead;
    if (!lead) return;
    this.#lead = undefined;
    for (const letGo of lead.watched.values()) letGo();
    const { session } = this.#kit;
    session.sending.keeper = undefined;
    session.connection.pause();
    lead.store?.close();
    this.#letGo?.();
    if (!this.#closed) this.#want();
  }

  /** Let a visible page lead: give no more ids, commit what was written, let go of the lock. */
  async #handOver(): Promise<void> {
    const { sending } = this.#kit.session;
    const ledger = this.#lead?.ledger;
    sending.hold();
    const { clock } = this.#kit.hands;
    const end = clock.now() + DRAIN;
    while (sending.open && sending.box.written.size && clock.now() < end) await wait(20);
    if (ledger) {
      for (const ask of sending.all()) {
        if (!ask.kept && !AGAIN.has(ask.kind) && ask.kind !== "open" && !ask.volatile) {
          ask.kept = ledger.add(ask);
        }
      }
      await ledger.flush();
    }
    this.#stop();
  }

  #seen(): void {
    this.#post({ is: "here", here: this.#here() });
    if (this.#lead && !this.#visible && [...this.#lead.tabs.values()].some(({ visible }) => visible)) {
      void this.#handOver();
    }
  }

  /** Another page is there: what it joined and reads is this session's affair. */
  #met(here: Here): void {
    const lead = this.#lead!;
    const { tab, views, streams } = here;
    const { session } = this.#kit;
    const first = !lead.tabs.has(tab);
    if (tab !== this.#id) {
      lead.tabs.set(tab, here);
      if (!first) return;
      lead.watched.set(
        tab,
        lock(this.#around.locks, `${this.#group} ${tab}`, () => this.#lost(tab)),
      );
    }
    for (const { view, room, mark, data } of views) session.hearing.rooms.adopt(room, view, tab, mark, data);
    for (const { name, id, progress } of streams) session.streams.adopt(name, tab, id, progress);
    session.changed();
  }

  #lost(tab: string): void {
    const lead = this.#lead;
    lead?.watched.get(tab)?.();
    lead?.watched.delete(tab);
    if (!lead?.tabs.delete(tab)) return;
    this.#kit.session.gone(tab);
    for (const [id, { news, to }] of lead.questions) {
      lead.questions.delete(id);
      if (to === tab) this.#question(news as News & { on: "question" });
    }
  }

  /** A page asks. */
  #take(call: Call, written: boolean): void {
    const { session } = this.#kit;
    const lead = this.#lead!;
    if (call.do === "reply") lead.questions.delete(call.id);
    if (call.do !== "ask") {
      session.take(call);
      return;
    }
    const { name, kind, page } = call;
    for (const ask of session.sending.all()) if (ask.name === name) return;
    const ended = lead.ended.get(name);
    if (ended) {
      this.#tell(ended);
      return;
    }
    const once = kind === "emit" || kind === "publish";
    const mine = page === this.#id;
    if (written && ((once && !call.key) || kind === "open")) {
      // From memory alone, by one that led: its number may be another's by now.
      const is = kind === "open" ? "StreamLost" : "MaybeDone";
      const message = `${kind} was sent, and may have been done: another page leads`;
      this.#tell({ on: "end", name, failure: { is, code: "OUTCOME_UNKNOWN", maybeDone: true, message } });
      return;
    }
    const key = once && !mine ? (call.key ?? name) : call.key;
    session.take({ ...call, key, keep: call.keep || (once && !mine) });
  }

  // -- asking

  #ask(asked: Call): void {
    const call = asked.do === "ask" ? { ...asked, page: this.#id } : asked;
    if (call.do === "ask") {
      if (!AGAIN.has(call.kind) && call.kind !== "open" && !this.#lead)
        call.key ??= call.volatile ? undefined : call.name;
      this.#pending.set(call.name, { call, written: false });
    }
    if (this.#lead) this.#take(call, false);
    else if (call.do === "drop" && !this.#g) {
      // Nobody leads yet: it never left this page.
      const message = "its caller did not wait any longer";
      const code = call.is === "AbortError" ? "ABORTED" : "TIMEOUT";
      this.#heard({ on: "end", name: call.name, failure: { is: call.is, code, message } });
    } else this.#handTo(call, false);
  }

  #handTo(call: Call, written: boolean): void {
    const n = ++this.#n;
    this.#post({ is: "call", from: this.#id, call, n, written });
    if (this.#late || !this.#visible || !this.#g) return;
    const take = (): void => {
      this.#late = undefined;
      if (this.#lead || this.#closed) return;
      this.#letGo?.();
      this.#want(true);
    };
    this.#late = this.#kit.hands.clock.after(PATIENCE, take);
  }

  /** Another page leads now: it is told who is here, and what was asked and has not ended. */
  #follow(g: number): void {
    this.#g = g;
    this.#late?.();
    this.#late = undefined;
    this.#post({ is: "here", here: this.#here() });
    for (const { call, written } of this.#pending.values()) this.#handTo(call, written);
  }

  #here(): Here {
    const { page } = this.#kit;
    const { epoch } = page.status;
    const views = [...page.listeners].flatMap(({ view }) => (view ? [view] : []));
    const streams = [...page.streams].flatMap(([name, { progress }]) => {
      const id = this.#ids.get(name);
      return id !== undefined && progress && !this.#pending.has(name) ? [{ name, id, progress }] : [];
    });
    const seq = Number(page.position?.split(".")[1] ?? 0);
    const answers = [...page.answers.keys()];
    return { tab: this.#id, visible: this.#visible, epoch, seq, answers, views, streams, who: this.#who };
  }

  // -- the channel

  #post(word: Word): void {
    this.#channel?.postMessage(word);
  }

  #word(word: Word): void {
    const lead = this.#lead;
    switch (word.is) {
      case "call":
        if (!lead) return;
        this.#post({ is: "got", to: word.from, n: word.n });
        return this.#take(word.call, word.written ?? false);
      case "got":
        if (word.to !== this.#id) return;
        this.#late?.();
        this.#late = undefined;
        return;
      case "here":
        this.#answers.push(word.here);
        if (!lead) return;
        this.#met(word.here);
        if (!this.#visible && word.here.visible) void this.#handOver();
        else this.#flush();
        return;
      case "roll":
        return this.#post({ is: "here", here: this.#here() });
      case "gone":
        return lead && this.#lost(word.tab);
      case "end":
        if (lead) void this.#control.close(true);
        return;
      case "now":
        if (lead) this.#control[word.what]();
        return;
      case "news":
        if (word.g < this.#g) return;
        if (word.g > this.#g) {
          if (lead) this.#stop();
          this.#follow(word.g);
        }
        this.#who = word.who;
        this.#kit.client.storage = word.storage;
        for (const news of word.news) this.#heard(news);
    }
  }

  // -- hearing

  /** The session tells: this page, and all others. */
  #tell(news: News): void {
    if (!this.#lead) return; // what one says that led once
    if (news.on === "question") {
      this.#question(news);
      return;
    }
    if (news.on === "end" && !this.#pending.has(news.name)) {
      const { ended } = this.#lead;
      ended.set(news.name, news);
      if (ended.size > ENDED) ended.delete(ended.keys().next().value!);
    }
    if (this.#lead.tabs.size) {
      this.#batch.push(news);
      if (this.#batch.length === 1) queueMicrotask(() => this.#flush());
    }
    this.#heard(news);
  }

  #flush(): void {
    if (!this.#lead) return;
    const { session, client } = this.#kit;
    const { key, life, user, hellos } = session.who;
    const who = { who: { session: session.who.session, key, life, user }, n: hellos.last };
    this.#who = who;
    const news = this.#batch.length ? this.#batch : [{ on: "status", status: session.status } as const];
    this.#batch = [];
    this.#post({ is: "news", g: this.#g, news, who, storage: { ...client.storage } });
  }

  /** The server asks: one page at a time, one that can be seen first. */
  #question(news: News & { on: "question" }): void {
    const lead = this.#lead!;
    const able = [...lead.tabs.values(), this.#here()].filter(({ answers }) => answers.includes(news.event));
    const to = (able.find(({ visible }) => visible) ?? able[0])?.tab ?? this.#id;
    lead.questions.set(news.id, { news, to });
    if (to === this.#id) this.#kit.page.take(news);
    else this.#post({ is: "news", g: this.#g, news: [{ ...news, to }], storage: this.#kit.client.storage });
  }

  #heard(news: News): void {
    if (news.on === "question" && news.to !== this.#id) return;
    if (news.on === "end") this.#pending.delete(news.name);
    if (news.on === "stage" && news.stage === "written") {
      const pending = this.#pending.get(news.name);
      if (pending) {
        pending.written = true;
        if (pending.call.kind === "open") this.#ids.set(news.name, news.id!);
      }
    }
    this.#kit.page.take(news);
    // The session is over for all; who connects anew begins anew.
    if (news.on === "over" && !this.#closed) {
      this.#flush();
      queueMicrotask(() => this.#sleep());
    }
  }
}

const CLOSED: Failure = { is: "ClientClosed", code: "CLOSED", message: "the client was closed" };

/** Of a group without a store. */
const NOTHING = {
  add: () => false,
  wrote: () => undefined,
  unwrote: () => undefined,
  ended: () => undefined,
  hand: (messages: string[], leave: (messages: string[]) => void) => leave(messages),
  acked: () => 0,
};
