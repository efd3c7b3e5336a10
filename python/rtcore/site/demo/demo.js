/** The page: what was said, who is here, how far away the server is. All that concerns the connection is the client's. */

import { connect } from "/rt/client.js";

const LAST = 200; // messages shown to a window that comes for the first time
const NAMES = ["Ada", "Alan", "Barbara", "Edsger", "Frances", "Grace", "Hedy", "Katherine", "Leslie", "Radia", "Tim", "Vint"];

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const title = query.get("room") || "lobby";
const roomName = `chat:${title}`;

const name = () => $("name").value.trim() || "somebody";
const ownName = `rtcore:name:${roomName}`;
$("room").textContent = title;
document.title = `${title} · rtcore`;
$("name").value = query.get("name") ?? sessionStorage.getItem(ownName) ?? NAMES[Math.floor(Math.random() * NAMES.length)];
sessionStorage.setItem(ownName, $("name").value);

// Each window is a person of its own here, so the windows do not share a session.
const client = connect("/rt", { tabs: false, user: title });
let room;

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

/** What the server no longer had when we came back. Not shown as if it had never been said. */
function tellGap({ from, to }) {
  const text = `Up to ${to - from + 1} messages are missing here`;
  const item = element("li", { className: "gap", textContent: text, data: { testid: "gap", seq: to } });
  messages.append(item);
  place(item, to);
}

async function hear(heard) {
  for await (const one of heard) {
    if (one.type === "gap") tellGap(one);
    else if (one.event === "say") show(one.data, { ...one, mine: one.from?.session === client.session });
  }
}

// -- saying something

async function say(text) {
  const data = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, name: name(), text };
  show(data, { mine: true });
  try {
    await entered; // what is said before this window is in the room waits
    show(data, { seq: await room.publish("say", data, { timeout: Infinity, keep: true }), mine: true });
  } catch (refused) {
    shown.get(data.id)?.item.remove();
    shown.delete(data.id);
    tell(`Not said: ${refused.message}`);
    $("text").value ||= text;
  }
}

// -- who is here

function showMembers() {
  const { members, count } = room.getSnapshot();
  const items = new Map([...$("members").children].map((item) => [item.dataset.session, item]));
  for (const { session, info } of members) {
    const self = String(session === client.session);
    const item = items.get(session) ?? element("li", { data: { testid: "member", session, self } });
    const called = info?.name ?? "somebody";
    if (item.textContent !== called) item.textContent = called;
    if (!items.delete(session)) $("members").append(item);
  }
  for (const item of items.values()) item.remove();
  $("count").textContent = String(count ?? members.length);
}

/** What the others see of a member is decided when it comes in. */
async function enter() {
  const before = room;
  room = await client.join(roomName, { data: { name: name() }, ...(before ? {} : { last: LAST }) });
  room.subscribe(showMembers);
  showMembers();
  hear(room).catch((left) => tell(left.message));
  await before?.leave();
}
let entered = enter();
entered.catch((refused) => tell(`This room cannot be entered: ${refused.message}`));

// -- the connection

const WORDS = { live: "connected", connecting: "connecting", welcoming: "connecting", waiting: "offline", ended: "closed" };

client.subscribe(() => {
  const { state, live, latency } = client.status;
  const word = WORDS[state] ?? "connecting";
  if ($("status").dataset.status !== word) {
    $("status").textContent = word;
    $("status").dataset.status = word;
  }
  const far = latency < 10 ? `${latency.toFixed(1)} ms` : `${Math.round(latency)} ms`;
  $("latency").textContent = live && latency !== undefined ? far : "–";
  tellWaiting();
});

function tell(text) {
  $("waiting").hidden = !text;
  $("waiting").textContent = text;
}

function tellWaiting() {
  const unsure = [...shown.values()].filter(({ seq }) => seq === undefined).length;
  const away = !client.status.live;
  tell(unsure > 0 && away ? `${unsure} ${unsure === 1 ? "message waits" : "messages wait"} for the connection` : "");
}

// -- the window

$("name").addEventListener("change", () => {
  sessionStorage.setItem(ownName, $("name").value);
  entered = entered.then(enter).catch((refused) => tell(`The name stays as it was: ${refused.message}`));
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
  if (cut) client.pause();
  else client.tryNow();
});
