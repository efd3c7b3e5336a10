"""RFC 6455 frames and RFC 7692 compression, the client's side, written for the tests alone.

It is plain on purpose, and able to say everything that is forbidden.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from dataclasses import dataclass

from rtcore import _core

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
TAIL = b"\x00\x00\xff\xff"
MARK = b"\xc1"
ALGORITHMS = {"gzip": 1, "br": 2, "lz4": 3, "zstd": 4}


@dataclass
class Frame:
    """One frame as it came from the server."""

    head: int
    masked: bool
    payload: bytes

    @property
    def opcode(self) -> int:
        """The low four bits of the first byte."""
        return self.head & 0x0F

    @property
    def fin(self) -> bool:
        """Whether it is the last frame of its message."""
        return bool(self.head & FIN)

    @property
    def compressed(self) -> bool:
        """Whether RSV1 says that the message is deflated."""
        return bool(self.head & RSV1)


def mask(payload: bytes, key: bytes) -> bytes:
    """XOR with the key, RFC 6455 §5.3, as one big integer."""
    if not payload:
        return b""
    wide = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")).to_bytes(len(payload), "big")


def encode(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    flags: int = 0,
    masked: bool = True,
    announced: int | None = None,
) -> bytes:
    """Return one frame. `announced` lies about the length; `flags` sets reserved bits."""
    length = len(payload) if announced is None else announced
    first = (FIN if fin else 0) | flags | opcode
    bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Return a close frame; without a code it is empty."""
    return encode(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def split(buffer: bytearray) -> Frame | None:
    """Take one whole frame from the front of the buffer, if there is one."""
    if len(buffer) < 2:
        return None
    head, second = buffer[0], buffer[1]
    length, start = second & 0x7F, 2
    if length == 126:
        if len(buffer) < 4:
            return None
        length, start = struct.unpack_from("!H", buffer, 2)[0], 4
    elif length == 127:
        if len(buffer) < 10:
            return None
        length, start = struct.unpack_from("!Q", buffer, 2)[0], 10
    masked = bool(second & 0x80)
    if masked:
        start += 4
    if len(buffer) < start + length:
        return None
    payload = bytes(buffer[start : start + length])
    del buffer[: start + length]
    return Frame(head, masked, payload)


def deflate(payload: bytes, level: int = 6) -> bytes:
    """Compress one message without context, RFC 7692 §7.2.1."""
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def inflate(payload: bytes) -> bytes:
    """Restore one message that was compressed without context, RFC 7692 §7.2.2."""
    return zlib.decompressobj(-15).decompress(payload + TAIL)


def pack(algorithm: str, payload: bytes) -> bytes:
    """Return the payload of a frame that is compressed as a hello agreed."""
    packed = gzip.compress(payload, 1) if algorithm == "gzip" else _core.compress(algorithm, payload)
    return MARK + bytes([ALGORITHMS[algorithm]]) + packed


def unpack(payload: bytes, agreed: str | None) -> bytes:
    """Return what such a frame holds, which must be of the algorithm that was agreed on."""
    assert agreed is not None, "compressed without having agreed on it"
    assert payload[1] == ALGORITHMS[agreed], payload[:2]
    return gzip.decompress(payload[2:]) if agreed == "gzip" else _core.inflate(agreed, payload[2:], 1 << 26)
