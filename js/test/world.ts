// A world for one client: time that only the test moves, and connections that the test answers.

import type { Client } from "../src/client.ts";
import type { Clock } from "../src/clock.ts";
import { connect, type Kit, type Options, type Part } from "../src/connect.ts";
import type { Ears, End, Link } from "../src/link.ts";
import { rooms } from "../src/rooms.ts";
import { streams } from "../src/streams.ts";
import { decode, type Said } from "../src/words.ts";

/** Let everything happen that waits for nothing. */
export const settle = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

export class FakeClock implements Clock {
  time = 0;
  /** How far the wall's clock went on while the other stood. */
  slept = 0;
  readonly #timers: { at: number; call: () => void }[] = [];

  /** How many timers are set. */
  get waiting(): number {
    return this.#timers.length;
  }

  now = (): number => this.time;
  wall = (): number => 1_790_000_000_000 + this.time + this.slept;
  after = (ms: number, call: () => void): (() => void) => {
    const timer = { at: this.time + ms, call };
    if (ms < Number.POSITIVE_INFINITY) this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  };

  /** Let time go by; what is due happens in its order. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.time = Math.max(this.time, due.at);
      due.call();
      await settle();
    }
    this.time = end;
  }
}

/** One connection, from the server's side. */
export class Wire {
  readonly transport: string;
  readonly said: Said[] = [];
  /** What the client closed it with. */
  shut: { code: number; reason: string } | undefined;
  readonly #ears: Ears;

  constructor(transport: string, ears: Ears) {
    this.transport = transport;
    this.#ears = ears;
  }

  readonly link: Link = {
    say: (frame) => {
      this.said.push(...decode(frame));
    },
    shut: (code, reason) => {
      this.shut = { code, reason };
    },
  };

  async open(): Promise<void> {
    this.#ears.opened();
    await settle();
  }

  async hear(...messages: Said[]): Promise<void> {
    this.#ears.heard(JSON.stringify(messages));
    await settle();
  }

  async raw(frame: string): Promise<void> {
    this.#ears.heard(frame);
    await settle();
  }

  async bytes(frame: Uint8Array): Promise<void> {
    this.#ears.heard(frame.slice().buffer);
    await settle();
  }

  async close(code = 1006, more: Partial<End> = {}): Promise<void> {
    this.#ears.closed({ code, ...more });
    await settle();
  }

  /** What was said of this type. */
  of(type: string): Said[] {
    return this.said.filter((each) => each.type === type);
  }

  /** Open it and welcome who says hello. */
  async welcome(more: Said = {}): Promise<Said> {
    await this.open();
    const hello = this.of("hello").at(-1)!;
    const limits = { max_message: 1 << 20, ping: 25, silence: 60, acks: 256, keys: 3600, ...more.limits };
    await this.hear({
      type: "welcome",
      v: 1,
      session: "s1",
      key: "k1",
      user: "ann",
      epoch: "e",
      life: "l1",
      seq: 0,
      head: 0,
      taken: 0,
      resumed: hello.session !== undefined,
      rooms: [],
      time: 0,
      ...more,
      limits,
    });
    return hello;
  }
}

/** A client and what is around it. */
export class World {
  readonly clock = new FakeClock();
  readonly wires: Wire[] = [];
  /** What each attempt fails with, for a moment before it begins. */
  readonly failed: string[] = [];
  moves: string | undefined;
  client!: Client;
  kit!: Kit;

  connect(options: Options = {}, parts: Part[] = []): this {
    const part = (kit: Kit): void => {
      this.kit = kit;
      kit.hands.choice = {
        next: () => "websocket",
        open: (transport) => (_, ears) => {
          const wire = new Wire(transport, ears);
          this.wires.push(wire);
          return wire.link;
        },
        failed: (transport) => {
          this.failed.push(transport);
          return false;
        },
        worked: () => undefined,
        toTry: () => this.moves,
      };
    };
    this.client = connect("http://server.example/rt", {
      clock: this.clock,
      random: () => 1,
      ...options,
      with: [part, rooms, streams, ...parts],
    });
    return this;
  }

  /** The newest connection. */
  get wire(): Wire {
    return this.wires.at(-1)!;
  }

  /** A client that is live. */
  static async live(options: Options = {}, more: Said = {}): Promise<World> {
    const world = new World().connect(options);
    await settle();
    await world.wire.welcome(more);
    return world;
  }

  /** It is lost, and back. */
  async back(more: Said = {}): Promise<void> {
    await this.wire.close();
    this.client.tryNow();
    await this.clock.pass(0);
    await this.wire.welcome(more);
  }
}

/** What became of a promise by now. */
export const fate = async (promise: Promise<unknown>): Promise<unknown> => {
  await settle();
  return Promise.race([promise.catch((error) => error), Promise.resolve().then(() => "pending")]);
};
