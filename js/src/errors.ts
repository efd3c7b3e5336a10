// What a client throws on purpose. `code` is stable and for programs; `maybeDone` says whether the server may have
// done what was asked.

/** What became of a request, or of a client, as it is told between the parts of a client. */
export interface Failure {
  is: keyof typeof CLASSES;
  message: string;
  code?: string | undefined;
  maybeDone?: boolean | undefined;
  retry?: boolean | undefined;
  after?: number | undefined;
  details?: unknown;
  close?: number | undefined;
}

/** All that a client throws on purpose. */
export class RtcoreError extends Error {
  /** A code of the protocol, or of the application. */
  declare readonly code: string;
  /** False only if the bytes were never written, or the server said that it did nothing. */
  declare readonly maybeDone: boolean;
  /** Whether the same may be tried again. */
  declare readonly retry: boolean;
  /** In how many seconds, where the server said so. */
  declare readonly after: number | undefined;
  /** More about it, for programs. */
  declare readonly details: unknown;
  /** The close code that ended the client, if there was one. */
  declare readonly close: number | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = failure.is;
    const { code = "INTERNAL", maybeDone = false, retry = false, after, details, close } = failure;
    Object.assign(this, { code, maybeDone, retry, after, details, close });
  }
}

/** What a program gave that cannot be used. It is thrown where it was given, and nothing was done. */
export class UsageError extends TypeError {
  override readonly name = "UsageError";
  readonly code: string;

  constructor(message: string, code = "INTERNAL") {
    super(message);
    this.code = code;
  }
}

/** A request ended without a result. */
export class RequestError extends RtcoreError {}
/** The server answered with an error: its own, or its application's. */
export class Rejected extends RequestError {}
/** It left this client, and nobody can say any more whether it was done. */
export class MaybeDone extends RequestError {}
/** It never left this client. */
export class NotDone extends RequestError {}
/** It is over the server's limit, and was not sent. */
export class TooLarge extends RequestError {}
/** Its caller's time is over. What was not written was taken back; what was written is not sent again. */
export class RequestTimeout extends RequestError {}
/** Its caller's signal ended it. `name` is "AbortError", as everywhere; `maybeDone` is as in a timeout. */
export class Aborted extends RequestError {}
/** The session is no longer in the room, and did not ask to leave. */
export class LeftRoom extends RtcoreError {}
/** The stream cannot go on where it was: the session is another, or the item is no longer kept. */
export class StreamLost extends RtcoreError {}
/** Not connected, and the client will not come back by itself. */
export class ConnectError extends RtcoreError {}
/** The server does not accept the token (4501). */
export class TokenRefused extends ConnectError {}
/** The server refuses this client for good (4502, or before the connection). */
export class Forbidden extends ConnectError {}
/** Another client speaks for this session now (4500). */
export class Superseded extends ConnectError {}
/** The application ended the session (4503), or a code came after which a client must not come back. */
export class SessionClosed extends ConnectError {}
/** An attempt failed, or no attempt was good in time. */
export class NotConnected extends ConnectError {}
/** Somebody answers there, and it is no rtcore server, or one of another version. */
export class NotRtcore extends ConnectError {}
/** The program closed this client. */
export class ClientClosed extends ConnectError {}

const CLASSES = {
  Rejected,
  MaybeDone,
  NotDone,
  TooLarge,
  RequestTimeout,
  AbortError: Aborted,
  LeftRoom,
  StreamLost,
  TokenRefused,
  Forbidden,
  Superseded,
  SessionClosed,
  NotConnected,
  NotRtcore,
  ClientClosed,
};

/** The error that a failure is told as. */
export const errorOf = (failure: Failure): RtcoreError => new CLASSES[failure.is](failure);
