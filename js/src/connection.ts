// The connection of a session: attempts, hellos, ends, and coming back.
//
//     idle ─▶ connecting ─▶ welcoming ─▶ live
//                  ▲             │         │
//                  └── waiting ◀─┴─────────┘          ended: from anywhere, for good
//
// Every connection is a `Line` of its own: what an older one says is not heard. At most one hello is under way.

import { ABNORMAL, Backoff, verdict } from "./coming.ts";
import type { Failure } from "./errors.ts";
import type { Hands, Line, Owner } from "./line.ts";
import type { Ears, End, Frame } from "./link.ts";
import { type Happening, type State, TABLE } from "./states.ts";
import { decode } from "./words.ts";

/** Within which `welcome` must come, and the token. */
const WELCOME = 15_000;
/** Within which it must come by a transport that is tried while another is heard. */
const PATIENCE = 5000;
const SECOND = 1000;

/** One after the other, until the end. */
export class Connection {
  state: State = "idle";
  /** Why it is away, or has ended. */
  error: Failure | undefined;
  /** The one in use, or tried last. */
  line: Line | undefined;
  /** Another transport that is attached while the first is heard. */
  next: Line | undefined;
  readonly #hands: Hands;
  readonly #owner: Owner;
  readonly #backoff: Backoff;
  #due: (() => void) | undefined;
  #notBefore = 0;
  #failures = 0;
  #refused: string | undefined;

  constructor(hands: Hands, owner: Owner) {
    this.#hands = hands;
    this.#owner = owner;
    this.#backoff = new Backoff(hands.random);
  }

  #go(happening: Happening): void {
    this.state = TABLE[this.state][happening];
    this.#owner.changed();
  }

  start(): void {
    if (this.state !== "idle") return;
    this.#go("start");
    this.#open();
  }

  /** Everything that was joined is confirmed. */
  settled(): void {
    if (this.state === "welcoming") this.#backoff.live(this.#hands.clock.now());
    this.#go("settled");
  }

  /** `welcome` has come on this line. */
  welcomed(line: Line): void {
    line.late?.();
    if (line === this.next) {
      // The older connection was heard until now, and is not any more.
      this.#shut(this.line, 1000, "");
      this.line = line;
      this.next = undefined;
    }
    this.#refused = this.error = undefined;
    this.#failures = 0;
    this.#hands.choice.worked(line.transport, this.#hands.clock.now());
  }

  // -- opening

  #open(): void {
    this.#due?.();
    this.line = this.#dial(this.#hands.choice.next(this.#hands.clock.now()));
  }

  #dial(transport: string): Line {
    const { base, choice, clock, codec, token } = this.#hands;
    const line: Line = { transport };
    let waits = token ? 2 : 1;
    const ready = (): void => {
      if (!--waits && !line.gone) this.#opened(line);
    };
    if (token) {
      const failed = (reason: unknown): void => this.giveUp(line, `the token function failed: ${reason}`);
      line.late = clock.after(WELCOME, () => failed("it gave none in time"));
      // A function that throws is a failed attempt, and never "anonymous".
      token(this.#refused).then((given) => {
        line.late?.();
        line.token = given;
        ready();
      }, failed);
    }
    const ears: Ears = {
      opened: ready,
      heard: (frame: Frame, size?: number) => this.#heard(line, frame, size),
      alive: () => this.#owner.heard(line, [], 0),
      closed: (end: End) => this.#closed(line, end),
    };
    line.link = choice.open(transport)(base, ears, this.#owner.known, codec);
    return line;
  }

  #opened(line: Line): void {
    if (line === this.line) this.#go("opened");
    if (this.#refused !== undefined && line.token === this.#refused) {
      this.over(verdict(4501, "", false)!);
      return;
    }
    line.hello = true;
    const patience = line === this.next ? PATIENCE : WELCOME;
    line.late = this.#hands.clock.after(patience, () => this.giveUp(line, "no welcome came in time"));
    line.link!.say(this.#owner.hello(line.token), true);
  }

  #heard(line: Line, frame: Frame, size?: number): void {
    if (line.gone) return;
    try {
      const messages =
        typeof frame === "string"
          ? decode(frame)
          : Array.isArray(frame)
            ? frame
            : this.#hands.codec!.unpack(new Uint8Array(frame));
      for (const said of messages) {
        if (said.type === "bye") {
          const after = typeof said.after === "number" && said.after >= 0 ? said.after : undefined;
          line.told = { code: Number(said.code) || ABNORMAL, reason: String(said.reason ?? ""), after };
        }
      }
      const bytes = size ?? (frame as string).length ?? (frame as ArrayBuffer).byteLength;
      this.#owner.heard(line, messages, bytes / (messages.length || 1));
    } catch (error) {
      this.giveUp(line, `the server said what none should: ${error}`);
    }
  }

  // -- ends

  #shut(line: Line | undefined, code: number, reason: string): void {
    if (!line || line.gone) return;
    line.gone = true;
    line.late?.();
    line.link?.shut(code, reason.slice(0, 100));
  }

  /** It is of no use. */
  giveUp(line: Line, reason: string): void {
    if (line.gone) return;
    line.link?.shut(4001, reason.slice(0, 100));
    this.#closed(line, { code: ABNORMAL, reason });
  }

  #closed(line: Line, end: End): void {
    if (line.gone) return;
    const { choice, clock, token } = this.#hands;
    line.gone = true;
    line.late?.();
    if (line === this.next) {
      this.next = undefined;
      choice.failed(line.transport, clock.now());
      return;
    }
    const { code, reason = "", after, useless, failure } = line.told ?? end;
    const { welcomed, helloOpen } = this.#owner;
    const over = failure ?? verdict(code, reason, helloOpen);
    if (code === 4501 && !welcomed && this.#refused === undefined && token) {
      // A token that was kept too long is answered so; the function may have another.
      this.#refused = line.token ?? "";
      this.#lost(0, false);
    } else if (over) this.over(over);
    else {
      const message = `the connection ended with ${code}${reason && `: ${reason}`}`;
      this.error = { is: "NotConnected", message, code: "UNAVAILABLE", close: code };
      if (useless || (!welcomed && code === ABNORMAL)) {
        const other = choice.failed(line.transport, clock.now());
        this.#lost(other ? 0 : undefined, !other);
      } else this.#lost(after);
    }
  }

  /** Come back, after so many seconds if that was said. */
  #lost(after?: number, counts = true): void {
    const { attempts, clock } = this.#hands;
    this.#owner.dropped();
    this.#go("lost");
    if (this.next && after) {
      // Never before the time that the server named.
      this.#shut(this.next, 1000, "");
      this.next = undefined;
    }
    if (this.next) {
      // Another transport is on its way already.
      this.line = this.next;
      this.next = undefined;
      this.#go("due");
      if (this.line.hello) this.#go("opened");
      return;
    }
    if (counts && attempts !== undefined && ++this.#failures >= attempts) {
      const message = `${attempts} attempts failed; the last: ${this.error?.message}`;
      this.over({ ...this.error!, message });
      return;
    }
    const now = clock.now();
    const wait = counts ? this.#backoff.wait(now, after) : (after ?? 0) * SECOND;
    this.#notBefore = after ? now + wait : 0;
    this.#due = clock.after(wait, () => this.#again());
  }

  #again(): void {
    if (this.state !== "waiting") return;
    this.#go("due");
    this.#open();
  }

  /** For good. */
  over(failure: Failure): void {
    if (this.state === "ended") return;
    this.#shut(this.line, 1000, "");
    this.#shut(this.next, 1000, "");
    this.error = failure;
    this.#due?.();
    this.#owner.dropped();
    this.#go(failure.is === "ClientClosed" ? "close" : "refused");
    this.#owner.over(failure);
  }

  // -- what a program, or a page's life, asks for

  /** Do not wait any longer, though never before the time that the server named. */
  tryNow(): void {
    if (this.state !== "waiting") return;
    const { clock } = this.#hands;
    this.#due?.();
    this.#due = clock.after(Math.max(0, this.#notBefore - clock.now()), () => this.#again());
  }

  /** Give this connection up, and come back at once. */
  reconnect(reason = "reconnect"): void {
    if (this.line && !this.line.gone) {
      this.#shut(this.line, 4001, reason);
      this.#lost(0, false);
    }
    this.tryNow();
  }

  /** No connection until `tryNow`. */
  pause(): void {
    this.#shut(this.next, 1000, "");
    this.next = undefined;
    if (this.state === "idle" || this.state === "ended") return;
    this.reconnect("asleep");
    this.#due?.();
  }

  /** Only while live, and one move at a time. */
  get mayMove(): boolean {
    return !this.next && this.state === "live";
  }

  /** Attach another transport, then let go of this one. */
  move(transport: string): void {
    this.next = this.#dial(transport);
  }
}
