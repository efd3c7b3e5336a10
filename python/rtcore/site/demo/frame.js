/** What all pages have in common: the head, and the network panel with what the client does about it. */

import { network, setNetwork } from "/network.js";
import { Timeline } from "/timeline.js";

const PAGES = {
  "/chat": "Chat", "/notes": "Notes", "/board": "Board", "/dashboard": "Dashboard", "/tokens": "Tokens", "/cursors": "Cursors",
};
const SWITCHES = {
  cut: ["Cut", "No network at all", "you cut the network", "you mended the network"],
  slow: ["Slow", "Half a second each way", "you made the network slow", "the network is quick again"],
  lossy: ["Lossy", "Packets are lost, and lines break", "you made the network lossy", "the network is good again"],
  blocked: ["Block WebSocket", "As some proxies do", "you blocked WebSockets", "WebSockets get through again"],
};
const SAYS = { live: "connected", connecting: "connecting", welcoming: "connecting", waiting: "away", idle: "away", ended: "ended" };

/** Make an element: `make("li", { className: "mine" }, "text", child)`. What is text stays text. */
export function make(tag, properties = {}, ...children) {
  const { data = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

/** Put these into a list, in this order. What is there is moved, and who works in it goes on there: focus and caret stay. */
export function arrange(list, wanted) {
  let next = list.firstElementChild;
  for (const each of wanted) {
    if (each === next) next = next.nextElementSibling;
    else move(each, list, next);
  }
}

function move(element, list, before) {
  const { activeElement } = document;
  // Not every browser has `moveBefore`, which leaves the focus where it is.
  if (list.moveBefore && element.isConnected) list.moveBefore(element, before);
  else list.insertBefore(element, before);
  if (element.contains(activeElement)) activeElement.focus({ preventScroll: true });
}

/** Take it away. Where the focus was in it, `instead` has it. */
export function takeAway(element, instead) {
  const had = element.contains(document.activeElement);
  element.remove();
  if (had) instead?.focus();
}

/** Find an element by its id. */
export const find = (id) => document.getElementById(id);

/** A name for a window, the same after a reload. */
export function myName() {
  const names = ["Ada", "Alan", "Barbara", "Edsger", "Frances", "Grace", "Hedy", "Katherine", "Leslie", "Radia", "Tim", "Vint"];
  const given = new URLSearchParams(location.search).get("name") ?? sessionStorage.getItem("name");
  const name = given || names[Math.floor(Math.random() * names.length)];
  sessionStorage.setItem("name", name);
  return name;
}

/** A color for a name, as a number of the palette in style.css. */
export const hue = (name) => String([...name].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 8);

/** Put head and panel around a page, and watch its client. Gives the timeline. */
export function frame(client) {
  head(client);
  const list = make("ol", { className: "timeline", data: { testid: "timeline" } });
  const ribbon = make("canvas", { className: "ribbon", ariaHidden: "true" });
  const timeline = new Timeline(list, ribbon);
  find("network").append(
    make("details", { open: matchMedia("(min-width: 60rem)").matches },
      make("summary", {}, make("h2", { textContent: "Network" })),
      make("div", { className: "switches", role: "group", ariaLabel: "Make the network bad" },
        ...Object.entries(SWITCHES).map(([name, words]) => toggle(name, words, timeline)),
        restart(client, timeline)),
      make("h3", { textContent: "What the client does" }),
      ribbon,
      list),
  );
  timeline.watch(client);
  return timeline;
}

function head(client) {
  const status = make("span", { className: "status", role: "status", data: { testid: "status" } });
  const latency = make("span", { className: "latency", title: "Round trip to the server", data: { testid: "latency" } });
  find("top").append(
    make("a", { className: "brand", href: "/", textContent: "rtcore" }),
    make("nav", { ariaLabel: "Pages" }, ...Object.entries(PAGES).map(([href, textContent]) =>
      Object.assign(make("a", { href, textContent }), location.pathname === href ? { ariaCurrent: "page" } : {}))),
    make("p", { className: "facts" }, latency, status),
  );
  // Where the line of pages is wider than the screen, the one that is open stands in it.
  find("top").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const look = () => {
    const { state, latency: ms, queued } = client.status;
    status.dataset.status = SAYS[state];
    status.textContent = SAYS[state] + (queued && state !== "live" ? ` · ${queued} kept` : "");
    latency.textContent = ms === undefined ? "" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  };
  client.subscribe(look);
  look();
}

function toggle(name, [label, hint, on, off], timeline) {
  const button = make("button", { type: "button", title: hint, textContent: label, ariaPressed: "false", data: { testid: `network-${name}` } });
  button.onclick = () => {
    timeline.add("act", network[name] ? off : on);
    setNetwork({ [name]: !network[name] });
    button.ariaPressed = String(network[name]);
  };
  return button;
}

function restart(client, timeline) {
  const button = make("button", { type: "button", title: "It stops, and begins anew", textContent: "Restart the server", data: { testid: "network-restart" } });
  button.onclick = async () => {
    timeline.add("act", "you asked the server to restart");
    await client.emit("demo:restart", null, { volatile: true }).catch((error) => timeline.add("note", error.message));
  };
  return button;
}
