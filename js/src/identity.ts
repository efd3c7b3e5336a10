// Who the client is to the server: session, key, user, and in which life of the server.

import { HelloNumbers } from "./coming.ts";
import type { Said } from "./words.ts";

const VERSION = "0.1.0";

/** What `welcome` said last, and what `hello` says of it. */
export class Identity {
  session: string | undefined;
  key: string | null = null;
  user: string | null | undefined;
  life: string | undefined;
  readonly hellos = new HelloNumbers();

  /** All of it, for the store and for other pages. */
  get told(): Said {
    const { session, key, user, life, hellos } = this;
    return { session, key, user, life, n: hellos.last };
  }

  /** As another page has told it, or the store has it. */
  was({ session, key, user, life, n }: Said): void {
    this.session = session;
    this.key = key;
    this.user = user;
    this.life = life;
    this.hellos.last = n;
  }

  /** The first message of a connection. */
  hello(token: string | null | undefined, position: string | undefined, streams: Said = {}, wall = 0): Said {
    const said: Said = { type: "hello", v: 1, client: `rtcore-js/${VERSION}`, n: this.hellos.next(wall) };
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
    this.hellos.unanswered = 0;
    return same;
  }
}
