// Plain HTTP: hello and what is said by POST, what is heard by an event stream or by polls.

import { ABNORMAL } from "./coming.ts";
import { EventStream } from "./events.ts";
import type { Ears, End, Link, Open } from "./link.ts";
import { FIRST_BYTE } from "./socket.ts";
import { decode, messagesOf, type Said, valueIn } from "./words.ts";

/** Seconds that a poll is open. */
const WAIT = 25;
/** What stands between may gather so much before it passes anything on: then so many bytes come first. */
const PADDING = 16_384;
/** Characters that go into one body, if a message alone has not more. */
const BODY = 65_536;
/** What a refusal of hello means as a close code; the others come back. */
const CLOSES: Readonly<Record<number, number>> = { 400: 4504, 401: 4501, 403: 4502, 409: 4500, 413: 1009 };

class Refused extends Error {
  readonly end: End;

  constructor(end: End) {
    super(end.reason);
    this.end = end;
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** One session over plain HTTP. */
class Plain implements Link {
  readonly #base: URL;
  readonly #ears: Ears;
  readonly #known: boolean;
  readonly #stream: boolean;
  readonly #over = new AbortController();
  #session = "";
  /** The number of its hello: what a later one has taken over is not done by this connection. */
  #by: { "rtcore-hello"?: string } = {};
  #out: string[] = [];
  #saying = false;

  constructor(base: URL, ears: Ears, known: boolean, stream: boolean) {
    this.#base = base;
    this.#ears = ears;
    this.#known = known;
    this.#stream = stream;
    // Plain HTTP opens by its hello.
    queueMicrotask(() => ears.opened());
  }

  say(frame: string, hello = false): void {
    if (hello) {
      const { n } = valueIn(frame) as Said;
      if (n !== undefined) this.#by = { "rtcore-hello": String(n) };
      void this.#guard(() => this.#greet(frame));
    } else {
      this.#out.push(frame);
      if (!this.#saying && this.#session) void this.#guard(() => this.#speak());
    }
  }

  welcomed(session: string, key: string | null): void {
    this.#session = `Session ${session}:${key}`;
    void this.#guard(() => (this.#stream ? this.#read() : this.#poll()));
  }

  shut(): void {
    const last = this.#out.splice(0);
    // What was said last may still leave: the end of the session, say.
    if (last.length && this.#session)
      void this.#ask("send", this.#body(last), { keepalive: true }).catch(() => undefined);
    this.#over.abort();
  }

  /** What ends one half ends both. */
  async #guard(part: () => Promise<void>): Promise<void> {
    try {
      await part();
    } catch (error) {
      if (this.#over.signal.aborted) return;
      this.#over.abort();
      this.#ears.closed(
        error instanceof Refused ? error.end : { code: ABNORMAL, reason: (error as Error).message },
      );
    }
  }

  #ask(path: string, body?: string, more: RequestInit = { signal: this.#over.signal }): Promise<Response> {
    return fetch(`${this.#base.href}/${path}`, {
      ...(body !== undefined && { method: "POST", body }),
      ...(this.#session && { headers: { authorization: this.#session, ...this.#by } }),
      cache: "no-store",
      credentials: "omit",
      ...more,
    });
  }

  /** The end that an answer other than the wanted one means. */
  async #refusal(answer: Response, hello = false): Promise<Refused> {
    const { status, headers } = answer;
    const said: Said = await answer.json().catch(() => ({}));
    const { code, message = `HTTP ${status}` } = said;
    const seconds = Number(headers.get("retry-after") ?? Number.NaN);
    const after = seconds >= 0 ? seconds : undefined;
    if (hello && !code && [404, 405, 501].includes(status) && !this.#known) {
      const text = `${this.#base} is no rtcore server: it answers ${status} to a hello`;
      return new Refused({ code: ABNORMAL, failure: { is: "NotRtcore", code: "NOT_FOUND", message: text } });
    }
    const codes = hello ? CLOSES : { 401: 4005, 204: 4500 };
    const end = (code || status === 204) && (codes as Record<number, number>)[status];
    return new Refused({ code: end || ABNORMAL, reason: message, after });
  }

  // -- up

  async #greet(frame: string): Promise<void> {
    const deadline = AbortSignal.timeout(15_000);
    const answer = await this.#ask("session", frame, {
      signal: AbortSignal.any([this.#over.signal, deadline]),
    });
    if (!answer.ok) throw await this.#refusal(answer, true);
    const text = await answer.text();
    this.#pass(decode(text), text.length);
  }

  #body(messages: string[]): string {
    // Each is a message, or an array of them.
    return messages.length === 1
      ? messages[0]!
      : `[${messages.map((each) => each.replace(/^\[|\]$/g, "")).join()}]`;
  }

  /** The next goes out after the answer to the last. */
  async #speak(): Promise<void> {
    this.#saying = true;
    while (this.#out.length && !this.#over.signal.aborted) {
      let size = 0;
      const fits = this.#out.findIndex((frame) => (size += frame.length) > BODY);
      const body = this.#body(this.#out.splice(0, fits < 0 ? this.#out.length : Math.max(1, fits)));
      for (;;) {
        const answer = await this.#ask("send", body);
        if (answer.ok && answer.status !== 204) {
          this.#heard(await answer.text());
          break;
        }
        if (answer.status !== 429) throw await this.#refusal(answer);
        // Full for now: all of it may be sent again.
        await pause(1000 * (Number(answer.headers.get("retry-after")) || 1), this.#over.signal);
      }
    }
    this.#saying = false;
  }

  #heard(text: string): Said {
    const said = valueIn(text) as Said;
    const { messages } = said;
    if (!Array.isArray(messages)) throw new TypeError("no answer");
    if (messages.length) this.#pass(messagesOf(messages), text.length);
    else this.#ears.alive();
    return said;
  }

  /** Nothing closes here: a `bye` is the end, and after it nothing is asked. */
  #pass(messages: Said[], size: number): void {
    this.#ears.heard(messages, size);
    const bye = messages.find(({ type }) => type === "bye");
    if (bye) throw new Refused({ code: bye.code ?? ABNORMAL, reason: bye.reason, after: bye.after });
  }

  // -- down

  async #read(padding = 0): Promise<void> {
    const first = new AbortController();
    const late = setTimeout(() => first.abort(), FIRST_BYTE / 2);
    try {
      const signal = AbortSignal.any([this.#over.signal, first.signal]);
      const answer = await this.#ask(padding ? `sse?padding=${padding}` : "sse", undefined, { signal });
      if (!answer.ok || answer.status === 204 || !answer.body) throw await this.#refusal(answer);
      const taken = new EventStream();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        clearTimeout(late);
        if (done) throw new Refused({ code: ABNORMAL, reason: "the stream ended" });
        const found = taken.take(value);
        if (!found.length) this.#ears.alive();
        for (const data of found) this.#pass(decode(data), data.length);
      }
    } catch (error) {
      if (!first.signal.aborted) throw error;
    }
    if (padding) {
      const reason = "the event stream is gathered on the way";
      throw new Refused({ code: ABNORMAL, useless: true, reason });
    }
    await this.#read(PADDING);
  }

  async #poll(): Promise<void> {
    let after = 0;
    for (;;) {
      const answer = await this.#ask(`poll?after=${after}&wait=${WAIT}`);
      if (!answer.ok || answer.status === 204) throw await this.#refusal(answer);
      after = this.#heard(await answer.text()).n;
      if (!Number.isInteger(after)) throw new TypeError("no answer");
    }
  }
}

export const eventStream: Open = (base, ears, known) => new Plain(base, ears, known, true);
export const polling: Open = (base, ears, known) => new Plain(base, ears, known, false);
