// From an address to a client.

import { Client, type Control } from "./client.ts";
import { browserClock, type Clock } from "./clock.ts";
import { UsageError } from "./errors.ts";
import type { Transport } from "./fallback.ts";
import { given, type Look, milliseconds, ofType, oneOf, whole } from "./given.ts";
import { secret } from "./identity.ts";
import { type Sleeper, watchPage } from "./life.ts";
import type { Hands } from "./line.ts";
import type { Overflow } from "./outbox.ts";
import { Page } from "./page.ts";
import type { Call, News } from "./port.ts";
import { Session } from "./session.ts";
import { onlyWebSocket } from "./socket.ts";
import type { Store } from "./store.ts";
import { tellEach } from "./waiting.ts";

/** A token, or a function that is asked for one at each attempt. `refused`: the one that was not accepted. */
export type Token =
  | string
  | null
  | ((refused?: string) => string | null | undefined | Promise<string | null | undefined>);

/** How a client is made. */
export interface Options {
  token?: Token | undefined;
  /** Milliseconds that a request may take, where the call does not say: 5,000. */
  timeout?: number | undefined;
  /** After so many failed attempts in a row the client ends. Without it: never. */
  attempts?: number | undefined;
  /** How many messages wait while the client is away: 100. */
  queue?: number | undefined;
  /** And how many bytes of them: 1 MiB. */
  queueBytes?: number | undefined;
  /** What is done beyond that. */
  overflow?: Overflow | undefined;
  /** False: this page has a session of its own, and does not share one with the other tabs. */
  tabs?: boolean | undefined;
  /** With `offline` or `tabs`: who uses this page. What one keeps, no other sends. */
  user?: string | undefined;
  /** With `offline` or `tabs`: "strict" survives a crash of the machine, too. */
  durability?: IDBTransactionDurability | undefined;
  /** For tests: another store than IndexedDB. */
  store?: ((name: string) => Promise<Store>) | undefined;
  /** With `fallback`: the transports that may be used, best first; all of them, if none are named. */
  transport?: Transport | readonly Transport[] | undefined;
  /** What the client is made of besides its core. */
  with?: readonly Part[] | undefined;
  /** For tests: time. */
  clock?: Clock | undefined;
  /** For tests: chance. */
  random?: (() => number) | undefined;
}

/** @internal What a part may change before the client begins. */
export interface Kit {
  readonly base: URL;
  readonly options: Options;
  readonly hands: Hands;
  readonly page: Page;
  readonly client: Client;
  /** The name of this page. */
  readonly id: string;
  /** The session's half, where this page has it. */
  session: Session;
  /** Another one, for when this page has it anew. */
  makeSession(): Session;
  /** Where what a session tells goes. */
  tell: (news: News) => void;
  /** Joins the two halves, and starts. A part that puts another in its place calls this when it is time. */
  start: () => void;
  /** What is done about the connection. */
  control: Control & Sleeper;
  /** What is to be waited for when the client ends. */
  readonly ending: (() => Promise<unknown>)[];
}

/** A part of a client: what it changes is this package's own affair. */
export type Part = (kit: never) => void;

/** What becomes of the page does not end a pause: that is the program's. */
const STAY = { check: () => undefined, reconnect: () => undefined };

const names = (): (() => string) => {
  const first = secret();
  let count = 0;
  // A key that begins with `$` is one that a client made.
  return () => `$${first}.${++count}`;
};

const baseOf = (url: string | URL): URL => {
  const parsed = ((): URL | undefined => {
    try {
      return new URL(url, globalThis.location?.href);
    } catch {
      return undefined;
    }
  })();
  const known = url !== "" && /^(http|ws)s?:$/.test(parsed?.protocol ?? "");
  given("the address", url, known, "where a server is, as /rt or https://example.org/rt");
  const base = parsed!;
  given(
    "the address",
    url,
    !base.searchParams.has("token"),
    "without a token, which is an option of its own",
  );
  base.protocol = base.protocol.replace(/^ws/, "http");
  base.pathname = base.pathname.replace(/(\/ws)?\/*$/, "") || "/rt";
  base.search = base.hash = "";
  return base;
};

/** How each option is looked at. */
const LOOKS: { readonly [Name in keyof Required<Options>]: Look } = {
  token: ofType("string", "function"),
  timeout: milliseconds,
  attempts: whole(1),
  queue: whole(0),
  queueBytes: whole(0),
  overflow: oneOf("reject", "drop_oldest", "drop_by_key"),
  tabs: ofType("boolean"),
  user: ofType("string"),
  durability: oneOf("default", "strict", "relaxed"),
  store: ofType("function"),
  transport: ofType("string", "object"),
  with: ofType("object"),
  clock: ofType("object"),
  random: ofType("function"),
};

/** Connect. The client comes back by itself whenever the connection is lost. Throws a `UsageError` for no address, or a wrong option. */
export const connect = (url: string | URL = "/rt", options: Options = {}): Client => {
  for (const [name, value] of Object.entries(options)) {
    const look: Look | undefined = LOOKS[name as keyof Options];
    if (!look) throw new UsageError(`there is no option ${name}`);
    look(name, value);
  }
  const { token, timeout = 5000, clock = browserClock, random = Math.random } = options;
  const { queue: messages = 100, queueBytes: bytes = 1 << 20, overflow = "reject" } = options;
  const hands: Hands = {
    base: baseOf(url),
    clock,
    choice: onlyWebSocket,
    random,
    name: names(),
    program: secret(),
    token:
      token == null ? undefined : async (refused) => (typeof token === "string" ? token : token(refused)),
    attempts: options.attempts,
    bounds: { messages, bytes, overflow },
  };
  const makeSession = (): Session => new Session(hands, (news) => kit.tell(news));
  const page = new Page(hands.name, clock, timeout);
  const client = new Client(
    page,
    () => kit.control,
    async (bye) => {
      unwatch();
      await kit.control.close(bye);
      await Promise.all(kit.ending.map((end) => end()));
    },
  );
  const kit: Kit = {
    base: hands.base,
    options,
    hands,
    page,
    client,
    id: hands.name(),
    session: undefined as never,
    makeSession,
    tell: (news) => page.take(news),
    ending: [],
    control: {
      tryNow: () => kit.session.connection.tryNow(),
      reconnect: () => kit.session.connection.reconnect(),
      check: () => kit.session.beat.check(),
      pause: () => kit.session.connection.pause(),
      sleep: () => kit.session.connection.pause(),
      close: (bye) => kit.session.close(bye),
    },
    start: () => {
      page.call = (call: Call) => kit.session.take(call.do === "ask" ? { ...call, page: kit.id } : call);
      kit.session.connection.start();
    },
  };
  for (const part of options.with ?? []) part(kit as never);
  kit.session = kit.makeSession();
  page.status = kit.session.status;
  kit.start();
  const sleep = (): void => {
    tellEach(page.lastWords);
    kit.control.sleep();
  };
  const unwatch = watchPage(() => ({ ...kit.control, sleep, ...(client.paused && STAY) }));
  return client;
};
