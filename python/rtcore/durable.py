"""What is kept on disk, and how sure it is: settings of durable rooms."""

from __future__ import annotations

import dataclasses
from typing import Final

from ._app.hooks import checked_seconds, checked_whole
from ._app.spelling import spelt_when_made

SURE: Final = ("off", "normal", "full")
"""The words for how sure an entry of a room is before it is heard and acknowledged."""


@spelt_when_made
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much of a durable room stays on disk: what is over any of these limits goes, the oldest first.

        app.rooms("orders:*", durable=True, keep=rtcore.Keep(age=90 * 86400, count=1_000_000))

    It goes in the background, in slices, and the file shrinks. Without a limit all is kept, until the disk
    has no more place: then the store takes nothing until there is some (`Unavailable`).

    Args:
        age: seconds since it was said.
        count: entries of one room.
        bytes: bytes on disk of one room's entries: data and names; None: no limit, as for the others.

    Raises:
        UsageError: one of them is no such number.

    """

    age: float | None = None
    count: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        """Look at what is given."""
        if self.age is not None:
            checked_seconds(self.age, "the age of rtcore.Keep")
        for what, value in (("count", self.count), ("bytes", self.bytes)):
            if value is not None:
                checked_whole(value, f"the {what} of rtcore.Keep", 1)


Keep.__module__ = "rtcore"
