/** A plain text area that several write in: a text of Yjs, kept by a collection. An editor binds to the same by itself. */

import { Doc, TextProvider } from "/shared.js";

/** Where the edit of `before` to `after` is: how much is equal in front, and behind. */
function edit(before, after) {
  let front = 0;
  while (front < before.length && before[front] === after[front]) front += 1;
  let behind = 0;
  const most = Math.min(before.length, after.length) - front;
  while (behind < most && before.at(-1 - behind) === after.at(-1 - behind)) behind += 1;
  return { at: front, gone: before.length - front - behind, come: after.slice(front, after.length - behind) };
}

/** The text of the board, in this area. `room`: where those who write see each other. */
export async function bind(client, room, area, writers) {
  const sheets = await client.collection("sheets:home", { crdts: { body: "text" } });
  // Who has been here before has it already, offline too.
  if (!sheets.has("board")) await sheets.ready();
  const doc = new Doc();
  const text = doc.getText("t");
  const provider = new TextProvider(sheets, "board", "body", doc, { room });

  area.oninput = () => {
    const { at, gone, come } = edit(text.toString(), area.value);
    doc.transact(() => {
      text.delete(at, gone);
      text.insert(at, come);
    }, area);
  };
  text.observe(({ delta }, { origin }) => {
    if (origin === area) return;
    // The cursor stays at its letter, whatever came before it.
    let [start, end] = [area.selectionStart, area.selectionEnd];
    let at = 0;
    for (const { retain = 0, insert = "", delete: gone = 0 } of delta) {
      at += retain;
      const moved = (place) => (place <= at ? place : Math.max(at, place - gone) + insert.length);
      [start, end] = [moved(start), moved(end)];
      at += insert.length;
    }
    area.value = text.toString();
    area.setSelectionRange(start, end);
  });
  area.value = text.toString();
  area.disabled = false;

  const { awareness } = provider;
  area.onfocus = () => awareness.setLocalStateField("writes", true);
  area.onblur = () => awareness.setLocalStateField("writes", false);
  awareness.on("change", () => {
    const others = [...awareness.getStates()].filter(([id, { writes }]) => id !== doc.clientID && writes).length;
    writers.textContent = others ? `· ${others} other${others === 1 ? " is" : "s are"} writing` : "";
  });
}
