import { t as Said } from "./words.js";

//#region src/collections_change.d.ts
/**
 * What came of a change, for its author. `kind`: `done`, `conflict` (its author decides), `rejected`, `discarded` (taken
 * back before it was sent), or `nothing` (nothing differed, so nothing was said). `by`: what decided, where it was not
 * done as wished, and `lost` what did not count: names of fields, or true for all of it.
 */
interface ChangeOutcome {
  readonly kind: "done" | "conflict" | "rejected" | "discarded" | "nothing";
  readonly seq?: number | null | undefined;
  readonly by?: string | undefined;
  readonly lost?: readonly string[] | true | undefined;
  /** Milliseconds of its time that lay in the server's future. */
  readonly clamped?: number | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly gone?: boolean | undefined;
}
/** A change that is kept here. `n` is its number; null: nothing differed, so nothing is said. */
declare class OwnChange {
  #private;
  readonly n: number | null;
  readonly key: string;
  /** What came of it, as far as that is known. */
  result: ChangeOutcome | undefined;
  /** Whether what came of it is known. */
  get done(): boolean;
  /** The server has answered for it, whatever it said. As long as there is no connection, this waits. */
  get accepted(): Promise<unknown>;
  /** What came of it; it does not throw for what the server decided. */
  get outcome(): Promise<ChangeOutcome>;
  /** It is done, and in what is confirmed here. Throws a `Rejected` for what was refused, and (`CONFLICT`) for a conflict. */
  get applied(): Promise<ChangeOutcome>;
}
/** Something else is seen of a key. `before` and `now`: the document; undefined where there is none. */
interface DocumentChange<Document> {
  readonly key: string;
  readonly before: Document | undefined;
  readonly now: Document | undefined;
  /** Because of a call of this client; else the server, or another, made it so. */
  readonly own: boolean;
}
/** A change that came to nothing. */
declare class Failed<Document> {
  readonly n: number;
  readonly key: string;
  /** As it was said: `op`, `value`, `unset`. */
  readonly change: Said;
  /** The document as it would be with the change; undefined: deleted. */
  readonly mine: Document | undefined;
  /** As it is now. */
  readonly theirs: Document | undefined;
  /** As it was seen before. */
  readonly base: Document | undefined;
  protected readonly decide: Decide;
  /** Make this the document, whatever was wanted. Resolves once that is kept here, as all of these do. */
  set(document: Document): Promise<OwnChange>;
  /** Let go of the change: what is there stays. */
  discard(): Promise<void>;
}
/** A change that met another's, and waits for its author. */
declare class Conflict<Document> extends Failed<Document> {
  /** What both changed. */
  readonly fields: readonly string[];
  /** The document was deleted meanwhile, or is another one. */
  readonly gone: boolean;
  /** My change counts after all. */
  keepMine(): Promise<OwnChange>;
  /** What is there stays. */
  keepTheirs(): Promise<OwnChange>;
}
/** A change that was refused for good: `code` and `message` say why. */
declare class Refusal<Document> extends Failed<Document> {
  readonly code: string;
  readonly message: string;
  /** Say it anew, on what is there now. */
  retry(): Promise<OwnChange>;
}
//#endregion
//#region src/errors.d.ts
/** What became of a request, or of a client, as it is told between the parts of a client. */
interface Failure {
  is: keyof typeof CLASSES;
  message: string;
  code?: string | undefined;
  maybeDone?: boolean | undefined;
  retry?: boolean | undefined;
  after?: number | undefined;
  details?: unknown;
  close?: number | undefined;
}
/** All that a client throws on purpose. */
declare class RtcoreError extends Error {
  /** A code of the protocol, or of the application. */
  readonly code: string;
  /** False only if the bytes were never written, or the server said that it did nothing. */
  readonly maybeDone: boolean;
  /** Whether the same may be tried again. */
  readonly retry: boolean;
  /** In how many seconds, where the server said so. */
  readonly after: number | undefined;
  /** More about it, for programs. */
  readonly details: unknown;
  /** The close code that ended the client, if there was one. */
  readonly close: number | undefined;
  constructor(failure: Failure);
}
/** What a program gave that cannot be used. It is thrown where it was given, and nothing was done. */
declare class UsageError extends TypeError {
  readonly name = "UsageError";
  readonly code: string;
  constructor(message: string, code?: string);
}
/** A request ended without a result. */
declare class RequestError extends RtcoreError {}
/** The server answered with an error: its own, or its application's. */
declare class Rejected extends RequestError {}
/** It left this client, and nobody can say any more whether it was done. */
declare class MaybeDone extends RequestError {}
/** It never left this client. */
declare class NotDone extends RequestError {}
/** It is over the server's limit, and was not sent. */
declare class TooLarge extends RequestError {}
/** Its caller's time is over. What was not written was taken back; what was written is not sent again. */
declare class RequestTimeout extends RequestError {}
/** Its caller's signal ended it. `name` is "AbortError", as everywhere; `maybeDone` is as in a timeout. */
declare class Aborted extends RequestError {}
/** The session is no longer in the room, and did not ask to leave. */
declare class LeftRoom extends RtcoreError {}
/** The stream cannot go on where it was: the session is another, or the item is no longer kept. */
declare class StreamLost extends RtcoreError {}
/** Not connected, and the client will not come back by itself. */
declare class ConnectError extends RtcoreError {}
/** The server does not accept the token (4501). */
declare class TokenRefused extends ConnectError {}
/** The server refuses this client for good (4502, or before the connection). */
declare class Forbidden extends ConnectError {}
/** Another client speaks for this session now (4500). */
declare class Superseded extends ConnectError {}
/** The application ended the session (4503), or a code came after which a client must not come back. */
declare class SessionClosed extends ConnectError {}
/** An attempt failed, or no attempt was good in time. */
declare class NotConnected extends ConnectError {}
/** Somebody answers there, and it is no rtcore server, or one of another version. */
declare class NotRtcore extends ConnectError {}
/** The program closed this client. */
declare class ClientClosed extends ConnectError {}
declare const CLASSES: {
  Rejected: typeof Rejected;
  MaybeDone: typeof MaybeDone;
  NotDone: typeof NotDone;
  TooLarge: typeof TooLarge;
  RequestTimeout: typeof RequestTimeout;
  AbortError: typeof Aborted;
  LeftRoom: typeof LeftRoom;
  StreamLost: typeof StreamLost;
  TokenRefused: typeof TokenRefused;
  Forbidden: typeof Forbidden;
  Superseded: typeof Superseded;
  SessionClosed: typeof SessionClosed;
  NotConnected: typeof NotConnected;
  NotRtcore: typeof NotRtcore;
  ClientClosed: typeof ClientClosed;
};
/** The error that a failure is told as. */
declare const errorOf: (failure: Failure) => RtcoreError;
//#endregion
//#region src/collections_types.d.ts
/** How a collection is opened. */
interface CollectionOptions {
  /** The version of the type that this program knows. */
  schema?: number | undefined;
  /** For the application's authorizer. */
  data?: unknown;
  /** Of which kind the fields are that are CRDTs: a field in which nothing is yet does not say so itself. */
  crdts?: Readonly<Record<string, CrdtKind>> | undefined;
}
/** The kinds of CRDTs, as the wire names them. */
type CrdtKind = "g-counter" | "pn-counter" | "g-set" | "or-set" | "lww-register" | "text";
/** What came of `sync`. */
interface SyncResult<Document> {
  /** Every change is done, and nothing of any was lost. */
  success: boolean;
  /** The position up to which everything is confirmed here. */
  syncId: string | undefined;
  /** What came of each key that differed. */
  changes: Record<string, OwnChange["result"]>;
  conflicts: Conflict<Document>[];
  refused: Refusal<Document>[];
}
/** How a collection is. A new object for each change of it, or of a document. */
interface CollectionView {
  /** Whether everything that was said to this moment is held, as far as the connection knows. */
  readonly whole: boolean;
  /** `epoch.seq`: everything up to here is confirmed; undefined: nothing yet. */
  readonly position: string | undefined;
  /** Why it does not go on by itself: no right, say. */
  readonly problem: RtcoreError | undefined;
  /** Whether the server has documents of a later schema than this program. */
  readonly outdated: boolean;
}
//#endregion
//#region src/collections_page.d.ts
/**
 * Documents by their keys. Looking never waits, and works without a connection; what is given is shared, and is not to be
 * changed. Changing resolves once the change is kept (with `offline` or `tabs`: committed to IndexedDB); what came of it
 * is told by the handle.
 */
declare class Collection<Document = any> implements Iterable<[string, Document]> {
  #private;
  readonly name: string;
  /** The document; undefined: there is none. */
  get(key: string): Document | undefined;
  has(key: string): boolean;
  get size(): number;
  /** Its keys, in the order of their code points. */
  keys(): readonly string[];
  /** The documents, in the order of their keys. */
  values(): Document[];
  entries(): [string, Document][];
  [Symbol.iterator](): Iterator<[string, Document]>;
  get whole(): boolean;
  get position(): string | undefined;
  get problem(): RtcoreError | undefined;
  get outdated(): boolean;
  /** Wait until it is whole. Throws what stands in the way, and what a signal gives. */
  ready({
    signal
  }?: {
    signal?: AbortSignal | undefined;
  }): Promise<void>;
  /** Create a document, or make it this one: of one that is seen, the fields that differ are said. */
  put(key: string, document: Document): Promise<OwnChange>;
  /** Set fields of a document, and take those of `unset` out. Throws a `NotDone` (`NOT_FOUND`) where there is none. */
  patch(key: string, fields: { [Field in keyof Document]?: unknown }, {
    unset
  }?: {
    unset?: readonly (keyof Document & string)[];
  }): Promise<OwnChange>;
  /** Delete a document. Throws a `NotDone` (`NOT_FOUND`) where there is none. */
  delete(key: string): Promise<OwnChange>;
  /** Take back a change that was never sent; false: it may have been done already. */
  discard(change: OwnChange): Promise<boolean>;
  /**
   * Make these documents so (undefined or null: not there), and wait for the server's word on each. Keys that are not
   * named stay as they are.
   */
  sync(documents: Readonly<Record<string, Document | null | undefined>>, {
    signal
  }?: {
    signal?: AbortSignal | undefined;
  }): Promise<SyncResult<Document>>;
  /** One's own changes that are not confirmed yet, in their order; those of pages before this one too. */
  get pending(): OwnChange[];
  /** Changes that met another's and wait for a decision. */
  get conflicts(): Conflict<Document>[];
  /** Changes that were refused for good, until they are retried or let go of. */
  get refused(): Refusal<Document>[];
  /** How it is: the same object until something of it, or of a document, is another. */
  getSnapshot: () => CollectionView;
  /** Call it with what became of documents (of one key, if it is named), and when anything else is another. */
  subscribe: (watcher: Watcher<Document>, key?: string) => (() => void);
  /**
   * What becomes of documents from now on, one's own changes and others'. Of a key that changes again before it is taken
   * both are told as one: so what waits is bounded by the number of keys.
   */
  changes(): AsyncGenerator<DocumentChange<Document>, void, undefined>;
  /** Hear it no longer. What was held and what is pending are kept for the next time, where there is a store. */
  close(): Promise<void>;
}
//#endregion
//#region src/reader.d.ts
/** Something that was said: in a room, to a user, to all, or to this session alone (then it has no room). */
interface Event<Data = any> {
  type: "event";
  event: string;
  data: Data;
  /** Its number in the server's log; a volatile one has none. */
  seq?: number;
  room?: string;
  /** Who said it; null: the application. */
  from?: {
    session: string;
    user: string | null;
  } | null;
  /** Milliseconds since 1970, by the server. */
  time: number;
  trace?: string;
}
/** Some or all of the numbers `from` to `to` were entries that will not be heard. */
interface Gap {
  type: "gap";
  from: number;
  to: number;
  /** `ring`, `age`, `memory`, `store`, `epoch`, `restart`; `slow`: this page did not keep up. */
  reason: string;
  room?: string;
}
type Heard = Event | Gap;
//#endregion
//#region src/consumer.d.ts
/** Called with each event of its name; under `*` with all, and with each gap. */
type Handler = (heard: any) => unknown;
//#endregion
//#region src/handle.d.ts
/** A request on its way. Whoever awaits a stage hears of a failure; who awaits none is not bothered. */
declare class Sent<Result = any> {
  #private;
  /** Its name, which no other request ever has. */
  readonly name: string;
  /** Whether it has ended. */
  done: boolean;
  /** Whether the server may have done it, as far as is known now. */
  maybeDone: boolean;
  constructor(name: string, poke: () => void, takeBack: () => void);
  /** It is kept here; with a store: it is committed. */
  get queued(): Promise<unknown>;
  /** The server has taken it, and will not forget it while its session lives. */
  get accepted(): Promise<unknown>;
  /** Its result. */
  get applied(): Promise<Result>;
  /** Wait no longer: what was not written is not sent; what was written may have been done. */
  takeBack(): void;
}
//#endregion
//#region src/monitor_figures.d.ts
/** How long something took, in seconds: the last, the mean, and the 95th and 99th of a hundred. */
interface Spread {
  count: number;
  now: number;
  mean: number;
  p95: number;
  p99: number;
}
/** What happened. Requests of the program's are `sent`, and end `applied` or `failed`; events are `received`. */
interface Counts {
  sent: number;
  received: number;
  applied: number;
  failed: number;
  maybe_done: number;
  bytes_in: number;
  bytes_out: number;
  reconnects: number;
  handler_failures: number;
}
/** What happened in `seconds`. `latency` is of round trips, `answers` of requests; `loss` of the last 20 pings. */
interface Figures extends Counts {
  seconds: number;
  latency: Spread;
  answers: Spread;
  loss: number;
}
//#endregion
//#region src/states.d.ts
/** What a client is doing about its connection. */
type State = "idle" | "connecting" | "welcoming" | "live" | "waiting" | "ended";
//#endregion
//#region src/monitor_rules.d.ts
/** What a rule found: how bad it is, a sentence, what to do, and the figures that it goes by. */
interface Found {
  severity: "warning" | "critical";
  message: string;
  suggestion: string;
  evidence: Record<string, unknown>;
}
/** What rules look at: the last minute, the last hour, and how things are now. Seconds. */
interface View {
  minute: Figures;
  hour: Figures;
  state: State;
  /** Since the client was live; 0: it is. */
  away: number;
  error: string | undefined;
  transport: string;
  /** Transports that would have been better, and failed. */
  failed_above: readonly string[];
  queued: number;
  room_for: number;
  foreign: number;
  /** Rooms of which more is said than is taken. */
  holes: readonly string[];
  clock_offset: number | undefined;
}
type Rule = (view: View, raised: boolean) => Found | undefined;
//#endregion
//#region src/monitor.d.ts
/** Something that is wrong. `since`: milliseconds since 1970. */
interface Issue extends Found {
  type: string;
  since: number;
}
/** What is wrong, and what to do about it; plain data, the worst first. */
interface Diagnosis {
  status: "healthy" | "degraded" | "critical";
  metrics: {
    state: string;
    transport: string;
    queued: number;
    unanswered: number;
    advised: {
      why: string;
      transport: string | undefined;
      hold: number;
    } | undefined;
    windows: {
      60: Figures;
      3600: Figures;
    };
    total: Figures;
  };
  issues: Issue[];
  recommendations: string[];
}
/**
 * `client.monitor`. It begins to watch when it is first looked at, and asks for a pong each 10 s then. Where tabs share
 * a session, what is said and heard is this page's, and what was measured of the connection is the session's. Seconds.
 */
declare class Monitor {
  #private;
  /**
   * The last so many seconds, up to an hour. Counts go back to a sample: up to 10 s further, or 60 s in a window of more
   * than a minute. Throws a `RangeError` for any other window.
   */
  window(seconds?: number): Figures;
  /** All since it was first looked at. */
  get total(): Figures;
  /** Add a rule of the page's own, or take one away (null). */
  rule(name: string, rule: Rule | null): void;
  /** What is wrong, and what to do about it. */
  diagnose(): Diagnosis;
  /**
   * Diagnose each so many seconds, and give it to a function, or to the console. Called again, it is done so instead;
   * `every: null` ends it. What the function throws is reported. Throws a `RangeError` where `every` is not above 0.
   */
  report(to?: (diagnosis: Diagnosis) => unknown, every?: number | null): void;
}
/** Figures and a diagnosis can be had. */
declare const monitor: Part;
//#endregion
//#region src/clock.d.ts
/** Both clocks, and a timer. */
interface Clock {
  /** Of no epoch; it only goes forward. */
  now(): number;
  /** Since 1970. */
  wall(): number;
  /** Call it later; gives what takes that back. */
  after(ms: number, call: () => void): () => void;
}
//#endregion
//#region src/reports.d.ts
/** What the server advised last, and until when it holds (since 1970). */
interface Advice {
  why: string;
  transport: string | undefined;
  until: number;
}
//#endregion
//#region src/port.d.ts
/** What a session measured. Milliseconds. */
interface Measured {
  /** The last round trip, and how many there were. */
  readonly trip: number | undefined;
  readonly trips: number;
  /** The part of the last 20 pings that had no answer. */
  readonly loss: number;
  /** How often it came back. */
  readonly reconnects: number;
  /** Near enough: what was said and heard, as text. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Transports that would have been better than the one in use, and failed. */
  readonly failed: readonly string[];
  /** By how much the server's clock is ahead. */
  readonly ahead: number | undefined;
  /** What the server advised last, and until when (since 1970) it holds. */
  readonly advised: Advice | undefined;
}
/** How a client is doing. A new object for each change, so that it can be compared by identity. */
interface Status {
  readonly state: State;
  /** Welcome, and each joined room is confirmed. */
  readonly live: boolean;
  /** The one in use, or tried last. */
  readonly transport: string;
  readonly session: string | undefined;
  /** Who the application says this session belongs to; null: nobody; undefined: not known yet. */
  readonly user: string | null | undefined;
  readonly epoch: string | undefined;
  /** The number up to which the session has heard. */
  readonly seq: number;
  /** The smoothed round trip in milliseconds. */
  readonly latency: number | undefined;
  /** What was measured of the connection. */
  readonly measured: Measured;
  /** Requests that wait to be written. */
  readonly queued: number;
  /** Requests that were written and have no answer. */
  readonly unanswered: number;
  /** Requests that wait for another user. */
  readonly foreign: number;
  /** Requests that ended with an error. */
  readonly failed: number;
  /** Why it is away, or has ended. */
  readonly error: Failure | undefined;
}
//#endregion
//#region src/page.d.ts
/** How a request is made. */
interface AskOptions {
  /** Milliseconds that the caller waits; Infinity: as long as it takes. */
  timeout?: number | undefined;
  /** Ends it, as a timeout does. */
  signal?: AbortSignal | undefined;
  /** 1 to 128 characters: the server does what has the same key and content once, for an hour. */
  key?: string | undefined;
}
/** How something is sent. */
interface SendOptions extends AskOptions {
  /** Milliseconds after which it is not written any more. */
  ttl?: number | undefined;
  /** Keep it in the store even when it can go out at once. */
  keep?: boolean | undefined;
  /** Never queued, and never sent again. */
  volatile?: boolean | undefined;
  /** With `overflow: "drop_by_key"`, a newer one with the same takes the place of an older. */
  dropKey?: string | undefined;
}
/** Answers a question of the server: what it gives, or what it throws, is the reply. */
type Answer = (data: any) => unknown;
//#endregion
//#region src/view.d.ts
/** Somebody in a room. */
interface Member {
  session: string;
  user: string | null;
  /** What the application's authorizer said of it. */
  info?: any;
}
/** What is known of a room besides its events. A new object for each change. */
interface RoomView {
  readonly members: readonly Member[];
  /** How many sessions are here; undefined where the client may not see it. */
  readonly count: number | undefined;
  /** What the application's state function said with the join, or at the last return. */
  readonly state: any;
  /** What this session may do here: `publish`, `presence`, `history`. */
  readonly grants: readonly string[];
  /** Whether the session is in it. */
  readonly joined: boolean;
}
/** How something is published. */
interface PublishOptions extends SendOptions {
  /** False: it is not heard by this session. */
  echo?: boolean | undefined;
}
/** What a room still holds. */
interface Past<Said = Event> {
  history: Said[];
  /** Whether the room still holds everything that was asked for. */
  complete: boolean;
  /** Whether there is more after the last of these. */
  more: boolean;
  gap?: Gap;
}
//#endregion
//#region src/room.d.ts
/**
 * A room as one `join` of the program sees it. `for await (const heard of room)`: history first, then what is said.
 * What nobody has asked for yet waits, within a bound (1,024 events or 1 MiB); what is over it is had from the
 * server's history afterwards, or is a gap.
 */
declare class Room implements AsyncIterable<Heard> {
  #private;
  readonly name: string;
  get members(): readonly Member[];
  get count(): number | undefined;
  get state(): RoomView["state"];
  get grants(): readonly string[];
  /** The same object until something of it is another. */
  getSnapshot: () => RoomView;
  /** Call it when the snapshot is another; gives what takes that back. */
  subscribe: (watcher: () => void) => (() => void);
  [Symbol.asyncIterator](): AsyncGenerator<Heard, void, undefined>;
  /** Call it with each event of this name; under `*` with all, and with each gap. */
  on(event: string, handler: Handler): this;
  off(event: string, handler: Handler): this;
  /** Say something here, and wait for the server: the entry's number (null for a volatile one). */
  publish(event: string, data?: unknown, options?: PublishOptions): Promise<number | null>;
  /** What the room still holds: the newest `last`, or the oldest `limit` after a number. */
  history(which: {
    last?: number;
    after?: number;
    limit?: number;
  }, options?: AskOptions): Promise<Past>;
  /**
   * Leave. Iterators of this join end; the server hears of it with the last join. Who waits no longer has left all
   * the same: the leave is said until it has its answer.
   */
  leave(options?: AskOptions): Promise<void>;
}
//#endregion
//#region src/client.d.ts
/** How a room is joined. */
interface JoinOptions extends AskOptions {
  /** So many of its newest entries come first. */
  last?: number | undefined;
  /** What came after this position comes first. */
  since?: string | undefined;
  /** For the application's authorizer. */
  data?: unknown;
}
/** Whether what is sent is kept over the end of the page, and why not. */
interface Storage {
  durable: boolean;
  reason?: string | undefined;
}
/** How a request ended whose page is gone. */
interface Outcome {
  name: string;
  kind: string;
  /** `event`, and `room` where there is one. */
  fields: Said;
  result?: any;
  failure?: Failure | undefined;
  /** When, in milliseconds since 1970. */
  at: number;
}
/** One session with a server, over whatever connections it takes. Made by `connect`. */
declare class Client {
  #private;
  /** What ended without anybody to hear of it: its page was closed, or loaded anew. Newest last. */
  outbox: readonly Outcome[];
  /** Whether what is sent is kept over the end of the page. */
  storage: Storage;
  /** How it is doing. A new object for each change. */
  get status(): Status;
  /** The name of the session; undefined before the first welcome. */
  get session(): string | undefined;
  /** `epoch.seq`: everything up to here was heard, or told as a gap. */
  get position(): string | undefined;
  /** `websocket`, `sse` or `polling`: the one in use, or tried last. */
  get transport(): string;
  /** The smoothed round trip in milliseconds. */
  get latency(): number | undefined;
  /** The status, as a store has it: the same object until something of it is another. */
  getSnapshot: () => Status;
  /** Call it when the status is another; gives what takes that back. */
  subscribe: (watcher: () => void) => (() => void);
  /** Wait until the client is live. Throws a `ConnectError` when it has ended. */
  ready({
    signal
  }?: {
    signal?: AbortSignal;
  }): Promise<void>;
  /** Say something to the application, and wait for what its handler answers. */
  emit(event: string, data?: unknown, options?: SendOptions): Promise<any>;
  /** Say something to the application, and go on: the handle's stages can be awaited. */
  send(event: string, data?: unknown, options?: SendOptions): Sent;
  /** Join a room, and wait for the server's word. It is joined again by itself after each return. */
  join: (name: string, options?: JoinOptions) => Promise<Room>;
  /** Open a collection with what is kept of it. It does not wait for the server: `ready` does. */
  collection: <Document = any>(name: string, options?: CollectionOptions) => Promise<Collection<Document>>;
  /**
   * End the session, and let go of all that is kept here for this user. Throws a `NotDone` (`UNSENT`, with counts in its
   * `details`) where changes wait, are in conflict or were refused, or messages wait: `discard` gives them up.
   */
  signOut: (options?: {
    discard?: boolean | undefined;
  }) => Promise<void>;
  /**
   * Call it with each event of this name that is said to the session, to its user, or to everybody; under `*` with
   * all, and with each gap.
   */
  on(event: string, handler: Handler): this;
  /** Call it no longer. */
  off(event: string, handler: Handler): this;
  /** Answer the server's requests of this name: what the function gives, or throws, is the reply. */
  answer(event: string, answer: Answer): this;
  /** The items of a stream of the application's, as fast as they are taken. Leaving the loop cancels it. */
  stream: (name: string, data?: unknown, options?: {
    signal?: AbortSignal;
  }) => AsyncGenerator<any>;
  /** Send items to a function of the application's, as fast as it takes them; gives its result. */
  upload: (name: string, items: AsyncIterable<unknown> | Iterable<unknown>, data?: unknown, options?: {
    signal?: AbortSignal;
  }) => Promise<any>;
  /** Figures of the last minute and hour, and what is wrong. It begins to watch when it is first looked at. */
  get monitor(): Monitor;
  /** Give the connection up and come back at once, though never before the time that the server named. */
  reconnect(): void;
  /**
   * Let go of the connection, and stay away until `tryNow`. What is asked meanwhile is queued. Where other tabs share the
   * session they go on, and what this page queues is in memory alone, which `storage` says.
   */
  pause(): void;
  /** Do not wait for the next attempt any longer: the network is back, say. */
  tryNow(): void;
  /**
   * Wait for the answers to what was written (5 s), and end. The session is ended at the server too, if nothing is
   * left unanswered and nothing is kept.
   */
  close(): Promise<void>;
  /** End the session at the server, at once. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
//#endregion
//#region src/fallback.d.ts
/** The names of transports, best first. */
type Transport = "websocket" | "sse" | "polling";
/** All transports, or those of `transport`, best first. */
declare const fallback: Part;
//#endregion
//#region src/outbox.d.ts
/** What is done when the outbox is full: the new request is refused, or an older one ends as not done. */
type Overflow = "reject" | "drop_oldest" | "drop_by_key";
//#endregion
//#region src/store.d.ts
/** One change: in `rows`, `meta` or `data`, under a key; without a value it is taken out, as all between two keys are. */
type Change = readonly [store: "rows" | "meta" | "data", key: string, value?: unknown] | readonly [store: "data", keys: readonly [first: string, last: string]];
/** What is kept. */
interface Kept {
  rows: unknown[];
  meta: Map<string, unknown>;
}
/** Where a client keeps what must outlive its page. */
interface Store {
  load(): Promise<Kept>;
  /** At most so many rows of `data` whose keys are between these, in their order. */
  read(after: string, before: string, most: number): Promise<unknown[]>;
  /** All or nothing. Rejects with `Fenced` where a higher `g` leads. */
  commit(g: number, changes: readonly Change[]): Promise<void>;
  /** Raise `g`, and lead under it. Who leads is among `programs` before it says a word to the server. */
  lead(program: string): Promise<number>;
  close(): void;
}
//#endregion
//#region src/connect.d.ts
/** A token, or a function that is asked for one at each attempt. `refused`: the one that was not accepted. */
type Token = string | null | ((refused?: string) => string | null | undefined | Promise<string | null | undefined>);
/** How a client is made. */
interface Options {
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
/** A part of a client: what it changes is this package's own affair. */
type Part = (kit: never) => void;
/** Connect. The client comes back by itself whenever the connection is lost. Throws a `UsageError` for no address, or a wrong option. */
declare const connect: (url?: string | URL, options?: Options) => Client;
//#endregion
export { RequestError as $, Figures as A, CrdtKind as B, Monitor as C, View as D, Rule as E, Gap as F, Failure as G, Aborted as H, Heard as I, MaybeDone as J, Forbidden as K, Collection as L, Sent as M, Handler as N, State as O, Event as P, Rejected as Q, CollectionOptions as R, Issue as S, Found as T, ClientClosed as U, SyncResult as V, ConnectError as W, NotDone as X, NotConnected as Y, NotRtcore as Z, Answer as _, Overflow as a, TokenRefused as at, Status as b, Client as c, errorOf as ct, Storage as d, DocumentChange as dt, RequestTimeout as et, Room as f, Failed as ft, RoomView as g, PublishOptions as h, connect as i, Superseded as it, Spread as j, Counts as k, JoinOptions as l, ChangeOutcome as lt, Past as m, Refusal as mt, Part as n, SessionClosed as nt, Transport as o, TooLarge as ot, Member as p, OwnChange as pt, LeftRoom as q, Token as r, StreamLost as rt, fallback as s, UsageError as st, Options as t, RtcoreError as tt, Outcome as u, Conflict as ut, AskOptions as v, monitor as w, Diagnosis as x, SendOptions as y, CollectionView as z };
