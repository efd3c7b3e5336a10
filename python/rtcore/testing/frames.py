"""The client's half of RFC 6455, written for tests: it shares no code with the server's codec.

Slow, plain and strict: what the server may not send raises `AssertionError`, so that a test fails where the
fault is.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import trio

from rtcore.errors import rebuilt

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_CONTINUATION = 0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# RFC 6455 §7.1.5: the link broke without a close frame; and §7.4.1: a close frame without a code.
ABNORMAL, NO_CODE = 1006, 1005


class Closed(Exception):  # noqa: N818 - it is what happened, and often what a test waits for
    """The server closed the connection. `code` is 1006 if it did so without a close frame."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code}{f': {reason}' if reason else ''}")
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """It survives `pickle` and `copy`."""
        return rebuilt, (type(self), self.args, self.__dict__)


class HandshakeRefused(Exception):  # noqa: N818 - as above
    """The server answered the handshake with something else than 101."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}: {body[:300]!r}")
        self.status = status
        self.headers = headers
        self.body = body

    def __reduce__(self) -> tuple[Any, ...]:
        """It survives `pickle` and `copy`."""
        return rebuilt, (type(self), self.args, self.__dict__)


def encode(opcode: int, payload: bytes, *, final: bool = True, mask: bytes | None = None) -> bytes:
    """One frame of a client: masked, with the given or a random key."""
    key = os.urandom(4) if mask is None else mask
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        head = struct.pack("!BB", first, 0x80 | len(payload))
    elif len(payload) < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(payload))
    length = len(payload)
    wide = (key * (length // 4 + 1))[:length]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")).to_bytes(length, "big")
    return head + key + masked


def close_payload(code: int, reason: str = "") -> bytes:
    """What a close frame says."""
    return struct.pack("!H", code) + reason.encode()


def read_close(payload: bytes) -> Closed:
    """What a close frame said."""
    if not payload:
        return Closed(NO_CODE)
    return Closed(struct.unpack("!H", payload[:2])[0], payload[2:].decode())


class Reader:
    """Takes a byte stream apart, as it comes."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._bytes = b""

    async def exactly(self, count: int) -> bytes:
        """So many bytes. Raises `Closed` when the stream ends before."""
        await self._held(count)
        taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken

    async def _held(self, count: int) -> None:
        while len(self._bytes) < count:
            await self._more()

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and including the mark."""
        while mark not in self._bytes:
            await self._more()
        end = self._bytes.index(mark) + len(mark)
        taken, self._bytes = self._bytes[:end], self._bytes[end:]
        return taken

    async def rest(self) -> bytes:
        """Everything to the end of the stream."""
        try:
            while True:
                await self._more()
        except Closed:
            taken, self._bytes = self._bytes, b""
            return taken

    async def _more(self) -> None:
        try:
            data = await self._stream.receive_some()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if not data:
            raise Closed(ABNORMAL)
        self._bytes += data

    async def frame(self) -> tuple[bool, int, bytes]:
        """One frame of the server: whether it is final, its opcode and its payload.

        Cancelled, it has taken nothing: the frame is there for the next call.
        """
        await self._held(2)
        first, second = self._bytes[:2]
        assert not first & 0x70, f"the server set reserved bits: {first:#x}, and no extension was agreed on"
        assert not second & 0x80, "the server masked a frame"
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            await self._held(start)
            length = int.from_bytes(self._bytes[2:start], "big")
        await self._held(start + length)
        payload = self._bytes[start : start + length]
        self._bytes = self._bytes[start + length :]
        return bool(first & 0x80), first & 0x0F, payload

    async def messages(self) -> AsyncGenerator[tuple[int, bytes], None]:
        """Whole messages and control frames, by opcode, until the stream ends (`Closed`)."""
        kind, parts = _CONTINUATION, [b""]
        while True:
            final, opcode, payload = await self.frame()
            if opcode >= CLOSE:
                assert final, "the server fragmented a control frame"
                assert len(payload) <= 125, f"the server sent a control frame of {len(payload)} bytes"
                yield opcode, payload
                continue
            assert (opcode == _CONTINUATION) == (kind != _CONTINUATION), (
                f"opcode {opcode} within a message of {kind}"
            )
            kind, parts = (opcode, [payload]) if opcode else (kind, [*parts, payload])
            if final:
                yield kind, b"".join(parts)
                kind, parts = _CONTINUATION, [b""]


async def upgrade(
    stream: trio.abc.Stream, reader: Reader, path: str, host: str, headers: Mapping[str, str]
) -> dict[str, str]:
    """The opening handshake; gives the headers of the answer. Raises `HandshakeRefused`."""
    key = base64.b64encode(os.urandom(16))
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key.decode()}", "Sec-WebSocket-Version: 13"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    await stream.send_all("\r\n".join([*lines, "", ""]).encode())
    status_line, *fields = (await reader.until(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    answer = {
        name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
    }
    status = int(status_line.split()[1])
    if status != 101:
        raise HandshakeRefused(status, answer, await reader.rest())
    accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest()).decode()  # noqa: S324 - RFC 6455 §4.2.2 wants it
    assert answer.get("sec-websocket-accept") == accept, "the server's accept key is wrong"
    return answer
