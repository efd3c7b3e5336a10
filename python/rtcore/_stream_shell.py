"""The second pair of hands: carries bytes between any `trio.abc.Stream` and the core, and decides nothing.

For TLS, for streams in memory in tests, for platforms without a native poller. What the reactor does in one
turn for all sockets, two small tasks do here for one stream:

    stream ──receive_some──▶ core.receive ──▶ events ──▶ Runtime.dispatch
    stream ◀──send_all────── core.take_output ◀── `output`, after each turn, says whose turn it is

A stream that is not ours (an ordinary HTTP request) comes back out of `carry`, with what was read of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import trio

from ._dispatch import Runtime
from ._engine import CoreEvent
from ._http import Peer

CHUNK = 64 * 1024
# The bits of `Core.stream_state`.
PAUSED, FINISH, DROP, HANDED_OVER = 1, 2, 4, 8


class NotOurs(NamedTuple):
    """A connection that goes to the HTTP side door: what was read of it, and who it is."""

    already: bytes
    peer: Peer


class _Link:
    """What the shell knows of one stream."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.state = 0
        self.due = trio.Event()
        self.scope = trio.CancelScope()
        self.handed: NotOurs | None = None
        self.ended = False  # our writing side is closed

    def look(self, state: int) -> None:
        self.state = state
        self.due.set()
        if state & DROP:
            self.scope.cancel()  # a write to a peer that does not read would wait for ever

    async def wait(self) -> None:
        """Until there may be output, or the state changed. Both tasks of a stream may wait."""
        due = self.due
        await due.wait()
        if self.due is due:
            self.due = trio.Event()


class StreamShell:
    """Drives the core over streams, beside the reactor or without one."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._core = runtime.core
        self._links: dict[int, _Link] = {}
        self._time_moved = trio.Event()

    def output(self) -> None:
        """At the end of each turn (`Runtime.on_output`): wakes the streams that have something due."""
        for conn in self._core.streams_due():
            link = self._links.get(conn)
            if link is not None:
                link.look(self._core.stream_state(conn))
        self._time_moved.set()

    def hand_over(self, event: CoreEvent) -> None:
        """HAND_OVER for a stream (`Runtime.hand_over`, without a file descriptor)."""
        _, _, conn, already, address, port = event
        link = self._links[conn]
        link.handed = NotOurs(already, Peer(address, port, link.peer.secure))
        link.look(HANDED_OVER)

    async def carry(self, stream: trio.abc.Stream, peer: Peer) -> NotOurs | None:
        """Carry one connection to its end, and close the stream; or give it back, open, if it is not ours.

        Cancelled, it closes the stream at once and the core loses the connection: the session is away.
        """
        self._runtime.tick()
        conn = self._core.connect_stream(peer.address, peer.port, peer.secure)
        if conn is None:
            await trio.aclose_forcefully(stream)
            return None
        link = self._links[conn] = _Link(peer)
        try:
            with link.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._upwards, stream, conn, link)
                    await self._downwards(stream, conn, link)
                    nursery.cancel_scope.cancel()
        finally:
            del self._links[conn]
            if link.handed is None:
                self._runtime.tick()
                self._runtime.dispatch(self._core.lost(conn))
                await trio.aclose_forcefully(stream)
        return link.handed

    async def _upwards(self, stream: trio.abc.Stream, conn: int, link: _Link) -> None:
        while link.handed is None:
            try:
                data = await stream.receive_some(CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                link.scope.cancel()
                return
            while link.state & PAUSED:  # one chunk may wait here; the rest waits in the stream
                await link.wait()
            self._runtime.tick()
            if not data:
                self._runtime.dispatch(self._core.end_of_input(conn))
                return
            self._runtime.dispatch(self._core.receive(conn, bytes(data)))

    async def _downwards(self, stream: trio.abc.Stream, conn: int, link: _Link) -> None:
        while link.handed is None:
            data = self._core.take_output(conn, CHUNK)
            if data:
                try:
                    await stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                self._runtime.wake()  # there is room now: for a lagging session, for a waiting sender
            elif link.state & DROP:
                return
            elif link.state & FINISH and not isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.aclose()  # TLS says goodbye as a whole
                return
            elif link.state & FINISH and not link.ended:
                link.ended = True
                await _end_writing(stream)
            else:
                await link.wait()

    async def keep_time(self) -> None:
        """Call the core at its deadlines. Only without a reactor, which has a timer of its own."""
        while True:
            self._time_moved = trio.Event()
            with trio.move_on_at(self._next()):
                await self._time_moved.wait()
            self._runtime.tick()
            self._runtime.dispatch(self._core.advance())

    def _next(self) -> float:
        """The core's deadline on Trio's clock; not before it when counted in whole nanoseconds again."""
        deadline = self._core.deadline_ns()
        if deadline is None:
            return math.inf
        moment = deadline / 1e9
        while int(moment * 1e9) < deadline:
            moment = math.nextafter(moment, math.inf)
        return moment


async def _end_writing(stream: trio.abc.Stream) -> None:
    if isinstance(stream, trio.abc.HalfCloseableStream):
        try:
            await stream.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            await trio.lowlevel.checkpoint()
