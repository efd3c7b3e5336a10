// `vectors/`: what the wire fixes, as data, holds in the page's script as it does in the core (rust/core/tests/vectors.rs).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { isFinal } from "../../python/rtcore/site/demo/client.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8"));

test("a page comes back after the codes that say so, and after no other", () => {
  const { close, other_close } = read("codes.json");
  for (const { code, comes_back } of [...close, ...other_close]) assert.equal(isFinal(code), !comes_back, `code ${code}`);
});
