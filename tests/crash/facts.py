"""What happened, as those outside of the server have seen it. The judge reads this, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .shelf import Pushed

Message = dict[str, Any]


@dataclasses.dataclass
class Said:
    """One request, from its first bytes to its last answer.

    `token` is in it and nowhere else, so that whatever comes of it can be told. `answers` are all that came,
    in order: a request that is sent again has more than one.
    """

    who: str
    session: str
    id: int
    kind: str  # publish, emit, join, leave
    what: str  # the room, or the event
    token: str
    message: Message
    key: str | None = None
    room: str | None = None  # in which an emit says something
    at: int = 0  # when, in the order of all that was said; of a kick: where its room began for who is put out
    answers: list[Message] = dataclasses.field(default_factory=list)
    sent: int = 0
    given_up: bool = False  # its session is gone, and nobody asks again

    @property
    def last(self) -> Message | None:
        """The last answer."""
        return self.answers[-1] if self.answers else None

    @property
    def error(self) -> str | None:
        """The code of the last answer, if that is an error."""
        return None if self.last is None or "error" not in self.last else str(self.last["error"]["code"])

    @property
    def acked(self) -> bool:
        """Whether it was acknowledged as done."""
        return any("error" not in answer for answer in self.answers)


@dataclasses.dataclass
class Hearing:
    """What one session heard of one room, from a join to a leave: `items` in order of arrival."""

    who: str
    session: str
    room: str
    began: int
    items: list[tuple[str, Any, Any]] = dataclasses.field(default_factory=list)
    upto: int = 0  # all up to here has come, or a gap in its place: a fence stood behind it
    over: bool = False  # left, or the session is over: what follows was not for it
    unsure: bool = False  # a leave, a removal or an end is under way: it may hear on, or not
    after: int = 0  # up to here it was heard before a leave that a crash undid; else the same as `began`


@dataclasses.dataclass
class Facts:
    """All of a run."""

    said: list[Said] = dataclasses.field(default_factory=list)
    heard: list[Hearing] = dataclasses.field(default_factory=list)
    asked: dict[tuple[str, int], set[str]] = dataclasses.field(default_factory=dict)
    runs: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # handler, token
    past: dict[str, list[tuple[int, Any]]] = dataclasses.field(default_factory=dict)
    pushed: list[Pushed] = dataclasses.field(default_factory=list)  # changes of a collection on disk
    shown: dict[int, tuple[str, Any, str, int]] = dataclasses.field(
        default_factory=dict
    )  # by number, as heard
    docs: dict[str, tuple[int, Any]] = dataclasses.field(
        default_factory=dict
    )  # what is kept of it at the end
    broken: list[str] = dataclasses.field(default_factory=list)  # what was seen to be wrong at once
    resumed: int = 0
    fresh: int = 0
    kills: int = 0
    machine: bool = False  # each kill is one of the machine: a `normal` room may lose what it acknowledged
    clock: int = 0
    epochs: set[str] = dataclasses.field(default_factory=set)

    def now(self) -> int:
        """The next moment."""
        self.clock += 1
        return self.clock
