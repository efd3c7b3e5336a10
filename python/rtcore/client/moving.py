"""A move to another transport: attached while the first is still heard, it takes over with its welcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 5.0
"""Seconds for the `welcome` of the transport that is tried, from its hello on."""
OPENING: Final = 15.0
"""Seconds until its hello: the token function is asked, and the connection is opened, within."""


@dataclass(slots=True)
class Move:
    """One attempt to move. Until its welcome the first connection is heard, and said on."""

    gen: int
    transport: str
    by: float
    """When it is given up."""
    token: str | None = None
    hello: bool = False
    """Whether its hello was said: the server may take the session over at any moment."""

    def said_hello(self, token: str | None, now: float) -> None:
        """Its hello leaves with this token."""
        self.hello, self.token, self.by = True, token, now + PATIENCE
