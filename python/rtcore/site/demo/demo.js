/** The page: what was said, who is here, how far away the server is. All that concerns the connection is in client.js. */

import { Client } from "./client.js";

const LAST = 200; // messages shown to a window that comes for the first time
const NAMES = ["Ada", "Alan", "Barbara", "Edsger", "Frances", "Grace", "Hedy", "Katherine", "Leslie", "Radia", "Tim", "Vint"];

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const title = query.get("room") || "lobby";
const room = `chat:${title}`;

// A window that is opened out of another one is given a copy of its storage: the session in it is the other one's.
if (performance.getEntriesByType("navigation")[0]?.type !== "reload") sessionStorage.clear();

const address = new URL("/rt/ws", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const client = new Client(address, { storage: sessionStorage, keep: `rtcore:${room}` });

// -- what was said

const messages = $("messages");
const shown = new Map(); // id of a message -> {item, seq, data, mine}

function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  const { data = {}, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Show a message; one that is shown already gets its place as soon as it has a number. */
function show(data, { seq, time = Date.now(), mine = false } = {}) {
  const known = shown.get(data.id);
  if (known?.seq !== undefined) return;
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const entry = known ?? { item: draw(data, time, mine), data, mine };
  shown.set(data.id, entry);
  entry.seq = seq;
  entry.item.classList.toggle("unsure", seq === undefined);
  if (seq !== undefined) entry.item.dataset.seq = seq;
  place(entry.item, seq);
  $("empty").hidden = true;
  if (atEnd || mine) messages.scrollTop = messages.scrollHeight;
  tellWaiting();
}

function draw(data, time, mine) {
  return element(
    "li",
    { className: mine ? "mine" : "", data: { testid: "message" } },
    element(
      "div",
      { className: "from" },
      element("span", { textContent: data.name, data: { testid: "message-from" } }),
      element("time", { textContent: clock(time), dateTime: new Date(time).toISOString() }),
    ),
    element("div", { className: "what", textContent: data.text, data: { testid: "message-text" } }),
  );
}

/** In the order of their numbers; what has none yet comes last. */
function place(item, seq) {
  let next = null;
  if (seq !== undefined) {
    for (let other = messages.lastElementChild; other; other = other.previousElementSibling) {
      if (other === item) continue;
      if (other.dataset.seq !== undefined && Number(other.dataset.seq) < seq) break;
      next = other;
    }
  }
  if (item.parentElement !== messages || item.nextElementSibling !== next) messages.insertBefore(item, next);
}

function hear(event) {
  if (event.room !== undefined && event.room !== room) return;
  if (event.event === "say") show(event.data, { seq: event.seq, time: event.time, mine: event.from?.session === client.session });
}

/** What the server no longer had when we came back. Not shown as if it had never been said. */
function tellGap({ from, to }) {
  const text = to === undefined ? "Some messages are missing here" : `Up to ${to - from + 1} messages are missing here`;
  const item = element("li", { className: "gap", textContent: text, data: { testid: "gap" } });
  messages.append(item);
  if (to !== undefined) {
    item.dataset.seq = to;
    place(item, to);
  }
}

// -- saying something

const unsaid = new Set(); // what waits until this window is in the room

function say(text) {
  const data = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, name: name(), text };
  show(data, { mine: true });
  if (entered) publish(data);
  else unsaid.add(data);
}

function publish(data) {
  follow(data, client.request({ type: "publish", room, event: "say", data }));
}

async function follow(data, answer) {
  try {
    const { seq } = await answer;
    show(data, { seq, mine: true });
  } catch (refused) {
    if (refused.code === "SESSION_ENDED") {
      unsaid.add(data); // or said already: once we are in the room again, its history tells
      return;
    }
    shown.get(data.id)?.item.remove();
    shown.delete(data.id);
    tell(`Not said: ${refused.message}`);
    $("text").value ||= data.text;
  }
}

/** What the room has not heard from us yet, by its history. */
function sayTheRest() {
  for (const data of unsaid) {
    if (shown.get(data.id)?.seq === undefined) publish(data);
  }
  unsaid.clear();
}

// -- who is here

const members = new Map(); // session -> its item

function setMembers(list, count) {
  const present = new Set(list.map(({ session }) => session));
  changeMembers(list, [...members.keys()].filter((session) => !present.has(session)), count);
}

function changeMembers(joined, left, count) {
  for (const { session, info } of joined) {
    const item = members.get(session) ?? element("li", { data: { testid: "member", self: String(session === client.session) } });
    const called = info?.name ?? "somebody";
    if (item.textContent !== called) item.textContent = called;
    if (!members.has(session)) $("members").append(item);
    members.set(session, item);
  }
  for (const session of left) {
    members.get(session)?.remove();
    members.delete(session);
  }
  $("count").textContent = String(count);
}

/** A member as `left` has it: the session itself, or the member whole. */
const sessionOf = (member) => (typeof member === "string" ? member : member.session);

// -- the connection

let entered = false; // this page has the room's messages

client.addEventListener("welcome", async ({ detail: { resumed, rooms, before } }) => {
  const member = resumed && rooms.some((each) => each.room === room);
  try {
    if (!member) await enter(before.position !== null && entered ? { since: before.position } : { last: LAST });
    else if (!entered) await look();
  } catch (refused) {
    if (refused.code !== "SESSION_ENDED") tell(`This room cannot be entered: ${refused.message}`);
  }
});

let called = null; // the name under which the others see this window

async function enter(how) {
  called = name();
  const answer = await client.request({ type: "join", room, data: { name: called }, ...how });
  entered = true;
  setMembers(answer.members ?? [], answer.count);
  answer.history?.forEach(hear);
  if (how.since && answer.complete === false) tellGap(answer.gap ?? {});
  sayTheRest();
}

/** After a reload the session goes on, and knows what we have; but the page is empty. */
async function look() {
  const { history } = await client.request({ type: "history", room, last: 1000 });
  entered = true;
  history.slice(-LAST).forEach(hear);
  sayTheRest();
}

client.addEventListener("event", ({ detail }) => hear(detail));
client.addEventListener("gap", ({ detail }) => {
  if (detail.room === room) tellGap(detail);
});
client.addEventListener("room", ({ detail }) => {
  if (detail.room === room) setMembers(detail.members ?? [], detail.count);
});
client.addEventListener("presence", ({ detail }) => {
  if (detail.room === room) changeMembers(detail.joined ?? [], (detail.left ?? []).map(sessionOf), detail.count);
});
client.addEventListener("latency", ({ detail }) => {
  $("latency").textContent = detail < 10 ? `${detail.toFixed(1)} ms` : `${Math.round(detail)} ms`;
});
client.addEventListener("status", ({ detail }) => {
  $("status").textContent = detail;
  $("status").dataset.status = detail;
  if (detail !== "connected") $("latency").textContent = "–";
  tellWaiting();
});

function tell(text) {
  $("waiting").hidden = !text;
  $("waiting").textContent = text;
}

function tellWaiting() {
  const unsure = [...shown.values()].filter(({ seq }) => seq === undefined).length;
  const away = client.status !== "connected";
  tell(unsure > 0 && away ? `${unsure} ${unsure === 1 ? "message waits" : "messages wait"} for the connection` : "");
}

// -- the window

const name = () => $("name").value.trim() || "somebody";
const ownName = `rtcore:name:${room}`;

$("room").textContent = title;
document.title = `${title} · rtcore`;
$("name").value = query.get("name") ?? sessionStorage.getItem(ownName) ?? NAMES[Math.floor(Math.random() * NAMES.length)];
sessionStorage.setItem(ownName, $("name").value);

$("name").addEventListener("change", async () => {
  sessionStorage.setItem(ownName, $("name").value);
  // What the others see of a member is decided when it comes in. Out and in again is one change to them.
  if (!entered || called === name()) return;
  called = name();
  const since = client.position;
  try {
    client.request({ type: "leave", room }).catch(() => {});
    await enter({ since });
  } catch (refused) {
    if (refused.code !== "SESSION_ENDED") tell(`The name stays as it was: ${refused.message}`);
  }
});

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  say(text);
});

$("cable").addEventListener("click", () => {
  const cut = $("cable").getAttribute("aria-pressed") !== "true";
  $("cable").setAttribute("aria-pressed", String(cut));
  $("cable").textContent = cut ? "Mend the cable" : "Cut the cable";
  if (cut) client.hold("cable");
  else client.release("cable");
});

// What was said before a reload and not answered: shown again, and on its way with its old id.
for (const [message, answer] of client.adopted()) {
  if (message.room === room && message.event === "say") {
    show(message.data, { mine: true });
    follow(message.data, answer);
  }
}
client.start();
