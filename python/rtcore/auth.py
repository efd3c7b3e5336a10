"""Who a session is, and what it may: what an application's decisions take and give."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from ._ground.numbers import FIXED
from .errors import UsageError

MAX_USER: Final = FIXED["USER"]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer says of itself before it has a session: the argument of `@app.authenticate`.

    `token` and `client` ("name/version") are what it sent, `address` is where it comes from (through
    configured proxies), `secure` says whether by TLS. With a token that is renewed in a session, `session` is
    that session.
    """

    token: str | None = None
    client: str | None = None
    address: str = ""
    user_agent: str | None = None
    secure: bool = False
    session: Any = None

    def __repr__(self) -> str:
        """Without the token: what looks at a hello is often on its way to a log."""
        token = "no token" if self.token is None else "a token"
        return f"<Hello of {self.address}, {token}, client={self.client!r}>"


class User(msgspec.Struct, frozen=True):
    """Who a session belongs to: the answer of `@app.authenticate`.

    Args:
        id: 1 to 249 bytes; None is nobody in particular (see `ANONYMOUS`).
        expires: when the token ends: seconds since 1970, or an aware datetime. The peer is told before, and
            its connection is closed then unless it brings a new one. None: never.
        resume: seconds for which the session may be away and come back, of its own: 0 to a week, 0: it ends
            with its connection. None: the server's `resume_ms`, as after a restart of the server.

    Raises:
        UsageError: the id is empty, too long or cannot be encoded, the time has no zone or is no number, or
            `resume` is no number of seconds from 0 to a week.

    """

    id: str | None
    expires: float | datetime.datetime | None = None
    resume: float | None = None

    def __post_init__(self) -> None:
        if self.id is not None and not _is_name(self.id):
            raise UsageError(f"a user's id is a text of 1 to {MAX_USER} bytes, or None; not {self.id!r}")
        if self.resume is not None and not (_is_time(self.resume) and 0 <= self.resume <= _LONGEST):
            raise UsageError(
                f"`resume` of a user is a number of seconds from 0 to {_LONGEST:,} (a week), "
                f"and not {self.resume!r}"
            )
        if isinstance(self.expires, datetime.datetime):
            if self.expires.tzinfo is None:
                raise UsageError("the time at which a user's token expires has no time zone")
        elif self.expires is not None and not _is_time(self.expires):
            raise UsageError(
                "the time at which a user's token expires is a number of seconds since 1970, "
                f"an aware datetime, or None for never; not {self.expires!r}"
            )


_LONGEST: Final = 7 * 24 * 3600
"""Seconds that a session may be away at most: it takes a place for as long."""


def _is_name(text: object) -> bool:
    try:
        return isinstance(text, str) and 0 < len(text.encode()) <= MAX_USER
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _is_time(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


ANONYMOUS: Final = User(None)
"""A user without a name. Authenticating as nobody is said explicitly: None refuses."""


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """A session's wish to be in a room: the argument of `@app.authorize`.

    `data` is what it sent with the wish; `resuming` is true when it was in the room before its connection
    broke.
    """

    room: str
    data: Any = None
    resuming: bool = False


Grant = Literal["publish", "presence", "history", "write"]
"""What a member of a room may: a right. "write" is a collection's."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Yes, with details: an answer of `@app.authorize`.

    Args:
        grants: words of "publish", "presence", "history", of a collection "write"; None: what the
            settings of the room give.
        info: what the other members see of this one; any value that can be said as JSON.

    """

    grants: Iterable[Grant] | None = None
    info: Any = None


Answer = bool | Access | Iterable[str] | None
"""What an authorizer answers: yes, with details, with these rights; no."""

for _kind in (Hello, User, Join, Access):
    _kind.__module__ = "rtcore"
del _kind
