"""Where the client's machine has its times and its dice from: tests own both."""

from __future__ import annotations

import os
import random
from typing import Final, Protocol


class Clock(Protocol):
    """Two clocks: one that only goes forward, and the wall's, which is set."""

    def now(self) -> float:
        """Seconds, of no epoch."""
        ...

    def wall(self) -> int:
        """Milliseconds since 1970."""
        ...


class Names:
    """Names of requests: 128 random bits and a counter, so that none is given twice, by whatever process."""

    def __init__(self, bits: bytes | None = None) -> None:
        self._first = (bits or os.urandom(16)).hex()
        self._count = 0

    def next(self) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"{self._first}.{self._count}"


_DICE: Final = random.Random()  # noqa: S311 - nothing secret comes from it


def dice() -> random.Random:
    """For jitter: one for all clients, for each has 2.5 KB."""
    return _DICE
