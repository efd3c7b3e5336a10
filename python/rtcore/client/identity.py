"""Who the client is to the server: session, key, user, and in which life of the server."""

from __future__ import annotations

from typing import Final

from .coming import HelloNumbers
from .words import Said

VERSION: Final = 1


class Identity:
    """What `welcome` said last, and what `hello` says of it."""

    def __init__(self, client: str, program: str) -> None:
        self.session: str | None = None
        self.key: str | None = None
        self.user: str | None = None
        self.life: str | None = None
        self.expires: int | None = None
        self.clock_offset: float | None = None
        """Seconds by which the server's clock is ahead of ours."""
        self.welcomes = 0
        self.hellos = HelloNumbers()
        self.program: tuple[str, ...] = (program,)
        """Secrets: that of this client, and of those that had its outbox before and were not welcome since.
        These alone resume a session, so that no copy of the outbox speaks in it by turns.
        """
        self._client = client
        self.compress: tuple[str, ...] = ()
        """What compresses messages, in the order of our wishes; only a WebSocket is asked for it."""

    def hello(
        self, token: str | None, position: str | None, streams: Said, wall: int, *, plain: bool = False
    ) -> Said:
        """The first message of a connection."""
        said: Said = {"type": "hello", "v": VERSION, "client": self._client, "n": self.hellos.next(wall)}
        said["program"] = self.program
        if self.compress and not plain:
            said["compress"] = self.compress
        if token is not None:
            said["token"] = token
        if self.session is not None:
            said |= {"session": self.session, "key": self.key}
            if streams:
                said["streams"] = streams
        if position is not None:
            said["position"] = position
        return said

    def expiring(self, said: Said) -> None:
        """The token ends soon."""
        self.expires = said.get("at")

    def welcome(self, said: Said, wall: int) -> tuple[bool, bool]:
        """Take it in: whether the session is the same, and whether the server's life is.

        A server that says no `life` cannot tell: each welcome counts as another life then, but for its
        replies.
        """
        life = said.get("life")
        resumed = bool(said["resumed"]) and said["session"] == self.session
        same_life = life == self.life
        self.session, self.key = said["session"], said["key"] or self.key
        self.user, self.life, self.expires = said.get("user"), life, said.get("expires")
        if isinstance(told := said.get("time"), int):
            self.clock_offset = (told - wall) / 1000
        self.welcomes += 1
        self.hellos.welcomed()
        self.program = self.program[:1]
        return resumed, same_life
