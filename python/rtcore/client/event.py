"""What is heard in a room, said to a user, or to all; as the program gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from .words import Said, Unreadable


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Who said it."""

    session: str | None = None
    user: str | None = None


class Event(
    msgspec.Struct, frozen=True, tag_field="type", tag="event", rename={"name": "event", "sender": "from"}
):
    """Something that was said: in a room, to a user, to all, or to this session alone (then `room` is None).

    `seq` is its number in the server's log, None for a volatile one. `user` and `session` say who said it,
    both None if the application did. `time` is in milliseconds since 1970, by the server.
    """

    # Decoded many at a time, straight from what came: nothing is called for each field.
    name: str
    data: Any = None
    seq: int | None = None
    room: str | None = None
    sender: Sender | None = None
    time: int | None = None
    trace: str | None = None

    @property
    def user(self) -> str | None:
        """Who said it; None: the application, or nobody that has a name."""
        return self.sender.user if self.sender is not None else None

    @property
    def session(self) -> str | None:
        """The session that said it."""
        return self.sender.session if self.sender is not None else None


@dataclass(frozen=True, slots=True)
class Gap:
    """Some or all of the numbers `first` to `last` were entries that this client will not hear. `reason`:
    why.
    """

    first: int
    last: int
    reason: str
    room: str | None = None


Heard = Event | Gap
_SOME: Final = msgspec.json.Decoder(list[Event])


def event_of(said: Said) -> Event:
    """From a message, or an entry of a history."""
    who = said.get("from")
    return Event(
        said["event"],
        said.get("data"),
        said.get("seq"),
        said.get("room"),
        Sender(who.get("session"), who.get("user")) if who else None,
        said.get("time"),
        said.get("trace"),
    )


def events_of(data: bytes) -> list[Event]:
    """An array of messages, all of them events.

    Raises:
        Unreadable: it is no JSON, or one is no event.

    """
    try:
        return _SOME.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"no event: {error}") from None
