/** A board that several share: cards in columns, votes that are summed, tags that are united, and a text of all. */

import { arrange, find, frame, hue, make, myName, takeAway } from "/frame.js";
import { add, connect, ORSet, PNCounter, remove, shown } from "/shared.js";
import { bind } from "/textarea.js";

const COLUMNS = { todo: "To do", doing: "Doing", done: "Done" };
const NAMES = Object.keys(COLUMNS);

const client = connect("/rt", { tabs: false });
const timeline = frame(client);
const board = await client.collection("board:home", { crdts: { votes: "pn-counter", tags: "or-set" } });
const failed = (error) => timeline.add("bad", error.message);
const change = (key, fields) => board.patch(key, fields).catch(failed);

// -- columns

const lists = Object.fromEntries(Object.entries(COLUMNS).map(([column, title]) => {
  const list = make("ol", { data: { testid: `column-${column}` } });
  const text = make("input", { maxLength: 200, autocomplete: "off", placeholder: "Add a card", ariaLabel: `A new card: ${title}`, data: { testid: `add-${column}` } });
  const form = make("form", {}, text);
  form.onsubmit = (submit) => {
    submit.preventDefault();
    if (text.value.trim()) create(column, text.value.trim());
    text.value = "";
  };
  const count = make("span", { className: "count" });
  const section = make("section", { className: "column", ariaLabel: title }, make("h2", {}, title, " ", count), list, form);
  section.ondragover = (drag) => drag.preventDefault();
  section.ondrop = (drop) => {
    drop.preventDefault();
    const key = drop.dataTransfer.getData("text/plain");
    const before = [...list.children].find((card) => drop.clientY < card.getBoundingClientRect().y + card.offsetHeight / 2);
    if (board.has(key)) change(key, { column, place: placeBefore(column, before?.dataset.key, key) });
  };
  find("columns").append(section);
  return [column, Object.assign(list, { count })];
}));

const inColumn = (column) =>
  board.entries().filter(([, card]) => card.column === column).sort(([, one], [, other]) => one.place - other.place);

/** A number between the neighbours': nobody else's card has to change. */
function placeBefore(column, key, moved) {
  const cards = inColumn(column).filter(([each]) => each !== moved);
  const at = key === undefined ? cards.length : cards.findIndex(([each]) => each === key);
  const [low, high] = [cards[at - 1]?.[1].place, cards[at]?.[1].place];
  if (high === undefined) return (low ?? 0) + 1;
  return low === undefined ? high - 1 : (low + high) / 2;
}

function create(column, title) {
  const key = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const card = { title, column, place: placeBefore(column), votes: new PNCounter(), tags: new ORSet() };
  board.put(key, card).catch(failed);
}

// -- cards

const cards = new Map(); // key -> the card that shows it

function cardOf(key) {
  const title = make("textarea", { className: "title", maxLength: 200, rows: 1, ariaLabel: "Title", data: { testid: "title" } });
  const votes = make("button", { type: "button", className: "votes", data: { testid: "vote" }, onclick: () => change(key, { votes: add(1) }) });
  const tags = make("span", { className: "tags", data: { testid: "tags" } });
  const tag = make("input", { className: "tag", maxLength: 24, placeholder: "+ tag", ariaLabel: "A new tag", data: { testid: "tag" } });
  const step = (by, label) => make("button", { type: "button", className: "plain", textContent: by < 0 ? "←" : "→", ariaLabel: label, data: { testid: by < 0 ? "left" : "right" }, onclick: () => {
    const column = NAMES[NAMES.indexOf(board.get(key).column) + by];
    change(key, { column, place: placeBefore(column) });
  } });
  const [left, right] = [step(-1, "Move to the left"), step(1, "Move to the right")];
  const drop = make("button", { type: "button", className: "plain", textContent: "×", ariaLabel: "Delete", data: { testid: "delete" }, onclick: () => board.delete(key).catch(failed) });
  const form = make("form", {}, tag);
  const card = make("li", { draggable: true, data: { testid: "card", key } },
    make("div", { className: "row" }, title, drop), make("div", { className: "row" }, tags, form),
    make("div", { className: "row foot" }, votes, make("span", { className: "who" }), left, right));

  title.onkeydown = (press) => {
    if (press.key !== "Enter") return;
    press.preventDefault();
    title.blur();
  };
  title.onchange = () => title.value.trim() && change(key, { title: title.value.trim() });
  form.onsubmit = (submit) => {
    submit.preventDefault();
    if (tag.value.trim()) change(key, { tags: add(tag.value.trim()) });
    tag.value = "";
  };
  card.ondragstart = (drag) => drag.dataTransfer.setData("text/plain", key);
  card.addEventListener("focusin", () => tell(key));
  card.show = (it, waits) => {
    card.classList.toggle("waits", waits);
    if (document.activeElement !== title && title.value !== it.title) title.value = it.title;
    const count = it.votes ? shown(it.votes) : 0; // nobody has voted: nothing is there
    votes.textContent = `▲ ${count}`;
    votes.ariaLabel = `${count} votes: add one`;
    const { activeElement } = document;
    left.hidden = it.column === NAMES[0];
    right.hidden = it.column === NAMES.at(-1);
    if (activeElement === left && left.hidden) right.focus();
    if (activeElement === right && right.hidden) left.focus();
    const wanted = it.tags ? shown(it.tags) : [];
    const chips = new Map([...tags.children].map((each) => [each.textContent, each]));
    for (const [name, each] of chips) if (!wanted.includes(name)) takeAway(each, tag);
    arrange(tags, wanted.map((name) => chips.get(name) ?? chip(key, name)));
  };
  return card;
}

const chip = (key, name) =>
  make("button", { type: "button", className: "chip", textContent: name, title: "Take it away", data: { hue: hue(name) }, onclick: () => change(key, { tags: remove(name) }) });

function draw() {
  const waits = new Set(board.pending.map(({ key }) => key));
  for (const [key, card] of cards)
    if (!board.has(key) && cards.delete(key)) takeAway(card, card.closest("section").querySelector("h2 ~ form input"));
  for (const [column, list] of Object.entries(lists)) {
    const those = inColumn(column);
    list.count.textContent = those.length;
    arrange(list, those.map(([key, it]) => {
      const card = cards.get(key) ?? cardOf(key);
      cards.set(key, card);
      card.show(it, waits.has(key));
      return card;
    }));
  }
  const { length } = board.pending;
  find("state").textContent = length ? `${length} change${length === 1 ? "" : "s"} kept here` : board.whole ? "" : "away";
  for (const refusal of board.refused) {
    timeline.add("bad", `refused: ${refusal.message}`);
    refusal.discard().catch(failed);
  }
}
board.subscribe(draw);
draw();

// -- who is here, and at which card

const room = await client.join("board", { data: { name: myName() } });
const at = new Map(); // session -> key of a card

function tell(key) {
  if (client.status.live) room.publish("at", key, { volatile: true, echo: false }).catch(() => {});
}

function people() {
  const here = room.members.map(({ session, info }) => ({ session, name: info?.name ?? "somebody" }));
  find("people").replaceChildren(...here.map(({ session, name }) => face(name, session === client.session)));
  for (const [key, card] of cards)
    card.querySelector(".who").replaceChildren(...here.filter(({ session }) => at.get(session) === key && session !== client.session).map(({ name }) => face(name)));
}

const face = (name, mine = false) =>
  make("span", { className: mine ? "face mine" : "face", textContent: name.slice(0, 2), title: mine ? `${name} (you)` : name, data: { hue: hue(name), testid: "face" } });

room.subscribe(people);
board.subscribe(people);
people();
bind(client, room, find("text"), find("writers")).catch(failed);

for await (const { type, event, data, from } of room) {
  if (type !== "event" || event !== "at" || !from) continue;
  at.set(from.session, data);
  people();
}
