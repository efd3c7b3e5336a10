"""Says that there is something to look at. It knows nobody, so who waits for it may go away at any time."""

from __future__ import annotations

import trio


class Bell:
    """Rings for all who wait. Silence it, look, and then wait: what comes between is not missed."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        """There is something to look at."""
        self._event.set()

    def silent(self) -> None:
        """From now on `wait` waits for the next."""
        if self._event.is_set():
            self._event = trio.Event()

    async def wait(self) -> None:
        """Until it rings, or has rung since it was silenced."""
        await self._event.wait()
