"""An outbox's file in memory: it outlives the client that had it open, can be copied, and needs no thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import trio

from rtcore.client.store import Kept, Outbox

T = TypeVar("T")


class BoxFile(Outbox):
    """The file of one client's program, over all its lives."""

    def __init__(self, place: str = "here") -> None:
        super().__init__(place, messages=1000)
        self._file = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._where = place
        self.said: dict[tuple[str, int], dict[str, Any]] = {}
        """What was kept of changes, by client id and number."""

    def copy(self, place: str) -> BoxFile:
        """Another file with the same in it. With the same place, nobody can tell."""
        made = BoxFile(place)
        self._file.backup(made._file)
        return made

    def _connect(self) -> sqlite3.Connection:
        return self._file

    def _take_lock(self) -> None:
        """Nobody else knows it."""

    def _place(self) -> str:
        return self._where

    async def start(self, server: str) -> Kept:
        await trio.lowlevel.checkpoint()
        return self.open(server)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
            return function(*args)

    def _commit(self, steps: list[tuple[Any, ...]]) -> None:
        if self._db is None:
            return
        super()._commit(steps)
        client = self._db.execute("SELECT value FROM fact WHERE name='client'").fetchone()[0]
        for _, _, rows in (step for step in steps if step[0] == "data"):
            for kind, _, n, row in rows:
                said = msgspec.json.decode(row).get("pending", {}).get("said") if kind == 2 and row else None
                if said is not None:
                    self.said[client, n] = said

    def close(self) -> None:
        self._db = None
