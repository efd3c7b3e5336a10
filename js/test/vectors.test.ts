// `vectors/`: what the wire fixes, as data, holds in this client as it does in the core (rust/core/tests/vectors.rs).

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { verdict } from "../src/coming.ts";
import { packed, unpacked } from "../src/packed.ts";
import { dataOf, decode, encode, valueIn } from "../src/words.ts";

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

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

test("what a client may say is in MessagePack what the vectors have", () => {
  for (const { json, msgpack } of read("envelopes.json").client) {
    const said = valueIn(json);
    expect(unpacked(bytes(msgpack))).toEqual(said);
    expect(unpacked(packed(said))).toEqual(said);
  }
});

test("what a server says in MessagePack is what it says in JSON", () => {
  for (const { json, msgpack } of read("envelopes.json").server) {
    expect(unpacked(bytes(msgpack))).toEqual(valueIn(json));
  }
});

test("MessagePack is written as short as it can be", () => {
  const shortest: [unknown, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "cc80"],
    [256, "cd0100"],
    [65_536, "ce00010000"],
    [2 ** 32, "cf0000000100000000"],
    [-1, "ff"],
    [-33, "d2ffffffdf"],
    [-(2 ** 40), "d3ffffff0000000000"],
    [0.5, "cb3fe0000000000000"],
    [1e300, "cb7e37e43c8800759c"],
    ["é", "a2c3a9"],
    [new Uint8Array([1, 2]), "c4020102"],
    [[null, true, false], "93c0c3c2"],
    [{ a: [] }, "81a16190"],
    ["x".repeat(32), `d920${"78".repeat(32)}`],
  ];
  for (const [value, text] of shortest) expect(hex(packed(value))).toBe(text);
});

for (const [why, text] of [
  ["nothing", ""],
  ["a text that ends too soon", "a5616263"],
  ["an array longer than its frame", "ddffffffff00"],
  ["bytes behind it", "c0c0"],
  ["an extension", "d40100"],
  ["a byte that says nothing", "c1"],
  ["a key that is no text", "8100c0"],
  ["a text that is no UTF-8", "a1ff"],
  ["an array in an array without end", "91".repeat(200_000)],
] as const) {
  test(`hostile MessagePack is refused: ${why}`, () => {
    expect(() => unpacked(bytes(text))).toThrow();
  });
}

test("a key named __proto__ is a field, and no prototype", () => {
  const map = unpacked(packed(JSON.parse('{"__proto__":{"polluted":true}}'))) as Record<string, unknown>;
  expect(Object.keys(map)).toEqual(["__proto__"]);
  expect(map.polluted).toBeUndefined();
});

test("any value of JSON comes back from MessagePack as it comes back from JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const said = JSON.parse(JSON.stringify(value));
      expect(unpacked(packed(said))).toEqual(said);
    }),
  );
});

test("whatever bytes come, reading them ends with a value or an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => {
      try {
        unpacked(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 1000 },
  );
});
