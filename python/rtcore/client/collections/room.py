"""The room in which a collection is said: what is heard there is the collection's."""

# ruff: noqa: ARG002 - what each room is told

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtcore.client.event import Event
from rtcore.client.reader import Reader
from rtcore.client.request import Request
from rtcore.client.rooms import RoomState
from rtcore.client.words import Said

if TYPE_CHECKING:
    from .held import Held

PREFIX = "$sync/"


class SyncRoom(RoomState):
    """One collection's room: no readers, no history, no presence."""

    def __init__(self, held: Held, crowded: set[Reader], data: Any) -> None:
        super().__init__(PREFIX + held.name, crowded, data)
        self._held = held

    def hear(self, run: list[Event], size: int | None = None) -> None:
        """Changes. Those from before the server's word on the room are pulled after it."""
        if self.confirmed and self.member:
            self._held.heard(run)

    def gap(self, first: int, last: int, reason: str) -> None:
        """What the server will not say is pulled."""
        if self.confirmed and self.member:
            self._held.gap(last)

    def joined(self, ack: Said, *, again: bool) -> None:
        """The ack of a join."""
        self.member = self.confirmed = True
        self._held.joined(ack.get("sync") or {})

    def snapshot(self, said: Said) -> None:
        """`room`, after a return to the same session."""
        self.confirmed = True
        if (sync := said.get("sync")) is not None:
            self._held.joined(sync)

    def rejoins(self, since: str | None) -> Said:
        """The fields of a join."""
        fields: Said = {"room": self.name, "sync": self._held.sync()}
        if self.data is not None:
            fields["data"] = self.data
        return fields

    def refused(self, request: Request) -> None:
        """A join came to nothing."""
        self._held.refused(request.error)

    def left(self, reason: str) -> None:
        """The server says that the session is not in it any more."""
        self.member = self.confirmed = False
        self._held.left(reason)

    def end(self, error: Exception | None) -> None:
        """The client is over, and `held` was told so."""

    def new_epoch(self) -> None:
        """What that means is read off the server's word on the room."""
