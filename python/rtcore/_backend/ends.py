"""How much waits in a stream, and how it ends: what the reactor does for its own sockets."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, NamedTuple

import trio

from rtcore._ground.numbers import USUAL
from rtcore._turn.budget import checkpoint

if TYPE_CHECKING:
    from rtcore.config import Config

_SLICE = 64 * 1024
_GLANCE = 256 * 1024
# Named where the system's headers had it when Python was built; Darwin's is that of <netinet/tcp.h>.
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 0x201 if sys.platform == "darwin" else None)


class Parting(NamedTuple):
    """What may still come after an answer: a pause, the whole time (both in seconds), and bytes.

    RFC 9112 §9.6: after the answer the writing side is closed first, and what still comes is read and thrown
    away for a while; closing at once would send a reset, and that may destroy the answer on its way.
    """

    pause: float = USUAL["close_ms"] / 1000
    whole: float = USUAL["parting_ms"] / 1000
    most: int = USUAL["parting_bytes"]

    @classmethod
    def of(cls, config: Config) -> Parting:
        """As a configuration has it."""
        pause, whole = config.limit("close_ms") / 1000, config.limit("parting_ms") / 1000
        return cls(pause, whole, config.limit("parting_bytes"))

    def cut_short(self) -> Parting:
        """For a request of which more was announced than is ever read: its peer may notice, and no more."""
        return self._replace(most=min(self.most, _GLANCE))


def bound_unsent(stream: trio.SocketStream, most: int) -> None:
    """Let the kernel take no more once so many bytes wait there unsent, which nothing newer overtakes.

    0 leaves it to the kernel.
    """
    if most and _NOTSENT_LOWAT is not None:
        stream.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, min(most, 2**31 - 1))


async def end_writing(stream: trio.abc.Stream) -> trio.abc.Stream | None:
    """Say that no more comes; by what is given back the peer may still be heard, and must be.

    A socket that is closed with unread bytes in it is reset, and with it is lost what was said last (why a
    message was refused). TLS has no half-close of its own, so the one of TCP below it is used. None: there is
    none, and the stream is closed.

    Cancelled, it may or may not have been said.
    """
    below = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if not isinstance(below, trio.abc.HalfCloseableStream):
        await stream.aclose()
        return None
    try:
        await below.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
        await checkpoint()
    return below


async def part(stream: trio.abc.Stream, parting: Parting) -> None:
    """End a stream and close it, once all was said: what still comes is thrown away, within bounds.

    Raises nothing of the stream's. Cancelled, it closes it at once.
    """
    try:
        with trio.move_on_after(parting.whole):
            heard = await end_writing(stream)
            left = parting.most
            while heard is not None and left > 0:
                data: bytes | bytearray = b""  # a pause ends it as their end does
                with trio.move_on_after(parting.pause):
                    data = await heard.receive_some(_SLICE)
                if not data:
                    break
                left -= len(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)
