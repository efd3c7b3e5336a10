"""A change of a collection, as the application is asked about it."""

from __future__ import annotations

import dataclasses
from typing import Any


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


Change.__module__ = "rtcore"
