"""How a client is doing, as a record."""

from __future__ import annotations

from dataclasses import dataclass

from .states import State


@dataclass(frozen=True, slots=True)
class Status:
    """How the client is doing. `queued` waits to be written; `unanswered` was; `foreign` waits for another
    user. `pending`, `conflicts` and `refused` count changes of open collections. `storage`: why nothing is
    kept on disk any more.
    """

    state: State
    transport: str
    user: str | None
    queued: int
    unanswered: int
    foreign: int
    failed: int
    error: Exception | None
    pending: int = 0
    conflicts: int = 0
    refused: int = 0
    storage: Exception | None = None

    @property
    def live(self) -> bool:
        """Welcome, and each joined room is confirmed."""
        return self.state is State.LIVE
