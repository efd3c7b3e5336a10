"""What a transport is to the client: it carries messages both ways until it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from rtcore.client.event import Event
from rtcore.client.words import Said

ABNORMAL: Final = 1006


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection ended. `after`: the seconds that the server asked for, if it did."""

    code: int = ABNORMAL
    reason: str = ""
    after: float | None = None


class Refused(Exception):  # noqa: N818 - what the server did
    """The server, or what stands between, answered with something else than a connection."""

    def __init__(self, status: int, code: str | None, message: str, after: float | None = None) -> None:
        super().__init__(f"HTTP {status}{f' {code}' if code else ''}{f': {message}' if message else ''}")
        self.status, self.code, self.message, self.after = status, code, message, after


class Useless(Exception):  # noqa: N818 - what was found
    """The transport is open, and carries nothing: the next one is tried."""


class Hears(Protocol):
    """Who is told what comes."""

    def messages(self, messages: list[Said]) -> None:
        """Messages, in their order."""
        ...

    def events(self, events: list[Event], size: int) -> None:
        """Messages in their order, all of them events; each has about so many bytes."""
        ...

    def alive(self) -> None:
        """Bytes came that are no message."""
        ...

    async def wants_more(self) -> None:
        """Waits while consumers are behind, and nothing of ours is on its way to us."""
        ...


class Link(Protocol):
    """One connection. `say`, `welcomed` and `shut` never wait: they leave the work to `run`."""

    @property
    def sent(self) -> int:
        """Bytes that left."""
        ...

    @property
    def received(self) -> int:
        """Bytes that came."""
        ...

    def say(self, messages: tuple[bytes, ...], *, hello: bool) -> None:
        """These messages, in this order, after what was said before."""
        ...

    def welcomed(self, session: str, key: str, compress: str | None) -> None:
        """The session that the hello got, and what compresses messages from now on."""
        ...

    def shut(self, code: int, reason: str) -> None:
        """Close, when what was said has been written, within a second."""
        ...

    async def run(self, hears: Hears) -> Ended:
        """Carry, until it ends. Cancelled, it closes at once."""
        ...
