// What the leader of a group does besides: it knows the other pages, and asks them in the server's name.

import type { Outcome } from "./client.ts";
import { wait } from "./clock.ts";
import type { Kit } from "./connect.ts";
import type { Here } from "./group.ts";
import type { Keeper } from "./keeper.ts";
import { keepIn } from "./keeping.ts";
import type { Ledger } from "./ledger.ts";
import { AGAIN, type Call, type News } from "./port.ts";
import type { Kept, Store } from "./store.ts";

/** How many ends are remembered for those who ask again. */
const ENDED = 1000;
/** For which the answers to what was written are waited for when another page shall lead. */
const DRAIN = 1000;

type Question = News & { on: "question" };

/** @internal What leads, and its page. */
export interface Around {
  kit: Kit;
  here(): Here;
  /** A request of this page has not ended. */
  asks(name: string): boolean;
  tell(news: News): void;
  /** Put to one page. */
  put(question: Question): void;
  /** Wait for the lock of a page; gives what ends the waiting. */
  watch(tab: string, gone: () => void): () => void;
  stop(): void;
}

export class Lead {
  readonly #around: Around;
  readonly #kit: Kit;
  readonly #store: Store | undefined;
  readonly #ledger: Ledger | undefined;
  /** The other pages. */
  readonly tabs = new Map<string, Here>();
  /** What ends the waiting for their locks. */
  readonly #watched = new Map<string, () => void>();
  readonly #questions = new Map<number, Question>();
  /** How what other pages asked has ended: they may ask again. */
  readonly #ended = new Map<string, News>();
  readonly #g: number;

  constructor(around: Around, store: Store | undefined, g: number, kept: Kept, others: Here[]) {
    const { kit } = around;
    this.#around = around;
    this.#kit = kit;
    this.#store = store;
    this.#g = g;
    kit.session = kit.makeSession();
    const { hearing, sending, who } = kit.session;
    for (const [key, value] of kept.meta) {
      const { name, result, failure } = value as Outcome;
      if (key.startsWith("outcome ")) this.#ended.set(name, { on: "end", name, result, failure });
    }
    const all = [...others, around.here()];
    if (store) {
      const waits = (page?: string): "here" | "elsewhere" | undefined =>
        page === kit.id ? "here" : page && this.tabs.has(page) ? "elsewhere" : undefined;
      this.#ledger = keepIn(kit, store, g, kept, { fenced: around.stop, waits });
    } else {
      // What another leader may need is let go of by nobody.
      sending.keeper = NOTHING;
      const told = all.find((here) => here.who)?.who;
      if (told) who.was(told);
      sending.user = who.user;
      sending.life = who.life;
    }
    // Each page drops what it has: so from where the one that has least is.
    const epoch = all.find((here) => here.epoch)?.epoch;
    if (epoch) {
      hearing.epoch = epoch;
      hearing.seq = Math.min(...all.filter((here) => here.epoch === epoch).map(({ seq }) => seq));
    }
    for (const here of all) this.met(here);
  }

  /** A page is there: what it joined and reads is this session's affair. */
  met(here: Here): void {
    const { tab, views, streams } = here;
    const { session, id } = this.#kit;
    if (tab !== id) {
      const known = this.tabs.has(tab);
      this.tabs.set(tab, here);
      if (known) return;
      this.#watched.set(
        tab,
        this.#around.watch(tab, () => this.lost(tab)),
      );
    }
    for (const { view, room, mark, data } of views) session.rooms?.adopt(room, view, tab, mark, data);
    for (const { name, id: stream, progress } of streams) session.streams?.adopt(name, tab, stream, progress);
    session.changed();
  }

  /** A page is gone, and its rooms, streams and waiting callers with it. */
  lost(tab: string): void {
    this.#watched.get(tab)?.();
    this.#watched.delete(tab);
    if (!this.tabs.delete(tab)) return;
    this.#kit.session.gone(tab);
    for (const question of this.#questions.values()) if (question.to === tab) this.question(question);
  }

  /** A page asks. `written`: under another leader it was. */
  take(call: Call, written: boolean): void {
    const { session, id } = this.#kit;
    if (call.do === "reply") this.#questions.delete(call.id);
    if (call.do !== "ask") {
      session.take(call);
      return;
    }
    const { name, kind, page } = call;
    for (const ask of session.sending.all()) if (ask.name === name) return;
    const ended = this.#ended.get(name);
    const once = kind === "emit" || kind === "publish";
    if (ended) this.#around.tell(ended);
    else if (written && (kind === "open" || (once && !call.key))) {
      // From memory alone, by one that led: its number may be another's by now.
      const is = kind === "open" ? "StreamLost" : "MaybeDone";
      const message = `${kind} may have been done: another page leads`;
      const failure = { is, code: "OUTCOME_UNKNOWN", maybeDone: true, message } as const;
      this.#around.tell({ on: "end", name, failure });
    } else if (once && page !== id) session.take({ ...call, key: call.key ?? name, keep: true });
    else session.take(call);
  }

  /** Something is told to all pages. */
  told(news: News): void {
    if (news.on !== "end" || this.#around.asks(news.name)) return;
    this.#ended.set(news.name, news);
    if (this.#ended.size > ENDED) this.#ended.delete(this.#ended.keys().next().value!);
  }

  /** The server asks: one page at a time, one that can be seen first. */
  question(question: Question): void {
    const able = [...this.tabs.values(), this.#around.here()].filter(({ answers }) =>
      answers.includes(question.event),
    );
    const to = (able.find(({ visible }) => visible) ?? able[0])?.tab ?? this.#kit.id;
    this.#questions.set(question.id, { ...question, to });
    this.#around.put({ ...question, to });
  }

  /** It writes nothing before it has read who leads. */
  check(then: () => void): void {
    const read = this.#store?.commit(this.#g, []) ?? Promise.resolve();
    read.then(then, this.#around.stop);
  }

  /** Let another page lead: give no more ids, and keep what was written. */
  async handOver(): Promise<void> {
    const { sending } = this.#kit.session;
    const { clock } = this.#kit.hands;
    sending.hold();
    const end = clock.now() + DRAIN;
    while (sending.open && sending.box.written.size && clock.now() < end) await wait(20);
    if (this.#ledger) {
      for (const ask of sending.all()) {
        if (!(ask.kept || AGAIN.has(ask.kind) || ask.kind === "open" || ask.volatile))
          ask.kept = this.#ledger.add(ask);
      }
    }
    await this.flush();
  }

  flush(): Promise<void> {
    return this.#ledger?.flush() ?? Promise.resolve();
  }

  /** No more: at once, and without a word to the server. */
  stop(): void {
    for (const letGo of this.#watched.values()) letGo();
    const { session } = this.#kit;
    session.sending.keeper = undefined;
    session.connection.pause();
    this.#store?.close();
  }
}

/** Of a group without a store. */
const NOTHING: Keeper = {
  add: () => false,
  wrote: () => undefined,
  unwrote: () => undefined,
  ended: () => undefined,
  hand: (messages, leave) => leave(messages),
  acked: () => 0,
};
