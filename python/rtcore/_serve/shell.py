"""The second pair of hands: carries bytes between any `trio.abc.Stream` and the core, and decides nothing.

For TLS, for streams in memory in tests, for platforms without a native poller. What the reactor does in one
turn for all sockets, two small tasks do here for one stream:

    stream ──receive_some──▶ core.receive ──▶ events ──▶ Runtime.dispatch
    stream ◀──send_all────── core.take_output ◀── `output`, after each turn, says whose turn it is

A stream that is not ours (an ordinary HTTP request) comes back out of `carry`, with what was read of it.
What is no stream at all (a request of another ASGI server, `_gateway`) uses a `Link` itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trio

from rtcore._backend.ends import end_writing
from rtcore._backend.interface import HttpBackend, Peer
from rtcore._engine import DROP, FINISH, HANDED_OVER, PAUSED, CoreEvent
from rtcore._ground.numbers import USUAL
from rtcore._turn.dispatch import Runtime

CHUNK = 64 * 1024
# What is given to a stream at a time: nothing overtakes it, so it is no more than the kernel may have.
PIECE = USUAL["kernel_unsent"]


class NotOurs(NamedTuple):
    """A connection that goes to the HTTP side door: what was read of it, and who it is."""

    already: bytes
    peer: Peer
    told: Peer | None = None  # who connected, where a PROXY header said so


class Link:
    """One connection of the core that is carried here; `scope` is cancelled when it must end at once."""

    def __init__(self, runtime: Runtime, conn: int, peer: Peer) -> None:
        self.peer = peer
        self.state = 0
        self.scope = trio.CancelScope()
        self.handed: NotOurs | None = None
        self.waits = b""  # read, and not yet taken by the core
        self._runtime = runtime
        self._core = runtime.core
        self._conn = conn
        self._due = trio.Event()

    def look(self, state: int) -> None:
        """There may be output, or the state is another one."""
        self.state = state
        self._due.set()
        if state & DROP:
            self.scope.cancel()  # a write to a peer that does not read would wait for ever

    async def wait(self) -> None:
        """Until there may be output, or the state changed. Both tasks of a connection may wait."""
        due = self._due
        await due.wait()
        if self._due is due:
            self._due = trio.Event()

    async def hear(self, data: bytes) -> None:
        """Give the core bytes of the peer, once it takes any: what comes after them waits where it is."""
        self.waits = data  # the core may hand the connection over meanwhile, and this is of what comes after
        while self.state & PAUSED:
            await self.wait()
        if self.handed is None:
            self.waits = b""
            self.hear_now(data)

    def hear_now(self, data: bytes) -> None:
        """The same for a few bytes, also to a core that would rather wait."""
        self._runtime.tick()
        self._runtime.dispatch(self._core.receive(self._conn, data))

    async def end(self) -> None:
        """The peer will send nothing more. What waits is heard before."""
        while self.state & PAUSED:
            await self.wait()
        if self.handed is None:
            self._runtime.tick()
            self._runtime.dispatch(self._core.end_of_input(self._conn))

    def take(self) -> bytes:
        """Some of what is due to the peer; call `taken` when it has left."""
        return self._core.take_output(self._conn, PIECE)

    def taken(self) -> None:
        """There is room now: for a session that lags, for a sender that waits."""
        self._runtime.wake()


class StreamShell:
    """Drives the core over streams, beside the reactor or without one."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._core = runtime.core
        self._links: dict[int, Link] = {}
        self._time_moved = trio.Event()
        self._due = -math.inf  # what `keep_time` waits for, while it does

    def output(self) -> None:
        """At the end of each turn (`Runtime.on_output`): wakes the streams that have something due."""
        for conn in self._core.streams_due():
            link = self._links.get(conn)
            if link is not None:
                link.look(self._core.stream_state(conn))
        if self._due > -math.inf and self._next() < self._due:
            self._time_moved.set()

    def hand_over(self, event: CoreEvent) -> None:
        """HAND_OVER for a stream (`Runtime.hand_over`, without a file descriptor)."""
        _, _, conn, already, address, port, secure, told = event
        link = self._links[conn]
        link.handed = NotOurs(already, Peer(address, port, secure), Peer(*told) if told else None)
        link.look(HANDED_OVER)

    @contextmanager
    def link(self, peer: Peer, returns: bytes | None = None, *, told: bool = False) -> Iterator[Link | None]:
        """A connection of the core while the block runs; None if there are too many even to say so.

        `returns`: it was handed over and comes back, and this was read of its next request; `told`: who
        connected was said by a PROXY header. At its end the core loses it, if it has not handed it over: the
        session is away.
        """
        self._runtime.tick()
        conn = self._core.connect_stream(peer.address, peer.port, peer.secure, returns, told)
        if conn is None:
            yield None
            return
        link = self._links[conn] = Link(self._runtime, conn, peer)
        link.look(self._core.stream_state(conn))  # it may have been refused already
        try:
            if returns:
                link.hear_now(returns)
            yield link
        finally:
            del self._links[conn]
            if link.handed is None:
                self._runtime.tick()
                self._runtime.dispatch(self._core.lost(conn))

    async def carry(
        self, stream: trio.abc.Stream, peer: Peer, returns: bytes | None = None, *, told: bool = False
    ) -> NotOurs | None:
        """Carry one connection to its end, and close the stream; or give it back, open, if it is not ours.

        `returns` is what was read beyond a request that was not, when the connection comes back after it;
        `told`: `peer` is who a PROXY header said.

        Cancelled, it closes the stream at once and the core loses the connection: the session is away.
        """
        handed = None
        try:
            with self.link(peer, returns, told=told) as link:
                if link is None:
                    return None
                with link.scope:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._upwards, stream, link)
                        await self._downwards(stream, link)
                        nursery.cancel_scope.cancel()
                if link.handed is not None:
                    handed = link.handed._replace(already=link.handed.already + link.waits)
        finally:
            if handed is None:
                await trio.aclose_forcefully(stream)
        return handed

    async def alternate(
        self, stream: trio.abc.Stream, peer: Peer, http: HttpBackend, *, told: bool = False
    ) -> None:
        """Carry one connection to its end, and close the stream; a request goes to the core, or to `http`.

        `told`: `peer` is who a PROXY header said, which stood before TLS.
        """
        async with trio.open_nursery() as running:  # the application may go on after its answer
            returns: bytes | None = None
            while (not_ours := await self.carry(stream, peer, returns, told=told)) is not None:
                returns = await running.start(http.serve, stream, not_ours.already, not_ours.peer)
                if returns is None:
                    break
                if not_ours.told is not None:
                    peer, told = not_ours.told, True

    async def _upwards(self, stream: trio.abc.Stream, link: Link) -> None:
        while link.handed is None:
            try:
                data = await stream.receive_some(CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                link.scope.cancel()
                return
            if not data:
                await link.end()
                return
            await link.hear(bytes(data))

    async def _downwards(self, stream: trio.abc.Stream, link: Link) -> None:
        ended = False  # our writing side is closed
        while link.handed is None:
            data = link.take()
            if data:
                try:
                    await stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                link.taken()
            elif link.state & DROP:
                return
            elif link.state & FINISH and not ended:
                ended = True
                if await end_writing(stream) is None:
                    return
            else:
                await link.wait()

    async def keep_time(self) -> None:
        """Call the core at its deadlines. Only without a reactor, which has a timer of its own."""
        while True:
            # A deadline that moves away wakes nobody: most turns only move it.
            self._time_moved, self._due = trio.Event(), self._next()
            with trio.move_on_at(self._due):
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
