"""What a client raises on purpose.

RtcoreError
└── ClientError
    ├── RequestError          a request ended without a result; `maybe_done` says whether it may have been
    done
    │   ├── RequestTimeout    the caller's patience is over (also a `Timeout`)
    │   ├── Rejected          the server answered with an error (also a `RemoteError`)
    │   ├── MaybeDone         it left, and nobody can say what became of it
    │   ├── NotDone           it never left: no room in the outbox, too old, nobody to hear a volatile one
    │   ├── TooLarge          it is over the server's limit, and was not sent
    │   └── Conflicted        a change meets another's, and its author decides
    ├── InvalidDocument       a document is not of the program's type
    ├── UnsentChanges         signing out would lose what only this client has
    ├── LeftRoom              the application took this session out of the room
    ├── StreamLost            the stream cannot go on where it was
    ├── PoolTimeout           no client of a pool came free in time (also a `Timeout`)
    ├── OutboxError           the outbox cannot be used: OutboxLocked, OutboxForeign, OutboxNewer, OutboxGone
    └── ConnectError          the client is not connected, and will not come back by itself
        ├── WrongURL, NotRtcore, WrongVersion, BadCertificate
        ├── NotConnected      no attempt was good in the time, or the number, that was given
        ├── TokenRefused, HelloTooLarge, Superseded, SessionClosed, Forbidden
        └── ClientClosed      the program itself closed it
"""

# ruff: noqa: N818 - what happened, in a word, as in `rtcore.errors`

from __future__ import annotations

from typing import Any

from rtcore.errors import RemoteError, RtcoreError, Timeout


class ClientError(RtcoreError):
    """All that the client raises on purpose."""


class RequestError(ClientError):
    """A request ended without a result. `maybe_done` is False only if its bytes were never written, or the
    server said that it did nothing.
    """

    def __init__(self, message: str, code: str = "INTERNAL", *, maybe_done: bool = False) -> None:
        Exception.__init__(self, message)  # the next class may be `RemoteError`, which takes other arguments
        self.code = code
        self.maybe_done = maybe_done


class RequestTimeout(RequestError, Timeout):
    """No answer came in the caller's time. What was not written was taken back; what was written is not
    sent again.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message, "TIMEOUT", maybe_done=maybe_done)


class Rejected(RequestError, RemoteError):
    """The server answered with an error: code and text are the server's or its application's.

    `details` are for programs; `retry` says whether the same request may succeed later, `after` in how many
    seconds (None: not said).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Any = None,
        retry: bool = False,
        after: float | None = None,
        maybe_done: bool = False,
    ) -> None:
        RequestError.__init__(self, message or code, code, maybe_done=maybe_done)
        self.details = details
        self.retry = retry
        self.after = after


class MaybeDone(RequestError):
    """The request left this client, and nobody can say any more whether it was done."""

    def __init__(self, message: str, code: str = "OUTCOME_UNKNOWN") -> None:
        super().__init__(message, code, maybe_done=True)


class NotDone(RequestError):
    """The request never left this client."""

    def __init__(self, message: str, code: str = "OVERLOADED") -> None:
        super().__init__(message, code, maybe_done=False)


class TooLarge(RequestError):
    """It is larger than the server takes, and was not sent. A server that was started anew with a lower limit
    may have done it before (`maybe_done`).
    """

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        super().__init__(message, "TOO_LARGE", maybe_done=maybe_done)


class Conflicted(RequestError):
    """A change was not done, since another came before it: it waits among the collection's conflicts."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"the change of {key!r} waits for your decision: {what}", "CONFLICT")
        self.key = key


class InvalidDocument(ClientError):
    """A document of a collection is not of the type that the program gave."""

    code = "INVALID_MESSAGE"

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"the document {key!r} is not of the type: {why}")
        self.key = key


class UnsentChanges(ClientError):
    """Signing out would lose what only this client has: `pending`, `conflicts` and `refused` changes, and
    `messages` in the outbox.
    """

    def __init__(self, pending: int, conflicts: int, refused: int, messages: int) -> None:
        super().__init__(
            f"{pending} changes are not confirmed, {conflicts} wait for a decision, {refused} were refused, "
            f"and {messages} messages wait: wait for them, or give them up with discard=True"
        )
        self.pending, self.conflicts, self.refused, self.messages = pending, conflicts, refused, messages


class LeftRoom(ClientError):
    """The session is no longer in the room, and did not ask to leave."""

    code = "FORBIDDEN"

    def __init__(self, room: str, reason: str) -> None:
        super().__init__(f"out of the room {room!r}: {reason or 'no reason was given'}")
        self.room = room
        self.reason = reason


class StreamLost(ClientError):
    """The stream cannot go on where it was: the session is another, or the item is no longer kept."""

    code = "STREAM_LOST"


class PoolTimeout(ClientError, Timeout):
    """No client of the pool came free in time: all connections to that server are lent."""

    code = "OVERLOADED"


class OutboxError(ClientError):
    """The file of an outbox cannot be used."""


class OutboxLocked(OutboxError):
    """Another process, or another client of this one, has the file open."""


class OutboxForeign(OutboxError):
    """The file holds messages for another server."""


class OutboxGone(OutboxError):
    """The file was taken away, or cannot be written any more, while a client had it open."""


class OutboxNewer(OutboxError):
    """A newer version of rtcore wrote the file."""


class ConnectError(ClientError):
    """Not connected, and the client will not come back by itself. `close` is the close code, if there was
    one.
    """

    def __init__(self, message: str, close: int | None = None) -> None:
        super().__init__(message)
        self.close = close


class WrongURL(ConnectError):
    """The address is none that can be connected to."""


class NotRtcore(ConnectError):
    """Somebody answers there, and it is no rtcore server."""


class WrongVersion(ConnectError):
    """The server speaks another version of the protocol."""


class BadCertificate(ConnectError):
    """The server's certificate does not fit."""


class NotConnected(ConnectError):
    """No attempt was good in the time, or the number of attempts, that was given."""


class TokenRefused(ConnectError):
    """The server does not accept the token (4501)."""

    code = "UNAUTHORIZED"


class HelloTooLarge(ConnectError):
    """The server takes no hello of this size (1009 before the welcome): its token is too long."""

    code = "TOO_LARGE"


class Forbidden(ConnectError):
    """The server refuses this client for good (4502, or before the connection)."""

    code = "FORBIDDEN"


class Superseded(ConnectError):
    """Another client speaks for this session now (4500)."""


class SessionClosed(ConnectError):
    """The application ended the session (4503), or a code came after which a client must not come back."""


class ClientClosed(ConnectError):
    """The program closed this client."""
