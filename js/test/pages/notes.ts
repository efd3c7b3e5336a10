// A page that shows notes, and conflicts with both sides: for the test in a browser.

import { type Collection, collections } from "../../src/collections.ts";
import { connect } from "../../src/core.ts";
import { rooms } from "../../src/rooms.ts";
import { tabs } from "../../src/tabs.ts";

interface Note {
  title: string;
}

const line = (tag: string, text: string): HTMLElement => {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
};

const draw = (notes: Collection<Note>): void => {
  const { pending, conflicts } = notes;
  const list = document.createElement("ul");
  list.append(...notes.values().map(({ title }) => line("li", title)));
  const table = document.createElement("table");
  table.border = "1";
  for (const { key, base, mine, theirs } of conflicts) {
    const row = document.createElement("tr");
    row.append(...[key, base?.title, mine?.title, theirs?.title].map((text) => line("td", text ?? "(none)")));
    table.append(row);
  }
  const head = document.createElement("tr");
  head.append(...["note", "it was", "mine", "theirs"].map((text) => line("th", text)));
  table.prepend(head);
  document
    .querySelector("#notes")!
    .replaceChildren(
      line("h1", notes.name),
      list,
      line("p", `${notes.whole ? "all is here" : "away"}; ${pending.length} not confirmed`),
      ...(conflicts.length ? [line("h2", "Conflicts"), table] : []),
    );
};

export const show = async (name: string): Promise<Collection<Note>> => {
  const client = connect("/rt", { token: "ann", with: [rooms, collections, tabs] });
  Object.assign(globalThis, { client });
  const notes = await client.collection<Note>(name);
  notes.subscribe(() => draw(notes));
  draw(notes);
  return notes;
};
