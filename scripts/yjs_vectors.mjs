// Updates that Yjs itself makes, for `vectors/yjs.json`: node scripts/yjs_vectors.mjs > vectors/yjs.json
import * as Y from "yjs";

const made = [];
const add = (name, update, doc) =>
  made.push({
    name,
    update: Buffer.from(update).toString("base64"),
    vector: Buffer.from(doc ? Y.encodeStateVector(doc) : Y.encodeStateVectorFromUpdate(update)).toString("base64"),
  });

function doc(client) {
  const made = new Y.Doc();
  made.clientID = client;
  return made;
}

const one = doc(1);
const updates = [];
one.on("update", (update) => updates.push(update));
const text = one.getText("t");
add("nothing", Y.encodeStateAsUpdate(one), one);
text.insert(0, "tea 🍵");
text.insert(3, "ä");
text.delete(0, 2);
text.format(0, 2, { bold: true, size: 1.5, link: null });
text.insertEmbed(1, { image: "x", deep: [{ a: [1] }] });
const map = one.getMap("m");
map.set("list", new Y.Array());
map.get("list").push([1, -1, 2.5, 2 ** 40, 1e300, "x", null, true, false, new Uint8Array([1, 2]), { deep: [{}] }]);
map.set("bytes", new Uint8Array([9]));
map.set("sub", new Y.Doc({ guid: "g", meta: { a: 1 } }));
map.set("big", 2n ** 60n);
map.delete("big");
map.set("map", new Y.Map());
map.set("text", new Y.Text("x"));
const element = new Y.XmlElement("p");
one.getXmlFragment("x").push([element, new Y.XmlText("hi"), new Y.XmlHook("hook")]);
element.setAttribute("class", "c");
for (const [n, update] of updates.entries()) add(`step ${n}`, update);
add("all", Y.encodeStateAsUpdate(one), one);
add("merged with a gap", Y.mergeUpdates([updates[0], updates[2], updates.at(-1)]));
const two = doc(4_000_000_000);
Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
two.getText("t").insert(0, "b");
two.getText("t").delete(2, 3);
add("of two", Y.encodeStateAsUpdate(two), two);
add("what one lacks", Y.encodeStateAsUpdate(two, Y.encodeStateVector(one)));
const old = Y.encodeStateAsUpdate(two);
two.getText("t").delete(0, two.getText("t").length);
add("collected", Y.encodeStateAsUpdate(two), two);
add("the later first", Y.mergeUpdates([Y.encodeStateAsUpdate(two, Y.encodeStateVectorFromUpdate(old)), old]));
console.log(JSON.stringify({ updates: made }, null, 1));
