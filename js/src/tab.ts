// One page of a group that shares one session. Who holds the lock leads: it has the session, gives ids and keeps
// them, and passes on what it hears. Everybody else hands over what it asks, and hears by the channel.
//
// `g` fences: whoever leads has raised it, in the store too, so one that slept with the lock writes nothing.

import type { Control } from "./client.ts";
import { wait } from "./clock.ts";
import type { Kit } from "./connect.ts";
import type { Failure } from "./errors.ts";
import { CLOSED, type Here, type Surroundings, type Word } from "./group.ts";
import { groupOf, storeOf } from "./keeping.ts";
import { type Around, Lead } from "./lead.ts";
import type { Sleeper } from "./life.ts";
import { lock, lockNow } from "./locks.ts";
import { AGAIN, type Call, type News } from "./port.ts";
import { Session } from "./session.ts";
import type { Kept, Store } from "./store.ts";
import { soon } from "./waiting.ts";
import type { Said } from "./words.ts";

/** For which the others are waited for when a page begins to lead. */
const ROLL = 250;
/** A leader that does not answer a visible page in this time is taken over from. */
const PATIENCE = 5000;

export class Tab {
  readonly #kit: Kit;
  readonly #around: Surroundings;
  readonly #group: string;
  /** What is done where this page leads. */
  readonly #control: Control & Sleeper;
  #channel: BroadcastChannel | undefined;
  #g = 0;
  #lead: Lead | undefined;
  /** Lets go of the leader's lock, or of the wish for it. */
  #letGo: (() => void) | undefined;
  /** Lets go of this page's own lock. */
  #own: (() => void) | undefined;
  #closed = false;
  /** It leads, and the program let go of the connection. */
  #paused = false;
  /** Where what is asked waits while this page is not of the group. */
  #spare: Session | undefined;
  #who: Said | undefined;
  #n = 0;
  #late: (() => void) | undefined;
  #batch: News[] = [];
  #answers: Here[] = [];
  /** What is asked and not ended, by name. */
  readonly #pending = new Map<string, { call: Call & { do: "ask" }; written: boolean }>();
  /** The streams that were opened, and their ids. */
  readonly #ids = new Map<string, number>();

  constructor(kit: Kit, around: Surroundings) {
    this.#around = around;
    this.#kit = kit;
    this.#group = groupOf(kit);
    const control = (this.#control = kit.control);
    const now = (what: "tryNow" | "reconnect") => (): void => {
      this.#paused = false;
      if (this.#closed) this.#join();
      else if (this.#lead) control[what]();
      else this.#post({ is: "now", what });
    };
    kit.tell = (news) => this.#tell(news);
    kit.start = () => {
      kit.page.call = (call) => this.#ask(call);
      this.#join();
    };
    kit.control = {
      tryNow: now("tryNow"),
      reconnect: now("reconnect"),
      check: () => this.#wake(),
      pause: () => this.#pause(),
      sleep: () => this.#sleep(),
      close: (bye) => this.#close(bye),
    };
    around.document?.addEventListener("visibilitychange", () => this.#seen());
  }

  /** Whether this page has the session. */
  get leads(): boolean {
    return this.#lead !== undefined;
  }

  get #visible(): boolean {
    return this.#around.document?.visibilityState !== "hidden";
  }

  #here(): Here {
    const { id, page } = this.#kit;
    const views = [...page.listeners].flatMap(({ view }) => (view ? [view] : []));
    const streams = [...page.streams].flatMap(([name, { progress }]) => {
      const stream = this.#ids.get(name);
      return stream !== undefined && progress && !this.#pending.has(name)
        ? [{ name, id: stream, progress }]
        : [];
    });
    const { epoch } = page.status;
    const seq = Number(page.position?.split(".")[1] ?? 0);
    const answers = [...page.answers.keys()];
    return { tab: id, visible: this.#visible, epoch, seq, answers, views, streams, who: this.#who };
  }

  // -- coming and going

  #join(): void {
    this.#closed = false;
    this.#spare = undefined;
    // Nobody hears of this page before its own lock is held: it would count as gone.
    void lockNow(this.#around.locks, `${this.#group} ${this.#kit.id}`).then((letGo) => {
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
    const mine = (): boolean => wish === this.#letGo;
    const wish = lock(
      this.#around.locks,
      this.#group,
      () => mine() && void this.#begin(),
      steal ? { steal } : {},
      () => mine() && this.#stop(),
    );
    this.#letGo = wish;
  }

  /** Nothing is written that was not stored; the lock and the socket are let go. */
  #sleep(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#paused = false;
    this.#stop();
    this.#letGo?.();
    this.#own?.();
    this.#own = undefined;
    this.#got();
    this.#channel?.close();
    this.#channel = undefined;
    this.#g = 0;
    const { page } = this.#kit;
    const { status } = page;
    if (status.live) page.take({ on: "status", status: { ...status, state: "waiting", live: false } });
  }

  /**
   * Away, until `tryNow`. A page that leads alone goes on leading, so that what is asked is kept in the store until it is
   * back or another one is there; else the others go on without this one.
   */
  #pause(): void {
    if (this.#lead && !this.#lead.tabs.size) {
      this.#paused = true;
      this.#control.pause();
    } else if (!this.#closed) this.#away();
  }

  #away(): void {
    this.#sleep();
    this.#kit.client.storage = { durable: false, reason: "paused, and other tabs go on" };
  }

  /** Asleep: what is asked waits here, within the bounds, until it is handed to who leads then. */
  #waits(call: Call): void {
    const { page, hands } = this.#kit;
    if (!this.#spare) {
      const spare: Session = new Session(hands, (news) => {
        if (spare !== this.#spare) return; // a time that ran out when it had been handed over
        if (news.on !== "status") this.#heard(news);
        else page.take({ on: "status", status: { ...page.status, queued: news.status.queued } });
      });
      this.#spare = spare;
    }
    if (call.do === "drop" || (call.do === "ask" && (call.kind === "emit" || call.kind === "publish")))
      this.#spare.take(call);
  }

  #wake(): void {
    if (this.#closed) this.#join();
    else if (this.#lead) this.#lead.check(this.#control.check);
    else this.#post({ is: "here", here: this.#here() });
  }

  async #close(bye: boolean): Promise<void> {
    const lead = this.#lead;
    if (lead && (bye || !lead.tabs.size)) await this.#control.close(bye);
    else {
      await lead?.handOver();
      if (bye) this.#post({ is: "end" });
      this.#kit.page.take({ on: "over", failure: CLOSED });
    }
    await lead?.flush();
    this.#post({ is: "gone", tab: this.#kit.id });
    this.#sleep();
  }

  #seen(): void {
    this.#post({ is: "here", here: this.#here() });
    const lead = this.#lead;
    if (lead && !this.#visible && [...lead.tabs.values()].some(({ visible }) => visible))
      void this.#handOver();
  }

  // -- leading

  async #begin(): Promise<void> {
    this.#answers = [];
    this.#post({ is: "roll" });
    await wait(ROLL);
    if (this.#closed) return;
    if (!this.#visible && this.#answers.some(({ visible }) => visible)) {
      // A hidden page is a bad leader: whoever comes next in the line.
      this.#letGo?.();
      this.#want();
      return;
    }
    const [store, g, kept] = await this.#open();
    if (this.#closed) return;
    this.#g = g;
    const kit = this.#kit;
    const group = this.#group;
    const { locks } = this.#around;
    const around: Around = {
      kit,
      here: () => this.#here(),
      asks: (name: string) => this.#pending.has(name),
      tell: (news: News) => this.#tell(news),
      put: (news: News & { on: "question" }) => {
        this.#heard(news);
        if (news.to !== kit.id) this.#news([news]);
      },
      watch: (tab: string, gone: () => void) => lock(locks, `${group} ${tab}`, gone),
      stop: () => this.#stop(),
    };
    const lead = (this.#lead = new Lead(around, store, g, kept, this.#answers));
    for (const { call, written } of this.#pending.values()) lead.take(call, written);
    this.#flush();
    kit.session.connection.start();
  }

  async #open(): Promise<[Store | undefined, number, Kept]> {
    try {
      const store = await storeOf(this.#kit, this.#group);
      return [store, await store.lead(this.#kit.hands.program), await store.load()];
    } catch (error) {
      this.#kit.client.storage = { durable: false, reason: String((error as Error).message ?? error) };
      return [undefined, Math.max(this.#g + 1, Date.now()), { rows: [], meta: new Map() }];
    }
  }

  #stop(): void {
    const lead = this.#lead;
    if (!lead) return;
    this.#lead = undefined;
    lead.stop();
    this.#letGo?.();
    if (!this.#closed) this.#want();
  }

  async #handOver(): Promise<void> {
    await this.#lead?.handOver();
    this.#stop();
  }

  // -- asking

  #ask(asked: Call): void {
    const { id, page } = this.#kit;
    const call = asked.do === "ask" ? { ...asked, page: id, user: page.status.user } : asked;
    if (call.do === "ask") {
      // What is handed over may be handed over again.
      const keyed = !(this.#lead || call.volatile || call.kind === "open" || AGAIN.has(call.kind));
      if (keyed) call.key ??= call.name;
      this.#pending.set(call.name, { call, written: false });
    }
    if (this.#closed) this.#waits(call);
    if (this.#lead) this.#lead.take(call, false);
    else if (call.do === "drop" && !this.#g) {
      if (!this.#pending.has(call.name)) return;
      // Nobody leads yet: it never left this page.
      const code = call.is === "AbortError" ? "ABORTED" : "TIMEOUT";
      const failure: Failure = { is: call.is, code, message: "it was taken back" };
      this.#heard({ on: "end", name: call.name, failure });
    } else this.#handTo(call, false);
  }

  #handTo(call: Call, written: boolean): void {
    this.#post({ is: "call", from: this.#kit.id, call, n: ++this.#n, written });
    if (this.#late || !this.#visible || !this.#g) return;
    this.#late = this.#kit.hands.clock.after(PATIENCE, () => {
      this.#late = undefined;
      if (this.#lead || this.#closed) return;
      this.#letGo?.();
      this.#want(true);
    });
  }

  /** The leader is awake. */
  #got(): void {
    this.#late?.();
    this.#late = undefined;
  }

  /** Another page leads now: it is told who is here, and what was asked and has not ended. */
  #follow(g: number): void {
    this.#g = g;
    this.#got();
    this.#stop();
    this.#post({ is: "here", here: this.#here() });
    for (const { call, written } of this.#pending.values()) this.#handTo(call, written);
  }

  // -- the channel

  #post(word: Word): void {
    this.#channel?.postMessage(word);
  }

  #word(word: Word): void {
    const lead = this.#lead;
    if (word.is === "here") {
      this.#answers.push(word.here);
      if (!lead) return;
      lead.met(word.here);
      // The other one goes on, with all that waits here.
      if (this.#paused) void this.#handOver().then(() => this.#paused && this.#away());
      else if (!this.#visible && word.here.visible) void this.#handOver();
      else this.#flush(true);
    } else if (word.is === "roll") this.#post({ is: "here", here: this.#here() });
    else if (word.is === "got") {
      if (word.to === this.#kit.id) this.#got();
    } else if (word.is === "news") {
      if (word.g < this.#g) return;
      if (word.g > this.#g) this.#follow(word.g);
      this.#who = word.who ?? this.#who;
      this.#kit.client.storage = word.storage ?? this.#kit.client.storage;
      for (const news of word.news) this.#heard(news);
    } else if (!lead) return;
    else if (word.is === "gone") lead.lost(word.tab);
    else if (word.is === "end") void this.#control.close(true);
    else if (word.is === "now") this.#control[word.what]();
    else {
      this.#post({ is: "got", to: word.from, n: word.n });
      lead.take(word.call, word.written);
    }
  }

  // -- hearing

  /** The session tells: this page, and all others. */
  #tell(news: News): void {
    const lead = this.#lead;
    if (!lead) return; // what one says that led once
    if (news.on === "question") return lead.question(news);
    lead.told(news);
    if (lead.tabs.size) {
      this.#batch.push(news);
      if (this.#batch.length === 1) soon(() => this.#flush());
    }
    this.#heard(news);
  }

  #flush(status = false): void {
    if (!this.#lead) return;
    const batch = this.#batch.splice(0);
    if (status || !batch.length) batch.push({ on: "status", status: this.#kit.session.status });
    this.#news(batch);
  }

  #news(news: News[]): void {
    const { session, client } = this.#kit;
    // Whoever the session is, and where it is kept, is another only where its status is.
    const changed = news.some(({ on }) => on === "status");
    if (changed) this.#who = session.who.told;
    const more = changed ? { who: this.#who, storage: { ...client.storage } } : {};
    this.#post({ is: "news", g: this.#g, news, ...more });
  }

  #heard(news: News): void {
    if (news.on === "question" && news.to !== this.#kit.id) return;
    if (news.on === "end") this.#pending.delete(news.name);
    const pending = news.on === "stage" && news.stage === "written" && this.#pending.get(news.name);
    if (pending) {
      pending.written = true;
      if (pending.call.kind === "open") this.#ids.set(news.name, news.id!);
    }
    this.#kit.page.take(news);
    if (news.on !== "over") return;
    // The session is over for all; who connects anew begins anew.
    this.#flush();
    soon(() => this.#sleep());
  }
}
