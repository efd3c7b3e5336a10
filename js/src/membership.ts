// One room of a session: who wants it, whether the session is in it, and who else is.

import { present } from "./members.ts";
import type { Ask } from "./outbox.ts";
import type { Said } from "./words.ts";

/** What is known of the joins of a room. */
export interface Stay {
  readonly member: boolean;
  readonly joining: Ask | undefined;
  readonly stay: number;
}

/** One room, shared by all that joined it here. */
export class Membership {
  readonly name: string;
  /** The joins of the program that want it, and the page of each. */
  readonly views = new Map<string, string | undefined>();
  /** What the last join that was answered said to the authorizer. */
  data: string | undefined;
  /** Whether the session is in it once all that was written is done. */
  inside = false;
  /** Whether the server said so: as it stood before whatever of ours is unanswered. */
  member = false;
  /** Whether this connection said so. */
  confirmed = false;
  joining: Ask | undefined;
  /** The id of the join that it is in by: a leave of before it says nothing. */
  by = 0;
  /** The id of the newest join that was acknowledged since the last `welcome`. */
  stay = 0;
  /** Joins that wait for the one under way, or for the server's word after a return. */
  waiting: Ask[] = [];
  mark = 0;
  began = 0;
  early: [Said, number][] = [];
  /** What there was no room for while a join was under way. */
  missed = 0;
  /** The numbers began anew, and nobody was told of it yet. */
  lostEpoch = false;
  #seen: Said = {};
  readonly #members = new Map<string, Said>();

  constructor(name: string) {
    this.name = name;
  }

  /** `room`, or the ack of a join: the whole of what is known. */
  snapshot(said: Said): void {
    this.confirmed = true;
    present(this.#members, said);
    for (const name of ["count", "state", "grants"]) {
      if (said[name] !== undefined) this.#seen[name] = said[name];
    }
  }

  /** Who came and who went, as sets. */
  presence(said: Said): void {
    present(this.#members, said);
    this.#seen.count = said.count;
  }

  grants(grants: string[]): void {
    this.#seen.grants = grants;
  }

  /** What a further join is answered with. */
  get mirror(): Said {
    return { ...this.#seen, members: [...this.#members.values()], seq: this.mark, at: this.mark };
  }
}
