"""Who speaks: one writer for all collections of a client; and what time it is at the server."""

from __future__ import annotations

from dataclasses import dataclass

from rtcore.client.clock import Clock


@dataclass(slots=True)
class Writer:
    """Client id and nonce are secrets. `incarnation`: how often the outbox was opened."""

    client: str
    incarnation: int
    nonce: str


class ServerTime:
    """The server's time, as `welcome.time` and `pong.server` tell it. It does not fall behind what was told.

    A wall's clock that is set back does not make changes older; one that is set forward is cut by the server.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = 0
        """Milliseconds by which the server's clock is ahead of the wall's here."""
        self._told, self._then = 0, clock.now()

    def restored(self, offset: int, told: int) -> None:
        """What the process before this one knew."""
        self.offset, self._then = offset, self._clock.now()
        self._told = told

    def learned(self, server: object) -> bool:
        """The server said what time it is. Whether that was a time."""
        if not isinstance(server, int):
            return False
        self.offset, self._told, self._then = server - self._clock.wall(), server, self._clock.now()
        return True

    @property
    def told(self) -> int:
        """What the server said last."""
        return self._told

    def now(self) -> int:
        """Milliseconds since 1970, at the server."""
        since = int((self._clock.now() - self._then) * 1000)
        return max(0, self._clock.wall() + self.offset, self._told + since if self._told else 0)
