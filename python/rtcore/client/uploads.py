"""One stream up: items leave as far as the server's credit goes, and are kept until it cannot ask for them
again.

Invariants:
- `kept` holds the items `first` to `count - 1`; nothing at or above `credit` was said.
- What the server may still ask for after a return is kept: it has an item once its credit has passed the item
  by as much as the first credit gave.
"""

from __future__ import annotations

from collections import deque

import msgspec

from .streams import StreamEnd
from .words import Said


class UploadState(StreamEnd):
    """One stream up. It is told of its credit, and says what leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.credit = 0
        self.count = 0
        self.first = 0
        self._window = 0
        self._kept: deque[msgspec.Raw] = deque()
        self._ended: Said | None = None

    @property
    def may(self) -> bool:
        """Whether one more item may leave."""
        return self.count < self.credit and not self.over

    def grant(self, n: int) -> None:
        """The server takes items up to, not including, this one."""
        self._window = self._window or n
        self.credit = max(self.credit, n)
        while self._kept and self.first < n - self._window:
            self._kept.popleft()
            self.first += 1
        self.tell()

    def add(self, data: msgspec.Raw) -> Said:
        """The next item: it is kept, and is to be said."""
        self._kept.append(data)
        self.count += 1
        return self._item(self.count - 1)

    def _item(self, n: int) -> Said:
        return {"type": "item", "id": self.request.id, "n": n, "data": self._kept[n - self.first]}

    def finish(self, error: Said | None = None) -> Said:
        """No item follows: to be said."""
        self._ended = {"type": "end", "id": self.request.id, "n": self.count}
        if error is not None:
            self._ended["error"] = error
        return self._ended

    def again(self, wanted: int) -> list[Said]:
        """What is to be said after a return, to a server that wants this item next."""
        said = [self._item(n) for n in range(max(wanted, self.first), self.count)]
        return [*said, self._ended] if self._ended is not None else said

    def reopened(self) -> list[Said]:
        """The same, to a server that knows the stream no more: it says how it ended, or begins anew."""
        return [self.request.message(), *self.again(0)]
