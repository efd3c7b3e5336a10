"""What `send` gives: a request of which each stage can be awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import trio

from .request import Request

T = TypeVar("T")


class Stage(Generic[T]):
    """Something that can be awaited, more than once."""

    def __init__(self, wait: Callable[[], Awaitable[T]]) -> None:
        self._wait = wait

    def __await__(self) -> Generator[Any, Any, T]:
        return self._wait().__await__()


class Sent:
    """A request on its way.

    `queued`: it is kept here; with an outbox on disk it is committed.
    `accepted`: the server has taken it, and will not forget it while its session lives.
    `applied`: its result; raises what it ended with. Waiting is a cancel point, and leaving off changes
    nothing:
    the request goes on. Use `take_back` to end it.
    """

    def __init__(
        self, request: Request, poke: Callable[[Request], None], give_up: Callable[[Request], None]
    ) -> None:
        self._request, self._poke, self._give_up = request, poke, give_up
        self._news = trio.Event()
        request.tells = self._told

    def _told(self, _: Request) -> None:
        self._news.set()
        self._news = trio.Event()

    @property
    def name(self) -> str:
        """Its name, which no other request ever has."""
        return self._request.name

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._request.ended

    @property
    def maybe_done(self) -> bool:
        """Whether the server may have done it, as far as is known now."""
        if self._request.error is not None:
            return getattr(self._request.error, "maybe_done", False) is True
        return self._request.written is not None

    def take_back(self) -> None:
        """Wait no longer: what was not written is not sent; what was written may have been done."""
        self._give_up(self._request)

    @property
    def queued(self) -> Stage[None]:
        """Wait until it is kept here."""
        return Stage(self._wait_queued)

    @property
    def accepted(self) -> Stage[None]:
        """Wait until the server has taken it. Raises a `RequestError` if it ends before."""
        return Stage(self._wait_accepted)

    @property
    def applied(self) -> Stage[Any]:
        """Wait for its result. Raises a `RequestError`."""
        return Stage(self._wait_applied)

    async def _wait_queued(self) -> None:
        while not (self._request.committed or self._request.ended):
            await self._news.wait()
        if self._request.error is not None and not self._request.committed:
            raise self._request.error

    async def _wait_accepted(self) -> None:
        while not (self._request.accepted or self._request.ended):
            self._poke(self._request)
            await self._news.wait()
        if self._request.error is not None and not self._request.accepted:
            raise self._request.error

    async def _wait_applied(self) -> Any:
        while not self._request.ended:
            await self._news.wait()
        if self._request.error is not None:
            raise self._request.error
        return self._request.result
