"""Who is in a room, as the application sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ._data.values import ANYTHING, JSON
from ._engine import Engine
from ._ground.home import anywhere
from ._turn.sessions import meet
from .session import Session

if TYPE_CHECKING:
    from .auth import Grant


class Member:
    """Who is in a room: the ids of session and user, what others see of it (`info`), its rights (`grants`).

    It says how that was when it was asked for. `room.set_info` and `room.grant` change it.
    """

    __slots__ = ("_engine", "_handle", "_info", "grants", "session_id", "user")

    def __init__(self, engine: Engine, row: tuple[int, str, str | None, bytes | None, list[str]]) -> None:
        self._engine = engine
        self._handle, self.session_id, self.user, self._info, grants = row
        self.grants = cast("list[Grant]", grants)

    @property
    def info(self) -> Any:
        """What the other members see of it: what the authorizer said, or `set_info` since; or None."""
        return None if self._info is None else ANYTHING.by_form(JSON, self._info)

    @info.setter
    def info(self, _: object) -> None:
        raise AttributeError(
            "what others see of a member is changed by `room.set_info(member.session, info)`; `member.info` "
            "says what it was when `room.members()` was asked"
        )

    @property
    @anywhere
    def session(self) -> Session:
        """The session itself.

        Raises:
            SessionEnded: it has ended since.

        """
        return meet(self._engine, self._handle)

    def __repr__(self) -> str:
        return f"<Member {self.session_id} of {self.user!r}>"


Member.__module__ = "rtcore"
