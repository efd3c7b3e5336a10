"""Changes of a collection, as the application is asked about them, and as it is told of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from .entry import Position


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A change that a session wants, as `may` is asked about it."""

    collection: str
    """The collection's name."""
    key: str
    """The document's."""
    op: str
    """`put`, `patch` or `delete`."""
    value: Any
    """Of a `put` the document, of a `patch` the fields that it sets."""
    unset: tuple[str, ...]
    """Of a `patch`: the fields that it takes out."""
    theirs: Any
    """The document as it is now; None: there is none."""
    was: Any
    """What the author saw before; None where it was not said."""


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """A document that was changed, as `changes` tells it: what is at its key since."""

    collection: str
    """The collection's name."""
    key: str
    """The document's."""
    value: Any
    """The document, whole; None: it was deleted, or None is what it is."""
    deleted: bool
    """Whether there is none any more."""
    seq: int
    """The number of the change."""
    epoch: str
    """The life of the log in which the number counts."""

    @property
    def position(self) -> Position:
        """Where it is in the log: `changes(since=...)` goes on behind it."""
        return Position(f"{self.epoch}.{self.seq}")


for _kind in (Change, Changed):
    _kind.__module__ = "rtcore"
del _kind
