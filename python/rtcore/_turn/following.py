"""What becomes of a collection, for the application: a position, and what is read behind it."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

from rtcore._data.values import ANYTHING, JSON
from rtcore.change import Changed
from rtcore.entry import Position
from rtcore.errors import Unavailable

from .budget import checkpoint, due
from .listening import gap_after, wait_said

if TYPE_CHECKING:
    from rtcore._app.shared import SharedData
    from rtcore._engine import Engine
    from rtcore.client import Gap

SYNC: Final = "$sync/"
NOWHERE: Final = ""
"""No position: a page that is asked for after it says where the collection is, and nothing else."""


def read_page(engine: Engine, name: str, after: str | None, begun: str | None) -> dict[str, Any]:
    """A page of a collection, as a `pull` is answered.

    Raises:
        NotFound: no settings name it.
        Unavailable: it is on disk alone.

    """
    page: dict[str, Any] = ANYTHING.by_form(
        JSON, engine.call(engine.core.read_collection, name, after, begun)
    )
    return page


def position_of(engine: Engine, name: str) -> str:
    """Up to where a collection may be read now.

    Raises:
        NotFound: no settings name it.

    """
    seq = engine.call(engine.core.readable, SYNC + name)
    try:
        return str(read_page(engine, name, NOWHERE, None)["next"])
    except Unavailable:  # on disk alone, so nothing is on its way there
        return f"{engine.epoch}.{seq}"


class Following:
    """An async iterator over what becomes of a collection: `Changed`, and `Gap` where deletes are forgotten.

    It keeps its place and at most a page of documents, and nothing is kept for it: of a key that changes
    again before it is read only the last is told. It never ends by itself; leave the loop, or cancel it. One
    task at a time asks for its next.
    """

    __slots__ = ("_after", "_given", "_ready", "_shared")

    def __init__(self, shared: SharedData, after: str) -> None:
        self._shared = shared
        self._ready: deque[Changed | Gap] = deque()
        self._after = self._given = after

    @property
    def position(self) -> Position:
        """Up to where it was told: `changes(since=position)` goes on from there, after a restart too where
        the collection is durable.
        """
        return Position(self._given if self._ready else self._after)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Changed | Gap:
        """The next, as soon as it is there. A cancel point: who is cancelled has missed nothing.

        Raises:
            Unavailable: the collection cannot be read from disk.
            NotServing: the server ended.

        """
        engine = self._shared._engine
        engine.here("changes")
        if due():
            await checkpoint()
        while not self._ready:
            await self._read()
        told = self._ready.popleft()
        self._given = f"{engine.epoch}.{told.seq if isinstance(told, Changed) else told.last}"
        return told

    async def _read(self) -> None:
        shared, engine = self._shared, self._shared._engine
        await shared.loaded()
        page = read_page(engine, shared.name, self._after, None)
        if not self._takes(page):
            room = SYNC + shared.name
            await wait_said(
                engine, room, lambda: not self._takes(read_page(engine, shared.name, self._after, None))
            )

    def _takes(self, page: dict[str, Any]) -> bool:
        """Whether there was something in a page."""
        name, before = self._shared.name, self._after
        if page["reset"]:
            self._ready.append(gap_after(before, Position(page["next"]), SYNC + name))
        for doc in page["docs"]:
            self._ready.append(
                Changed(
                    name,
                    doc["key"],
                    doc.get("value"),
                    "value" not in doc,
                    doc["seq"],
                    self._shared._engine.epoch,
                )
            )
        self._after = page["next"]
        return bool(self._ready)


Following.__module__ = "rtcore"
