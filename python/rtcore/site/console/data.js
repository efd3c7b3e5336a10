// What is said and asked, over rtcore itself: a session with the console's own rtcore, which only operators may have. The key
// is kept in this tab alone, and goes nowhere but to this server.

import { connect } from "../client.js";

const KEPT = "rtcore-key";
const LIVE = new URL("live/rt", import.meta.url);
let client;
let figures;

export class Refused extends Error {}

export const key = () => sessionStorage.getItem(KEPT);
export const keep = (key) => sessionStorage.setItem(KEPT, key);

/** Say goodbye, and forget the key. */
export function forget() {
  sessionStorage.removeItem(KEPT);
  client?.end();
  client = figures = undefined;
}

/** Look, and call `take` with figures as they come; `away` with whether the server is away. Throws `Refused`. */
export async function look(take, away) {
  const mine = (client = connect(LIVE, { token: () => key() ?? "", tabs: false }));
  mine.subscribe(() => mine === client && away(!mine.status.live));
  try {
    await mine.ready();
    take(await ask("figures"));
    await watch(take);
  } catch (error) {
    if (mine !== client) return; // he has left
    if (["UNAUTHORIZED", "FORBIDDEN"].includes(error.code) || mine.status.state === "ended") throw new Refused(error.message);
    throw error;
  }
}

/** Hear figures while somebody looks at the page: the server makes none for who does not. */
export async function watch(take) {
  const mine = client;
  if (!mine || figures || document.hidden) return;
  const room = (figures = await mine.join("figures"));
  if (document.hidden || mine !== client) return rest();
  (async () => {
    for await (const heard of room) if (heard.type !== "gap" && room === figures) take(heard.data);
  })().catch(() => undefined);
}

/** Hear no more figures. */
export function rest() {
  const room = figures;
  figures = undefined;
  return room?.leave();
}

/** The answer to a question; within so many seconds. */
export const ask = (what, query = {}, seconds = 10) => client.emit("look", { what, ...query }, { timeout: 1000 * seconds, volatile: true });

/** What is said in a room from now on. */
export const listen = (room, signal) => client.stream("listen", room, { signal });

/** Do something. */
export async function act(path, body) {
  const headers = { Authorization: `Bearer ${key()}` };
  const answer = await fetch(`api/${path}`, { method: "POST", headers, body: JSON.stringify(body), cache: "no-store" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.message);
  return said;
}
