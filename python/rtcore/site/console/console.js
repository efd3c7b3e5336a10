// The console: what it shows is said over rtcore, while somebody looks at it.

import { charts } from "./charts.js";
import { act, ask, forget, keep, key, look, Refused, rest, watch } from "./data.js";
import { follow, listen, profile, room, store, traces } from "./deeper.js";
import { ago, bytes, clock, element, ms, number, past, table } from "./shown.js";

const PAGES = ["overview", "sessions", "rooms", "traces", "profile", "store", "diagnosis"];
const $ = (id) => document.getElementById(id);
let draw;
let stats;
let before;
let busy = false;

function show(where) {
  const page = PAGES.includes(where) ? where : "overview";
  for (const each of PAGES) $(`page-${each}`).classList.toggle("here", each === page);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
}
const here = () => PAGES.find((page) => $(`page-${page}`).classList.contains("here"));

function tiles() {
  const seconds = before && stats.uptime > before.uptime ? stats.uptime - before.uptime : null;
  const rate = (name) => (seconds ? number((stats.counters[name].all - before.counters[name].all) / seconds) : "–");
  const cpu = seconds ? `${((100 * (stats.process.processor - before.process.processor)) / seconds).toFixed(0)} %` : "–";
  const trip = stats.latency.find((each) => each["1m"].count);
  const store = stats.store ? [[bytes(stats.store.log_bytes), "in the store"]] : [];
  const all = [
    [number(stats.sizes.sessions), "sessions"],
    [number(stats.sizes.connections), "connections"],
    [number(stats.sizes.rooms), "rooms"],
    [rate("messages_in"), "in / s"],
    [rate("delivered"), "delivered / s"],
    [trip ? ms(trip["1m"].p50) : "–", "round trip"],
    [number(stats.sizes.open_streams), "streams"],
    [cpu, "of a processor"],
    [bytes(stats.process.resident), "memory"],
    ...store,
  ];
  $("tiles").replaceChildren(...all.map(([value, name]) => element("div", { class: "tile" }, element("b", {}, value), element("span", {}, name))));
}

function stages() {
  const window = $("window").value;
  const rows = [...stats.stages, ...stats.latency.map((each) => ({ ...each, stage: "round trip", of: each.transport }))];
  const hot = (n) => [ms(n), n > 500];
  table(
    "stages",
    [
      ["stage", (row) => row.stage],
      ["of", (row) => row.of, "name"],
      ["count", (row) => number(row[window].count), "n"],
      ["mean", (row) => hot(row[window].mean), "n"],
      ["median", (row) => hot(row[window].p50), "n"],
      ["p95", (row) => hot(row[window].p95), "n"],
      ["p99", (row) => hot(row[window].p99), "n"],
      ["longest", (row) => hot(row[window].max), "n"],
    ],
    rows.filter((row) => row[window].count),
    "Nothing happened in this time.",
  );
}

function slowest() {
  const since = (row) => `${ago(row.ago / 1000)} ago`;
  table("slow-handlers", [["event", (row) => row.event, "name"], ["longest", (row) => [ms(row.took), row.took > 500], "n"], ["session", (row) => row.session || "–", "name"], ["", since, "n"]], stats.slowest_handlers, "No request was answered yet.");
  table("slow-rooms", [["room", (row) => row.room, "name"], ["members", (row) => number(row.members), "n"], ["times", (row) => number(row.behind), "n"], ["", since, "n"]], stats.slowest_rooms, "Everybody keeps up.");
  table("slow-sessions", [["session", (row) => row.user || row.session, "name"], ["waited", (row) => [ms(row.blocked), row.blocked > 1000], "n"], ["unsent", (row) => bytes(row.unsent), "n"], ["", since, "n"]], stats.slowest_sessions, "Everybody reads.");
}

function diagnosis(said) {
  const count = said.issues.length;
  const verdict = $("verdict");
  verdict.className = `card ${said.status}`;
  verdict.children[0].textContent = said.status;
  verdict.children[1].textContent = count ? said.issues[0].message + (count > 1 ? ` – and ${count - 1} more` : "") : "nothing is wrong that a rule knows of";
  const link = document.querySelector('nav a[href="#diagnosis"]');
  link.replaceChildren("Diagnosis", ...(count ? [element("b", {}, String(count))] : []));
  const opened = new Set([...document.querySelectorAll(".issue details[open]")].map((each) => each.dataset.type));
  const issues = said.issues.map((issue) => {
    const details = element("details", { "data-type": issue.type }, element("summary", {}, "Figures"), element("pre", {}, JSON.stringify(issue.evidence, null, 1)));
    details.open = opened.has(issue.type);
    return element(
      "article",
      { class: `card issue ${issue.severity}` },
      element("h2", {}, issue.type.replaceAll("_", " "), element("span", { class: "severity" }, issue.severity), element("span", { class: "quiet" }, `for ${past(issue.since / 1000)}`)),
      element("p", {}, ...withCode(issue.message)),
      element("p", { class: "try" }, "Try: ", ...withCode(issue.suggestion)),
      details,
    );
  });
  if (!count) issues.push(element("p", { class: "card" }, "Nothing is wrong that a rule knows of."));
  $("issues").replaceChildren(...issues);
  const acts = Object.entries(said.acts ?? {});
  $("acts-card").hidden = !acts.length;
  $("acts").replaceChildren(...acts.map(([act, why]) => element("li", {}, element("b", {}, act), ` because of ${why.replaceAll("_", " ")}`)));
  const lines = said.timeline.toReversed().map((line) =>
    element("li", {}, element("time", {}, new Date(line.time).toLocaleTimeString()), element("span", { class: line.begins ? undefined : "over" }, line.begins ? line.message : `over: ${line.type.replaceAll("_", " ")}`)),
  );
  $("timeline").replaceChildren(...(lines.length ? lines : [element("li", { class: "quiet" }, "Nothing yet.")]));
}

/** What stands between backticks is code. */
const withCode = (text) => text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));

async function sessions() {
  const said = await ask("sessions", { find: $("find-sessions").value });
  $("count-sessions").textContent = `${number(said.found)} found${said.found > said.sessions.length ? `, ${said.sessions.length} shown` : ""}`;
  const state = (row) => (row.here ? (row.behind ? ["behind", "behind"] : [row.transport || "here", ""]) : ["away", "away"]);
  const end = (row) => element("button", { onclick: () => disconnect(row.session) }, "Disconnect");
  table(
    "table-sessions",
    [
      ["user", (row) => row.user || "–", "name"],
      ["session", (row) => row.session, "name"],
      ["", (row) => element("span", { class: `tag ${state(row)[1]}` }, state(row)[0])],
      ["since", (row) => past(row.since / 1000), "n"],
      ["round trip", (row) => ms(row.latency), "n"],
      ["waiting", (row) => number(row.waiting), "n"],
      ["unsent", (row) => bytes(row.unsent), "n"],
      ["rooms", (row) => row.names.join(", ") || "–", "name"],
      ["address", (row) => row.address],
      ["", end, "n"],
    ],
    said.sessions,
    "No session is like that.",
  );
}

async function disconnect(session) {
  if (!confirm(`End session ${session} for good?`)) return;
  try {
    await act("disconnect", { session, reason: "ended by an operator" });
    await sessions();
  } catch (error) {
    alert(error.message);
  }
}

async function rooms() {
  const said = await ask("rooms", { find: $("find-rooms").value });
  $("count-rooms").textContent = `${number(said.found)} found${said.found > said.rooms.length ? `, ${said.rooms.length} shown` : ""}`;
  table(
    "table-rooms",
    [
      ["room", (row) => element("button", { class: "plain link", title: "Listen", onclick: () => listen(row.room) }, row.room), "name"],
      ["settings", (row) => row.settings, "name"],
      ["members", (row) => number(row.members), "n"],
      ["entries kept", (row) => number(row.entries), "n"],
      ["bytes", (row) => bytes(row.bytes), "n"],
      ["policy", (row) => row.policy],
      ["durable", (row) => row.durable],
    ],
    said.rooms,
    "No room is like that.",
  );
}

/** Figures came: all that is shown is of this moment. */
function take({ stats: now, diagnosis: said }) {
  [before, stats] = [stats, now];
  clock(stats.time);
  $("login").hidden = true;
  $("page").hidden = false;
  draw ??= charts();
  draw(stats);
  $("about").textContent = `${location.host} · ${stats.version} · up ${ago(stats.uptime)}`;
  tiles();
  stages();
  slowest();
  diagnosis(said);
  tables().then(() => away(false), away);
}

/** What the page that is looked at asks for itself; one question at a time. */
async function tables() {
  if (busy) return;
  busy = true;
  try {
    if (here() === "sessions") await sessions();
    if (here() === "rooms") await Promise.all([rooms(), room()]);
    if (here() === "traces") await traces();
    if (here() === "store") await store(stats);
  } finally {
    busy = false;
  }
}

function away(why) {
  $("offline").textContent = why instanceof Error ? `No answer: ${why.message}` : "The server is away: the console comes back by itself.";
  $("offline").hidden = why === false;
}

async function begin() {
  try {
    await look(take, away);
  } catch (error) {
    if (error instanceof Refused) leave(error.message);
    else away(error);
  }
}

function leave(why = "") {
  forget();
  [before, stats] = [];
  $("page").hidden = true;
  $("login").hidden = false;
  $("refused").textContent = why;
  $("key").value = "";
  $("key").focus();
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("key").value);
  begin();
});
$("leave").addEventListener("click", () => leave());
$("window").addEventListener("change", stages);
$("find-sessions").addEventListener("input", () => sessions().catch(() => {}));
$("find-rooms").addEventListener("input", () => rooms().catch(() => {}));
$("hush").addEventListener("click", () => listen(null));
$("trace").addEventListener("submit", (event) => {
  event.preventDefault();
  follow($("trace-event").value);
});
$("profile-go").addEventListener("click", () => profile($("profile-seconds").value));
addEventListener("hashchange", () => {
  show(location.hash.slice(1));
  if (stats) tables().catch(() => {});
});
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch(take))?.catch(() => {}));
show(location.hash.slice(1));
if (key()) begin();
else leave();
