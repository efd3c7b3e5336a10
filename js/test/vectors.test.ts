// `vectors/`: what the wire fixes, as data, holds in this client as it does in the core (rust/core/tests/vectors.rs).

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verdict } from "../src/coming.ts";
import { dataOf, decode, encode } from "../src/words.ts";

// biome-ignore lint/suspicious/noExplicitAny: a table of any shape
const read = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8"));

test("a page comes back after the codes that say so, and after no other", () => {
  const { close, other_close } = read("codes.json");
  for (const { code, comes_back } of [...close, ...other_close]) {
    expect([code, verdict(code, "", false) === undefined]).toEqual([code, comes_back]);
  }
});

test("what a client may say goes out as it stands, and what a server says is read", () => {
  const { client, server } = read("envelopes.json");
  for (const { json } of client) {
    const { data, ...fields } = JSON.parse(json);
    if (json.includes('"$bin"') || data === undefined) continue;
    expect(JSON.parse(encode(fields, dataOf(data)))).toEqual(JSON.parse(json));
  }
  for (const { json, type } of server) expect(decode(json)[0]!.type).toBe(type);
});
