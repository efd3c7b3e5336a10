"""What must be on disk before bytes leave, and what waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from .effects import Commit, Effect
from .request import Request


class Waits(Protocol):
    """What is told once it is on disk."""

    committed: bool

    def tell(self) -> None:
        """It is."""
        ...


class Ledger:
    """Steps for the store, in their order, many in one commit. `on`: whether there is a store at all."""

    def __init__(self, effects: deque[Effect], *, on: bool) -> None:
        self.on = on
        self._effects = effects
        self._steps: list[tuple[Any, ...]] = []
        self._adds: list[Waits] = []
        self._ends: list[int] = []
        self._token = 0
        self._waits: dict[int, tuple[int, list[bytes], list[Waits], list[int]]] = {}
        self._unkept: set[int] = set()

    def step(self, *step: Any) -> None:
        """One more, with the next commit."""
        if self.on:
            self._steps.append(step)

    def keep(self, step: tuple[Any, ...], waits: Sequence[Waits]) -> None:
        """One more, and who is told once it is on disk."""
        self._steps.append(step)
        self._adds += waits

    def add(self, request: Request) -> bool:
        """Keep it, if it is to be kept: then it is committed later."""
        if not (self.on and request.stored):
            return False
        self._steps.append(("add", *request.row()))
        self._adds.append(request)
        return True

    def write(self, request: Request) -> None:
        """It has its id."""
        if request.stored:
            self.step("write", *request.sent_row())

    def end(self, request: Request) -> None:
        """It has its answer, or is given up."""
        if self.on and request.stored:
            self._steps.append(("end", request.name))
            if request.id is not None:
                self._ends.append(request.id)

    def hold(self, gen: int, batch: list[bytes]) -> bool:
        """Ask for a commit of what is to be kept. Whether these messages wait for it: ids leave in their
        order.
        """
        if self._steps:
            self._token += 1
            self._waits[self._token] = (gen, batch, self._adds, self._ends)
            self._effects.append(Commit(self._token, tuple(self._steps)))
            self._unkept.update(self._ends)
            self._steps, self._adds, self._ends = [], [], []
            return True
        if not self._waits or not batch:
            return False
        last = max(self._waits)
        of, held, adds, ends = self._waits[last]
        self._waits[last] = (gen, (held if of == gen else []) + batch, adds, ends)
        return True

    def committed(self, token: int) -> tuple[int, list[bytes]]:
        """It is on disk: what may leave now, and on which connection. Of a commit that nobody waits for:
        nothing.
        """
        gen, batch, adds, ends = self._waits.pop(token, (0, [], [], []))
        self._unkept.difference_update(ends)
        for request in adds:
            request.committed = True
            request.tell()
        return gen, batch

    def acked(self, here: int) -> int:
        """The acks of all ids up to this are on disk: the server may let go of them."""
        return min([here, *(number - 1 for number in self._unkept)])
