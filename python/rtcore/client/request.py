"""A request of ours, from the call to its end.

queued      it is kept here (with an outbox on disk: committed)
written     it has an id, and its bytes may have left
accepted    the server has taken its id
ended       with its ack, or with an error that says whether it may have been done
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .words import Said, encode

# What may be done again without harm: it changes nothing, or only what this session hears.
AGAIN: Final = frozenset({"join", "leave", "history", "auth", "ping"})


@dataclass(eq=False, slots=True)
class Request:
    """One request. Only the machine writes to it."""

    name: str
    """128 random bits and a counter; an automatic key is made of it."""
    kind: str
    fields: Said
    """The message, without type, id and key."""
    size: int = 0
    """Bytes on the wire, near enough for a bound."""
    key: str | None = None
    automatic: bool = False
    """Whether the key is its name: given to what was queued while the client was not live."""
    user: str | None = None
    owned: bool = False
    """Whether `user` says whose it is: the first to be welcome takes what nobody has."""
    volatile: bool = False
    stored: bool = False
    """Whether it has a row on disk."""
    committed: bool = False
    ours: bool = False
    """Whether the machine made it, for itself: nobody waits, and it does not count as the program's."""
    dies: float | None = None
    """When its time to live is over, on the clock that only goes forward."""
    dies_wall: int | None = None
    patience: float | None = None
    """When its caller gives up."""
    id: int | None = None
    session: str | None = None
    life: str | None = None
    written: float | None = None
    written_wall: int | None = None
    accepted: bool = False
    asked: float = 0.0
    """Over plain HTTP: when it was last asked for, and how often."""
    asks: int = 0
    closes: int = 0
    """How many connections in a row ended with it as the first without an ack, and nothing moved."""
    ended: bool = False
    result: Any = None
    error: Exception | None = None
    wanted: Callable[[Request], bool] | None = None
    """Of a join that counts as overtaken: whether the room is wanted all the same."""
    done: Callable[[Request], None] | None = None
    """Called by the machine, in its own step, with the ack's data in `result`, or the error."""
    tells: Callable[[Request], None] | None = None
    """Called when a stage was reached; what waits outside looks then."""
    hold: Any = None

    sent_again: bool = False
    """Whether it was written more than once, so that its ack may speak of an earlier time."""

    def tell(self) -> None:
        """A stage was reached."""
        if self.tells is not None:
            self.tells(self)

    def row(self) -> tuple[Any, ...]:
        """As it is kept on disk before it was written."""
        return (
            self.name,
            self.kind,
            encode(self.fields),
            self.key,
            self.automatic,
            self.owned,
            self.user,
            self.hold,
            self.dies_wall,
        )

    def sent_row(self) -> tuple[Any, ...]:
        """What is added to that when it is written."""
        return self.name, self.id, self.session, self.life, self.user, self.written_wall

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.ended

    def message(self, acked: int | None = None) -> Said:
        """As it is said."""
        said: Said = {"type": self.kind, "id": self.id, **self.fields}
        if self.key is not None:
            said["key"] = self.key
        if acked:
            said["acked"] = acked
        return said


@dataclass(slots=True)
class Counts:
    """What became of requests: numbers only rise."""

    sent: int = 0
    applied: int = 0
    failed: int = 0
    dropped: int = 0
    volatile_refused: int = 0
    maybe_done: int = 0


@dataclass(slots=True)
class Limits:
    """What the newest `welcome` said, with the protocol's defaults before it came."""

    max_message: int = 64 * 1024
    ping: float = 25.0
    silence: float = 60.0
    resume: float = 120.0
    acks: int = 256
    name: int = 255
    history: int = 1000
    messages_per_second: float = 0.0
    keys: float = 3600.0
    report: float = 0.0
    other: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Any) -> Limits:
        """Read from `welcome.limits`; what is missing or no number stays the default."""
        limits = cls(max_message=1 << 20)
        for name, value in (said if isinstance(said, dict) else {}).items():
            if name in cls.__slots__ and name != "other" and isinstance(value, int | float):
                setattr(limits, name, value)
            else:
                limits.other[name] = value
        return limits
