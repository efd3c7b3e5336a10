// Node's `ws` as a client: node client.mjs HOST:PORT COMPRESSION SIZES. Prints a word for each talk that went well.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const [origin, compression, sizes] = process.argv.slice(2);
const perMessageDeflate = compression === "true";

/** A socket with a queue of what it heard. */
async function open(path, subprotocols) {
  const socket = new WebSocket(`ws://${origin}${path}`, subprotocols, { perMessageDeflate });
  const heard = [];
  let wake = () => {};
  socket.on("message", (data, isBinary) => {
    heard.push(isBinary ? data : data.toString());
    wake();
  });
  await once(socket, "open");
  assert.equal(socket.extensions.includes("permessage-deflate"), perMessageDeflate);
  return {
    socket,
    async receive() {
      while (!heard.length) await new Promise((resolve) => (wake = resolve));
      return heard.shift();
    },
    async close() {
      socket.close(1000);
      const [code] = await once(socket, "close");
      assert.equal(code, 1000);
    },
  };
}

const echo = await open("/echo", []);
for (const size of JSON.parse(sizes)) {
  const text = "ä".repeat(size);
  echo.socket.send(text);
  assert.equal(await echo.receive(), text);
  const bytes = Buffer.alloc(size, 0xa5);
  echo.socket.send(bytes);
  assert.deepEqual(await echo.receive(), bytes);
}
// Fragments, with a ping between them: RFC 6455 §5.4.
echo.socket.send("one ", { fin: false });
echo.socket.ping();
echo.socket.send("message", { fin: true });
assert.equal(await echo.receive(), "one message");
await echo.close();
console.log("echo");

const session = await open("/rt/ws", ["unknown", "rtcore.v1.json"]);
assert.equal(session.socket.protocol, "rtcore.v1.json");
const pending = [];
async function wait(matches) {
  for (;;) {
    const at = pending.findIndex(matches);
    if (at >= 0) return pending.splice(at, 1)[0];
    pending.push(...[JSON.parse(await session.receive())].flat());
  }
}
const say = (message) => session.socket.send(JSON.stringify(message));
say({ type: "hello", v: 1 });
say({ type: "join", id: 1, room: "tea" });
await wait((m) => m.type === "welcome");
await wait((m) => m.type === "ack" && m.id === 1 && m.data.grants.includes("publish"));
const text = "sugar ".repeat(2000);
say({ type: "publish", id: 2, room: "tea", event: "say", data: text });
const ack = await wait((m) => m.type === "ack" && m.id === 2);
const event = await wait((m) => m.type === "event" && m.seq === ack.data.seq);
assert.equal(event.data, text);
say({ type: "bye" });
const [code] = await once(session.socket, "close");
assert.equal(code, 1000);
console.log("session");
