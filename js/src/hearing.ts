// What comes down: which room it is of, and whether it was heard before. The position moves by `welcome.seq` and by
// the numbers of events alone, and only upwards.

import type { Rooms } from "./memberships.ts";
import type { News } from "./port.ts";
import type { Said } from "./words.ts";

/** The way down of one session. */
export class Hearing {
  /** Where the client can join. */
  rooms: Rooms | undefined;
  epoch: string | undefined;
  seq = 0;
  /** The position of the epoch before, where the last `welcome` began another one. */
  #before: string | undefined;
  /** What was had when the last `welcome` came: another session's feed may begin above it. */
  #had = 0;
  /** Up to where was told what is said outside of joined rooms: to this session (""), its user, all. */
  readonly #marks = new Map<string, number>();
  readonly #tell: (news: News) => void;

  constructor(tell: (news: News) => void) {
    this.#tell = tell;
  }

  /** Where a room is joined again from that was heard up to `mark`. */
  since(mark: number): string {
    return this.#before ?? `${this.epoch}.${Math.max(mark, this.#had)}`;
  }

  /** `epoch.seq`: everything up to here was received, or told as a gap. */
  get position(): string | undefined {
    return this.epoch && `${this.epoch}.${this.seq}`;
  }

  /** `welcome` says where the feed goes on. */
  begin(epoch: string, seq: number): void {
    if (epoch === this.epoch) {
      this.#before = undefined;
      this.#had = this.seq;
      this.seq = Math.max(this.seq, seq);
      return;
    }
    this.#before = this.position;
    if (this.epoch) {
      this.rooms?.newEpoch();
      this.#marks.clear();
      this.#tell({ on: "epoch" });
    }
    this.epoch = epoch;
    this.#had = this.seq = seq;
  }

  /** Something was said. */
  event(said: Said, size: number): void {
    if (said.seq != null) {
      if (said.seq <= this.seq) return;
      this.seq = said.seq;
    }
    if (said.room && this.rooms?.hear(said, size)) return;
    this.#inbox(said, said.seq, size);
  }

  /** What is not coming. It is told at each return until an event passes it: here it is told once. */
  gap(said: Said): void {
    if (said.room && this.rooms?.gap(said)) return;
    if (said.reason === "epoch") this.#marks.delete(said.room ?? "");
    this.#inbox(said, said.to, 0);
  }

  #inbox(said: Said, seq: number | undefined, size: number): void {
    const room = said.room ?? "";
    if (room && room[0] !== "$") return;
    const prev = this.#marks.get(room) ?? 0;
    if (seq != null) {
      if (seq <= prev) return;
      this.#marks.set(room, seq);
    }
    this.#tell({ on: "hear", said, prev, size });
  }
}
