"""A proxy that does what networks do: it delays, cuts into pieces, stalls, resets, buffers event streams,
takes `Upgrade` away, and ends what is idle.

    async with Proxy(address, Reset(after=2000)) as proxy:
        ...  # clients connect to proxy.address

Each connection has two pumps, one a direction; a fault sees what passes and decides what becomes of it.
"""

from __future__ import annotations

import math
import re
import socket
import struct
from contextlib import AsyncExitStack
from typing import Self

import trio

UP, DOWN = "up", "down"
CHUNK = 1 << 16


class Fault:
    """Lets everything pass. `line` is one connection; `way` is UP or DOWN."""

    idle = math.inf  # seconds without a byte after which a connection is ended

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        """What of `data` goes on. b"" holds it back or drops it."""
        return data

    async def over(self, line: Line, way: str) -> bytes:
        """What is still to be said when one side has ended."""
        return b""


class Line:
    """One connection through the proxy."""

    def __init__(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        self.client, self.server = client, server
        self.passed = {UP: 0, DOWN: 0}
        self.held = {UP: b"", DOWN: b""}
        self.opened = False
        self.heard = trio.current_time()
        self.scope = trio.CancelScope()

    def reset(self) -> None:
        """Cut both sides with a reset."""
        for stream in (self.client, self.server):
            if stream.socket.fileno() >= 0:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.scope.cancel()


class Delay(Fault):
    """Each packet takes its time (s)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        await trio.sleep(self.seconds)
        return data


class Crumbs(Fault):
    """One byte at a time, each in a packet of its own."""

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        to = line.server if way == UP else line.client
        for at in range(len(data) - 1):
            await to.send_all(data[at : at + 1])
        return data[-1:]


class Stall(Fault):
    """After so many bytes down nothing more passes, and the connection stays, until `release`."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.stalled, self.released = trio.Event(), trio.Event()

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        if way == DOWN and line.passed[DOWN] + len(data) > self.after:
            self.stalled.set()
            await self.released.wait()
        return data

    def release(self) -> None:
        """Let everything pass from now on."""
        self.released.set()


class Reset(Fault):
    """The first `times` connections are reset after so many bytes down, in the middle of what is being
    said.
    """

    def __init__(self, after: int, times: int) -> None:
        self.after, self.times = after, times

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        if way == DOWN and self.times and line.passed[DOWN] + len(data) > self.after:
            self.times -= 1
            line.reset()
            await trio.sleep_forever()
        return data


class Buffering(Fault):
    """Event streams are held until there are so many bytes; without a number, to their end."""

    def __init__(self, until: float = math.inf) -> None:
        self.until = until

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        if way == UP or line.opened:
            return data
        held = line.held[DOWN] + data
        if re.search(rb"(?i)\r\ncontent-type: *text/event-stream", held) and len(held) < self.until:
            line.held[DOWN] = held
            return b""
        line.held[DOWN] = b""
        line.opened = b"text/event-stream" in held
        return held

    async def over(self, line: Line, way: str) -> bytes:
        held, line.held[way] = line.held[way], b""
        return held


class NoUpgrade(Fault):
    """A proxy that knows no WebSocket: hop-by-hop fields stop here, as RFC 9110 §7.6.1 has it."""

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        if way == DOWN:
            return data
        return re.sub(rb"(?im)^(upgrade|connection):[^\r\n]*\r\n", b"", data)


class Rewrites(Fault):
    """A proxy that takes a field of the head out, both ways: extensions, or what it does not know."""

    def __init__(self, name: str) -> None:
        self.field = re.compile(rb"(?im)^" + name.encode() + rb":[^\r\n]*\r\n")

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        return self.field.sub(b"", data)


class Refuses(Fault):
    """A gateway that answers each request itself, with a page of its own."""

    def __init__(self, status: str = "502 Bad Gateway") -> None:
        body = b"<html>no</html>"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        self.answer = head.encode() + body

    async def passes(self, line: Line, way: str, data: bytes) -> bytes:
        if way == UP:
            await line.client.send_all(self.answer)
        return b""


class Idle(Fault):
    """Ends connections on which nothing passed for so long (s)."""

    def __init__(self, seconds: float) -> None:
        self.idle = seconds
        self.cuts = 0


class Proxy:
    """Listens on a port of its own while it is entered."""

    def __init__(self, to: tuple[str, int], fault: Fault | None = None) -> None:
        self.to = to
        self.fault = fault or Fault()
        self.connections = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        nursery = await self._stack.enter_async_context(trio.open_nursery())
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.address: tuple[str, int] = listener.socket.getsockname()[:2]
        self._stack.callback(nursery.cancel_scope.cancel)
        nursery.start_soon(trio.serve_listeners, self._carry, [listener])
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _carry(self, client: trio.SocketStream) -> None:
        self.connections += 1
        async with await trio.open_tcp_stream(*self.to) as server:
            line = Line(client, server)
            with line.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, line, client, server, UP)
                    nursery.start_soon(self._pump, line, server, client, DOWN)
                    await self._watch(line)

    async def _watch(self, line: Line) -> None:
        """End the line when it has been idle for too long."""
        while (left := line.heard + self.fault.idle - trio.current_time()) > 0:
            with trio.move_on_after(left):
                await trio.sleep_forever()
        if isinstance(self.fault, Idle):
            self.fault.cuts += 1
        line.scope.cancel()

    async def _pump(self, line: Line, here: trio.SocketStream, there: trio.SocketStream, way: str) -> None:
        try:
            while data := await here.receive_some(CHUNK):
                line.heard = trio.current_time()
                size = len(data)
                if data := await self.fault.passes(line, way, bytes(data)):
                    await there.send_all(data)
                line.passed[way] += size
            if data := await self.fault.over(line, way):
                await there.send_all(data)
            await there.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            line.reset()  # a reset on one side is one on the other
        if way == DOWN:
            line.scope.cancel()
