// What a transport is to a session: it carries messages both ways until it ends.

import type { Failure } from "./errors.ts";
import type { Said } from "./words.ts";

/** How a connection ended. */
export interface End {
  code: number;
  reason?: string | undefined;
  /** The seconds that the server asked for, if it did. */
  after?: number | undefined;
  /** It was open, and nothing came through: another transport is tried, at once. */
  useless?: boolean | undefined;
  /** It is for good. */
  failure?: Failure | undefined;
}

/** What comes, as text or in the codec's bytes; or messages that were taken out of it. */
export type Frame = string | ArrayBuffer | Said[];

/** @internal Who is told what comes. Nothing is told before `open` has returned, and nothing after `closed`. */
export interface Ears {
  opened(): void;
  /** `size`: how many bytes it had, where that is not seen. */
  heard(frame: Frame, size?: number): void;
  /** Bytes came that are no message. */
  alive(): void;
  closed(end: End): void;
}

/** @internal One connection, or the attempt to open one. */
export interface Link {
  /** This frame, after what was said before. */
  say(frame: string, hello?: boolean): void;
  /** The session that the hello got: over plain HTTP it is heard from now on. */
  welcomed?(session: string, key: string | null): void;
  /** Close. Nothing more is told of it. */
  shut(code: number, reason: string): void;
}

/** Opens a connection. `known`: an rtcore server was there before. */
export type Open = (base: URL, ears: Ears, known: boolean, codec?: Codec) => Link;

/** @internal Another way to write messages on a WebSocket than JSON. */
export interface Codec {
  /** The subprotocol that means it. */
  protocol: string;
  /** A frame of JSON as bytes. */
  pack(frame: string): Uint8Array<ArrayBuffer>;
  /** The messages of a frame. Throws a `SyntaxError` for what no server says. */
  unpack(bytes: Uint8Array): Said[];
}

/** @internal What is known of the transport in use: its smoothed round trip, and the part of pings without an answer. */
export interface Measured {
  readonly smoothed: number | undefined;
  readonly loss: number;
}

/** @internal Which transport is opened next. */
export interface Choice {
  next(now: number): string;
  open(transport: string): Open;
  /** Those that would have been better than this one, and failed. */
  failedAbove?(transport: string): string[];
  /** It could not be opened, or had no welcome; whether another one is to be tried at once. */
  failed(transport: string, now: number): boolean;
  /** It had its welcome. */
  worked(transport: string, now: number): void;
  /** The server would have this one used: a hint. */
  advised?(transport: string | undefined): void;
  /**
   * Another transport than the one in use that is to be tried now: the one that was advised, a better one, or, where a
   * ping has its answer or has none (`pulse`), the next, if this one is too bad to stay.
   */
  toTry?(transport: string, now: number, pulse?: Measured): string | undefined;
}
