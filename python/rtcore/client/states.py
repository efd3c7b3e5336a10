"""The states of a client, as a table: what happens, and which state follows. js/SPEC.md is the same in words.

Each cell is there: what means nothing in a state leaves it as it is. The machine changes its state nowhere
else
than in `Track.after`, which records the transition.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """What the client is doing about its connection."""

    IDLE = "idle"
    """Not started."""
    CONNECTING = "connecting"
    """A transport is being opened."""
    WELCOMING = "welcoming"
    """`hello` is said; `welcome`, or the rooms after it, are not all here yet."""
    LIVE = "live"
    """Welcome, and each joined room is confirmed."""
    WAITING = "waiting"
    """Away, until it is time for the next attempt."""
    ENDED = "ended"
    """For good."""


class Happening(StrEnum):
    """What can happen to a connection."""

    START = "start"
    OPENED = "opened"
    SETTLED = "settled"
    """`welcome` is here, and each joined room is confirmed."""
    LOST = "lost"
    """The connection, or the attempt, is over, and the client comes back."""
    DUE = "due"
    """It is time for the next attempt, or somebody said so."""
    REFUSED = "refused"
    """It is over, and the client must not come back."""
    CLOSE = "close"
    """The program closes the client."""


_S, _H = State, Happening
TABLE: Final[Mapping[tuple[State, Happening], State]] = {
    (_S.IDLE, _H.START): _S.CONNECTING,
    (_S.IDLE, _H.OPENED): _S.IDLE,
    (_S.IDLE, _H.SETTLED): _S.IDLE,
    (_S.IDLE, _H.LOST): _S.IDLE,
    (_S.IDLE, _H.DUE): _S.IDLE,
    (_S.IDLE, _H.REFUSED): _S.ENDED,
    (_S.IDLE, _H.CLOSE): _S.ENDED,
    (_S.CONNECTING, _H.START): _S.CONNECTING,
    (_S.CONNECTING, _H.OPENED): _S.WELCOMING,
    (_S.CONNECTING, _H.SETTLED): _S.CONNECTING,
    (_S.CONNECTING, _H.LOST): _S.WAITING,
    (_S.CONNECTING, _H.DUE): _S.CONNECTING,
    (_S.CONNECTING, _H.REFUSED): _S.ENDED,
    (_S.CONNECTING, _H.CLOSE): _S.ENDED,
    (_S.WELCOMING, _H.START): _S.WELCOMING,
    (_S.WELCOMING, _H.OPENED): _S.WELCOMING,
    (_S.WELCOMING, _H.SETTLED): _S.LIVE,
    (_S.WELCOMING, _H.LOST): _S.WAITING,
    (_S.WELCOMING, _H.DUE): _S.WELCOMING,
    (_S.WELCOMING, _H.REFUSED): _S.ENDED,
    (_S.WELCOMING, _H.CLOSE): _S.ENDED,
    (_S.LIVE, _H.START): _S.LIVE,
    (_S.LIVE, _H.OPENED): _S.LIVE,
    (_S.LIVE, _H.SETTLED): _S.LIVE,
    (_S.LIVE, _H.LOST): _S.WAITING,
    (_S.LIVE, _H.DUE): _S.LIVE,
    (_S.LIVE, _H.REFUSED): _S.ENDED,
    (_S.LIVE, _H.CLOSE): _S.ENDED,
    (_S.WAITING, _H.START): _S.WAITING,
    (_S.WAITING, _H.OPENED): _S.WAITING,
    (_S.WAITING, _H.SETTLED): _S.WAITING,
    (_S.WAITING, _H.LOST): _S.WAITING,
    (_S.WAITING, _H.DUE): _S.CONNECTING,
    (_S.WAITING, _H.REFUSED): _S.ENDED,
    (_S.WAITING, _H.CLOSE): _S.ENDED,
    (_S.ENDED, _H.START): _S.ENDED,
    (_S.ENDED, _H.OPENED): _S.ENDED,
    (_S.ENDED, _H.SETTLED): _S.ENDED,
    (_S.ENDED, _H.LOST): _S.ENDED,
    (_S.ENDED, _H.DUE): _S.ENDED,
    (_S.ENDED, _H.REFUSED): _S.ENDED,
    (_S.ENDED, _H.CLOSE): _S.ENDED,
}
KEPT_TRANSITIONS: Final = 256


class Track:
    """The state, and how it came to it."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.recorded: list[tuple[float, State, Happening, State]] = []

    def after(self, happening: Happening, now: float) -> bool:
        """Go where the table says; whether that is another state."""
        before, self.state = self.state, TABLE[self.state, happening]
        if before is self.state:
            return False
        self.recorded.append((now, before, happening, self.state))
        del self.recorded[:-KEPT_TRANSITIONS]
        return True
