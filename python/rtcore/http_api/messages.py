"""What is said to the publish API and what it answers: the types that read requests, and that describe them.

Unknown fields are ignored, as everywhere on the wire. `data` stays the bytes that came: it is checked by the
core, as any peer's is.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rtcore._engine import ENDED_CLOSE
from rtcore._ground.numbers import FIXED
from rtcore.auth import MAX_USER

BATCH: Final = FIXED["API_BATCH"]
"""Elements of one batch."""
HISTORY: Final = FIXED["API_HISTORY"]
"""Entries of one answer, unless the limit `history_entries` is lower."""

_NULL: Final = msgspec.Raw(b"null")
_PRINTABLE: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"

Name = Annotated[
    str,
    Meta(
        min_length=1, max_length=255, pattern=_PRINTABLE, description="1 to 255 bytes, no control characters"
    ),
]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="an idempotency key: the same again is answered as the first was, and done once",
    ),
]
Data = Annotated[
    msgspec.Raw,
    Meta(description='any JSON value, nested at most 128 deep; binary is {"$bin": "base64"}'),
]
User = Annotated[str, Meta(min_length=1, max_length=MAX_USER, pattern=_PRINTABLE, description="a user's id")]
SessionId = Annotated[str, Meta(min_length=1, max_length=255, description="a session's id")]
Trace = Annotated[
    str, Meta(description="a W3C traceparent, copied to the entry; a malformed one is left out")
]
# `1.0` is the integer 1, as everywhere on the wire.
Whole = Annotated[float, Meta(multiple_of=1)]
Volatile = Annotated[bool, Meta(description="not kept, not replayed, dropped for listeners that lag")]


class Publish(msgspec.Struct, kw_only=True):
    """An event in a room."""

    room: Name
    event: Name
    data: Data = msgspec.field(default_factory=lambda: _NULL)
    key: Key | None = None
    volatile: Volatile = False
    exclude: Annotated[SessionId | None, Meta(description="a session that does not hear it")] = None
    trace: Trace | None = None


class Send(msgspec.Struct, kw_only=True):
    """An event to exactly one of a user (in each of its sessions), a session, or all sessions."""

    event: Name
    user: User | None = None
    session: SessionId | None = None
    all: bool = False
    data: Data = msgspec.field(default_factory=lambda: _NULL)
    key: Annotated[Key | None, Meta(description="as in publish; not with a session")] = None
    volatile: Annotated[Volatile, Meta(description="as in publish; not with a session")] = False
    trace: Annotated[Trace | None, Meta(description="as in publish; not with a session")] = None


# `epoch.seq`, at most 2^53 - 1 (`vectors/positions.json`); no log comes near the few that are left out.
_POSITION: Final = r"^[a-z0-9]{1,32}\.(0|[1-9][0-9]{0,14}|[1-8][0-9]{15})$"
Position = Annotated[str, Meta(pattern=_POSITION)]


class History(msgspec.Struct, kw_only=True):
    """The oldest entries of a room after a position; without one, the oldest that it holds."""

    room: Name
    after: Annotated[Position | None, Meta(description="a position, as a publish answers it")] = None
    limit: Annotated[Whole, Meta(ge=1, le=HISTORY)] = 100


class Presence(msgspec.Struct, kw_only=True):
    """Who is in a room."""

    room: Name


class Disconnect(msgspec.Struct, kw_only=True):
    """End one session, or all of a user."""

    user: User | None = None
    session: SessionId | None = None
    code: Annotated[Whole, Meta(ge=4500, le=4999, description="clients do not come back after these")] = (
        ENDED_CLOSE
    )
    reason: Annotated[str, Meta(max_length=120, description="told to the peer")] = ""


class Published(msgspec.Struct):
    """Its number and position in the log; null for a volatile event."""

    seq: int | None
    position: str | None


class Problem(msgspec.Struct):
    """What is wrong. `retry`: whether the same may be tried again."""

    code: str
    message: str
    details: Any
    retry: bool


class Failed(msgspec.Struct):
    """An element of a batch that was not done."""

    error: Problem


class Author(msgspec.Struct):
    """Who said it."""

    session: str
    user: str | None


class Said(msgspec.Struct, tag="event", tag_field="type"):
    """An entry. `from` is null when the application said it; `time` in milliseconds since 1970."""

    room: str
    event: str
    data: msgspec.Raw
    seq: int
    author: Author | None = msgspec.field(name="from")
    time: int
    trace: str | None


class Past(msgspec.Struct):
    """Oldest first. `complete`: nothing is missing after `after`; `more`: there is more to be had."""

    history: list[Said]
    complete: bool
    more: bool


class Present(msgspec.Struct):
    """A member, and what the authorizer said of it."""

    session: str
    user: str | None
    info: msgspec.Raw


class Members(msgspec.Struct):
    """Above the limit `presence_names` there are no members here, and `count` alone tells how many."""

    members: list[Present]
    count: int


class Disconnected(msgspec.Struct):
    """How many sessions were ended."""

    closed: int
