// How a client is doing, in figures and in words, as a part of a client: `client.monitor`.

import type { Kit, Part } from "./connect.ts";
import {
  between,
  type Counts,
  type Figures,
  HOUR,
  MINUTE,
  SAMPLE,
  Samples,
  Took,
} from "./monitor_figures.ts";
import { type Found, RULES, type Rule, type View } from "./monitor_rules.ts";
import type { News } from "./port.ts";

export type { Counts, Figures, Spread } from "./monitor_figures.ts";
export type { Found, Rule, View } from "./monitor_rules.ts";

/** Something that is wrong. `since`: milliseconds since 1970. */
export interface Issue extends Found {
  type: string;
  since: number;
}

/** What is wrong, and what to do about it; plain data, the worst first. */
export interface Diagnosis {
  status: "healthy" | "degraded" | "critical";
  metrics: {
    state: string;
    transport: string;
    queued: number;
    unanswered: number;
    advised: { why: string; transport: string | undefined; hold: number } | undefined;
    windows: { 60: Figures; 3600: Figures };
    total: Figures;
  };
  issues: Issue[];
  recommendations: string[];
}

/**
 * `client.monitor`. It begins to watch when it is first looked at, and asks for a pong each 10 s then. Where tabs share
 * a session, what is said and heard is this page's, and what was measured of the connection is the session's. Seconds.
 */
export class Monitor {
  readonly #kit: Kit;
  readonly #rules = new Map(Object.entries(RULES));
  readonly #raised = new Map<string, [since: number, found: Found]>();
  readonly #samples = new Samples();
  readonly #trips = new Took();
  readonly #answers = new Took();
  readonly #asked = new Map<string, number>();
  readonly #counted = { sent: 0, received: 0, applied: 0, failed: 0, maybe_done: 0 };
  readonly #begun: number;
  #liveUntil: number;
  #seen: number;
  #reporting: (() => void) | undefined;

  /** @internal */
  constructor(kit: Kit) {
    this.#kit = kit;
    this.#begun = this.#liveUntil = this.#now;
    this.#seen = kit.page.status.measured.trips;
    this.#sample();
    kit.page.spy = (news) => this.#heard(news);
    kit.page.watchers.add(() => this.#look());
    this.#watch();
  }

  get #now(): number {
    return this.#kit.hands.clock.now() / 1000;
  }

  #heard(news: News | { on: "asked"; name: string }): void {
    const counted = this.#counted;
    if (news.on === "hear" && news.said.type === "event") counted.received++;
    else if (news.on === "asked") {
      counted.sent++;
      this.#asked.set(news.name, this.#now);
    } else if (news.on === "end") {
      const then = this.#asked.get(news.name);
      if (then === undefined) return;
      this.#asked.delete(news.name);
      this.#answers.add(this.#now, this.#now - then);
      if (!news.failure) counted.applied++;
      else counted.failed++;
      if (news.failure?.maybeDone) counted.maybe_done++;
    }
  }

  #look(): void {
    const { live, measured } = this.#kit.page.status;
    if (live) this.#liveUntil = this.#now;
    if (measured.trips > this.#seen && measured.trip !== undefined)
      this.#trips.add(this.#now, measured.trip / 1000);
    this.#seen = measured.trips;
  }

  #counts(): Counts {
    const { bytesIn, bytesOut, reconnects } = this.#kit.page.status.measured;
    const { failures: handler_failures } = this.#kit.page;
    return { ...this.#counted, bytes_in: bytesIn, bytes_out: bytesOut, reconnects, handler_failures };
  }

  #sample(): void {
    this.#samples.take(this.#now, this.#counts());
  }

  // -- figures

  /**
   * The last so many seconds, up to an hour. Counts go back to a sample: up to 10 s further, or 60 s in a window of more
   * than a minute. Throws a `RangeError` for any other window.
   */
  window(seconds = MINUTE): Figures {
    if (!(seconds > 0 && seconds <= HOUR))
      throw new RangeError(`a window has 1 to 3600 seconds, not ${seconds}`);
    const now = this.#now;
    const counts = between(this.#samples.before(seconds, now), this.#counts());
    return this.#figures(Math.min(seconds, now - this.#begun), now - seconds, counts);
  }

  /** All since it was first looked at. */
  get total(): Figures {
    return this.#figures(this.#now - this.#begun, Number.NEGATIVE_INFINITY, this.#counts());
  }

  #figures(seconds: number, since: number, counts: Counts): Figures {
    const latency = this.#trips.since(since);
    const { loss } = this.#kit.page.status.measured;
    return { seconds, ...counts, latency, answers: this.#answers.since(since), loss };
  }

  // -- diagnosis

  /** Add a rule of the page's own, or take one away (null). */
  rule(name: string, rule: Rule | null): void {
    if (rule) this.#rules.set(name, rule);
    else {
      this.#rules.delete(name);
      this.#raised.delete(name);
    }
  }

  /** What is wrong, and what to do about it. */
  diagnose(): Diagnosis {
    const view = this.#view();
    for (const [name, rule] of this.#rules) this.#judge(name, rule, view);
    const issues = [...this.#raised].map(([type, [since, found]]) => ({ ...found, type, since }));
    issues.sort((one, other) => +(other.severity === "critical") - +(one.severity === "critical"));
    const critical = issues.some(({ severity }) => severity === "critical");
    const { state, transport, queued, unanswered } = this.#kit.page.status;
    return {
      status: critical ? "critical" : issues.length ? "degraded" : "healthy",
      metrics: {
        state,
        transport,
        queued,
        unanswered,
        advised: this.#advised,
        windows: { 60: view.minute, 3600: view.hour },
        total: this.total,
      },
      issues,
      recommendations: [...new Set(issues.map(({ suggestion }) => suggestion))],
    };
  }

  get #advised(): Diagnosis["metrics"]["advised"] {
    const { why = "", transport, until = 0 } = this.#kit.page.status.measured.advised ?? {};
    const hold = (until - this.#kit.hands.clock.wall()) / 1000;
    return hold > 0 ? { why, transport, hold } : undefined;
  }

  #judge(name: string, rule: Rule, view: View): void {
    const before = this.#raised.get(name);
    try {
      const found = rule(view, before !== undefined);
      if (found) this.#raised.set(name, [before?.[0] ?? this.#kit.hands.clock.wall(), found]);
      else this.#raised.delete(name);
    } catch (error) {
      reportError(error);
    }
  }

  #view(): View {
    this.#look();
    const { hands, page } = this.#kit;
    const { error, foreign, measured, queued, state, transport } = page.status;
    return {
      minute: this.window(MINUTE),
      hour: this.window(HOUR),
      state,
      away: this.#now - this.#liveUntil,
      error: error?.message,
      transport,
      failed_above: measured.failed,
      queued,
      room_for: hands.bounds.messages,
      foreign,
      holes: [...page.listeners].flatMap(({ behind }) => (behind ? [behind] : [])),
      clock_offset: measured.ahead === undefined ? undefined : measured.ahead / 1000,
    };
  }

  // -- time

  #each(seconds: number, call: () => void): () => void {
    const { clock } = this.#kit.hands;
    let stop: () => void;
    const next = (): void => {
      stop = clock.after(seconds * 1000, () => {
        if (this.#kit.page.over) return;
        call();
        next();
      });
    };
    next();
    return () => stop();
  }

  #watch(): void {
    const { page } = this.#kit;
    page.call({ do: "poke" });
    const stop = this.#each(SAMPLE, () => {
      page.call({ do: "poke" });
      this.#sample();
      const view = this.#view();
      for (const name of [...this.#raised.keys()]) this.#judge(name, this.#rules.get(name)!, view);
    });
    this.#kit.ending.push(async () => {
      stop();
      this.#reporting?.();
    });
  }

  /**
   * Diagnose each so many seconds, and give it to a function, or to the console. Called again, it is done so instead;
   * `every: null` ends it. What the function throws is reported. Throws a `RangeError` where `every` is not above 0.
   */
  report(to: (diagnosis: Diagnosis) => unknown = toConsole, every: number | null = 60): void {
    if (every !== null && !(every > 0))
      throw new RangeError(`a report comes each so many seconds, not each ${every}`);
    this.#reporting?.();
    this.#reporting = undefined;
    if (every === null) return;
    this.#reporting = this.#each(every, () => {
      Promise.resolve()
        .then(() => to(this.diagnose()))
        .catch(reportError);
    });
  }
}

const toConsole = ({ status, metrics, issues }: Diagnosis): void => {
  const { sent, received, failed, latency } = metrics.windows[60];
  const figures = `${sent} sent, ${received} received, ${failed} failed in a minute, ${Math.round(latency.mean * 1000)} ms`;
  const said = [
    `${status} by ${metrics.transport}: ${figures}`,
    ...issues.map(({ message }) => message),
  ].join("; ");
  if (status === "healthy") console.info(said);
  else console.warn(said);
};

/** Figures and a diagnosis can be had. */
export const monitor: Part = (kit: Kit) => {
  let made: Monitor | undefined;
  kit.client.monitorOf = () => (made ??= new Monitor(kit));
};
