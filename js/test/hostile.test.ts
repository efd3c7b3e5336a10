// Servers, proxies and programs that say what they should not: the connection ends with a code, or nothing happens; the
// page goes on. A row a case.

import { describe, expect, test, vi } from "vitest";
import { connect } from "../src/connect.ts";
import { packed, unpacked } from "../src/packed.ts";
import type { Room } from "../src/types.ts";
import { decode, messagesOf, type Said } from "../src/words.ts";
import { fate, settle, World } from "./world.ts";

/** The client is of use: a request has its answer. */
const works = async (world: World): Promise<void> => {
  const asked = world.client.emit("e", 1);
  await settle();
  const { id } = world.wire.of("emit").at(-1)!;
  await world.wire.hear({ type: "ack", id, data: 7 });
  expect(await fate(asked)).toBe(7);
};

const join = async (world: World): Promise<Room> => {
  const room = world.client.join("tea");
  await settle();
  await world.wire.hear({ type: "ack", id: 1, data: { seq: 5, began: 5, members: [], count: 0 } });
  return room;
};

const CLOSES: [row: string, frame: string][] = [
  ["nothing", ""],
  ["half an object", "{"],
  ["a number", "5"],
  ["null", "null"],
  ["an array of no message", "[1]"],
  ["an array in an array", '[[{"type":"pong"}]]'],
  ["arrays without end", "[".repeat(100_000)],
  ["a type that is no text", '{"type":5}'],
  ["bytes that are no base64", '{"type":"event","event":"e","seq":9,"data":{"$bin":"%"}}'],
  ["a seq as text", '{"type":"event","event":"e","seq":"9"}'],
  ["a seq below 0", '{"type":"event","event":"e","seq":-1}'],
  ["a seq and a half", '{"type":"event","event":"e","seq":9.5}'],
  ["a seq beyond all numbers", '{"type":"event","event":"e","seq":1e300}'],
  ["an ack of no number", '{"type":"ack","id":{}}'],
  ["a gap to nowhere", '{"type":"gap","from":1,"to":"x","reason":"ring"}'],
  ["a gap from infinity", '{"type":"gap","from":1e999,"to":2,"reason":"ring"}'],
  ["members that are none", '{"type":"room","room":"tea","seq":5,"began":5,"members":7}'],
  ["a member that is none", '{"type":"room","room":"tea","seq":5,"began":5,"members":[null]}'],
  ["who came, and is none", '{"type":"presence","room":"tea","joined":5,"count":1}'],
  ["a count that is none", '{"type":"presence","room":"tea","joined":[],"left":[],"count":"many"}'],
  ["a question of no number", '{"type":"request","id":"x","event":"q"}'],
  ["an item of no number", '{"type":"item","id":1,"n":1e300}'],
  ["taken beyond all numbers", '{"type":"pong","time":1,"taken":1e300}'],
];

const PASSES: [row: string, frame: string][] = [
  ["a type that nobody knows", '{"type":"tomorrow","id":"x","seq":-1,"n":"z"}'],
  ["fields that nobody knows", '{"type":"pong","time":"x","to":[],"more":{}}'],
  ["an ack that nobody asked for", '{"type":"ack","id":999}'],
  ["an ack without a number", '{"type":"ack"}'],
  ["a room that nobody joined", '{"type":"room","room":5,"members":7}'],
  ["a left of no room", '{"type":"left","room":null}'],
  ["an item of no stream", '{"type":"item","id":77,"n":0,"data":1}'],
  ["the end of no stream", '{"type":"end","id":77,"error":5}'],
  ["an advice that is none", '{"type":"advise","why":5,"transport":{},"hold":"x"}'],
  ["an event of no room", '{"type":"event","room":5,"event":"e","data":1}'],
  ["an event without a name", '{"type":"event","data":1}'],
  [
    "a prototype",
    '{"type":"event","event":"__proto__","__proto__":{"x":1},"data":{"__proto__":{"polluted":1}}}',
  ],
];

describe("frames", () => {
  for (const [row, frame] of CLOSES) {
    test(`what no server says closes the connection, never the page: ${row}`, async () => {
      const world = await World.live();
      await join(world);
      const old = world.wire;
      await old.raw(frame);
      expect(old.shut).toMatchObject({ code: 4001, reason: expect.stringContaining("what none should") });
      expect(world.client.status).toMatchObject({
        state: "waiting",
        error: { is: "NotConnected", code: "UNAVAILABLE" },
      });
      await world.clock.pass(1000);
      await world.wire.welcome({ rooms: [{ room: "tea", seq: 5 }], taken: 1 });
      await world.wire.hear({ type: "room", room: "tea", seq: 5, began: 5, members: [], count: 0 });
      expect(world.client.position).toBe("e.0");
      expect(world.client.status.live).toBe(true);
      await works(world);
    });
  }
  for (const [row, frame] of PASSES) {
    test(`what says nothing to this client changes nothing: ${row}`, async () => {
      const world = await World.live();
      await join(world);
      await world.wire.raw(frame);
      expect(world.wire.shut).toBeUndefined();
      expect(({} as Said).polluted).toBeUndefined();
      await works(world);
    });
  }
});

describe("welcomes", () => {
  for (const [row, more] of [
    ["without a session", { session: undefined }],
    ["a session that is no text", { session: 5 }],
    ["without an epoch", { epoch: null }],
    ["a seq as text", { seq: "x" }],
    ["taken beyond all numbers", { taken: 1e300 }],
    ["no pings", { limits: { ping: 0 } }],
    ["pings as text", { limits: { ping: "25" } }],
    ["no silence", { limits: { silence: -1 } }],
    ["no requests", { limits: { acks: 0 } }],
    ["no bytes", { limits: { max_message: null } }],
    ["a pace that is none", { limits: { messages_per_second: "fast" } }],
    ["rooms that are none", { rooms: 5 }],
  ] as [string, Said][]) {
    test(`a welcome that none can be is none: ${row}`, async () => {
      const world = await World.live();
      await world.wire.close();
      await world.clock.pass(1000);
      const { length } = world.wires;
      await world.wire.welcome(more);
      expect(world.wire.shut).toMatchObject({ code: 4001 });
      expect(world.client.status.live).toBe(false);
      // It comes back, and not in a loop.
      await world.clock.pass(900);
      expect(world.wires).toHaveLength(length);
      await world.clock.pass(5000);
      expect(world.wires.length).toBeGreaterThan(length);
      await world.wire.welcome();
      expect(world.client.status.live).toBe(true);
      await works(world);
    });
  }

  test("another version of the protocol ends the client, and says which", async () => {
    const world = new World().connect();
    await settle();
    const asked = world.client.emit("e", 1);
    await world.wire.welcome({ v: 2 });
    expect(world.client.status).toMatchObject({
      state: "ended",
      error: { is: "NotRtcore", code: "INVALID_MESSAGE" },
    });
    expect(String(await fate(world.client.ready()))).toContain("version 2 of the protocol, not 1");
    expect(await fate(asked)).toMatchObject({ code: "UNAVAILABLE", maybeDone: false });
  });

  test("pings each millisecond are not asked for, whatever a server says", async () => {
    const world = await World.live({}, { limits: { ping: 0.001, silence: 60 } });
    const before = world.wire.of("ping").length;
    await world.clock.pass(1000);
    expect(world.wire.of("ping").length - before).toBeLessThanOrEqual(10);
  });
});

describe("ends", () => {
  for (const [row, bye] of [
    ["no time to come back", { after: "soon" }],
    ["a time before now", { after: -5 }],
    ["a time that is none", { after: [] }],
    ["a code that is none", { code: "x" }],
    ["a reason that is none", { reason: { a: 1 } }],
  ] as [string, Said][]) {
    test(`a bye that says what none should is a loss like another: ${row}`, async () => {
      const world = await World.live();
      await world.wire.hear({ type: "bye", code: 4001, reason: "", ...bye });
      await world.wire.close(1006);
      const { length } = world.wires;
      await world.clock.pass(900);
      expect(world.wires).toHaveLength(length);
      await world.clock.pass(200);
      expect(world.wires).toHaveLength(length + 1);
      await world.wire.welcome();
      await works(world);
    });
  }

  test("a token that is refused is asked for once more, and then it is over", async () => {
    const refused: unknown[] = [];
    const world = new World().connect({ token: (one) => (refused.push(one) ? "old" : null) });
    await settle();
    await world.wire.open();
    await world.wire.close(4501, { reason: "expired" });
    await world.clock.pass(0);
    await world.wire.open();
    expect(refused).toEqual([undefined, "old"]);
    expect(await fate(world.client.ready())).toMatchObject({
      name: "TokenRefused",
      code: "UNAUTHORIZED",
      close: 4501,
    });
  });
});

describe("answers", () => {
  for (const [row, data] of [
    ["nothing", null],
    ["a number", 5],
    ["history that is none", { seq: 5, began: 5, members: [], history: 7 }],
    ["members that are none", { seq: 5, began: 5, members: 7 }],
  ] as const) {
    test(`a join that is answered with what none can be fails, and is not waited for: ${row}`, async () => {
      const world = await World.live();
      const joining = world.client.join("tea");
      await settle();
      await world.wire.hear({ type: "ack", id: 1, data });
      const told = await fate(joining);
      expect(told).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("what none should") });
      await world.clock.pass(2000);
      if (world.wires.length > 1) await world.wire.welcome();
      await works(world);
    });
  }

  for (const error of [
    5,
    "x",
    {},
    { code: 7, message: [] },
    { retry: true, after: "x" },
    { retry: true, after: -1 },
  ]) {
    test(`an error that is none is an error: ${JSON.stringify(error)}`, async () => {
      const world = await World.live();
      const asked = world.client.emit("e", 1);
      await settle();
      for (let n = 0; n < 7; n++) {
        await world.wire.hear({ type: "ack", id: world.wire.of("emit").at(-1)!.id, error });
        await world.clock.pass(1000);
      }
      const told = (await fate(asked)) as { code: string; message: string };
      expect(told).toMatchObject({ name: expect.stringMatching("Rejected|RequestTimeout") });
      expect([typeof told.code, typeof told.message]).toEqual(["string", "string"]);
      expect(world.wire.shut).toBeUndefined();
      await works(world);
    });
  }
});

describe("MessagePack", () => {
  const hex = (text: string): Uint8Array =>
    Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  for (const [row, bytes] of [
    ["nothing", ""],
    ["a text that ends too soon", "a5616263"],
    ["an extension", "d40100"],
    ["an array without end", "91".repeat(200_000)],
    ["a number where a message is", "05"],
    ["a seq beyond all numbers", "83a474797065a56576656e74a56576656e74a165a3736571cf7fffffffffffffff"],
  ] as const) {
    test(`a packed frame that cannot be unpacked closes the connection: ${row}`, async () => {
      const world = new World().connect({}, [
        (kit: never) => {
          (kit as { hands: { codec: unknown } }).hands.codec = {
            protocol: "x",
            pack: (frame: string) => packed(JSON.parse(frame)),
            unpack: (frame: Uint8Array) => messagesOf(unpacked(frame)),
          };
        },
      ]);
      await settle();
      await world.wire.welcome();
      const old = world.wire;
      await old.bytes(hex(bytes));
      expect(old.shut).toMatchObject({ code: 4001 });
      await world.clock.pass(1000);
      await world.wire.welcome();
      await works(world);
    });
  }
});

test("bytes where text was agreed on close the connection", async () => {
  const world = await World.live();
  await world.wire.bytes(new Uint8Array([1, 2, 3]));
  expect(world.wire.shut).toMatchObject({ code: 4001 });
});

test("whatever is decoded is messages or an error", () => {
  for (const [, frame] of CLOSES.slice(0, 8)) expect(() => decode(frame)).toThrow();
  for (const [, frame] of PASSES) expect(decode(frame)).toHaveLength(1);
});

test("an address at which a WebSocket cannot be made is a failed attempt, and no exception of the page", async () => {
  vi.stubGlobal(
    "WebSocket",
    class {
      constructor() {
        throw new SyntaxError("no WebSocket for you");
      }
    },
  );
  try {
    const client = connect("http://server.example/rt", { attempts: 1 });
    await vi.waitFor(() => expect(client.status.state).toBe("ended"));
    expect(client.status.error).toMatchObject({ is: "NotConnected", code: "UNAVAILABLE" });
  } finally {
    vi.unstubAllGlobals();
  }
});
