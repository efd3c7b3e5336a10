// The heartbeat of a session's connection: pings, what they measure, when it is given up, and what is reported.

import type { Connection } from "./connection.ts";
import type { Identity } from "./identity.ts";
import type { Hands } from "./line.ts";
import type { Measured } from "./port.ts";
import { Pulse } from "./pulse.ts";
import { Reports } from "./reports.ts";
import type { Sending } from "./sending.ts";
import type { Said } from "./words.ts";

/** For the answer to a ping, when the page has been away. */
const CHECK = 2000;
const SECOND = 1000;

/** Begins anew with each connection. */
export class Beat {
  pulse: Pulse | undefined;
  bytesIn = 0;
  bytesOut = 0;
  readonly #hands: Hands;
  readonly #connection: Connection;
  readonly #sending: Sending;
  readonly #who: Identity;
  readonly reports: Reports;
  #stop: (() => void) | undefined;
  #trips = 0;
  #ahead: number | undefined;
  /** How often it was welcome when the last report went out. */
  #reported = 1;

  constructor(hands: Hands, connection: Connection, sending: Sending, who: Identity) {
    this.#hands = hands;
    this.#connection = connection;
    this.#sending = sending;
    this.#who = who;
    this.reports = new Reports(hands.clock, () => this.#report());
  }

  /** `welcome` has come. */
  begin(time: unknown): void {
    const { clock } = this.#hands;
    const { ping, silence, report } = this.#sending.limits;
    if (typeof time === "number") this.#ahead = time - clock.wall();
    this.pulse = new Pulse(clock.now(), ping, silence);
    this.reports.begin(report);
  }

  /** The connection is gone. */
  end(): void {
    this.pulse = undefined;
    this.#stop?.();
    this.reports.end();
  }

  ping(): void {
    const { pulse } = this;
    if (!pulse || !this.#sending.open) return;
    const lost = pulse.asked !== undefined;
    this.#sending.say(pulse.question(this.#hands.clock.now(), this.#sending.acked));
    if (lost) this.#consider(pulse);
  }

  ponged(said: Said): void {
    if (!this.pulse?.ponged(this.#hands.clock.now(), said.time)) return;
    this.#trips++;
    this.#consider(this.pulse);
  }

  /** The page was away, or the network is another: is the connection still there? */
  check(): void {
    this.#connection.tryNow();
    const { pulse } = this;
    if (!pulse) return;
    const { clock } = this.#hands;
    const then = clock.now();
    this.ping();
    clock.after(CHECK, () => {
      if (pulse === this.pulse && pulse.heard <= then) this.#connection.reconnect("silent");
    });
  }

  get measured(): Measured {
    const { choice } = this.#hands;
    return {
      trip: this.pulse?.last,
      trips: this.#trips,
      loss: this.pulse?.loss ?? 0,
      reconnects: Math.max(0, this.#who.welcomes - 1),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      failed: choice.failedAbove?.(this.#connection.line?.transport ?? "") ?? [],
      ahead: this.#ahead,
      advised: this.reports.advice,
    };
  }

  #report(): void {
    const { smoothed } = this.pulse ?? {};
    const { loss, failed } = this.measured;
    const said: Said = { type: "report", transport: this.#connection.line?.transport };
    if (smoothed !== undefined) said.rtt = Math.round(smoothed);
    said.loss = Math.round(loss * 1000) / 1000;
    said.reconnects = this.#who.welcomes - this.#reported;
    this.#reported = this.#who.welcomes;
    if (failed.length) said.why = `${failed.join(" and ")} failed`;
    this.#sending.say(said);
  }

  /** A hint of the server's: what to wait with, and where to go. */
  advised(said: Said): void {
    this.reports.advised(said);
    this.#hands.choice.advised?.(this.reports.advice?.transport);
    this.#consider();
  }

  /** Whether to move: to what was advised; up; or, after a ping, down. */
  #consider(pulse?: Pulse): void {
    const { choice, clock } = this.#hands;
    const { line, mayMove } = this.#connection;
    const other = mayMove && choice.toTry?.(line!.transport, clock.now(), pulse);
    if (other) this.#connection.move(other);
  }

  /** Ping when it is time, and give up what is silent. */
  tick(): void {
    const { clock } = this.#hands;
    const pulse = this.pulse!;
    this.#stop?.();
    const then = clock.now();
    const wall = clock.wall();
    let asked = then;
    const next = (): void => {
      const wait = Math.min(pulse.ping, pulse.deadline - clock.now());
      this.#stop = clock.after(this.#sending.http ? SECOND : Math.max(0, wait), beat);
    };
    const beat = (): void => {
      const now = clock.now();
      if (now >= pulse.deadline) {
        this.#connection.giveUp(this.#connection.line!, "silent");
        return;
      }
      // A wall that went on while the other clock stood: the machine slept.
      if (clock.wall() - wall - (now - then) > 2 * pulse.ping) this.check();
      if (this.#sending.http) this.#sending.askAgain();
      if (now - asked >= pulse.ping) {
        asked = now;
        this.ping();
      }
      this.#consider();
      next();
    };
    next();
  }
}
