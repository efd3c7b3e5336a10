"""What a transport is to a client: a way to say messages and to hear them, one by one in order."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import trio

from .http1 import Answer, Connection

Message = dict[str, Any]


class Ended(Exception):  # noqa: N818 (an end, not an error)
    """The transport ended. 1006: without a word; `bye` is what the server said last, if it did."""

    def __init__(self, code: int, bye: Message | None) -> None:
        super().__init__(code, bye)
        self.code = code
        self.bye = bye


class Refused(Exception):  # noqa: N818 (an answer, not an error)
    """An answer over HTTP that is a refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer
        self.status = answer.status
        self.code = answer.json()["code"]


@dataclass(frozen=True)
class Place:
    """Where a server, or a proxy in front of one, listens. `window`: size of the receive buffer in bytes."""

    address: tuple[str, int]
    tls: ssl.SSLContext | None = None
    window: int | None = None
    prefix: str = "/rt"

    @property
    def host(self) -> str:
        """What `Host` says."""
        return f"127.0.0.1:{self.address[1]}"

    def narrow(self, window: int = 8 << 10) -> Place:
        """The same place, reached through a socket that holds little."""
        return replace(self, window=window)

    async def connect(self) -> trio.abc.Stream:
        """A stream to it, encrypted where the place is."""
        sock = trio.socket.socket()
        try:
            if self.window is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.window)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await sock.connect(self.address)
        except BaseException:
            sock.close()
            raise
        stream: trio.abc.Stream = trio.SocketStream(sock)
        if self.tls is not None:
            stream = trio.SSLStream(stream, self.tls, server_hostname="localhost")
            try:
                await stream.do_handshake()
            except BaseException:
                cut(stream)
                raise
        return stream

    async def http(self) -> Connection:
        """A connection that speaks HTTP."""
        return Connection(await self.connect(), self.host)


def cut(stream: trio.abc.Stream | None) -> None:
    """End a connection at once, by a reset and without a word."""
    if stream is None:
        return
    while not isinstance(stream, trio.SocketStream):
        stream = stream.transport_stream  # type: ignore[attr-defined]
    with contextlib.suppress(OSError):
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


class Link:
    """One transport of one session. A link is opened once; who comes back opens another."""

    name: ClassVar[str]
    # Whether what the server says is pushed: a slow reader can then hold it up.
    pushed: ClassVar[bool] = True
    # Whether a request is answered over HTTP, with a status of its own.
    over_http: ClassVar[bool] = True
    # What the client may say of the transport in `welcome.transports`.
    transport: ClassVar[str]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.bye: Message | None = None

    async def hello(self, fields: Message) -> list[Message]:
        """Say `hello`; return what came with the `welcome`, which is first."""
        raise NotImplementedError

    async def say(self, *messages: Message, array: bool = False) -> list[Message]:
        """Say messages, with `array` as one array; return what came back with them."""
        raise NotImplementedError

    async def more(self) -> list[Message]:
        """Wait for the next messages. Raises `Ended`. May be cancelled and called again."""
        raise NotImplementedError

    async def lose(self) -> None:
        """Lose what carries messages down, and no more: it is opened again without a `hello` where there
        is one.
        """
        raise NotImplementedError

    def drop(self) -> None:
        """Cut every line, without a word."""
        raise NotImplementedError

    def noticed(self, messages: list[Message]) -> list[Message]:
        """Remember a `bye`."""
        for message in messages:
            if message["type"] == "bye":
                self.bye = message
        return messages
