"""How often a key may be used: a bucket that holds `burst` tokens and gets `rate` new ones a second.

A request takes one token, and waits for nothing: without one it is refused, and told when to come back. What
is known only later to cost more (a batch) takes the rest in debt, so a batch of any size goes through a
bucket of any size, and the next request pays.

Time is told, not read: the clock is the caller's.
"""

from __future__ import annotations


class Bucket:
    """The tokens of one key. Times in seconds, of any one clock."""

    __slots__ = ("_burst", "_rate", "_then", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = self._burst
        self._then = now

    def take(self, now: float) -> float:
        """Take a token. 0: it was there; else the seconds until it will be, and none was taken."""
        # A clock that goes back adds nothing, and takes nothing away.
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._then) * self._rate)
        self._then = max(now, self._then)
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self._rate
        self._tokens -= 1.0
        return 0.0

    def owe(self, tokens: int) -> None:
        """Take more for what was let through, whether they are there or not."""
        self._tokens -= tokens
