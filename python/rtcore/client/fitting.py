"""Whether the server takes a message of this size: it counts the bytes that carry it, in either encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .errors import TooLarge
from .packed import pack
from .request import Limits

GROWS: Final = 3
"""No message of JSON has more than so many times its bytes as MessagePack: `,2e9` becomes nine."""
FRAME: Final = 64 * 1024
"""Bytes of small messages that go into one frame, if the limit is not lower."""
HEAD: Final = 5
"""Bytes of a frame beside its messages, at most."""


class Fitting:
    """What fits. `packed`: what waits may leave as JSON or as MessagePack, whatever carries it at last."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.packed = False

    def bound(self, said: bytes) -> int:
        """Bytes that it has at most."""
        return len(said) * GROWS if self.packed else len(said)

    def too_large(self, what: str, said: bytes, *, maybe_done: bool = False) -> TooLarge | None:
        """Why this is not written: the server would close for it."""
        most = self.limits.max_message
        if self.bound(said) <= most:
            return None
        size = max(len(said), len(pack(said))) if self.packed else len(said)
        text = f"{what} has {size} bytes; the server takes {most}"
        return TooLarge(text, maybe_done=maybe_done) if size > most else None

    def frames(self, batch: list[bytes]) -> Iterator[tuple[bytes, ...]]:
        """Messages, as many to a frame as fit."""
        most = min(FRAME, self.limits.max_message)
        frame: list[bytes] = []
        size = HEAD
        for said in batch:
            more = self.bound(said) + 1
            if frame and size + more > most:
                yield tuple(frame)
                frame, size = [], HEAD
            frame.append(said)
            size += more
        if frame:
            yield tuple(frame)
