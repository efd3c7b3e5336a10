"""Thousands of clients in one loop: the least that a client of the wire can be, for load and for attacks.

One epoll waits for all sockets; a client is a socket, a buffer, and what its session remembers. It checks
nothing beyond what it needs: the tests of the wire do that with a client of their own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import msgspec

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FIN, RSV1 = 0x80, 0x40
HEAD = (
    b"GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
UPGRADE = HEAD + b"\r\n"
# With compression offered.
UPGRADE_DEFLATE = HEAD + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
# An address of loopback has some 28,000 ports for one address of a server; so a crowd has several.
SOURCES = tuple(f"127.0.0.{n}" for n in range(1, 9))


def frame(opcode: int, payload: bytes = b"", *, first: int = FIN) -> bytes:
    """One frame of a client. The mask is zero: allowed, and free."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first | opcode, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first | opcode, 0x80 | 127, length)
    return head + b"\0\0\0\0" + payload


def text(message: object) -> bytes:
    """One message of the wire in a frame."""
    return frame(TEXT, msgspec.json.encode(message))


_message: msgspec.json.Decoder[dict[str, Any] | list[dict[str, Any]]] = msgspec.json.Decoder(
    dict[str, Any] | list[dict[str, Any]]
)


class Member:
    """One connection, and the session that it speaks for. `on_said` hears each message."""

    __slots__ = (
        "buffer",
        "close_code",
        "crowd",
        "epoch",
        "heard_any",
        "ids",
        "key",
        "number",
        "on_said",
        "open",
        "out",
        "reading",
        "seq",
        "session",
        "sock",
        "status",
    )  # fmt: skip

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd = crowd
        self.number = number
        self.sock: socket.socket | None = None
        self.buffer = b""
        self.out = b""
        self.open = False
        self.status = 0
        self.close_code: int | None = None
        self.heard_any = False
        self.reading = True
        self.session = self.key = self.epoch = ""
        self.seq = self.ids = 0
        self.on_said: Callable[[Member, dict[str, Any]], None] | None = None

    # -- saying

    def connect(self, first: bytes, *, source: str | None = None, window: int | None = None) -> None:
        """Begin a connection, and say `first` on it as soon as it is there."""
        self.sock = sock = socket.socket()
        sock.setblocking(False)
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The port is chosen with the connection, so that all addresses of a server have all ports.
        with contextlib.suppress(AttributeError, OSError):
            sock.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.bind((source or SOURCES[self.number % len(SOURCES)], 0))
        if (error := sock.connect_ex(self.crowd.address)) not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        self.buffer, self.out = b"", first
        self.open, self.status, self.close_code = False, 0, None
        self.crowd.watch(self)

    def say(self, message: object) -> None:
        """Say one message."""
        self.raw(text(message))

    def request(self, kind: str, **fields: object) -> int:
        """Say one message with the next id, and give the id."""
        self.ids += 1
        self.say({"type": kind, "id": self.ids, **fields})
        return self.ids

    def raw(self, data: bytes) -> None:
        """Send bytes, now or when the socket takes them."""
        if self.out or not self.open or self.sock is None:
            self.out += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop()
            return
        if sent < len(data):
            self.out = data[sent:]
            self.crowd.write(self)

    @property
    def returning(self) -> dict[str, object]:
        """A `hello` that comes back to the session."""
        position = f"{self.epoch}.{self.seq}"
        return {"type": "hello", "session": self.session, "key": self.key, "position": position}

    def cut(self) -> None:
        """End without a word: a reset."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()

    def drop(self) -> None:
        """Close the socket; nothing is said."""
        if self.sock is not None:
            self.crowd.forget(self)
            self.sock.close()
            self.sock = None
        self.open, self.buffer, self.out = False, b"", b""

    # -- hearing

    def ready(self, events: int) -> None:
        """The socket can be read or written."""
        sock = self.sock
        if sock is None:
            return
        if events & select.EPOLLOUT:
            self.open = True
            try:
                self.out = self.out[sock.send(self.out) :] if self.out else b""
            except BlockingIOError:
                pass
            except OSError:
                self.drop()
                return
            if not self.out:
                self.crowd.write(self, False)
        if events & ~select.EPOLLOUT:
            try:
                data = sock.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.drop()
                return
            self.take(data)

    def take(self, data: bytes) -> None:
        """Take bytes of the server apart."""
        self.heard_any = True
        buffer = self.buffer + data if self.buffer else data
        at = 0
        if not self.status:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            self.status = int(buffer[9:12])
            at = end + 4
            if self.status != 101:
                self.buffer = buffer[at:]
                return
        size = len(buffer)
        while size - at >= 2:
            first, length, start = buffer[at], buffer[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, start = (buffer[at + 2] << 8) | buffer[at + 3], at + 4
            elif length == 127:
                if size - at < 10:
                    break
                length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if size - start < length:
                break
            at = start + length
            self.frame(first, buffer[start:at])
            if self.sock is None:
                return
        self.buffer = buffer[at:] if at < size else b""

    def frame(self, first: int, payload: bytes) -> None:
        """Act on one frame."""
        opcode = first & 0x0F
        if opcode == TEXT:
            said = _message.decode(payload)
            for message in said if isinstance(said, list) else (said,):
                self.hear(message)
        elif opcode == PING:
            self.raw(frame(PONG, payload))
        elif opcode == CLOSE:
            self.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005

    def hear(self, message: dict[str, Any]) -> None:
        """Remember what a session has to, and tell whoever asked."""
        kind = message["type"]
        if kind == "event":
            self.seq = message.get("seq") or self.seq
        elif kind == "welcome":
            self.session, self.key, self.epoch = message["session"], message["key"], message["epoch"]
            self.seq, self.ids = message["seq"], max(self.ids, message["taken"])
        if self.on_said is not None:
            self.on_said(self, message)


class Crowd:
    """Members, and the loop that serves them. Use it in a `with` block: what is open is closed at its end."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.members: list[Member] = []
        self._epoll = select.epoll()
        self._by_fd: dict[int, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.cut()
        self._epoll.close()

    def add(self, count: int) -> list[Member]:
        """So many members more, not connected yet."""
        begin = len(self.members)
        fresh = [Member(self, number) for number in range(begin, begin + count)]
        self.members += fresh
        return fresh

    @property
    def connected(self) -> int:
        """How many have a socket."""
        return len(self._by_fd)

    def watch(self, member: Member) -> None:
        """Wait for this member's new socket."""
        assert member.sock is not None
        self._by_fd[member.sock.fileno()] = member
        self._epoll.register(member.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def write(self, member: Member, wanted: bool = True) -> None:
        """Whether this member has something left to send."""
        if member.sock is not None:
            reading = select.EPOLLIN if member.reading else 0
            self._epoll.modify(member.sock.fileno(), reading | (select.EPOLLOUT if wanted else 0))

    def read(self, member: Member, wanted: bool) -> None:
        """Read what this member is told, or stop reading."""
        member.reading = wanted
        self.write(member, bool(member.out))

    def forget(self, member: Member) -> None:
        """The member's socket is about to be closed."""
        assert member.sock is not None
        if self._by_fd.pop(member.sock.fileno(), None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(member.sock.fileno())

    def turn(self, wait: float = 0.0) -> bool:
        """Serve whoever is ready, once; whether anybody was."""
        ready = self._epoll.poll(wait, 1024)
        for fd, events in ready:
            member = self._by_fd.get(fd)
            if member is not None:
                member.ready(events)
        return bool(ready)

    def run(self, holds: Callable[[], bool], patience: float = 30.0, what: str = "it") -> None:
        """Serve until something is so. Raises `TimeoutError` when it never is."""
        end = time.monotonic() + patience
        while not holds():
            self.turn(0.05)
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come about within {patience:g} s")

    def serve(self, seconds: float) -> None:
        """Serve for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.turn(min(left, 0.05))

    def connect(
        self,
        members: Iterable[Member],
        first: bytes,
        *,
        at_once: int = 512,
        patience: float = 30.0,
        **options: Any,
    ) -> None:
        """Connect these, at most `at_once` of them under way, and wait until each has been answered."""
        under_way: list[Member] = []
        for member in members:
            member.connect(first, **options)
            under_way.append(member)
            if len(under_way) >= at_once:
                self._answered(under_way, patience)
        self._answered(under_way, patience)

    def _answered(self, under_way: list[Member], patience: float) -> None:
        self.run(lambda: all(m.status or m.sock is None for m in under_way), patience, "an answer to each")
        under_way.clear()


def raise_descriptors(wanted: int) -> int:
    """Ask the system for so many descriptors, for this process and those it starts; how many there are."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
