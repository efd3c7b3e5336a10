// One connection, or the attempt; who is behind it, and what both need of the world.

import type { Clock } from "./clock.ts";
import type { Failure } from "./errors.ts";
import type { Streams } from "./flows.ts";
import type { Choice, Codec, End, Link } from "./link.ts";
import type { Around, Rooms } from "./memberships.ts";
import type { Bounds } from "./outbox.ts";
import type { News } from "./port.ts";
import type { Sending } from "./sending.ts";
import type { Said } from "./words.ts";

/** @internal What a session needs of the world. */
export interface Hands {
  base: URL;
  clock: Clock;
  choice: Choice;
  random(): number;
  /** A name that no request ever had. */
  name(): string;
  /** Which page this is, to the server alone: a copy of its store is another. */
  program: string;
  /** The token of an attempt. `refused`: the one that the server did not accept. */
  token?: ((refused?: string) => Promise<string | null | undefined>) | undefined;
  /** After so many failures in a row it ends. */
  attempts?: number | undefined;
  bounds: Bounds;
  /** What parts of a client bring. */
  makeRooms?: ((around: Around) => Rooms) | undefined;
  makeStreams?: ((sending: Sending, tell: (news: News) => void) => Streams) | undefined;
  codec?: Codec | undefined;
}

/** @internal One connection, or the attempt. */
export interface Line {
  transport: string;
  link?: Link;
  token?: string | null | undefined;
  /** Its hello is said. */
  hello?: boolean;
  /** Nothing it says is heard any more. */
  gone?: boolean;
  /** What the server said in `bye`. */
  told?: End;
  /** Takes back the deadline of what it waits for. */
  late?: () => void;
}

/** @internal Who is behind the connection. */
export interface Owner {
  /** Whether `welcome` has come on the present one. */
  readonly welcomed: boolean;
  /** Whether the server knows a session of ours. */
  readonly known: boolean;
  /** Whether a hello of ours has no answer. */
  readonly helloOpen: boolean;
  hello(token: string | null | undefined): string;
  /** Messages, of the line in use or of one that may come to be. `size`: bytes of each, near enough. */
  heard(line: Line, messages: Said[], size: number): void;
  /** The connection is gone. */
  dropped(): void;
  over(failure: Failure): void;
  changed(): void;
}
