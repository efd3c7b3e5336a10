// What is asked of the server, and with which key. The key is kept in this tab alone, and goes nowhere but to this server.

const KEPT = "rtcore-key";

export class Refused extends Error {}

export const key = () => sessionStorage.getItem(KEPT);
export const keep = (key) => sessionStorage.setItem(KEPT, key);
export const forget = () => sessionStorage.removeItem(KEPT);

/** The answer to a question; Refused: this key may not. */
export async function ask(path, body) {
  const answer = await fetch(`api/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${key()}` },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  const said = await answer.json();
  if (answer.status === 401 || answer.status === 403) throw new Refused(said.message);
  if (!answer.ok) throw new Error(said.message);
  return said;
}
