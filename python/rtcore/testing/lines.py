"""The connections of a box: two ends, and between them what the weather does.

    client ── End ──▶ Way ──▶ End ── server        and another `Way` back

In fair weather a `Way` has no task: what one end sends is in the other's buffer at once, and wakes who reads
there. Only what takes time has a task, for as long as something is on its way. So a box in fair weather costs
a step of Trio for what is heard, and none for the network.
"""

# ruff: noqa: SLF001 - the parts of a box know each other; tests do not see this

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio
from trio.lowlevel import (
    Abort,
    RaiseCancelT,
    Task,
    checkpoint,
    current_task,
    reschedule,
    wait_task_rescheduled,
)

if TYPE_CHECKING:
    from .network import Network

CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Weather:
    """What a link does. Times in seconds, of one direction."""

    delay: float = 0.0
    jitter: float = 0.0
    """Up to so much more, by chance."""
    loss: float = 0.0
    """The part of packets that had to be sent again: over TCP they are late, and so is what follows."""
    bandwidth: float = math.inf
    """Bytes a second."""
    stall: bool = False
    """Nothing passes, and the connection stays: what was said arrives when the stall is over."""
    half_open: bool = False
    """What the client says vanishes, and nothing comes: a peer that went away without a word."""
    refuses: bool = False
    """No connection can be made."""
    strips_upgrade: bool = False
    """A proxy that does not know WebSockets."""
    gathers: bool = False
    """A proxy that holds event streams back until they end."""
    idle: float = math.inf
    """A connection on which nothing passed for so long is cut."""


FAIR: Final = Weather()


def holds_up(weather: Weather) -> bool:
    """Whether what is sent arrives later than at once."""
    if weather is FAIR:
        return False
    late = weather.delay or weather.jitter or weather.loss
    return bool(late or weather.stall or math.isfinite(weather.bandwidth))


class End(trio.abc.HalfCloseableStream):
    """One end of a connection in the box. One task at a time may read."""

    def __init__(self) -> None:
        self._send: Callable[[bytes], bool] | None = None
        self._eof: Callable[[], None] = _nothing
        self._heard = bytearray()
        self._reader: Task | None = None
        self._over = self._closed = False

    def join(self, send: Callable[[bytes], bool], eof: Callable[[], None]) -> None:
        """Where what is sent here goes, and who is told that nothing more comes."""
        self._send, self._eof = send, eof

    # -- of the line

    def put(self, data: bytes) -> bool:
        """Bytes for who reads here. False: earlier ones wait still, so others should have their turn."""
        behind = bool(self._heard)
        self._heard += data
        self._wake()
        return not behind

    def end(self) -> None:
        """Nothing comes any more, and nothing arrives."""
        self._over, self._send = True, None
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reschedule(reader)

    # -- of who holds it

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Say it. Cancelled, nothing was said."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise trio.ClosedResourceError("this end was closed")
        if self._send is None:
            raise trio.BrokenResourceError("the connection is cut")
        if not self._send(bytes(data)):
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """It never does."""
        await checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What came; nothing at the end. Cancelled, nothing was taken."""
        if self._heard or self._over or self._closed:
            await checkpoint()
        elif self._reader is not None:
            raise trio.BusyResourceError("another task reads here")
        else:
            self._reader = current_task()
            await wait_task_rescheduled(self._give_up)
        if self._closed:
            raise trio.ClosedResourceError("this end was closed")
        if max_bytes is None or len(self._heard) <= max_bytes:
            data, self._heard = bytes(self._heard), bytearray()
        else:
            data = bytes(self._heard[:max_bytes])
            del self._heard[:max_bytes]
        return data

    def _give_up(self, _: RaiseCancelT) -> Abort:
        self._reader = None
        return Abort.SUCCEEDED

    async def send_eof(self) -> None:
        """Nothing more is said here."""
        self._eof()
        await checkpoint()

    async def aclose(self) -> None:
        """Close it."""
        if not self._closed:
            self._closed = True
            self._wake()
            self._eof()
        await checkpoint()


def _nothing() -> None:
    pass


class Way:
    """One direction of a line. Invariant: what is sent while something is on its way waits behind it."""

    def __init__(self, line: Line, sink: End, *, up: bool) -> None:
        self._line, self._sink, self._up = line, sink, up
        self._waits = bytearray()
        self._scope: trio.CancelScope | None = None
        """Of the task that carries what takes its time; None: nothing is on its way."""
        self._ends = False
        self._held = b""
        self._is_stream = False

    def send(self, data: bytes) -> bool:
        """To the other end: at once, or when the weather lets it. False: others should have their turn."""
        if self._scope is None and not holds_up(self._line.weather):
            return self._hand(data)
        self._waits += data
        if self._scope is None:
            self._scope = trio.CancelScope()
            self._line.network._nursery.start_soon(self._carry, self._scope)
        return False

    def eof(self) -> None:
        """The sender says nothing more: behind what is on its way the line ends."""
        self._ends = True
        if self._scope is None:
            self._finish()

    def stop(self) -> None:
        """What is on its way is lost."""
        self._waits.clear()
        if self._scope is not None:
            self._scope.cancel()

    async def _carry(self, scope: trio.CancelScope) -> None:
        line = self._line
        with scope:
            while self._waits:
                data = bytes(self._waits[:CHUNK])
                del self._waits[:CHUNK]
                if takes := line.network._takes(line.weather, len(data)):
                    await trio.sleep_until(trio.current_time() + takes)
                while line.weather.stall:
                    await line.network._turned.wait()
                self._hand(data)
        self._scope = None
        if self._ends:
            self._finish()

    def _hand(self, data: bytes) -> bool:
        line = self._line
        line.dead = line.dead or line.weather.half_open
        if line.dead:
            return False  # and nothing later either: what TCP lost does not come in the middle
        line.heard = trio.current_time()
        data = self._changed(data)
        return self._sink.put(data) if data else False

    def _changed(self, data: bytes) -> bytes:
        weather = self._line.weather
        if self._up and weather.strips_upgrade:
            lines = data.split(b"\r\n")
            hop = (b"upgrade:", b"connection: upgrade")
            return b"\r\n".join(each for each in lines if not each.lower().startswith(hop))
        if not self._up and weather.gathers:
            self._is_stream = self._is_stream or b"text/event-stream" in data.lower()
            if self._is_stream:
                self._held += data
                return b""
        return data

    def _finish(self) -> None:
        if self._held:
            self._sink.put(self._held)
            self._held = b""
        self._line.end()


class Line:
    """One connection through the box."""

    def __init__(self, network: Network, who: str) -> None:
        self.network, self.who = network, who
        self.near, self.far = End(), End()
        self.heard = trio.current_time()
        """When something passed last."""
        self.dead = False
        """Whether what is said is lost, now and later."""
        self._ways = up, down = Way(self, self.far, up=True), Way(self, self.near, up=False)
        self.near.join(up.send, up.eof)
        self.far.join(down.send, down.eof)

    @property
    def weather(self) -> Weather:
        """Of now."""
        return self.network._weather(self.who)

    def end(self) -> None:
        """For good: what is on its way is lost, and both ends see it."""
        if self.network._lines.pop(self, self) is None:
            for way in self._ways:
                way.stop()
            self.near.end()
            self.far.end()
