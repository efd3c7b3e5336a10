// What a program sees of a room besides its events, and what it may say of how it publishes.

import type { SendOptions } from "./page.ts";
import type { Event, Gap } from "./reader.ts";

/** Somebody in a room. */
export interface Member {
  session: string;
  user: string | null;
  /** What the application's authorizer said of it. */
  // biome-ignore lint/suspicious/noExplicitAny: it is the application's
  info?: any;
}

/** What is known of a room besides its events. A new object for each change. */
export interface RoomView {
  readonly members: readonly Member[];
  /** How many sessions are here; undefined where the client may not see it. */
  readonly count: number | undefined;
  /** What the application's state function said with the join, or at the last return. */
  // biome-ignore lint/suspicious/noExplicitAny: it is the application's
  readonly state: any;
  /** What this session may do here: `publish`, `presence`, `history`. */
  readonly grants: readonly string[];
  /** Whether the session is in it. */
  readonly joined: boolean;
}

/** How something is published. */
export interface PublishOptions extends SendOptions {
  /** False: it is not heard by this session. */
  echo?: boolean | undefined;
}

/** What a room still holds. */
export interface Past<Said = Event> {
  history: Said[];
  /** Whether the room still holds everything that was asked for. */
  complete: boolean;
  /** Whether there is more after the last of these. */
  more: boolean;
  gap?: Gap;
}
