// A server in memory, written from docs/protocol.md: sessions that outlive their connections, ids that are done once,
// keys, rooms with a log.

import type { Ears, Link } from "../src/link.ts";
import { decode, type Said } from "../src/words.ts";

interface Session {
  name: string;
  user: string | null;
  n: number;
  /** Whose its newest hello was. */
  program: string;
  taken: number;
  fed: number;
  acks: Map<number, Said>;
  rooms: Map<string, number>;
  at?: Connection | undefined;
}

/** One WebSocket. */
class Connection {
  session: Session | undefined;
  open = true;
  readonly ears: Ears;
  readonly server: ServerModel;

  constructor(server: ServerModel, ears: Ears) {
    this.server = server;
    this.ears = ears;
    setTimeout(() => this.open && ears.opened(), 1);
  }

  say(...messages: Said[]): void {
    setTimeout(() => this.open && this.ears.heard(JSON.stringify(messages)), this.server.delay);
  }

  close(code: number): void {
    setTimeout(() => {
      if (!this.open) return;
      this.open = false;
      this.ears.closed({ code });
    }, this.server.delay);
  }
}

export class ServerModel {
  delay = 1;
  /** Of each execution, what it was. */
  readonly done: string[] = [];
  readonly log: Said[] = [];
  readonly sessions = new Map<string, Session>();
  readonly connections = new Set<Connection>();
  hellos = 0;
  /** Acks and replies that are held back. */
  mute = false;
  replies: Said[] = [];
  /** Joins as they came. */
  joins: Said[] = [];
  /** Nothing at or below this number is had from history any more. */
  forgot = 0;
  readonly #keys = new Map<string, Said>();

  link = (ears: Ears): Link => {
    const connection = new Connection(this, ears);
    this.connections.add(connection);
    return {
      say: (frame) => {
        const messages = decode(frame);
        if (!connection.open) return;
        setTimeout(() => {
          for (const said of messages) this.#take(connection, said);
        }, this.delay);
      },
      shut: () => {
        connection.open = false;
        this.connections.delete(connection);
      },
    };
  };

  /** How many connections are open. */
  get sockets(): number {
    return [...this.connections].filter(({ open, session }) => open && session?.at).length;
  }

  say(room: string, ...all: unknown[]): number {
    for (const data of all) this.#add(room, data, "say");
    for (const session of this.sessions.values()) this.#feed(session);
    return this.log.length;
  }

  #add(room: string, data: unknown, event: string): void {
    const seq = this.log.length + 1;
    this.log.push({ type: "event", room, event, data, seq, from: null, time: seq });
  }

  #feed(session: Session): void {
    if (!session.at) return;
    const entries = this.log
      .slice(session.fed)
      .filter(({ room, seq }) => seq > (session.rooms.get(room) ?? seq));
    session.fed = this.log.length;
    if (entries.length) session.at.say(...entries);
  }

  ask(id: number, event: string): void {
    for (const { at } of this.sessions.values()) at?.say({ type: "request", id, event, data: null });
  }

  #take(connection: Connection, said: Said): void {
    if (said.type === "hello") {
      this.#hello(connection, said);
      return;
    }
    const session = connection.session;
    if (!session || session.at !== connection) return;
    if (said.type === "ping")
      connection.say({ type: "pong", time: said.time, server: 0, taken: session.taken });
    else if (said.type === "reply") this.replies.push(said);
    else if (said.type === "bye") {
      this.sessions.delete(session.name);
      connection.close(1000);
    } else if (said.id !== undefined) this.#request(session, said);
  }

  #hello(connection: Connection, said: Said): void {
    this.hellos++;
    let session = this.sessions.get(said.session);
    // A hello of another program than the one that has the session begins a session of its own.
    if (session && !said.program.includes(session.program)) session = undefined;
    const resumed = session !== undefined;
    if (session && said.n <= session.n) {
      connection.say({ type: "bye", code: 4500, n: session.n });
      connection.close(4500);
      return;
    }
    if (!session) {
      const name = `s${this.sessions.size + 1}-${this.hellos}`;
      session = {
        name,
        user: "ann",
        n: 0,
        program: "",
        taken: 0,
        fed: this.log.length,
        acks: new Map(),
        rooms: new Map(),
      };
      this.sessions.set(name, session);
    }
    session.n = said.n;
    session.program = said.program[0];
    if (session.at && session.at !== connection) session.at.close(4500);
    session.at = connection;
    connection.session = session;
    if (resumed) session.fed = Number(said.position?.split(".")[1] ?? session.fed);
    const rooms = [...session.rooms.keys()].map((room) => ({
      room,
      seq: this.log.length,
      count: 1,
      complete: true,
    }));
    connection.say({
      type: "welcome",
      v: 1,
      session: session.name,
      key: `k-${session.name}`,
      user: session.user,
      epoch: "e",
      life: "l",
      seq: session.fed,
      head: this.log.length,
      taken: session.taken,
      resumed,
      rooms: resumed ? rooms : [],
      limits: { ping: 25, silence: 60, acks: 256, keys: 3600 },
      time: 0,
    });
    if (!resumed) return;
    for (const room of rooms)
      connection.say({ type: "room", ...this.#room(session, room.room), room: room.room });
    this.#feed(session);
  }

  #room(session: Session, room: string): Said {
    const members = [...this.sessions.values()].filter(({ rooms }) => rooms.has(room));
    return {
      seq: this.log.length,
      began: session.rooms.get(room),
      members: members.map(({ name, user }) => ({ session: name, user })),
      count: members.length,
      grants: ["publish", "presence", "history"],
    };
  }

  #request(session: Session, said: Said): void {
    const { id } = said;
    const answer = (data: unknown, error?: Said): void => {
      const ack = error ? { type: "ack", id, error } : { type: "ack", id, data };
      session.acks.set(id, ack);
      if (!this.mute) session.at?.say(ack);
    };
    const again = ["history", "auth"].includes(said.type);
    if (id <= session.taken && !again) {
      const kept = session.acks.get(id) ?? {
        type: "ack",
        id,
        error: { code: "ACK_EXPIRED", message: "expired" },
      };
      if (!this.mute) session.at?.say(kept);
      return;
    }
    session.taken = Math.max(session.taken, id);
    if (said.type === "join") {
      this.joins.push(said);
      const began = session.rooms.get(said.room);
      const here = this.log.filter(({ room }) => room === said.room);
      session.rooms.set(said.room, began ?? this.log.length);
      const since = Number(said.since?.split(".")[1] ?? this.log.length);
      const past = said.last ? here.slice(-said.last) : here.filter(({ seq }) => seq > since);
      const history = began === undefined ? past : [];
      answer({ ...this.#room(session, said.room), history, complete: true });
    } else if (said.type === "leave") {
      session.rooms.delete(said.room);
      answer(null);
    } else if (said.type === "history") {
      const after = Number(said.after?.split(".")[1] ?? 0);
      const all = this.log.filter(
        ({ room, seq }) => room === said.room && seq > Math.max(after, this.forgot),
      );
      const limit = said.limit ?? 100;
      const history = said.last ? all.slice(-said.last) : all.slice(0, limit);
      const more = !said.last && all.length > limit;
      answer({ history, seq: this.log.length, complete: after >= this.forgot, more });
    } else {
      const key = said.key && `${session.user} ${said.room ?? ""} ${said.key}`;
      const kept = key && this.#keys.get(key);
      if (kept) {
        answer(kept.data);
        return;
      }
      this.done.push(`${said.event} ${JSON.stringify(said.data)}`);
      const data = said.type === "publish" ? { seq: this.say(said.room, said.data) } : (said.data ?? null);
      if (key) this.#keys.set(key, { data });
      answer(data);
    }
  }
}
