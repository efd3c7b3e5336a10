/** What a client does about its network, as a list and as a ribbon of the last minute. */

const SPAN = 60_000;
const WORDS = { websocket: "WebSocket", sse: "event stream", polling: "polling" };
const OPENS = { websocket: "a WebSocket", sse: "an event stream", polling: "polls over HTTP" };
const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

export class Timeline {
  #list;
  #ribbon;
  #past = []; // [since, kind]
  #before = { queued: 0 };
  #began = Date.now();
  #lost; // the session that was live last
  #kept = false;

  constructor(list, ribbon) {
    this.#list = list;
    this.#ribbon = ribbon;
    setInterval(() => this.#draw(), 250);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** A line. `kind`: act, good, wait, bad, note. */
  add(kind, text) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = `${((Date.now() - this.#began) / 1000).toFixed(1)} s`;
    item.className = kind;
    item.append(time, text);
    this.#list.prepend(item);
    while (this.#list.children.length > 60) this.#list.lastElementChild.remove();
  }

  watch(client) {
    const look = () => this.#look(client.status);
    client.subscribe(look);
    look();
  }

  #look(status) {
    const before = this.#before;
    const { state, transport, session, queued, error } = status;
    this.#before = status;
    const way = WORDS[transport] ?? transport;
    if (state !== before.state) {
      this.#past.push([Date.now(), state === "live" ? "good" : state === "ended" ? "bad" : "wait"]);
      this.#draw();
      if (state === "connecting") this.add("wait", `opens ${OPENS[transport] ?? way}`);
      if (state === "waiting") this.add("bad", `away: ${error?.message ?? "the connection ended"}. It tries again by itself`);
      if (state === "ended") this.add("bad", `ended: ${error?.message ?? "for good"}`);
      if (state === "live" && !this.#lost) this.add("good", `live, by ${way}`);
      else if (state === "live") {
        const same = this.#lost === session;
        this.add("good", same ? `live again, by ${way}: the same session, nothing is missing` : `live, by ${way}: a new session, its rooms are joined again`);
      }
      if (state === "live") this.#lost = session;
    } else if (state === "live" && transport !== before.transport) this.add("good", `moved to ${way}, without a break`);
    if (queued > before.queued && state !== "live" && this.#lost) {
      this.add("note", `${plural(queued, "message")} kept here until it is back`);
      this.#kept = true;
    }
    if (!queued && this.#kept) {
      this.add("note", "what was kept is sent");
      this.#kept = false;
    }
  }

  /** The last minute, newest at the right. */
  #draw() {
    const canvas = this.#ribbon;
    const [width, height] = [canvas.clientWidth * devicePixelRatio, canvas.clientHeight * devicePixelRatio];
    if (!width) return;
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const now = Date.now();
    while (this.#past[1]?.[0] < now - SPAN) this.#past.shift();
    const x = (time) => Math.max(0, (1 - (now - time) / SPAN) * width);
    this.#past.forEach(([since, kind], at) => {
      pen.fillStyle = style.getPropertyValue(`--${kind}`);
      const to = x(this.#past[at + 1]?.[0] ?? now);
      pen.fillRect(x(since), 0, Math.max(1.5, to - x(since)), height);
    });
  }
}
