// Who the client is to the server: session, key, user, and in which life of the server.

import { HelloNumbers } from "./coming.ts";
import type { Said } from "./words.ts";

const VERSION = "0.1.0";
/** How many programs a hello names. */
const PROGRAMS = 16;

/** 128 random bits that nobody guesses. */
export const secret = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

/**
 * This one, in front of those that had the session before it and were not welcome since. The oldest stays: it may be
 * the last that was.
 */
export const programsOf = (own: string, before: unknown = []): string[] => {
  const others = (before as string[]).filter((each) => each !== own);
  return [own, ...others.slice(0, PROGRAMS - 2), ...others.slice(PROGRAMS - 2).slice(-1)];
};

/** What `welcome` said last, and what `hello` says of it. */
export class Identity {
  session: string | undefined;
  key: string | null = null;
  user: string | null | undefined;
  life: string | undefined;
  /** Which hello may resume the session: of this page, and of those that had it before. */
  programs: string[];
  readonly hellos = new HelloNumbers();
  welcomes = 0;
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
    this.programs = [program];
  }

  /** All of it, for the store and for other pages. */
  get told(): Said {
    const { session, key, user, life, programs, hellos } = this;
    return { session, key, user, life, programs, n: hellos.last };
  }

  /** As another page has told it, or the store has it. */
  was({ session, key, user, life, programs, n }: Said): void {
    this.session = session;
    this.key = key;
    this.user = user;
    this.life = life;
    this.programs = programsOf(this.#program, programs);
    this.hellos.last = n;
  }

  /** The first message of a connection. */
  hello(token: string | null | undefined, position: string | undefined, streams: Said = {}, wall = 0): Said {
    const said: Said = { type: "hello", v: 1, client: `rtcore-js/${VERSION}`, n: this.hellos.next(wall) };
    said.program = this.programs;
    if (token != null) said.token = token;
    if (this.session) Object.assign(said, { session: this.session, key: this.key, streams });
    if (position) said.position = position;
    return said;
  }

  /** Take it in: whether the session is the same, and whether the server's life is. */
  welcome({ session, key, user, life, resumed }: Said): { resumed: boolean; sameLife: boolean } {
    const same = { resumed: resumed && session === this.session, sameLife: life === this.life };
    this.session = session;
    this.key = key ?? this.key;
    this.user = user ?? null;
    this.life = life;
    this.programs = [this.#program];
    this.welcomes++;
    this.hellos.unanswered = 0;
    return same;
  }
}
