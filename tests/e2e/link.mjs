// A line that can be cut: a relay of bytes in front of a server, which keeps the request heads that passed.
import { createServer, connect } from "node:net";

/** Relay a free port to `url`. Resolves to its own address, `cut()` and the heads. */
export async function startRelay(url) {
  const target = new URL(url);
  const sockets = new Set();
  const heads = [];
  let away = false;
  const server = createServer((client) => {
    if (away) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on("error", () => other.destroy());
      one.pipe(other);
    }
    let seen = "";
    client.on("data", (data) => {
      seen += data.toString("latin1");
      for (let end; (end = seen.indexOf("\r\n\r\n")) >= 0; seen = seen.slice(end + 4)) heads.push(seen.slice(0, end));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    heads,
    /** End every connection in the middle of whatever it says. */
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    /** Cut all, and let nobody through (false: again). */
    down(now = true) {
      away = now;
      if (now) this.cut();
    },
    async stop() {
      this.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A session over plain HTTP, from outside any browser: it says what the pages hear. */
export class Speaker {
  static async at(url) {
    const answer = await fetch(`${url}/rt/session`, { method: "POST", body: JSON.stringify({ type: "hello" }) });
    const welcome = await answer.json();
    return Object.assign(new Speaker(), { url, welcome, ids: 0 });
  }
  async ask(type, fields) {
    const id = ++this.ids;
    const answer = await fetch(`${this.url}/rt/send`, {
      method: "POST",
      headers: { authorization: `Session ${this.welcome.session}:${this.welcome.key}` },
      body: JSON.stringify({ type, id, ...fields }),
    });
    const { messages } = await answer.json();
    const ack = messages.find((message) => message.type === "ack" && message.id === id);
    if (!ack || ack.error) throw new Error(JSON.stringify(messages));
    return ack.data;
  }
  /** Say something in a room; resolves to its position. */
  async say(room, data) {
    if (this.room !== room) await this.ask("join", { room });
    this.room = room;
    const { seq } = await this.ask("publish", { room, event: "say", data });
    return `${this.welcome.epoch}.${seq}`;
  }
}
