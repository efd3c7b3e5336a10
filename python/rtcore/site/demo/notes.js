/** Notes that are the same on all devices, offline too. What two changed at once is shown with both sides. */

import { arrange, find, frame, make, takeAway } from "/frame.js";
import { connect } from "/shared.js";

const PAUSE = 300; // milliseconds without a key, after which what was written is kept
const FIELDS = { title: "Title", text: "Text", done: "Done" };

// `tabs: false`: each window has a store and a session of its own, as a device has.
const client = connect("/rt", { tabs: false });
const timeline = frame(client);
const notes = await client.collection("notes:home");

// -- notes

const cards = new Map(); // key -> the card that shows it

function draw() {
  const waits = new Set(notes.pending.map(({ key }) => key));
  for (const [key, card] of cards) {
    if (notes.has(key)) continue;
    takeAway(card, find("title"));
    cards.delete(key);
  }
  arrange(find("notes"), notes.entries().reverse().map(([key, note]) => {
    const card = cards.get(key) ?? cardOf(key);
    cards.set(key, card);
    card.show(note, waits.has(key));
    return card;
  }));
  conflicts();
  find("state").textContent = told(waits.size);
}

function told(waiting) {
  if (notes.problem) return notes.problem.message;
  const changes = `${notes.pending.length} change${notes.pending.length === 1 ? "" : "s"}`;
  if (waiting) return `${changes} kept here, not at the server yet.`;
  const { length } = notes.conflicts;
  if (length) return length === 1 ? "A change waits for your decision." : `${length} changes wait for your decision.`;
  return notes.whole ? "All of it is here and at the server." : "Away: what is here is shown.";
}

function cardOf(key) {
  const done = make("input", { type: "checkbox", ariaLabel: "Done", data: { testid: "done" } });
  const title = make("input", { maxLength: 200, ariaLabel: "Title", data: { testid: "title" } });
  const text = make("textarea", { maxLength: 4000, rows: 4, placeholder: "…", ariaLabel: "Text", data: { testid: "text" } });
  const drop = make("button", { type: "button", className: "plain", textContent: "Delete", data: { testid: "delete" } });
  const mark = make("span", { className: "mark", textContent: "kept here" });
  const card = make("li", { data: { testid: "note", key } }, make("div", { className: "row" }, done, title), text,
    make("div", { className: "row foot" }, mark, drop));

  const changed = new Map(); // what was written and is not a change yet: field -> its timer
  const keep = (field, value) => {
    clearTimeout(changed.get(field));
    changed.delete(field);
    const note = notes.get(key);
    if (note && note[field] !== value()) notes.patch(key, { [field]: value() }).catch(failed);
  };
  const writes = (input, field) => {
    input.oninput = () => {
      clearTimeout(changed.get(field));
      changed.set(field, setTimeout(keep, PAUSE, field, () => input.value));
    };
    input.onchange = () => keep(field, () => input.value);
  };
  writes(title, "title");
  writes(text, "text");
  done.onchange = () => keep("done", () => done.checked);
  drop.onclick = () => notes.delete(key).catch(failed);

  card.show = (note, waits) => {
    card.classList.toggle("done", note.done);
    card.classList.toggle("waits", waits);
    mark.hidden = !waits;
    done.checked = note.done;
    if (!changed.has("title") && title.value !== note.title) title.value = note.title;
    if (!changed.has("text") && text.value !== note.text) text.value = note.text;
  };
  return card;
}

find("form").onsubmit = (submit) => {
  submit.preventDefault();
  const title = find("title").value.trim();
  if (!title) return;
  // Keys are in the order of time, so that the newest note stands first; chance keeps two devices apart.
  const key = `${Date.now().toString(36).padStart(9, "0")}-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
  notes.put(key, { title, text: "", done: false }).catch(failed);
  find("title").value = "";
};

// -- conflicts

/** Each with three columns: what it was, what was written here, and what is there now. */
function conflicts() {
  const open = [...notes.conflicts, ...notes.refused];
  const box = find("conflicts");
  box.hidden = !open.length;
  const keys = open.map(({ n, theirs }) => `${n} ${JSON.stringify(theirs)}`).join();
  if (box.dataset.shown === keys) return; // nobody's button goes from under the pointer
  box.dataset.shown = keys;
  const decides = box.contains(document.activeElement);
  box.replaceChildren(...open.map((one) => (one.fields ? conflictOf(one) : refusalOf(one))));
  // Who decides by keys goes on with the next one.
  if (decides) (box.querySelector("button") ?? find("title")).focus();
}

function conflictOf(conflict) {
  const { base, mine, theirs, fields, gone } = conflict;
  const side = (title, note, id) =>
    make("div", { className: `side ${id}`, data: { testid: id } }, make("h3", { textContent: title }),
      ...(note ? Object.entries(FIELDS).flatMap(([field, label]) => line(label, note[field], fields.includes(field)))
        : [make("p", { className: "gone", textContent: "deleted" })]));
  const says = gone || !theirs ? "was deleted elsewhere while you changed it" : "was changed here and elsewhere at once";
  return make("article", { data: { testid: "conflict" } },
    make("h2", {}, make("b", { textContent: (base ?? theirs ?? mine)?.title || "A note" }), ` ${says}. Which counts?`),
    make("div", { className: "sides" }, side("It was", base, "was"), side("Here", mine, "mine"), side("Elsewhere", theirs, "theirs")),
    make("div", { className: "row" },
      choice("Keep mine", "keep-mine", () => conflict.keepMine()),
      choice("Keep theirs", "keep-theirs", () => conflict.keepTheirs()),
      ...(mine && theirs && fields.some((field) => field !== "done")
        ? [choice("Keep both", "keep-both", () => conflict.set(both(mine, theirs, fields)))] : [])));
}

const line = (label, value, contested) =>
  value === undefined || value === "" || value === false
    ? contested ? [make("p", { className: "contested" }, make("small", { textContent: label }), label === "Done" ? "no" : "nothing")] : []
    : [make("p", { className: contested ? "contested" : "" }, make("small", { textContent: label }), value === true ? "yes" : value)];

/** Both texts, one behind the other. */
function both(mine, theirs, fields) {
  const made = { ...theirs };
  if (fields.includes("title")) made.title = `${theirs.title} / ${mine.title}`;
  if (fields.includes("text")) made.text = `${theirs.text}\n${mine.text}`;
  return made;
}

function refusalOf(refusal) {
  return make("article", { data: { testid: "refusal" } },
    make("h2", {}, make("b", { textContent: refusal.mine?.title ?? "A note" }), ` was refused: ${refusal.message}`),
    make("div", { className: "row" }, choice("Let go of it", "let-go", () => refusal.discard())));
}

const choice = (textContent, testid, decide) =>
  make("button", { type: "button", textContent, data: { testid }, onclick: () => void decide().catch(failed) });

const failed = (error) => timeline.add("bad", error.message);

notes.subscribe(draw);
draw();
