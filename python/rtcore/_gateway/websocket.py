"""One WebSocket of another server as a WebSocket of the core: messages into frames, and back.

The outer server has read the client's frames and checked them; the gateway is a client of the core, with
wsproto as its codec, and without extensions. A ping of the core asks the outer server in truth, which is the
one that knows whether the client lives: it is answered here.
"""

from __future__ import annotations

import h11
import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from rtcore._engine import DROP, FINISH
from rtcore._ground.asgi import Message, Receive, Scope, Send
from rtcore._ground.numbers import USUAL
from rtcore._serve.shell import Link
from rtcore._turn.budget import checkpoint

from .http import REFUSAL, Answer, say
from .scope import request_of

# RFC 6455 §7.4.1: no code was sent; the link broke. Neither is ever on the wire.
_NO_CODE, _ABNORMAL, _INTERNAL = 1005, 1006, 1011
# How long a client may take to answer a close frame (s). A server that closed at once could lose what the
# frame says.
PARTING = USUAL["close_ms"] / 1000


class Socket:
    """One WebSocket."""

    def __init__(self, link: Link, scope: Scope, receive: Receive, send: Send) -> None:
        self._link = link
        self._scope = scope
        self._receive = receive
        self._send = send
        self._frames = Connection(ConnectionType.CLIENT)
        self._parts: list[str | bytes] = []
        self._saying = False  # a frame is on its way, of which the core has not taken all
        self._pong = b""  # waits for that

    async def run(self) -> None:
        """Carry it to its end."""
        message = await self._receive()
        if message["type"] != "websocket.connect":
            return
        with self._link.scope:
            if await self._open():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._upwards)
                    await self._downwards()
                    nursery.cancel_scope.deadline = trio.current_time() + PARTING

    async def _open(self) -> bool:
        """The handshake: accepted, or refused in the core's words."""
        client = h11.Connection(h11.CLIENT)
        self._link.hear_now(bytes(client.send(request_of(self._scope)) or b""))
        client.send(h11.EndOfMessage())
        can_say_why = "websocket.http.response" in (self._scope.get("extensions") or {})
        answer = Answer(client, self._send if can_say_why else _nothing, REFUSAL)
        switched = None
        while switched is None and not answer.ended and self._link.handed is None:
            data = self._link.take()
            if not data and not self._link.state & (DROP | FINISH):
                await self._link.wait()
                continue
            client.receive_data(data)
            switched = await answer.say()
        if switched is None:
            if not answer.began or not can_say_why:
                await self._send({"type": "websocket.close", "code": 1000})
            return False
        names = [value.decode() for name, value in switched.headers if name == b"sec-websocket-protocol"]
        await self._send({"type": "websocket.accept", "subprotocol": names[0] if names else None})
        self._frames.receive_data(client.trailing_data[0])
        return True

    # -- from the client

    async def _upwards(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.receive":
                await self._said(message)
            elif message["type"] == "websocket.disconnect":
                await self._left(int(message.get("code") or _NO_CODE))
                return

    async def _said(self, message: Message) -> None:
        data = message.get("bytes")
        event = TextMessage(message["text"]) if data is None else BytesMessage(bytes(data))
        try:
            frame = self._frames.send(event)
        except LocalProtocolError:
            return  # the core has closed: what still comes is ignored
        self._saying = True
        await say(self._link.hear, frame)
        self._saying = False
        if self._pong:
            pong, self._pong = self._pong, b""
            self._link.hear_now(pong)

    async def _left(self, code: int) -> None:
        if code != _ABNORMAL and self._frames.state is ConnectionState.OPEN:
            close = CloseConnection(code=code) if code != _NO_CODE else CloseConnection(code=None)  # type: ignore[arg-type]
            await self._link.hear(self._frames.send(close))
        self._link.scope.cancel()

    # -- to the client

    async def _downwards(self) -> None:
        link = self._link
        while not await self._hear():
            data = link.take()
            if data:
                self._frames.receive_data(data)
            elif link.state & (DROP | FINISH):
                await self._send({"type": "websocket.close", "code": _INTERNAL})
                return
            else:
                await link.wait()
                continue
            link.taken()

    async def _hear(self) -> bool:
        """Pass on what the core said. True: that it closes."""
        for event in self._frames.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                await self._part(event)
            elif isinstance(event, Ping):
                pong = self._frames.send(event.response())
                if self._saying:
                    self._pong = pong  # within a frame it would be a part of it
                else:
                    self._link.hear_now(pong)
            elif isinstance(event, CloseConnection):
                code = 1000 if event.code in (None, _NO_CODE) else int(event.code)
                await self._send({"type": "websocket.close", "code": code, "reason": event.reason or ""})
                return True
        return False

    async def _part(self, event: TextMessage | BytesMessage) -> None:
        self._parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
        if not event.message_finished:
            return
        parts, self._parts = self._parts, []
        if isinstance(event, TextMessage):
            await self._send({"type": "websocket.send", "text": "".join(parts)})  # type: ignore[arg-type]
        else:
            await self._send({"type": "websocket.send", "bytes": b"".join(parts)})  # type: ignore[arg-type]


async def _nothing(_message: Message) -> None:
    await checkpoint()
