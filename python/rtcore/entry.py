"""Entries of the log as the application sees them: where they are, and what was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self, overload

from ._data.values import ANYTHING, JSON
from .errors import UsageError

_POSITION: Final = re.compile(r"([a-z0-9]+)\.(0|[1-9][0-9]{0,19})\Z")


def is_position(text: object) -> bool:
    """Whether this is the text of a position."""
    return isinstance(text, str) and _POSITION.match(text) is not None


class Position(str):
    """Says "I have everything up to here": epoch and sequence number, `epoch.seq` on the wire.

    A text, so that it can be stored and sent as it is.

    Raises:
        UsageError: the text is no position.

    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and keep the text."""
        if not is_position(text):
            raise UsageError(f"a position is `epoch.seq`, as in `k3f9.124`, and not {text!r}")
        return super().__new__(cls, text)

    @property
    def epoch(self) -> str:
        """The life of the log in which the number counts."""
        return self.partition(".")[0]

    @property
    def seq(self) -> int:
        """The sequence number."""
        return int(self.partition(".")[2])


class Entry:
    """An event once it is in the log: it has a sequence number and never changes.

    `seq` is 0 for a volatile event, which is in no log and has no position.
    """

    __slots__ = ("_epoch", "room", "seq")

    def __init__(self, room: str, seq: int, epoch: str) -> None:
        self.room = room
        self.seq = seq
        self._epoch = epoch

    @property
    def position(self) -> Position | None:
        """Where it is in the log: `None` for a volatile event."""
        return Position(f"{self._epoch}.{self.seq}") if self.seq else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.seq} in {self.room!r}>"


class Heard(Entry):
    """An entry that was read back, with what was said.

    `time` is milliseconds since 1970; `session` and `user` are the ids of who said it, None for the
    application. `raw` is what was said, as JSON; `trace` a W3C traceparent, or None.
    """

    __slots__ = ("event", "raw", "session", "time", "trace", "user")

    def __init__(
        self, room: str, epoch: str, row: tuple[int, str, bytes, int, str | None, str | None, str | None]
    ) -> None:
        super().__init__(room, row[0], epoch)
        _, self.event, self.raw, self.time, self.session, self.user, self.trace = row

    @property
    def data(self) -> Any:
        """What was said; read anew each time."""
        return ANYTHING.by_form(JSON, self.raw)


class History(Sequence[Heard]):
    """Entries of a room, oldest first.

    `complete` is false when the ring has let go of something after the position that was asked for; `more` is
    true when there is more than was asked for.
    """

    __slots__ = ("_entries", "complete", "more")

    def __init__(self, entries: list[Heard], complete: bool, more: bool) -> None:
        self._entries = entries
        self.complete = complete
        self.more = more

    @overload
    def __getitem__(self, at: int) -> Heard: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Heard]: ...
    def __getitem__(self, at: int | slice) -> Heard | Sequence[Heard]:
        return self._entries[at]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Heard]:
        return iter(self._entries)


for _kind in (Position, Entry, Heard, History):
    _kind.__module__ = "rtcore"
del _kind
