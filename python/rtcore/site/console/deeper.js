// What is looked at more closely: a room and what is said in it, messages through their stages, where the time goes, the store.

import { ask, listen as hear } from "./data.js";
import { bytes, element, ms, number, past, table } from "./shown.js";

const $ = (id) => document.getElementById(id);
const SHOWN = 200;

// -- a room

let heard;
let leave;

/** From now on what is said in this room is shown; null: no more of it. */
export function listen(name) {
  leave?.abort();
  heard = name ?? undefined;
  $("listening").hidden = name === null;
  $("said").replaceChildren();
  $("listening-to").textContent = name ?? "";
  if (name === null) return;
  leave = new AbortController();
  follows(name, leave.signal).catch((error) => heard === name && say(error.message));
  return room();
}

async function follows(name, signal) {
  for await (const entry of hear(name, signal)) {
    if (signal.aborted) return;
    if (entry.gap) say("More was said than is shown.");
    else show(element("li", {}, element("time", {}, new Date(entry.time).toLocaleTimeString()), element("span", {}, element("b", {}, entry.event), ` ${JSON.stringify(entry.data)} `, element("span", { class: "quiet" }, entry.user || entry.session || "the application"))));
  }
}

const say = (text) => show(element("li", { class: "quiet" }, text));

function show(line) {
  $("said").prepend(line);
  while ($("said").childElementCount > SHOWN) $("said").lastChild.remove();
  $("said-nothing").hidden = true;
}

export async function room() {
  if (!heard) return;
  const of = heard;
  const said = await ask("room", { name: of });
  if (of !== heard) return; // another one was chosen meanwhile
  $("count-members").textContent = `${number(said.count)} ${said.count === 1 ? "member" : "members"}`;
  table("members", [["user", (row) => row.user || "–", "name"], ["session", (row) => row.session, "name"], ["shows", (row) => (row.info === null ? "" : JSON.stringify(row.info)), "name"]], said.members, "Nobody is in it.");
  $("said-nothing").hidden = $("said").childElementCount > 0;
}

// -- messages through their stages

export async function traces() {
  const { trails } = await ask("trace");
  showTrails(trails.toReversed().slice(0, 20));
}

/** Wait for the next message of an event. */
export async function follow(event) {
  $("trace-state").textContent = "waiting for the next one …";
  try {
    const { trails } = await ask("trace", { event, wait: 10 }, 20);
    $("trace-state").textContent = trails.length ? "" : `no ${event} came within 10 s`;
    await traces();
  } catch (error) {
    $("trace-state").textContent = error.message;
  }
}

function showTrails(trails) {
  const shown = trails.map((trail) => {
    const end = Math.max(trail.from, ...trail.legs.map((leg) => leg.to));
    const whole = Math.max(1, end - trail.from);
    const legs = trail.legs.map((leg) => {
      const bar = element("i", { class: `leg ${leg.stage}` });
      bar.style.marginLeft = `${(100 * (leg.from - trail.from)) / whole}%`;
      bar.style.width = `${Math.max(0.4, (100 * (leg.to - leg.from)) / whole)}%`;
      const to = leg.heard || leg.behind ? ` to ${number(leg.heard)}${leg.behind ? `, ${number(leg.behind)} behind` : ""}` : "";
      return element("tr", {}, element("td", {}, leg.stage), element("td", { class: "name" }, leg.of + to), element("td", { class: "n" }, ms((leg.to - leg.from) / 1e6)), element("td", { class: "bar" }, bar));
    });
    const where = trail.room ? ` in ${trail.room}` : "";
    return element(
      "article",
      { class: "card trail" },
      element("h2", {}, `${trail.event}${where}`, trail.failed ? element("span", { class: "severity" }, "failed") : null, element("span", { class: "quiet" }, `${ms(whole / 1e6)} · ${trail.session || "the application"} · ${past(trail.from / 1e9)} ago${trail.trace ? ` · trace ${trail.trace.slice(3, 35)}` : ""}`)),
      element("table", {}, element("tbody", {}, ...legs)),
    );
  });
  if (!shown.length) shown.push(element("p", { class: "card quiet" }, "No message was followed yet: those with a sampled trace are, and those that you ask for."));
  $("trails").replaceChildren(...shown);
}

// -- where the time goes

export async function profile(seconds) {
  $("profile-state").textContent = `looking for ${seconds} s …`;
  $("profile-go").disabled = true;
  try {
    const said = await ask("profile", { seconds }, Number(seconds) + 10);
    const part = (n) => `${(100 * n).toFixed(1)} %`;
    $("profile-state").textContent = `${number(said.looks)} looks in ${said.seconds} s`;
    table("functions", [["function", (row) => row.function, "name"], ["itself", (row) => part(row.self), "n"], ["with what it calls", (row) => part(row.all), "n"]], said.functions, "Nothing ran.");
    $("stacks").replaceChildren(...said.stacks.slice(0, 10).map((row) => element("details", {}, element("summary", {}, `${part(row.part)}  ${row.stack.at(-1)}`), element("pre", {}, row.stack.join("\n")))));
  } catch (error) {
    $("profile-state").textContent = error.message;
  }
  $("profile-go").disabled = false;
}

// -- the store

export async function store(stats) {
  const kept = stats.store;
  const rows = kept
    ? [
        ["SQLite", kept.sqlite],
        ["trouble", kept.trouble ?? "none"],
        ["log", bytes(kept.log_bytes)],
        ["journal", bytes(kept.journal_bytes)],
        ["free on the disk", bytes(kept.free_bytes ?? stats.process.disk_free)],
        ["groups written", number(kept.groups)],
        ["records written", number(kept.records)],
        ["groups refused", number(kept.refused)],
        ["of which nobody knows", number(kept.unknown)],
        ["slowest group", ms(kept.slowest_us / 1000)],
      ]
    : [];
  table("store", [["", (row) => row[0]], ["", (row) => row[1], "n"]], rows, "Nothing is kept on disk: no data folder is set.");
  const counted = [["streams", "opened"], ["items", "items sent"]].map(([name, what]) => ({ what, ...stats.counters[name] }));
  table("streams", [["", (row) => row.what], ["in 10 s", (row) => number(row["10s"]), "n"], ["in a minute", (row) => number(row["1m"]), "n"], ["in an hour", (row) => number(row["1h"]), "n"], ["in all", (row) => number(row.all), "n"]], counted, "");
  $("open-streams").textContent = `${number(stats.sizes.open_streams)} open, ${bytes(stats.sizes.stream_bytes)} wait in them`;
  const { streams } = await ask("streams");
  table("each-stream", [["stream", (row) => row.stream, "name"], ["", (row) => (row.up ? "up" : "down")], ["user", (row) => row.user || "–", "name"], ["session", (row) => row.session, "name"], ["since", (row) => past(row.since / 1000), "n"], ["", (row) => (row.away ? "its reader is away" : "")]], streams, "None is open.");
  const said = stats.reports ?? [];
  table("reports", [["transport", (row) => row.transport], ["reports in an hour", (row) => number(row.reports["1h"]), "n"], ["round trip", (row) => ms(row["1h"].p50), "n"], ["p95", (row) => ms(row["1h"].p95), "n"], ["came back", (row) => number(row.reconnects["1h"]), "n"], ["pings lost", (row) => `${(row.loss["1h"] / Math.max(1, row.reports["1h"]) / 10).toFixed(1)} %`, "n"]], said, "No client has reported yet.");
  table("whys", [["why not by a better transport", (row) => row.why, "name"], ["times", (row) => number(row.times), "n"]], stats.whys ?? [], "Nobody said.");
}
