// Plays a scenario of `vectors/scenarios/` (the format is in vectors/README.md) over the transports of this client:
// what is said is the scenario's, how it gets to the server and back is the client's. No step waits without a
// deadline, and that nothing came is shown by a fence.

import { readdirSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import type { Kit } from "../src/connect.ts";
import type { Codec, End, Link, Open } from "../src/link.ts";
import { msgpack } from "../src/msgpack.ts";
import { eventStream, polling } from "../src/plain.ts";
import { webSocket } from "../src/socket.ts";
import { decode, encode, type Said } from "../src/words.ts";

const FOLDER = new URL("../../vectors/scenarios/", import.meta.url);
/** Milliseconds: longer than anything takes on a machine with other work to do. Never a figure. */
const PATIENCE = 60_000;

export interface Script {
  app?: string;
  limits?: Record<string, number>;
  ways?: string[];
  for?: string[];
  steps: Said[];
}

const kit = { hands: {} } as Kit;
msgpack(kit as never);
const codec = kit.hands.codec!;

interface Way {
  open: Open;
  codec?: Codec;
}

/** What carries messages, by the names that scenarios have for it. */
export const WAYS: Readonly<Record<string, Way>> = {
  websocket: { open: webSocket },
  msgpack: { open: webSocket, codec },
  sse: { open: eventStream },
  polling: { open: polling },
};

/** All of them, by name. */
export const scenarios = (): Record<string, Script> =>
  Object.fromEntries(
    readdirSync(FOLDER)
      .sort()
      .map((file) => [file.replace(".yaml", ""), parse(readFileSync(new URL(file, FOLDER), "utf8"))]),
  );

/** One connection of a scenario: its link, and what came on it and was not asked for yet. */
class Connection {
  readonly plain: boolean;
  readonly #way: Way;
  readonly #base: URL;
  readonly pending: Said[] = [];
  readonly heard: Said[] = [];
  link: Link | undefined;
  end: End | undefined;
  #news: () => void = () => undefined;

  constructor(way: Way, base: URL) {
    this.#way = way;
    this.#base = base;
    this.plain = way.open !== webSocket;
  }

  #take(messages: Said[]): void {
    for (const said of messages) {
      if (said.type === "welcome") this.link!.welcomed?.(said.session, said.key);
    }
    this.pending.push(...messages);
    this.heard.push(...messages);
    this.#news();
  }

  #read(frame: string | ArrayBuffer | Said[]): Said[] {
    if (Array.isArray(frame)) return frame;
    return typeof frame === "string" ? decode(frame) : this.#way.codec!.unpack(new Uint8Array(frame));
  }

  /** Open it. Rejects where it ends before. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const ears = {
        opened: resolve,
        heard: (frame: string | ArrayBuffer | Said[]) => this.#take(this.#read(frame)),
        alive: () => undefined,
        closed: (end: End) => {
          this.end = end;
          reject(new Error(`it ended with ${end.code}: ${end.reason}`));
          this.#news();
        },
      };
      this.link = this.#way.open(this.#base, ears, true, this.#way.codec);
    });
  }

  async say(messages: Said[]): Promise<void> {
    const hello = !this.link;
    if (hello) await this.open();
    const texts = messages.map((each) => encode(each));
    this.link!.say(texts.length === 1 ? texts[0]! : `[${texts.join()}]`, hello);
  }

  /** Wait for the first message that fits, and take it; what does not fit stays. */
  async hear(fitting: (said: Said) => boolean, what: unknown): Promise<Said> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const at = this.pending.findIndex(fitting);
      if (at >= 0) return this.pending.splice(at, 1)[0]!;
      const wait = end - Date.now();
      if (wait <= 0 || this.end) {
        const lines = [what, this.heard, this.end].map((each) => JSON.stringify(each));
        throw new Error(`nothing like ${lines[0]} was heard; heard: ${lines[1]}; ended: ${lines[2]}`);
      }
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, wait);
        this.#news = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }

  /** Wait for its end. */
  async over(code: unknown): Promise<void> {
    while (!this.end) {
      await this.hear(({ type }) => type === "bye" || this.end !== undefined, "an end").catch((error) => {
        if (!this.end) throw error;
      });
    }
    if (typeof code === "number" && this.end.code !== code) {
      throw new Error(`it ended with ${this.end.code}, and not ${code}`);
    }
  }
}

let runs = 0;

/** One run of one scenario. */
export class Play {
  readonly #script: Script;
  readonly #way: string;
  readonly #base: URL;
  readonly #names: Record<string, unknown> = { run: `js${process.pid}-${++runs}` };
  readonly #connections = new Map<string, Connection>();
  #fences = 0;
  #asked = 1_000_000;

  constructor(script: Script, way: string, base: URL) {
    this.#script = script;
    this.#way = way;
    this.#base = base;
  }

  async run(): Promise<void> {
    try {
      for (const [number, step] of this.#script.steps.entries()) {
        await this.#step(step).catch((error) => {
          throw new Error(`step ${number + 1}, ${JSON.stringify(step)}: ${error.message}`, { cause: error });
        });
      }
    } finally {
      for (const { link } of this.#connections.values()) link?.shut(4001, "the scenario is over");
    }
  }

  async #step({ at, by, ways, times = 1, ...step }: Said): Promise<void> {
    if (ways && !ways.includes(this.#way)) return;
    const on = this.#connections.get(at) ?? new Connection(WAYS[by ?? this.#way]!, this.#base);
    this.#connections.set(at, on);
    for (let n = 0; n < times; n++) {
      this.#names.i = n;
      if (step.say) await this.#say(on, step.say);
      else if (step.hear) await this.#hear(on, step.hear);
      else if (step.never) await this.#never(on, step.never);
      else if (step.until) await this.#until(on, step.until);
      else if (step.break) on.link?.shut(4001, "cut");
      else if (step.end && on.plain) await on.over(step.end.code);
      else if (step.end) await this.#hear(on, { type: "bye", ...step.end });
      else throw new Error(`no such step: ${JSON.stringify(step)}`);
    }
  }

  #say(on: Connection, what: Said | Said[]): Promise<void> {
    return on.say([what].flat().map((each) => saidWith(each, this.#names) as Said));
  }

  async #hear(on: Connection, what: Said | Said[]): Promise<void> {
    let last = -1;
    for (const wanted of [what].flat()) {
      const said = await on.hear((each) => this.#fits(wanted, each), wanted);
      if (said.type !== "event" || !said.seq) continue;
      if (said.seq <= last) throw new Error(`${JSON.stringify(said)} came out of order`);
      last = said.seq;
    }
  }

  /** Names that stand for something are kept only if all of it fits. */
  #fits(wanted: unknown, found: unknown): boolean {
    const names = { ...this.#names };
    const does = fits(wanted, found, names);
    if (does) Object.assign(this.#names, names);
    return does;
  }

  /** None of these came, up to now. A fence says that all that was said has come. */
  async #never(on: Connection, what: Said | Said[]): Promise<void> {
    const fence = `${this.#names.run}.${++this.#fences}`;
    await on.say([{ type: "emit", event: "fence", data: fence }]);
    await this.#hear(on, { type: "event", event: "fence", data: fence });
    for (const wanted of [what].flat()) {
      const found = on.pending.find((each) => fits(wanted, each, { ...this.#names }));
      if (found) throw new Error(`${JSON.stringify(found)} was heard, and should never be`);
    }
  }

  /** Ask one thing again and again until it is answered so: `ask`, and the `data` of its ack. */
  async #until(on: Connection, { ask, data }: Said): Promise<void> {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      const id = ++this.#asked;
      await on.say([{ ...(saidWith(ask, this.#names) as Said), id }]);
      const ack = await on.hear((each) => each.type === "ack" && each.id === id, { type: "ack", id });
      if (this.#fits(data, ack.data)) return;
    }
    throw new Error("it was never answered so");
  }
}

const isObject = (value: unknown): value is Said =>
  value instanceof Object && !Array.isArray(value) && !(value instanceof Uint8Array);
const has = (value: Said, ...names: string[]): boolean => names.every((name) => name in value);

/** What is said, with the names in it replaced: `$x` by what it stands for, `${x}.y` within a text. */
function saidWith(value: unknown, names: Said): unknown {
  if (typeof value === "string") {
    if (value.startsWith("$") && value.slice(1) in names) return names[value.slice(1)];
    return value.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (all, bare, braced) => {
      const name = bare ?? braced;
      return all === "$$" ? "$" : name in names ? String(names[name]) : all;
    });
  }
  if (Array.isArray(value)) return value.map((each) => saidWith(each, names));
  if (!isObject(value)) return value;
  if (has(value, "repeat", "times")) return String(saidWith(value.repeat, names)).repeat(value.times);
  if (has(value, "plus", "of")) return Number(saidWith(value.of, names)) + value.plus;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, saidWith(each, names)]));
}

/** Whether what came is what is wanted: of an object the fields that are named. A name that is new stands for it. */
function fits(wanted: unknown, found: unknown, names: Said): boolean {
  if (wanted === "?") return found != null;
  if (typeof wanted === "string" && /^\$[^${]/.test(wanted)) {
    const name = wanted.slice(1);
    names[name] ??= found;
    return isDeepStrictEqual(names[name], found);
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return false;
    return wanted.every((each, at) => fits(each, found[at], names));
  }
  if (isObject(wanted) && !has(wanted, "repeat", "times") && !has(wanted, "plus", "of")) {
    const { absent = [], ...fields } = wanted;
    if (Object.keys(fields).every((name) => name === "above" || name === "upto") && !absent.length) {
      const { above, upto } = saidWith(fields, names) as { above?: number; upto?: number };
      return typeof found === "number" && !(found <= above!) && !(found > upto!);
    }
    if (!isObject(found) || absent.some((name: string) => name in found)) return false;
    return Object.entries(fields).every(([name, each]) => fits(each, found[name], names));
  }
  return isDeepStrictEqual(saidWith(wanted, names) ?? null, found ?? null);
}
