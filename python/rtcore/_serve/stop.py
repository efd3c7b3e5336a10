"""The wish that a server ends."""

# ruff: noqa: SLF001 - what a server does with a wish is no part of the public class

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import trio


class Stop:
    """The wish that a server ends: what `serve` is given as `stop`, and may be asked from elsewhere.

        stop = rtcore.Stop()
        nursery.start_soon(partial(rtcore.serve, app, stop=stop))
        ...
        stop.ask()

    It is of the run of Trio that serves; another thread writes `trio.from_thread.run_sync(stop.ask)`. One is
    for one call of `serve`.
    """

    __slots__ = ("_asked", "_everything", "_starting")

    def __init__(self) -> None:
        self._asked = trio.Event()
        self._everything = trio.CancelScope()
        self._starting: trio.CancelScope | None = None

    def ask(self) -> None:
        """Shut down, within the grace; what has not started is given up. Twice is once."""
        self._asked.set()
        if self._starting is not None:
            self._starting.cancel()

    def insist(self) -> None:
        """End now, whatever is running."""
        self._asked.set()
        self._everything.cancel()

    @property
    def is_asked(self) -> bool:
        """Whether shutdown was asked for."""
        return self._asked.is_set()

    async def asked(self) -> None:
        """Return when shutdown was asked for. A cancel point and a schedule point."""
        await self._asked.wait()


def everything_of(stop: Stop) -> trio.CancelScope:
    """The scope in which `serve` does all that it does."""
    return stop._everything


@contextlib.contextmanager
def given_up(stop: Stop, starting: trio.CancelScope) -> Iterator[None]:
    """What starts in here, in this scope, is given up when shutdown is asked for, now or meanwhile."""
    stop._starting = starting
    if stop.is_asked:
        starting.cancel()
    try:
        yield
    finally:
        stop._starting = None


Stop.__module__ = "rtcore"
