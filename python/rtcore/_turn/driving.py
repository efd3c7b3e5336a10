"""What keeps the core going: its turns, and the flush of what was made outside of them.

Whoever waits for the disk cannot be cancelled (`Engine.wait_stored`): what he said may be kept, and he is to
know. So this outlives all that may wait: handlers, what sessions have started, HTTP requests, lifespans on
both sides of their `yield`. The store answers within `STORE_MS`, if only to say that nobody knows: so this
ends, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from rtcore._engine import Engine


class Driving:
    """Runs shielded until each of those for whom it runs is done."""

    def __init__(self, engine: Engine, whose: int) -> None:
        self._engine = engine
        self._left = whose
        self._scopes: list[trio.CancelScope] = []

    async def during(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this, which has no end of its own, for so long."""
        with trio.CancelScope(shield=True) as scope:
            self._scopes.append(scope)
            try:
                if self._left:
                    await work()
            finally:
                # It has failed, or nobody is left: in both cases nothing comes any more.
                self._engine.let_go()

    def done(self) -> None:
        """One of them is: nothing of his waits."""
        self._left -= 1
        if not self._left:
            for scope in self._scopes:
                scope.cancel()
