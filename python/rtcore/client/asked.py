"""What the server asked of this client: each once, however often the question comes.

A question that comes again while its handler runs is not run again; one that was answered gets the same
answer.
Replies are kept as long as the session and the server's life are the same: 256 of them, 256 KiB.
"""

from __future__ import annotations

from typing import Final

KEPT: Final = 256
KEPT_BYTES: Final = 256 * 1024


class Asked:
    """Questions by their ids."""

    def __init__(self) -> None:
        self.running: set[int] = set()
        self._replies: dict[int, bytes] = {}
        self._bytes = 0

    def comes(self, number: int) -> bytes | bool | None:
        """True: ask the application. Bytes: say this again. None: its handler is still at work."""
        if (kept := self._replies.get(number)) is not None:
            return kept
        if number in self.running:
            return None
        self.running.add(number)
        return True

    def replied(self, number: int, reply: bytes) -> bool:
        """Keep the reply; False: nobody wants it any more."""
        if number not in self.running:
            return False
        self.running.discard(number)
        self._replies[number] = reply
        self._bytes += len(reply)
        while self._replies and (len(self._replies) > KEPT or self._bytes > KEPT_BYTES):
            old = self._replies.pop(next(iter(self._replies)))
            self._bytes -= len(old)
        return True

    def forget(self) -> None:
        """Another session, or another life: the ids begin again."""
        self.running.clear()
        self._replies.clear()
        self._bytes = 0
