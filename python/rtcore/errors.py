"""What this package raises on purpose, sorted by what the catcher will do.

Two questions decide the class: whose fault is it, and does trying again help? `code` is one of the stable
words of the wire (`NOT_FOUND`, `OVERLOADED`, ...) or the application's own; the text is for people and may
change.

    RtcoreError
    ├── UsageError          our own code asked for what cannot be
    │   ├── ConfigError     a setting is wrong
    │   └── NotServing      the application is not being served
    ├── StartError          the server cannot start: an address is taken, or what is mounted says so
    ├── Refuse              raised by the application, to tell the peer no
    ├── Denied              the core did not do what was asked
    │   ├── NotFound, Forbidden, KeyConflict, InvalidData
    │   ├── Overloaded      a limit was reached: the same call may succeed later
    │   ├── Unavailable     the store takes nothing now: the same call may succeed later
    │   └── OutcomeUnknown  it may be on disk or not, and the store does not know yet
    ├── RemoteError         the peer answered a request with an error
    ├── Timeout             the peer did not answer in time
    ├── SessionEnded        the session is gone, and will not come back
    └── SocketClosed        the raw socket is closed
"""

# ruff: noqa: N818 - what happened, in a word: `Timeout`, `Refuse`

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, TypeVar

E = TypeVar("E", bound=BaseException)

LATEST: Final = 86_400  # the longest time that a peer is told to wait (s)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")


def is_code(code: object) -> bool:
    """Whether this is a word that may travel as an error's code."""
    return isinstance(code, str) and _CODE.match(code) is not None


class RtcoreError(Exception):
    """All that this package raises on purpose. `code` is stable, the text is not."""

    code: str = "INTERNAL"

    @property
    def message(self) -> str:
        """The text for people."""
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """It survives `pickle` and `copy`, whatever its `__init__` takes."""
        return rebuilt, (type(self), self.args, self.__dict__)


def rebuilt(kind: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    """An error as it was, without its `__init__`: other things are given to that than it keeps."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(RtcoreError):
    """Our own code asked for what cannot be, or not in the present state."""


class ConfigError(UsageError):
    """A setting is unknown, or has a value that it cannot have. The text names it."""


class NotServing(UsageError):
    """The application is not being served (yet, or any more), so there is nobody to hear."""


class StartError(RtcoreError):
    """The server cannot start: an address cannot be had, or the mounted application does not start."""


class Refuse(RtcoreError):
    """Raised by a handler to tell the peer no; it travels to the peer as it is, and is not logged.

    Args:
        code: a word in capitals, of the wire's (`FORBIDDEN`, `NOT_FOUND`, ...) or the application's own.
        message: for people.
        details: anything that can be said as JSON, for programs.
        retry: whether the same request may succeed later.
        after: with `retry`, the seconds after which to try again, 0 to a day; None: nothing is said.

    Raises:
        UsageError: `after` is out of range, or the code is not 1 to 64 capitals, digits and underscores,
            beginning with a capital.

    """

    details: Any = None
    retry: bool = False
    after: float | None = None

    def __init__(
        self,
        code: str,
        message: str = "",
        details: Any = None,
        *,
        retry: bool = False,
        after: float | None = None,
    ) -> None:
        if after is not None and not 0 <= after <= LATEST:
            raise UsageError(f"`after` is {after!r} seconds: 0 to {LATEST}, or None")
        if not is_code(code):
            raise UsageError(
                f"an error code is 1 to 64 of A-Z, 0-9 and _, beginning with a letter; not {code!r}"
            )
        super().__init__(message or code)
        self.code = code
        self.details = details
        self.retry = retry
        self.after = after


class Denied(RtcoreError):
    """The core did not do what was asked. `retry` says whether the same call may succeed later."""

    retry: bool = False
    by_code: ClassVar[dict[str, type[Denied]]] = {}

    def __init__(self, message: str, code: str | None = None, *, retry: bool | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if retry is not None:
            self.retry = retry

    @staticmethod
    def of(code: str, message: str, retry: bool) -> Denied:
        """The error for a code of the core: the class that has this code, or `Denied` itself."""
        return Denied.by_code.get(code, Denied)(message, code, retry=retry)


class NotFound(Denied):
    """There is no such room, or the position is unknown."""

    code = "NOT_FOUND"


class Forbidden(Denied):
    """What the settings or the rights do not allow."""

    code = "FORBIDDEN"


class SenderForbidden(Forbidden, Refuse):
    """What was to be said in a session's name (`sender=`) is not of its rights.

    It is a `Refuse`, too: out of a handler it tells the peer `FORBIDDEN`, and is not logged.
    """

    def __init__(self, message: str) -> None:
        Refuse.__init__(self, "FORBIDDEN", message)


class KeyConflict(Denied):
    """The idempotency key was used with other content."""

    code = "KEY_CONFLICT"


class InvalidData(Denied):
    """A name or a value that cannot be said: no JSON, too deep, too long, an unknown word."""

    code = "INVALID_MESSAGE"


class Overloaded(Denied):
    """A limit was reached. The same call may succeed later."""

    code = "OVERLOADED"
    retry = True


class Unavailable(Denied):
    """The durable store takes nothing now (the disk is full, it failed, it hangs). It was not done."""

    code = "UNAVAILABLE"
    retry = True


class OutcomeUnknown(Denied):
    """It may have been done or not: the store has not said within its time whether it is on disk.

    With a `key` the same call may be made again: the key tells whether it was done.
    """

    code = "OUTCOME_UNKNOWN"


Denied.by_code.update(
    {
        kind.code: kind
        for kind in (
            NotFound,
            Forbidden,
            KeyConflict,
            InvalidData,
            Overloaded,
            Unavailable,
            OutcomeUnknown,
        )
    }
)


class RemoteError(RtcoreError):
    """The peer answered a request of ours with an error: `code` and text are the peer's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message or code)
        self.code = code


class Timeout(RtcoreError, TimeoutError):
    """The peer did not answer in the given time. A later answer is dropped."""

    code = "TIMEOUT"


class SessionEnded(RtcoreError):
    """The session is gone: closed by somebody, or away for longer than the resume window."""

    code = "NOT_FOUND"


class SocketClosed(RtcoreError):
    """The raw socket is closed.

    Args:
        close: the close code of RFC 6455 section 7.4 (1006 if the link broke without one).
        reason: what was said with it.

    """

    def __init__(self, close: int, reason: str = "") -> None:
        super().__init__(f"the socket is closed: {close}{f', {reason}' if reason else ''}")
        self.close = close
        self.reason = reason


# A public name has one home.
for _thing in tuple(globals().values()):
    if isinstance(_thing, type) and issubclass(_thing, RtcoreError):
        _thing.__module__ = "rtcore"
