"""Which transport is tried next: the best that works here, and what failed again after a while."""

from __future__ import annotations

from typing import Final

from .errors import WrongURL

ORDER: Final = ("websocket", "sse", "polling")
SOCKETS: Final = ("websocket", "trio-websocket")
"""Those of them that are a WebSocket: ours, and that of a library, which nobody gets who does not ask."""
NAMES: Final = (*ORDER, "trio-websocket", "hybrid")
AGAIN: Final = 5.0
"""Seconds after which a better transport that failed is tried again; doubled at each further failure."""
LONGEST: Final = 300.0


class Choice:
    """The transports that may be used, best first, and which of them failed lately."""

    def __init__(self, wanted: str | tuple[str, ...] = "hybrid") -> None:
        names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        unknown = [name for name in names if name not in NAMES]
        if unknown or not names:
            raise WrongURL(f"there is no transport {unknown[0] if unknown else ''!r}: {', '.join(NAMES)}")
        self.names = ORDER if "hybrid" in names else names
        self.last = self.names[0]
        self._failed: dict[str, int] = {}
        self._again_at: dict[str, float] = {}

    def next(self, now: float) -> str:
        """The one to open."""
        for name in self.names:
            if self._again_at.get(name, now) <= now:
                self.last = name
                return name
        # All have failed lately: the one whose turn comes first.
        self.last = min(self.names, key=lambda name: self._again_at[name])
        return self.last

    def failed(self, name: str, now: float) -> bool:
        """It could not be opened, or had no welcome; whether another one is to be tried at once."""
        count = self._failed[name] = self._failed.get(name, 0) + 1
        self._again_at[name] = now + min(LONGEST, AGAIN * 2 ** (count - 1))
        return any(self._again_at.get(other, now) <= now for other in self.names)

    def failed_above(self, name: str) -> tuple[str, ...]:
        """Those that would have been better than this one, and failed."""
        better = self.names[: self.names.index(name)] if name in self.names else ()
        return tuple(each for each in better if each in self._failed)

    def worked(self, name: str) -> None:
        """It had its welcome."""
        self._failed.pop(name, None)
        self._again_at.pop(name, None)
