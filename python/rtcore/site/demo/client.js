/**
 * A small, complete client of rtcore's wire (docs/protocol.md), version 1, over a WebSocket.
 *
 * What it promises its page: after a connection was lost, for whatever reason and however often, everything that
 * was said in the meantime arrives, once and in order; and everything that the page has asked for is done, once.
 * Three things make it so, and they are all that must be kept:
 *
 * - session and key: the server holds the session while its connection is gone, so nobody sees it leave;
 * - the position: "I have everything up to here". Only `welcome` and events move it, and only upwards;
 * - requests without an ack, with their ids: they are sent again, in order and before anything new, and the server does none of
 *   them twice. A request has its id from when it is first written.
 *
 * Given a `storage` (such as `sessionStorage`, which is one window's own), they outlive a reload as well. Who stays away for
 * longer than the server holds the session (`welcome.limits.resume`) gets a new one, and hears so: `welcome.resumed` is false.
 */

const FIRST_DELAY = 1; // seconds; doubles with each attempt that fails
const LONGEST_DELAY = 30;
const WELCOME_PATIENCE = 15; // seconds from dialing to `welcome`
const MEASURE_EVERY = 2; // seconds between two pings of ours, which also notice a dead connection
const PATIENCE = 10; // seconds in which a ping must be answered
const OUTBOX = 100; // requests that may wait for the server; then `request` refuses

/** Close codes after which a client must not come back by itself. */
export const isFinal = (code) => (code >= 4500 && code <= 4999) || [1000, 1002, 1003, 1007, 1009].includes(code);

/** What a request ended with, when the server said no. */
export class Refused extends Error {
  constructor({ code, message, retry }) {
    super(message ?? code);
    this.code = code;
    this.retry = retry === true;
  }
}

/**
 * Events, by `addEventListener`: `status` (`client.status` changed), `latency` (`client.latency`, in milliseconds), `welcome`,
 * `event`, `presence`, `room`, `gap`, `left`, `grants`, `error` and `message` (any other), each with the message as `detail`.
 */
export class Client extends EventTarget {
  status = "disconnected"; // connecting, connected, reconnecting, offline, disconnected
  latency = null;
  #url;
  #token;
  #storage;
  #identity = {}; // session, key
  #position = null;
  #lastId = 0;
  #lastHello = 0; // the number of the newest hello: of two on their way the later has the session
  #unanswered = 0; // hellos of this session whose `welcome` never came
  #waiting = new Set(); // {message, resolve, reject}: requests without an ack; those with an id first, in their order
  #began = new Map(); // room -> where it began for the session: what is not above it is history's affair
  #told = new Map(); // room -> up to where it was told as a gap
  #held = new Set(); // reasons for staying away
  #socket = null;
  #welcomed = false;
  #failures = 0;
  #timer = null;
  #heart = null;
  #asked = null; // when the ping that is not answered yet was sent
  #advice = null;

  /** `token`: a text, or a function, plain or async, that is asked for one at each connection. */
  constructor(url, { token = null, storage = null, keep = "rtcore" } = {}) {
    super();
    this.#url = url;
    this.#token = token;
    this.#storage = storage && { read: () => storage.getItem(keep), write: (text) => storage.setItem(keep, text) };
    this.#remember();
    addEventListener("online", () => this.release("offline"));
    addEventListener("offline", () => this.hold("offline"));
    // The browser gives the page a last chance to write down where it was.
    addEventListener("pagehide", () => this.#keep());
    if (navigator.onLine === false) this.#held.add("offline");
  }

  get session() {
    return this.#identity.session ?? null;
  }

  /** "I have everything up to here", as `epoch.seq`; null before the first `welcome`. */
  get position() {
    return this.#position;
  }

  /** How many requests have no ack yet. */
  get pending() {
    return this.#waiting.size;
  }

  start() {
    this.#dial();
  }

  /** Drop the connection, without a word, and stay away until each reason is released. */
  hold(reason) {
    this.#held.add(reason);
    clearTimeout(this.#timer);
    this.#drop();
    this.#say();
  }

  release(reason) {
    this.#held.delete(reason);
    this.#failures = 0;
    this.#dial();
  }

  /**
   * Ask the server for something: `publish`, `emit`, `join`, `leave`, `history`. The promise has the ack's data. It may take as
   * long as the connection is away; the request is done once, whatever happens in between.
   */
  request(message) {
    if (this.#waiting.size >= OUTBOX) {
      return Promise.reject(new Refused({ code: "OVERLOADED", message: `${OUTBOX} requests wait already`, retry: true }));
    }
    return new Promise((resolve, reject) => {
      const entry = { message: { ...message }, resolve, reject };
      this.#waiting.add(entry);
      if (this.#welcomed) this.#write(entry);
      this.#keep();
    });
  }

  /** Requests of the page before a reload that had no ack: `[message, promise of its ack]`, in order. */
  *adopted() {
    for (const entry of this.#waiting.values()) {
      if (entry.promise) yield [entry.message, entry.promise];
    }
  }

  // -- the connection

  #dial() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#socket || this.#held.size > 0) {
      this.#say();
      return;
    }
    const socket = new WebSocket(this.#url, ["rtcore.v1.json"]);
    this.#socket = socket;
    this.#welcomed = false;
    this.#advice = null;
    this.#timer = setTimeout(() => this.#lost(socket, 4001), WELCOME_PATIENCE * 1000);
    socket.onopen = async () => {
      const token = typeof this.#token === "function" ? await this.#token() : this.#token;
      if (socket !== this.#socket) return; // dropped in the meantime
      const n = (this.#lastHello = Math.max(this.#lastHello + 1, Date.now()));
      if (this.session) this.#unanswered += 1;
      this.#keep();
      this.#send({ type: "hello", v: 1, n, client: "rtcore-demo/1", token, ...this.#identity, ...this.#from() });
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return; // an older connection, which says nothing any more
      const said = JSON.parse(data);
      for (const message of Array.isArray(said) ? said : [said]) this.#hear(message);
      this.#keep();
    };
    socket.onclose = ({ code }) => this.#lost(socket, code);
    this.#say();
  }

  #from() {
    return this.#position === null ? {} : { position: this.#position };
  }

  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === 4500 && this.#unanswered > 0) {
      this.#unanswered = 0; // it may have been a hello of our own that took the session: come back at once
      this.#timer = setTimeout(() => this.#dial(), 0);
      this.#say();
      return;
    }
    if (isFinal(code)) {
      this.#held.add("ended");
      this.#say();
      return;
    }
    // Up to the whole delay at random, once it is at its longest: a thousand clients do not return in step.
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    const delay = this.#advice ?? (ceiling < LONGEST_DELAY ? ceiling * (0.5 + Math.random() / 2) : ceiling * Math.random());
    this.#timer = setTimeout(() => this.#dial(), delay * 1000);
    this.#say();
  }

  #drop() {
    clearInterval(this.#heart);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    this.#asked = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
      // No `bye`: that would end the session. A closed connection leaves it to the resume window.
      else socket.close();
    }
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Write a request; the first time it gets its id. */
  #write(entry) {
    entry.message.id ??= ++this.#lastId;
    this.#send(entry.message);
  }

  #say() {
    const away = this.#held.has("offline") ? "offline" : "disconnected";
    const coming = this.session ? "reconnecting" : "connecting";
    const status = this.#held.size > 0 ? away : this.#welcomed ? "connected" : coming;
    if (status === this.status) return;
    this.status = status;
    if (status !== "connected") this.latency = null;
    this.#tell("status", status);
  }

  // -- what the server says

  #hear(message) {
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        break;
      case "ack":
        this.#answered(message);
        break;
      case "event":
        if (message.seq !== undefined && !this.#isNew(message)) break;
        this.#tell("event", message);
        if (message.seq !== undefined) this.#moveTo(message.seq);
        break;
      case "request": // this client answers none
        this.#send({ type: "reply", id: message.id, error: { code: "NOT_FOUND", message: "this page answers no requests" } });
        break;
      case "pong":
        this.#asked = null;
        this.latency = performance.now() - message.time / 1000;
        this.#tell("latency", this.latency);
        break;
      case "bye":
        this.#advice = message.after ?? null;
        this.#lastHello = Math.max(this.#lastHello, message.n ?? 0);
        break;
      case "live": // all that was missed has been told
        break;
      case "room":
        this.#began.set(message.room, message.began);
        this.#tell("room", message);
        break;
      case "gap": {
        // It is told again at each return, since it may have been lost.
        const told = this.#told.get(message.room) ?? -1;
        if (message.reason !== "epoch" && message.to <= told) break;
        this.#told.set(message.room, message.to);
        this.#tell("gap", message);
        break;
      }
      case "presence": case "left": case "grants": case "error":
        this.#tell(message.type, message);
        break;
      default: // of a later version
        this.#tell("message", message);
    }
  }

  #welcome(message) {
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#unanswered = 0;
    const before = { session: this.session, position: this.#position };
    this.#identity = { session: message.session, key: message.key };
    this.#position = `${message.epoch}.${message.seq}`;
    this.#welcomed = true;
    if (before.session !== null && !message.resumed) this.#startOver();
    this.#lastId = Math.max(this.#lastId, message.taken);
    // In a fresh session the page's joins come first.
    const waiting = [...this.#waiting];
    if (message.resumed) for (const entry of waiting) this.#write(entry);
    this.#keep();
    this.#say();
    this.#tell("welcome", { ...message, before });
    if (!message.resumed) for (const entry of waiting) this.#write(entry);
    this.#keep();
    this.#heart = setInterval(() => this.#beat(), MEASURE_EVERY * 1000);
    this.#beat();
  }

  /**
   * The session is a new one: the old one ended while we were away. Whether it has done what was written, it can no longer say, and
   * this page has no user, whose keys would outlive it: such a request may have been done, and is never said again. What was not
   * written yet goes out, behind the page's joins.
   */
  #startOver() {
    this.#began.clear();
    this.#told.clear();
    for (const entry of [...this.#waiting].filter(({ message }) => message.id !== undefined)) {
      this.#waiting.delete(entry);
      const message = "the session ended before the answer came: it may have been done";
      entry.reject(new Refused({ code: "SESSION_ENDED", message, retry: false }));
    }
  }

  /** Whether an event was not heard before: the position, and where its room began, say so. */
  #isNew({ room, seq }) {
    return seq > Number(this.#position.split(".")[1]) && seq > (this.#began.get(room) ?? -1);
  }

  #moveTo(seq) {
    const [epoch, at] = this.#position.split(".");
    if (seq > Number(at)) this.#position = `${epoch}.${seq}`;
  }

  #answered({ id, data, error }) {
    const entry = [...this.#waiting].find(({ message }) => message.id === id);
    if (!entry) return;
    this.#waiting.delete(entry);
    const { type, room } = entry.message;
    if (type === "join" && data) this.#began.set(room, data.began);
    if (error) entry.reject(new Refused(error));
    else entry.resolve(data);
  }

  #beat() {
    const now = performance.now();
    if (this.#asked !== null) {
      if (now - this.#asked > PATIENCE * 1000) this.#lost(this.#socket, 4001);
      return;
    }
    this.#asked = now;
    const rtt = this.latency === null ? {} : { rtt: Math.round(this.latency) };
    // All ids below the first without an ack have theirs: the server need not keep them.
    const open = [...this.#waiting].map(({ message }) => message.id ?? Infinity);
    const acked = Math.min(this.#lastId, ...open.map((id) => id - 1));
    this.#send({ type: "ping", time: Math.round(now * 1000), acked, ...rtt });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // -- what outlives a reload

  #keep() {
    // A page asks again for what it wants to know; what it said must not be lost.
    const waiting = [...this.#waiting].map(({ message }) => message).filter(({ type }) => type === "publish");
    const { session } = this.#identity;
    const numbers = { lastId: this.#lastId, lastHello: this.#lastHello, unanswered: session ? this.#unanswered : 0 };
    this.#storage?.write(JSON.stringify({ identity: this.#identity, position: this.#position, ...numbers, waiting }));
  }

  #remember() {
    let kept;
    try {
      kept = JSON.parse(this.#storage?.read() ?? "null");
    } catch {
      kept = null; // not ours, or of another version: a new session
    }
    if (!kept?.identity?.session) return;
    this.#identity = kept.identity;
    this.#position = kept.position;
    this.#lastId = kept.lastId;
    this.#lastHello = kept.lastHello ?? 0;
    this.#unanswered = kept.unanswered ?? 0;
    for (const message of kept.waiting) {
      const entry = { message };
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      this.#waiting.add(entry);
    }
  }
}
