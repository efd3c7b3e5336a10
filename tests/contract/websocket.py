"""The WebSocket as a link: RFC 6455 over a Trio stream, in either encoding."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import struct
from typing import ClassVar

import msgspec
import trio

from tests.wire import frames

from .http1 import Connection
from .link import Ended, Link, Message, Place, Refused, cut

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocket(Link):
    """Text frames with JSON."""

    name = "websocket"
    transport = "websocket"
    over_http = False
    protocol: ClassVar[str] = "rtcore.v1.json"
    opcode: ClassVar[int] = frames.TEXT

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.http: Connection | None = None
        self.parts: list[frames.Frame] = []
        self.agreed: str | None = None  # what compresses, as the welcome says
        self.writing = trio.Lock()  # pongs are said by whoever reads

    def encode(self, said: object) -> bytes:
        return msgspec.json.encode(said)

    def decode(self, data: bytes) -> object:
        return msgspec.json.decode(data)

    @property
    def connection(self) -> Connection:
        assert self.http is not None, "not connected"
        return self.http

    async def hello(self, fields: Message) -> list[Message]:
        await self.connect()
        await self.say({"type": "hello", **fields})
        return await self.more()

    async def connect(self) -> None:
        """Open it, and say nothing yet."""
        self.http = await self.place.http()
        key = base64.b64encode(os.urandom(16)).decode()
        await self.http.ask(
            "GET",
            f"{self.place.prefix}/ws",
            [
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", key),
                ("Sec-WebSocket-Protocol", self.protocol),
            ],
        )
        answer = await self.http.head()
        if answer.status != 101:
            while (part := await self.http.part()) is not None:
                answer.body += part
            raise Refused(answer)
        accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
        assert answer.get("sec-websocket-accept") == accept
        assert answer.get("sec-websocket-protocol") == self.protocol

    async def say(self, *messages: Message, array: bool = False) -> list[Message]:
        said = [list(messages)] if array else messages
        data = b"".join(frames.encode(self.opcode, self.encode(each)) for each in said)
        try:
            async with self.writing:
                await self.connection.raw(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            if self.connection.eof:
                raise Ended(1006, self.bye) from None
        return []

    async def more(self) -> list[Message]:
        while True:
            while (frame := frames.split(self.connection.buffer)) is None:
                try:
                    await self.connection.more()
                except Exception as end:
                    raise Ended(1006, self.bye) from end
            assert not frame.masked, "a server must not mask, RFC 6455 §5.1"
            if frame.opcode == frames.PING:
                await self.answer(frames.encode(frames.PONG, frame.payload))
            elif frame.opcode == frames.CLOSE:
                code = struct.unpack("!H", frame.payload[:2])[0] if frame.payload else 1005
                await self.answer(frames.close(code))
                raise Ended(code, self.bye)
            elif frame.opcode != frames.PONG:
                self.parts.append(frame)
                if frame.fin:
                    parts, self.parts = self.parts, []
                    return self.noticed(self.read(parts))

    def read(self, parts: list[frames.Frame]) -> list[Message]:
        data = b"".join(part.payload for part in parts)
        packed = parts[0].opcode == frames.BINARY and data.startswith(frames.MARK)
        assert packed or parts[0].opcode == self.opcode, "the wrong kind of frame"
        said = self.decode(frames.unpack(data, self.agreed) if packed else data)
        messages: list[Message] = said if isinstance(said, list) else [said]  # type: ignore[list-item]
        for message in messages:
            if message["type"] == "welcome":
                self.agreed = message["compress"]
        return messages

    async def answer(self, data: bytes) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with self.writing:
                await self.connection.raw(data)

    def drop(self) -> None:
        if self.http is not None:
            cut(self.http.stream)


class MsgPackSocket(WebSocket):
    """Binary frames with MessagePack."""

    name = "msgpack"
    protocol = "rtcore.v1.msgpack"
    opcode = frames.BINARY

    def encode(self, said: object) -> bytes:
        return msgspec.msgpack.encode(said)

    def decode(self, data: bytes) -> object:
        return msgspec.msgpack.decode(data)
