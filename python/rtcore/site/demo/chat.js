/** A chat: rooms, who is here, who is typing, history, and what waits while the page is offline. */

import { arrange, find, frame, hue, make, myName } from "/frame.js";
import { connect } from "/rt/client.js";

const ROOMS = ["lobby", "tea", "garden"];
const PAGE = 50; // messages that come at a time

// Each window is a person of its own here; without `tabs: false` all tabs would share one session.
const client = connect("/rt", { tabs: false });
const timeline = frame(client);

let room;
let shown = new Map(); // id of a message -> { item, seq }
let first; // the lowest number that is shown
const writing = new Map(); // session -> until when
const messages = find("messages");
const name = () => find("name").value.trim() || "somebody";
find("name").value = myName();

// -- rooms

function linkTo(title) {
  const link = make("a", { href: `?room=${encodeURIComponent(title)}`, textContent: title });
  link.onclick = (click) => {
    click.preventDefault();
    if (link.ariaCurrent !== "true") enter(title);
  };
  return link;
}

async function enter(title) {
  const before = room;
  history.replaceState(null, "", `?room=${encodeURIComponent(title)}`);
  document.title = `${title} · rtcore`;
  find("room").textContent = title;
  const names = ROOMS.includes(title) ? ROOMS : [...ROOMS, title];
  const links = new Map([...find("rooms").children].map((link) => [link.textContent, link]));
  for (const [each, link] of links) {
    link.ariaCurrent = null;
    if (!names.includes(each)) link.remove();
  }
  arrange(find("rooms"), names.map((each) => links.get(each) ?? linkTo(each)));
  [...find("rooms").children].find(({ textContent }) => textContent === title).ariaCurrent = "true";
  messages.replaceChildren();
  [shown, first, room] = [new Map(), undefined, undefined];
  writing.clear();
  before?.leave().catch(() => {});
  const joined = await client.join(`chat:${title}`, { last: PAGE, data: { name: name() } });
  if (find("room").textContent !== title) return joined.leave();
  room = joined;
  room.subscribe(people);
  people();
  empty();
  if (room.grants.includes("history")) earlierButton();
  hear(room);
}

async function hear(one) {
  for await (const heard of one) {
    if (one !== room) return;
    if (heard.type === "gap") gap(heard);
    else if (heard.event === "typing") typing(heard);
    else if (heard.event === "say") show(heard.data, heard);
  }
}

// -- messages

const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Show a message; one that waits already gets its place as soon as it has a number. */
function show(data, { seq, time = Date.now() } = {}, mine = data.name === name()) {
  if (typeof data?.text !== "string") return;
  const known = shown.get(data.id);
  if (known?.seq !== undefined) return;
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
  const item = known?.item ?? make("li", { className: mine ? "mine" : "", data: { testid: "message", hue: hue(data.name) } },
    make("div", { className: "from" },
      make("b", { textContent: data.name, data: { testid: "message-from" } }),
      make("time", { textContent: clock(time), dateTime: new Date(time).toISOString() }),
      make("span", { className: "state", textContent: client.status.live ? "sending" : "kept here, until it is back" })),
    make("p", { textContent: data.text, data: { testid: "message-text" } }));
  shown.set(data.id, { item, seq });
  if (seq === undefined) messages.append(item);
  else {
    item.dataset.seq = seq;
    item.querySelector(".state").textContent = "";
    first = Math.min(first ?? seq, seq);
    const next = [...messages.children].find((other) => other !== item && !(Number(other.dataset.seq ?? Infinity) < seq));
    if (item.nextElementSibling !== (next ?? null) || !item.parentElement) messages.insertBefore(item, next ?? null);
  }
  empty();
  if (atEnd || mine) messages.scrollTop = messages.scrollHeight;
}

function gap({ from, to, reason }) {
  messages.append(make("li", { className: "gap", data: { testid: "gap", seq: to }, textContent: `Something is missing here (${reason})` }));
  timeline.add("bad", `told of a gap: ${to - from + 1} numbers, ${reason}`);
}

function empty() {
  messages.dataset.empty = shown.size ? "" : "Nothing was said here yet. Open this page in a second window, cut one of them off, and talk in both.";
}

/** What was said before what is shown. */
function earlierButton() {
  const button = make("button", { type: "button", textContent: "Earlier", data: { seq: 0, testid: "earlier" } });
  const item = make("li", { className: "earlier", hidden: shown.size < PAGE && first === undefined, data: { seq: 0 } }, button);
  messages.prepend(item);
  button.onclick = async () => {
    const { history, more } = await room.history({ last: shown.size + PAGE });
    const height = messages.scrollHeight;
    for (const heard of history) if (heard.event === "say") show(heard.data, heard, heard.data.name === name());
    messages.scrollTop = messages.scrollHeight - height;
    item.hidden = !more && history.length < shown.size + PAGE;
  };
}

async function say(text) {
  const data = { id: crypto.randomUUID(), name: name(), text };
  const where = room;
  show(data, {}, true);
  try {
    await where.publish("say", data, { timeout: Infinity });
  } catch (error) {
    const state = shown.get(data.id)?.item.querySelector(".state");
    if (state) state.textContent = error.maybeDone ? "perhaps sent" : `not sent: ${error.message}`;
  }
}

find("form").onsubmit = (submit) => {
  submit.preventDefault();
  const text = find("text").value.trim();
  if (!text || !room) return;
  find("text").value = "";
  say(text);
};

// -- people

let told = 0;
find("text").oninput = () => {
  if (!room || Date.now() - told < 1500) return;
  told = Date.now();
  room.publish("typing", name(), { volatile: true, echo: false }).catch(() => {});
};

function typing({ from, data }) {
  if (!from || typeof data !== "string") return;
  writing.set(from.session, { name: data, until: Date.now() + 3000 });
  names();
}

function names() {
  for (const [session, { until }] of writing) if (until < Date.now()) writing.delete(session);
  const all = [...writing.values()].map((one) => one.name);
  find("typing").textContent = all.length ? `${all.join(", ")} ${all.length === 1 ? "is" : "are"} typing …` : "";
}
setInterval(names, 500);

function people() {
  if (!room) return;
  find("count").textContent = room.count ?? room.members.length;
  find("members").replaceChildren(...room.members.map(({ session, info }) =>
    make("li", { textContent: info?.name ?? "somebody", data: { testid: "member", self: session === client.session, hue: hue(info?.name ?? "") } })));
}
client.subscribe(people);

find("name").onchange = async () => {
  sessionStorage.setItem("name", name());
  const title = find("room").textContent;
  const before = room;
  room = await client.join(`chat:${title}`, { data: { name: name() } }); // the same room, under another name
  before?.leave().catch(() => {});
  room.subscribe(people);
  people();
  hear(room);
};

await enter(new URLSearchParams(location.search).get("room") || "lobby");
