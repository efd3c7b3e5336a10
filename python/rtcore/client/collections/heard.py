"""What becomes of documents, one's own changes and others', with what was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import trio.lowlevel

from rtcore.client.bell import Bell
from rtcore.client.errors import ClientClosed

from .held import Held
from .view import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DocumentChange(Generic[T]):
    """Something else is seen of a key. `before` and `now`: the document, None where there is none. `own`:
    because of a call of this program; else the server, or another, made it so.
    """

    key: str
    before: T | None
    now: T | None
    own: bool


class _Ear:
    """What waits to be taken by one iterator: a place for each key."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[Any, Any, bool]] = {}
        self.bell = Bell()

    def seen(self, key: str, before: Any, now: Any, *, own: bool) -> None:
        """It is told of a key."""
        if (waiting := self.waiting.pop(key, None)) is not None:
            before, own = waiting[0], own and waiting[2]
            if before == now:
                return
        self.waiting[key] = (before, now, own)
        self.bell.ring()

    def ended(self) -> None:
        """Nothing more comes."""
        self.bell.ring()


class Changes(Generic[T]):
    """An async iterator of `DocumentChange`. Of a key that changes again before it is taken, both are told as
    one: so what waits is bounded by the keys. Each next item is a cancel point; cancelled, it has taken
    nothing. Raises `InvalidDocument` for what is not of the type, once; the next call goes on.
    """

    def __init__(self, held: Held, view: View[T]) -> None:
        self._held, self._view, self._ear = held, view, _Ear()
        held.ears.append(self._ear)

    def __aiter__(self) -> Changes[T]:
        return self

    async def __anext__(self) -> DocumentChange[T]:
        await trio.lowlevel.checkpoint()
        ear = self._ear
        while not ear.waiting:
            if self._held.ended is not None:
                if isinstance(self._held.ended, ClientClosed):
                    raise StopAsyncIteration
                raise self._held.ended
            ear.bell.silent()
            await ear.bell.wait()
        key = next(iter(ear.waiting))
        before, now, own = ear.waiting.pop(key)
        return DocumentChange(key, self._typed(key, before), self._typed(key, now), own)

    def _typed(self, key: str, document: Any) -> T | None:
        return None if document is None else self._view.typed(key, document)

    def close(self) -> None:
        """Hear no more."""
        if self._ear in self._held.ears:
            self._held.ears.remove(self._ear)

    def __del__(self) -> None:
        self.close()
