// y-websocket's own client against `@app.yjs`: node yjs.mjs HOST:PORT. Prints a word for each thing that went well.
import assert from "node:assert/strict";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const [origin] = process.argv.slice(2);
const open = [];

function edit(name, { doc = new Y.Doc(), params = {} } = {}) {
  const provider = new WebsocketProvider(`ws://${origin}/yjs`, name, doc, {
    WebSocketPolyfill: WebSocket,
    disableBc: true,
    params,
  });
  open.push(provider);
  return { doc, provider, text: doc.getText("t"), awareness: provider.awareness };
}

/** Wait until this is so: looked at whenever anything of these comes. */
async function until(what, ...editors) {
  let stop = () => {};
  await new Promise((resolve) => {
    const look = () => what() && resolve();
    for (const { doc, provider, awareness } of editors) {
      doc.on("update", look);
      awareness.on("change", look);
      for (const event of ["sync", "status", "connection-close"]) provider.on(event, look);
    }
    stop = () => {
      for (const { doc, provider, awareness } of editors) {
        doc.off("update", look);
        awareness.off("change", look);
        for (const event of ["sync", "status", "connection-close"]) provider.off(event, look);
      }
    };
    look();
  });
  stop();
}

// Whoever waits in vain says what there is.
const late = setTimeout(() => {
  for (const { doc, synced, wsconnected } of open) console.error(synced, wsconnected, doc.getText("t").toString());
  process.exit(1);
}, 30_000);

const same = (text, ...editors) => until(() => editors.every((one) => one.text.toString() === text), ...editors);

// Two write at once, and end with the same.
const [ann, bob] = [edit("texts/two ways"), edit("texts/two ways")];
await until(() => ann.provider.synced && bob.provider.synced, ann, bob);
ann.text.insert(0, "tea");
bob.text.insert(0, "and milk");
await until(() => ann.text.length === 11 && ann.text.toString() === bob.text.toString(), ann, bob);
console.log("edited");

// What was written away from the network is merged when it is back.
ann.provider.disconnect();
ann.text.delete(0, ann.text.length);
ann.text.insert(0, "rum");
bob.text.insert(0, "!");
ann.provider.connect();
await same("!rum", ann, bob);
console.log("merged");

// A third hears all of it, and brings nothing.
const carl = edit("texts/two ways");
await until(() => carl.provider.synced, carl);
await same("!rum", carl);
console.log("synced");

// Who is there is seen by the others, and goes with its socket.
ann.awareness.setLocalState({ name: "Ann" });
await until(() => bob.awareness.getStates().get(ann.doc.clientID)?.name === "Ann", bob);
carl.awareness.setLocalState({ name: "Carl" });
const dora = edit("texts/two ways");
await until(() => dora.awareness.getStates().get(ann.doc.clientID)?.name === "Ann", dora);
ann.provider.ws.terminate();
await until(() => !bob.awareness.getStates().has(ann.doc.clientID), bob);
await until(() => ann.provider.synced, ann); // it came back by itself
ann.awareness.setLocalState({ name: "Ann", at: 1 });
await until(() => bob.awareness.getStates().get(ann.doc.clientID)?.at === 1, bob);
console.log("seen");

// Formats, embeds, maps and lists go through, too.
ann.text.applyDelta([{ retain: 3, attributes: { bold: true } }, { insert: { image: "x" } }]);
const map = ann.doc.getMap("m");
map.set("list", new Y.Array());
map.get("list").push([1, 2.5, "x", null, true, new Uint8Array([1, 2]), { deep: [{}] }, 2 ** 40]);
ann.doc.getXmlFragment("x").push([new Y.XmlElement("p")]);
await until(() => bob.doc.getMap("m").get("list")?.length === 8 && bob.doc.getXmlFragment("x").length === 1, bob);
assert.deepEqual(bob.text.toDelta(), ann.text.toDelta());
assert.deepEqual(bob.doc.getMap("m").toJSON(), map.toJSON());
console.log("rich");

// A field of a document; one that is not there is refused, and so is who names no text.
const page = edit("pages/p1");
await until(() => page.provider.synced, page);
page.text.insert(0, "body");
const other = edit("pages/p1");
await same("body", other);
for (const name of ["pages/none", "nothing/here"]) {
  const nobody = edit(name);
  const { reason, code } = await new Promise((resolve) => nobody.provider.once("connection-close", resolve));
  assert.equal(code, name === "pages/none" ? 4404 : 4403, reason);
  nobody.provider.destroy();
}
console.log("refused");

// Who may only read hears, and what it writes is not taken.
const reader = edit("pages/p1", { params: { read: "1" } });
await same("body", reader);
page.text.insert(4, "!");
await same("body!", reader);
reader.text.insert(0, "mine: ");
const { code } = await new Promise((resolve) => reader.provider.once("connection-close", resolve));
assert.equal(code, 4403);
assert.equal(page.text.toString(), "body!");
console.log("read");

for (const provider of open) provider.destroy();
process.exit(0);
