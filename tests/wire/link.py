"""A WebSocket of the tests' own, independent of rtcore's code: the handshake, bytes, frames, and the end."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import select
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from tests.patience import PATIENCE

from . import frames
from .response import Response, http_fields
from .said import Message

DEADLINE = PATIENCE
JSON, MSGPACK = "rtcore.v1.json", "rtcore.v1.msgpack"
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BOTH_NO_CONTEXT = {"server_no_context_takeover", "client_no_context_takeover"}


class Closed(Exception):  # noqa: N818 (an end, not an error)
    """The server ended the connection. 1006: without a close frame."""

    def __init__(self, code: int, reason: str, bye: Message | None) -> None:
        super().__init__(code, reason, bye)
        self.code = code
        self.reason = reason
        self.bye = bye


class Link(ABC):
    """One WebSocket to the server, and what came on it."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        path: str = "/rt/ws",
        protocols: Iterable[str] = (JSON,),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        deflate: str | None = None,
        pong: bool = True,
        window: int | None = None,
        upgrade: bool = True,
        source: str | None = None,
    ) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(DEADLINE)
        try:
            if source is not None:
                self.socket.bind((source, 0))
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = address
        self.buffer = bytearray()
        self.parts: list[frames.Frame] = []
        self.pending: list[Message] = []
        self.heard: list[Message] = []
        self.data_frames: list[frames.Frame] = []
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.answers_pings = pong
        self.closed: Closed | None = None
        self.binary = False
        self.deflates = False
        self.response: Response | None = None
        if upgrade:
            try:
                self.response = self.upgrade(path, list(protocols), headers, deflate)
            except BaseException:
                self.socket.close()
                raise

    # -- the handshake

    def upgrade(
        self,
        path: str,
        protocols: list[str],
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        deflate: str | None = None,
    ) -> Response:
        """Ask for the upgrade and check the answer, RFC 6455 §4.1. A refusal is returned as it is."""
        key = base64.b64encode(os.urandom(16)).decode()
        given = list(headers.items() if isinstance(headers, Mapping) else headers)
        fields = [
            ("Host", "{}:{}".format(*self.address)),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
        ]
        if protocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
        if deflate is not None:
            fields.append(("Sec-WebSocket-Extensions", deflate))
        replaced = {name.lower() for name, _ in given}
        fields = [field for field in fields if field[0].lower() not in replaced] + [f for f in given if f[1]]
        self.raw(f"GET {path} HTTP/1.1\r\n".encode() + http_fields(fields) + b"\r\n")
        answer = self.read_response()
        if answer.status != 101:
            return answer
        accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
        assert answer.get("sec-websocket-accept") == accept, answer.fields
        assert (answer.get("upgrade") or "").lower() == "websocket", answer.fields
        assert (answer.get("connection") or "").lower() == "upgrade", answer.fields
        self.binary = answer.get("sec-websocket-protocol") == MSGPACK
        agreed = answer.get("sec-websocket-extensions")
        if agreed is not None:
            assert deflate is not None, "the server used an extension that was not offered"
            name, *parameters = [part.strip() for part in agreed.split(";")]
            assert name == "permessage-deflate"
            assert set(parameters) >= BOTH_NO_CONTEXT, agreed
            self.deflates = True
        return answer

    def read_response(self) -> Response:
        """Read one HTTP answer with its body."""
        end = time.monotonic() + DEADLINE
        while b"\r\n\r\n" not in self.buffer:
            assert self.more(end), "the connection ended within the answer's head"
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        answer = Response(head)
        self.buffer[:] = rest
        if answer.status != 101 and answer.status >= 200:
            length = answer.get("content-length")
            while len(self.buffer) < int(length) if length is not None else True:
                if not self.more(end):
                    break
            size = int(length) if length is not None else len(self.buffer)
            answer.body = bytes(self.buffer[:size])
            del self.buffer[:size]
        return answer

    # -- bytes and frames

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def frame(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        """Send one frame; the options are those of `frames.encode`."""
        self.raw(frames.encode(opcode, payload, **options))

    def more(self, end: float) -> bool:
        """Read what is there into the buffer; False when the connection has ended."""
        left = end - time.monotonic()
        waiting = select.poll()  # select() knows no descriptor above 1,023
        waiting.register(self.socket, select.POLLIN)
        if left <= 0 or not waiting.poll(left * 1000):
            raise TimeoutError(f"nothing came in time; heard so far: {self.heard[-20:]}")
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        self.buffer += data
        return bool(data)

    def next_frame(self, deadline: float = DEADLINE) -> frames.Frame:
        """Return the next frame; Closed when the connection ends without one."""
        if self.closed is not None:
            raise self.closed
        end = time.monotonic() + deadline
        while (frame := frames.split(self.buffer)) is None:
            if not self.more(end):
                self.closed = Closed(1006, "", self.bye)
                raise self.closed
        assert not frame.masked, "a server must not mask, RFC 6455 §5.1"
        return frame

    def take(self, deadline: float = DEADLINE) -> None:
        """Read one frame and act on it."""
        frame = self.next_frame(deadline)
        if frame.opcode == frames.PING:
            self.pings.append(frame.payload)
            if self.answers_pings:
                self.frame(frames.PONG, frame.payload)
        elif frame.opcode == frames.PONG:
            self.pongs.append(frame.payload)
        elif frame.opcode == frames.CLOSE:
            code = struct.unpack("!H", frame.payload[:2])[0] if frame.payload else 1005
            self.closed = Closed(code, frame.payload[2:].decode(), self.bye)
            with contextlib.suppress(OSError):
                self.raw(frames.close(None if code == 1005 else code))
            raise self.closed
        else:
            self.parts.append(frame)
            if frame.fin:
                parts, self.parts = self.parts, []
                self.data(parts)

    @abstractmethod
    def data(self, parts: list[frames.Frame]) -> None:
        """Take the frames of one whole message."""

    @property
    @abstractmethod
    def bye(self) -> Message | None:
        """The server's `bye`, if one came."""

    def drop(self) -> None:
        """Cut the line: a reset, no close frame."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close()
