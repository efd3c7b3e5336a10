// Several pages of one browser: locks, a channel and a store that they share, and each page's own life.

import type { Client } from "../src/client.ts";
import { connect, type Kit, type Options } from "../src/connect.ts";
import { programsOf } from "../src/identity.ts";
import type { Link } from "../src/link.ts";
import { rooms } from "../src/rooms.ts";
import { Fenced, type Kept, type Store } from "../src/store.ts";
import { streams } from "../src/streams.ts";
import { Tab } from "../src/tab.ts";
import type { ServerModel } from "./server_model.ts";

interface Wish {
  name: string;
  grant: (lock: object | null) => Promise<unknown>;
  fail: (error: Error) => void;
  tab: Fake;
}

/** What the pages of a browser share. */
export class Browser {
  readonly wishes = new Map<string, Wish[]>();
  readonly tabs: Fake[] = [];
  readonly kept = new Map<string, Record<"rows" | "meta" | "data", Map<string, unknown>>>();
  stored = true;
  /** Commits that are not let through. */
  stuck: (() => void)[] | undefined;
  readonly server: ServerModel;

  constructor(server: ServerModel) {
    this.server = server;
  }

  open(options: Options = {}, visible = true): Fake {
    const tab = new Fake(this, visible);
    this.tabs.push(tab);
    tab.begin(options);
    return tab;
  }

  /** Grant what may be granted. */
  look(name: string): void {
    const [first] = this.wishes.get(name) ?? [];
    if (!first || first.tab.frozen || "held" in first) return;
    Object.assign(first, { held: true });
    const over = (): void => this.release(first);
    void first.grant({ name }).then(over, over);
  }

  release(wish: Wish): void {
    const line = this.wishes.get(wish.name) ?? [];
    const at = line.indexOf(wish);
    if (at < 0) return;
    line.splice(at, 1);
    queueMicrotask(() => this.look(wish.name));
  }

  store(name: string): Store {
    if (!this.stored) throw new Error("no store here");
    const kept = this.kept.get(name) ?? { rows: new Map(), meta: new Map(), data: new Map() };
    this.kept.set(name, kept);
    const { meta, rows } = kept;
    const through = async (): Promise<void> => {
      if (this.stuck) await new Promise<void>((resolve) => this.stuck?.push(resolve));
    };
    return {
      load: async (): Promise<Kept> => structuredClone({ rows: [...rows.values()], meta }),
      read: async (after, before, most) => {
        const all = [...kept.data].filter(([key]) => key > after && key < before);
        all.sort(([one], [other]) => (one < other ? -1 : 1));
        return structuredClone(all.slice(0, most).map(([, row]) => row));
      },
      commit: async (g, changes) => {
        await through();
        if (Number(meta.get("leader") ?? 0) > g) throw new Fenced();
        for (const [where, key, value] of changes) {
          if (typeof key !== "string") {
            for (const each of kept.data.keys()) if (each >= key[0] && each <= key[1]) kept.data.delete(each);
          } else if (value === undefined) kept[where].delete(key);
          else kept[where].set(key, structuredClone(value));
        }
      },
      lead: async (program) => {
        const g = Number(meta.get("leader") ?? 0) + 1;
        meta.set("leader", g);
        meta.set("programs", programsOf(program, meta.get("programs")));
        return g;
      },
      close: () => undefined,
    };
  }
}

/** One page. */
export class Fake {
  frozen = false;
  readonly browser: Browser;
  visible: boolean;
  client!: Client;
  tab!: Tab;
  /** What came while it was frozen. */
  #missed: (() => void)[] = [];
  readonly #links: Link[] = [];
  readonly channels: { onmessage: ((event: { data: unknown }) => void) | null; name: string }[] = [];
  control!: { check(): void; pause(): void };
  readonly #listeners = new Set<() => void>();

  constructor(browser: Browser, visible: boolean) {
    this.browser = browser;
    this.visible = visible;
  }

  get document(): Document {
    const tab = this;
    return {
      get visibilityState() {
        return tab.visible ? "visible" : "hidden";
      },
      addEventListener: (_: string, call: () => void) => this.#listeners.add(call),
    } as unknown as Document;
  }

  begin(options: Options): void {
    const { browser } = this;
    const surroundings = {
      document: this.document,
      locks: this.locks as unknown as LockManager,
      channel: (name: string) => this.channel(name) as unknown as BroadcastChannel,
    };
    this.client = connect("http://server.example/rt", {
      random: () => 0,
      store: async (name) => browser.store(name),
      ...options,
      with: [
        rooms,
        streams,
        (kit: Kit) => {
          kit.hands.choice = {
            next: () => "websocket",
            open: () => (_, ears) => {
              const mine = browser.server.link({
                opened: () => this.later(() => ears.opened()),
                heard: (frame) => this.later(() => ears.heard(frame)),
                alive: () => this.later(() => ears.alive()),
                closed: (end) => this.later(() => ears.closed(end)),
              });
              this.#links.push(mine);
              return { ...mine, say: (frame, hello) => !this.dead && mine.say(frame, hello) };
            },
            failed: () => false,
            worked: () => undefined,
          };
          this.tab = new Tab(kit, surroundings);
          this.control = {
            check: () => kit.control.check(),
            pause: () => kit.control.sleep(),
          };
        },
      ],
    });
  }

  dead = false;

  /** Now, or when it thaws. */
  later(call: () => void): void {
    if (this.dead) return;
    if (this.frozen) this.#missed.push(call);
    else call();
  }

  show(visible: boolean): void {
    this.visible = visible;
    for (const call of this.#listeners) call();
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    for (const call of this.#missed.splice(0)) call();
    this.control.check();
  }

  /** It is gone, without a word: what it held is free. */
  crash(): void {
    this.dead = true;
    for (const line of this.browser.wishes.values()) {
      for (const wish of line.filter(({ tab }) => tab === this)) this.browser.release(wish);
    }
    const at = this.browser.tabs.indexOf(this);
    if (at >= 0) this.browser.tabs.splice(at, 1);
    for (const link of this.#links) link.shut(1006, "");
  }

  readonly locks = {
    request: (name: string, options: LockOptions, call: (lock: object | null) => unknown): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const { wishes } = this.browser;
        const line = wishes.get(name) ?? [];
        wishes.set(name, line);
        const wish: Wish = {
          name,
          tab: this,
          fail: reject,
          grant: async (lock) => {
            const given = await new Promise<unknown>((done) => this.later(() => done(call(lock))));
            await given;
            resolve(given);
          },
        };
        if (options.ifAvailable && line.length) {
          resolve(call(null));
          return;
        }
        options.signal?.addEventListener("abort", () => {
          if (!("held" in wish)) {
            this.browser.release(wish);
            reject(new Error("AbortError"));
          }
        });
        if (options.steal) {
          const [holder] = line;
          if (holder) {
            line.shift();
            holder.tab.later(() => holder.fail(new Error("AbortError")));
          }
          line.unshift(wish);
        } else line.push(wish);
        queueMicrotask(() => this.browser.look(name));
      }),
  };

  channel(name: string) {
    const channel = {
      name,
      onmessage: null as ((event: { data: unknown }) => void) | null,
      postMessage: (data: unknown) => {
        if (this.dead) return;
        const copy = structuredClone(data);
        for (const tab of this.browser.tabs) {
          if (tab === this) continue;
          for (const other of tab.channels) {
            if (other.name === name) setTimeout(() => tab.later(() => other.onmessage?.({ data: copy })), 0);
          }
        }
      },
      close: () => {
        this.channels.splice(this.channels.indexOf(channel), 1);
      },
    };
    this.channels.push(channel);
    return channel;
  }
}
