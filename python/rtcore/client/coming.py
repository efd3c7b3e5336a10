"""Coming back: whether, when, and under which number."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

from .errors import (
    ConnectError,
    Forbidden,
    SessionClosed,
    Superseded,
    TokenRefused,
)

FIRST: Final = 1.0
CAP: Final = 30.0
CALM: Final = 10.0
"""Seconds of being live after which the wait begins at its first length again: a server that closes at once
after each welcome is not asked each second.
"""

# RFC 6455 §7.4.1: after these the same again would meet the same answer.
_FINAL: Final = frozenset({1000, 1002, 1003, 1007, 1009})
ABNORMAL: Final = 1006


@dataclass(slots=True)
class Backoff:
    """Waits: 1 s doubling to 30 s, the jitter drawn after the cap; what the server asked for wins."""

    dice: random.Random
    first: float = FIRST
    cap: float = CAP
    failures: int = 0
    live_since: float | None = None

    def live(self, now: float) -> None:
        """The client is live from now on."""
        self.live_since = now

    def wait(self, now: float, after: float | None) -> float:
        """Seconds until the next attempt."""
        if self.live_since is not None and now - self.live_since >= CALM:
            self.failures = 0
        self.live_since = None
        longest = min(self.cap, self.first * 2 ** min(self.failures, 30))
        self.failures += 1
        drawn = self.dice.uniform(0, longest)
        return drawn if after is None else max(0.0, after)


class Comeback:
    """When the next attempt is, and whether there is one. `attempts`: how many failures in a row end it."""

    def __init__(self, dice: random.Random, attempts: int | None) -> None:
        self.due = math.inf
        self.failures = 0
        self._attempts = attempts
        self._backoff = Backoff(dice)
        self._not_before = -math.inf

    def live(self, now: float) -> None:
        """The client is live from now on."""
        self._backoff.live(now)

    def away(self, now: float, after: float | None, *, counts: bool) -> bool:
        """Another attempt, after so many seconds if that was said; False: it was the last."""
        self.failures += counts
        if self._attempts is not None and self.failures >= self._attempts:
            return False
        waits = self._backoff.wait(now, after) if after is None or counts else after
        self.due = now + waits
        self._not_before = now + after if after else -math.inf
        return True

    def try_now(self, now: float) -> None:
        """Wait no longer, though never before the time that the server named."""
        self.due = max(now, self._not_before)


class HelloNumbers:
    """`hello.n` rises with each hello of a session; and how many of ours have no answer yet."""

    def __init__(self) -> None:
        self.last = 0
        self.unanswered = 0

    def next(self, wall: int) -> int:
        """The number of the next hello."""
        self.last = max(self.last + 1, wall)
        self.unanswered += 1
        return self.last

    def welcomed(self) -> None:
        """All hellos of the session are answered: an older one can only lose."""
        self.unanswered = 0

    def known(self, number: object) -> None:
        """The server knows a higher one."""
        if isinstance(number, int):
            self.last = max(self.last, number)


def verdict(code: int, reason: str, *, hello_open: bool) -> ConnectError | None:
    """Whether a close ends the client: None means that it comes back."""
    told = f": {reason}" if reason else ""
    if code == 4500:
        # An old hello of our own may have taken the session back: then nobody else speaks for it.
        if hello_open:
            return None
        return Superseded(
            f"another client took this session over{told}; two programs share one session or outbox", code
        )
    if code == 4501:
        return TokenRefused(f"the server does not accept the token{told}", code)
    if code == 4502:
        return Forbidden(f"the server does not let this client in{told}", code)
    if code == 4503:
        return SessionClosed(f"the application ended the session{told}", code)
    if 4500 <= code <= 4999 or code in _FINAL:
        return SessionClosed(f"the server closed the connection for good with {code}{told}", code)
    return None
