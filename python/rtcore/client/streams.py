"""Streams of items, either way: opened once, as fast as they are taken, resumed with their session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .errors import Rejected, StreamLost
from .request import Request
from .sending import Sending
from .words import Said, encode

if TYPE_CHECKING:
    from .uploads import UploadState

AHEAD: Final = 64
"""How many items may be on the way or wait here."""


class StreamEnd:
    """How a stream ends, whichever way its items go: once, with a result or an error."""

    request: Request
    """The one that opened it."""

    def __init__(self) -> None:
        self.over = False
        self.error: Exception | None = None
        self.result: Any = None
        self.wake: Callable[[], None] | None = None

    def end(self, said: Said) -> None:
        """The server says that it is over."""
        if error := said.get("error"):
            if error.get("code") == StreamLost.code:
                self.stop(StreamLost(error.get("message") or "the items are no longer kept"))
            else:
                self.stop(Rejected(error["code"], error.get("message", ""), details=error.get("details")))
        else:
            self.result = said.get("data")
            self.stop(None)

    def opened(self, request: Request) -> None:
        """The request that opens it has ended."""
        if request.error is not None:
            self.stop(request.error)

    def stop(self, error: Exception | None) -> None:
        """Nothing more comes; what waits may still be taken."""
        if not self.over:
            self.over, self.error = True, error
            self.tell()

    def tell(self) -> None:
        """There is something to look at."""
        if self.wake is not None:
            self.wake()


class StreamState(StreamEnd):
    """One stream down. `next` is the item that is wanted next; what has a lower number was heard."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0
        self.credit = AHEAD
        self.items: deque[Any] = deque()
        self.taken = 0

    def item(self, said: Said) -> None:
        """The next one; one that was heard is dropped."""
        if self.over or said["n"] < self.next:
            return
        self.next = said["n"] + 1
        self.items.append(said.get("data"))
        self.tell()

    def take(self) -> Any:
        """The next item that waits."""
        self.taken += 1
        return self.items.popleft()

    @property
    def wants_credit(self) -> bool:
        """Whether it is worth a message to let more come."""
        return not self.over and self.taken + AHEAD - self.credit >= AHEAD // 2

    def grant(self) -> int:
        """Items up to, not including, this number may come."""
        self.credit = self.taken + AHEAD
        return self.credit


class Streams:
    """All that are open. An `open` is answered by the first word about its stream: until then it is a
    request.
    """

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._known: dict[int, StreamState | UploadState] = {}

    @property
    def open(self) -> bool:
        """Whether items may come."""
        return bool(self._known)

    def _of(self, number: int) -> StreamState | UploadState | None:
        request = self._sending.box.written.get(number)
        if request is not None and request.kind == "open":
            self._known[number] = request.hold
            self._sending.answered(request)
        return self._known.get(number)

    def item(self, said: Said) -> None:
        """An item of a stream."""
        if isinstance(stream := self._of(said["id"]), StreamState):
            stream.item(said)

    def credit(self, said: Said) -> None:
        """So far the server takes the items of a stream up."""
        stream = self._of(said["id"])
        if stream is not None and not isinstance(stream, StreamState):
            stream.grant(int(said["n"]))

    def end(self, said: Said) -> None:
        """A stream is over."""
        if (stream := self._of(said["id"])) is not None:
            del self._known[said["id"]]
            stream.end(said)

    def cancel(self, stream: StreamState | UploadState) -> None:
        """Nobody reads it any more."""
        stream.stop(None)
        request = stream.request
        if request.id is not None:
            self._known.pop(request.id, None)
            self._sending.say({"type": "cancel", "id": request.id})
        self._sending.give_up(request, "nobody reads the stream")

    def cancel_all(self, error: Exception) -> None:
        """Whoever reads one hears why it is over; the server is told to stop."""
        opening = [each.hold for each in self._sending.box.all() if each.kind == "open"]
        for stream in [*self._known.values(), *opening]:
            stream.stop(error)
            self.cancel(stream)

    def stop(self, error: Exception) -> None:
        """None of them goes on."""
        for stream in self._known.values():
            stream.stop(error)
        self._known.clear()

    def wanted(self) -> Said:
        """Of each that the server knows, the next item: for `hello`."""
        return {
            str(number): stream.next
            for number, stream in self._known.items()
            if isinstance(stream, StreamState)
        }

    def resumed(self, wanted: Any) -> None:
        """After a return: a credit of before may be lost; up it goes on with what the server wants."""
        wanted = wanted if isinstance(wanted, dict) else {}
        for number in [int(each) for each in wanted if str(each).isdecimal()]:
            if self._of(number) is None:
                self._sending.say({"type": "cancel", "id": number})
        for number, stream in list(self._known.items()):
            if isinstance(stream, StreamState):
                self._sending.say({"type": "credit", "id": number, "n": stream.grant()})
                continue
            known = str(number) in wanted
            again = stream.again(int(wanted[str(number)])) if known else stream.reopened()
            self._again(stream, again)

    def _again(self, stream: UploadState, again: list[Said]) -> None:
        """What was said goes once more. Where the server takes less than it did, this ends the stream."""
        for said in again:
            large = self._sending.fitting.too_large(f"the {said['type']} of a stream", encode(said))
            if large is not None:
                stream.stop(large)
                self.cancel(stream)
                return
        for said in again:
            self._sending.say_in_turn(said, stream)
