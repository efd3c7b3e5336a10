// Plain HTTP, with a server that the test plays: what is asked, and what no more.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connect } from "../src/connect.ts";
import { fallback, type Transport } from "../src/fallback.ts";
import type { Client } from "../src/types.ts";
import type { Said } from "../src/words.ts";

interface Asked {
  path: string;
  headers: Record<string, string>;
  body: Said | undefined;
}

const WELCOME = {
  type: "welcome",
  v: 1,
  session: "s1",
  key: "k1",
  user: null,
  epoch: "e",
  life: "l",
  seq: 0,
  taken: 0,
  resumed: false,
  rooms: [],
  limits: {},
};

let asked: Asked[];
/** What answers a poll, a send, a stream; without it they hang as long as nothing comes. */
let answers: Partial<Record<string, () => Response | Promise<Response>>>;
let client: Client;

beforeEach(() => {
  asked = [];
  answers = {};
  vi.stubGlobal("fetch", async (url: string, { headers = {}, body, signal }: RequestInit = {}) => {
    const path = url.replace(/.*\/rt\//, "").replace(/\?.*/, "");
    asked.push({
      path,
      headers: headers as Record<string, string>,
      body: body === undefined ? undefined : JSON.parse(String(body)),
    });
    if (path === "session") return Response.json({ ...WELCOME, resumed: asked.length > 1 });
    const answer = answers[path]?.();
    delete answers[path];
    return (
      answer ??
      new Promise<Response>((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      })
    );
  });
});
afterEach(async () => {
  await client.end();
  vi.unstubAllGlobals();
});

const begin = async (transport: Transport): Promise<Client> => {
  client = connect("http://server.example/rt", { transport, with: [fallback], random: () => 1 });
  await client.ready();
  return client;
};
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const of = (path: string): Asked[] => asked.filter((each) => each.path === path);
const bye = (code: number, reason = ""): Said => ({ type: "bye", code, reason });

for (const [how, transport, path, answer] of [
  ["a poll", "polling", "poll", () => Response.json({ n: 1, messages: [bye(4500)] })],
  [
    "an event stream that stays open",
    "sse",
    "sse",
    () => new Response(streamOf(`data: ${JSON.stringify(bye(4500))}\n\n`)),
  ],
  ["a send", "polling", "send", () => Response.json({ messages: [bye(4500)] })],
] as const) {
  test(`a bye in the answer to ${how} is the end: nothing more is asked`, async () => {
    answers[path] = answer;
    await begin(transport);
    const said = client.emit("say", 1).catch((error) => error);
    if (path !== "send") await vi.waitFor(() => expect(of(path)).toHaveLength(1));
    await vi.waitFor(() => expect(client.status.state).toBe("ended"));
    expect(await said).toMatchObject({ maybeDone: expect.any(Boolean) });
    const { length } = asked;
    for (let n = 0; n < 20; n++) await settle();
    expect(asked).toHaveLength(length);
    expect(client.status.error).toMatchObject({ is: "Superseded" });
  });
}

test("a bye that says when is followed by no poll until then", async () => {
  answers.poll = () => Response.json({ n: 1, messages: [{ ...bye(4000, "restart"), after: 60 }] });
  await begin("polling");
  await vi.waitFor(() => expect(client.status.state).toBe("waiting"));
  for (let n = 0; n < 20; n++) await settle();
  expect(of("poll")).toHaveLength(1);
  expect(of("session")).toHaveLength(1);
});

test("each request says by which hello it speaks, so that none is done in a session that another has taken over", async () => {
  await begin("polling");
  void client.emit("say", 1).catch(() => undefined);
  await vi.waitFor(() => expect(of("send")).toHaveLength(1));
  const { n } = of("session")[0]!.body!;
  for (const path of ["poll", "send"]) {
    expect(of(path)[0]!.headers).toEqual({ authorization: "Session s1:k1", "rtcore-hello": String(n) });
  }
  client.reconnect();
  await vi.waitFor(() => expect(of("poll")).toHaveLength(2));
  expect(of("poll")[1]!.headers["rtcore-hello"]).toBe(String(of("session")[1]!.body!.n));
  expect(of("session")[1]!.body!.n).toBeGreaterThan(n);
});

for (const page of [
  "<html>sign in</html>",
  "[1]",
  '{"messages":[]}',
  '{"messages":5,"n":1}',
  '{"messages":[5],"n":1}',
  "\xff",
]) {
  test(`a page in place of an answer is a broken connection, and the page goes on: ${page}`, async () => {
    answers.poll = () => new Response(page, { headers: { "content-type": "text/html" } });
    await begin("polling");
    await vi.waitFor(() => expect(client.status.state).toBe("waiting"));
    expect(client.status.error).toMatchObject({ is: "NotConnected", code: "UNAVAILABLE" });
    client.tryNow();
    await vi.waitFor(() => expect(client.status.live).toBe(true));
  });
}

for (const [what, status, body, is, code] of [
  ["a server of files", 404, "<html>not here</html>", "NotRtcore", "NOT_FOUND"],
  ["a server that takes no POST", 405, "", "NotRtcore", "NOT_FOUND"],
  [
    "an rtcore server that refuses the token",
    401,
    '{"code":"UNAUTHORIZED","message":"no"}',
    "TokenRefused",
    "UNAUTHORIZED",
  ],
  [
    "an rtcore server that lets nobody in",
    403,
    '{"code":"FORBIDDEN","message":"no"}',
    "Forbidden",
    "FORBIDDEN",
  ],
] as const) {
  test(`a hello that is answered by ${what} ends the client with ${code}`, async () => {
    vi.stubGlobal("fetch", async () => new Response(body, { status }));
    client = connect("http://server.example/rt", { transport: "polling", with: [fallback], random: () => 1 });
    await expect(client.ready()).rejects.toMatchObject({ name: is, code });
    expect(client.status.error).toMatchObject({ is, code });
  });
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (sink) => sink.enqueue(new TextEncoder().encode(text)) });
}
