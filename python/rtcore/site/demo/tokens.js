/** An answer, word by word: it goes on after a reload, and the server stops thinking when the page has left. */

import { find, frame, make } from "/frame.js";
import { connect } from "/rt/client.js";

const client = connect("/rt", { tabs: false });
const timeline = frame(client);
const answer = find("answer");
let leave; // stops the answer that is being heard

/** What is asked, and the words that are here: kept over a reload. */
const kept = {
  read: () => JSON.parse(sessionStorage.getItem("answer") ?? "null"),
  write: (state) => sessionStorage.setItem("answer", JSON.stringify(state)),
};

async function ask(state) {
  leave?.abort();
  const mine = (leave = new AbortController());
  busy(true);
  answer.replaceChildren(...state.words.map(word));
  while (!mine.signal.aborted) {
    try {
      const words = client.stream("answer", { text: state.question, have: state.words.length }, { signal: mine.signal });
      for await (const one of words) {
        state.words.push(one);
        kept.write(state);
        answer.append(word(one));
      }
      kept.write({ ...state, done: true });
      break;
    } catch (error) {
      if (mine.signal.aborted) break;
      if (error.code !== "STREAM_LOST" && error.name !== "StreamLost" && !error.retry) {
        timeline.add("bad", error.message);
        break;
      }
      timeline.add("note", `the server is another: asks from word ${state.words.length + 1} on`);
      await client.ready();
    }
  }
  if (mine === leave) busy(false);
}

const word = (text) => make("span", { textContent: text });

function busy(is) {
  answer.ariaBusy = String(is);
  find("stop").disabled = !is;
}

find("form").onsubmit = (submit) => {
  submit.preventDefault();
  const question = find("question").value.trim();
  if (question) ask({ question, words: [], done: false });
};

find("stop").onclick = () => {
  leave?.abort();
  busy(false);
  kept.write({ ...kept.read(), done: true });
  timeline.add("act", "you stopped it: a cancel is sent");
};

// -- a reload goes on where the page was

const before = kept.read();
if (before) {
  find("question").value = before.question;
  if (before.done) answer.append(...before.words.map(word));
  else {
    timeline.add("note", `the page was loaded anew: asks from word ${before.words.length + 1} on`);
    ask(before);
  }
}

// -- how many models think

const models = await client.join("models");
const show = (n) => {
  find("working").textContent = `${n} model${n === 1 ? "" : "s"}`;
};
show(models.state);
models.subscribe(() => show(models.state));
for await (const heard of models) if (heard.type === "event") show(heard.data);
