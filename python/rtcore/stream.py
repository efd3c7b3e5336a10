"""The items of a stream that goes up, as the function takes them that was registered by `@app.stream`."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Self, TypeVar

from ._app.invalid import invalid
from ._data.values import ANYTHING, FAULTS, Decoder
from ._engine import Engine
from ._ground.numbers import FIXED
from ._ground.parking import Parking
from ._turn.budget import checkpoint, due
from .errors import Refuse, RemoteError, UsageError

T = TypeVar("T")

REPORT_EVERY: Final = FIXED["ITEMS_REPORTED"]
"""Items taken between two words to the core about it; while items wait, the peer's credit may wait, too."""


class Items(Generic[T]):
    """The items of a stream that goes up, in order: `async for item in items`.

    It ends when the peer says that no item follows. A peer that fails raises `RemoteError`, with its code. An
    item that is not of the type raises `Refuse` (`INVALID_MESSAGE`, with every fault named): a handler that
    lets it pass ends the stream with it; one that does not may ask for the next item.

    The peer may send as many items as were taken and a few more, so nothing piles up here: a handler that is
    slow makes a peer that waits. Each item is a cancel point; it is a schedule point when it must be waited
    for, and else after each 64.
    """

    __slots__ = (
        "_closed",
        "_decoder",
        "_engine",
        "_error",
        "_handle",
        "_id",
        "_name",
        "_place",
        "_taken",
        "_waiting",
    )

    def __init__(self, engine: Engine, handle: int, stream: int, name: str, decoder: Decoder) -> None:
        self._engine = engine
        self._handle = handle
        self._id = stream
        self._name = name
        self._decoder = decoder
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._taken = 0  # and not yet reported
        self._closed = False
        self._error: tuple[str, str] | None = None
        self._place = Parking()  # for the task that waits for the next item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: there is none.
            RemoteError: the peer failed.
            Refuse: the item is not of the type.
            UsageError: another task waits for it already.

        """
        self._engine.here("__anext__")
        if due():
            await checkpoint()
        while not self._waiting:
            self._report()
            if self._closed:
                error, self._error = self._error, None
                if error is not None:
                    raise RemoteError(*error)
                raise StopAsyncIteration
            await self._wait()
        form, data = self._waiting.popleft()
        self._taken += 1
        if self._taken >= REPORT_EVERY:
            self._report()
        try:
            return self._decoder.by_form(form, data)  # type: ignore[no-any-return]
        except FAULTS as error:
            code, text, details = invalid(self._decoder, f"an item of {self._name!r}", form, data, error)
            raise Refuse(code, text, None if details is None else ANYTHING.json(details)) from error

    async def _wait(self) -> None:
        if self._place.taken:
            raise UsageError(f"two tasks wait for the next item of the stream {self._name!r}")
        await self._place.wait()

    def _report(self) -> None:
        """Say how many were taken, so that the peer may send more."""
        if self._taken:
            taken, self._taken = self._taken, 0
            self._engine.core.stream_taken(self._handle, self._id, taken)
            if not self._engine.turning:
                self._engine.wake()

    def _give(self, form: int, data: bytes) -> None:
        """An item came."""
        self._waiting.append((form, data))
        self._place.wake()

    def _close(self, error: tuple[str, str] | None) -> None:
        """No item follows."""
        self._closed = True
        self._error = error
        self._place.wake()


Items.__module__ = "rtcore"
