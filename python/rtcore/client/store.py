"""What keeps requests over the end of the process."""

from __future__ import annotations

from typing import Any, Protocol


class Journal(Protocol):
    """A store of rows, one a request."""

    async def commit(self, steps: list[tuple[Any, ...]]) -> None:
        """All of these, in one transaction that is on disk when this returns."""
        ...
