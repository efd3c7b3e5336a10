/** Everybody's pointer, at the pace of the screen, smooth. Volatile: nothing is kept, nothing is sent late. */

import { find, frame, hue, make, myName } from "/frame.js";
import { connect } from "/rt/client.js";

const SMOOTH = 0.35; // of the way to go, in each frame
const GONE = 10_000; // milliseconds after which a pointer that is silent fades
const STEP = 0.02;

const client = connect("/rt", { tabs: false });
frame(client);
const name = myName();
const field = find("field");
const pointers = new Map(); // who -> { item, x, y, toX, toY, heard }

const room = await client.join("cursors", { data: { name } });

// -- mine

let mine = { x: 0.5, y: 0.5 };
let moved = false;
const within = (value) => Math.min(1, Math.max(0, value));

field.onpointermove = (event) => {
  const box = field.getBoundingClientRect();
  mine = { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) };
  moved = true;
};

field.onkeydown = (event) => {
  const [x, y] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key] ?? [];
  if (x === undefined) return;
  event.preventDefault();
  mine = { x: within(mine.x + x), y: within(mine.y + y) };
  moved = true;
};

function tell() {
  if (!moved || !client.status.live) return;
  moved = false;
  const place = { x: Number(mine.x.toFixed(4)), y: Number(mine.y.toFixed(4)) };
  room.publish("at", place, { volatile: true, echo: false }).catch(() => {});
  put("me", `${name} (you)`, place.x, place.y);
  const own = pointers.get("me");
  [own.x, own.y] = [place.x, place.y]; // one's own is where it is
}

// -- everybody's

function put(who, label, x, y) {
  let one = pointers.get(who);
  if (!one) {
    const item = make("div", { className: who === "me" ? "pointer me" : "pointer", data: { testid: "pointer" } },
      arrow(), make("span"));
    field.append(item);
    pointers.set(who, (one = { item, x, y }));
  }
  if (one.label !== label) {
    one.label = one.item.lastChild.textContent = label;
    one.item.dataset.hue = hue(label);
  }
  Object.assign(one, { toX: x, toY: y, heard: performance.now() });
}

function arrow() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M2 2 L18 9 L10.5 11.5 L8 18.5 Z");
  svg.append(path);
  return svg;
}

function draw() {
  tell();
  const { clientWidth, clientHeight } = field;
  const now = performance.now();
  for (const [who, one] of pointers) {
    one.x += (one.toX - one.x) * SMOOTH;
    one.y += (one.toY - one.y) * SMOOTH;
    one.item.style.transform = `translate(${one.x * clientWidth}px, ${one.y * clientHeight}px)`;
    one.item.classList.toggle("away", who !== "me" && now - one.heard > GONE);
  }
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);

// -- hearing

function people() {
  const here = new Set(room.members.map(({ session }) => session));
  for (const [who, { item }] of pointers) {
    if (who === "me" || who.startsWith("robot ") || here.has(who)) continue;
    item.remove();
    pointers.delete(who);
  }
  const others = room.members.length - 1;
  find("count").textContent = others > 0 ? `${others} other${others === 1 ? " is" : "s are"} here.` : "Open it in a second window.";
}
room.subscribe(people);
people();

const nameOf = (session) => room.members.find((member) => member.session === session)?.info?.name ?? "somebody";

for await (const { type, data, from } of room) {
  if (type !== "event" || typeof data?.x !== "number" || typeof data.y !== "number") continue;
  if (data.robot && !from) put(`robot ${data.robot}`, String(data.robot), within(data.x), within(data.y));
  else if (from && from.session !== client.session) put(from.session, nameOf(from.session), within(data.x), within(data.y));
}
