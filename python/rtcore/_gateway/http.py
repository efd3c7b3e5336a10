"""One HTTP request of another server, answered by the core: its answer is read with h11, piece by piece.

Nothing is kept: what the core has said goes on at once, and while the server does not take it the core is
asked for nothing more, so that a slow reader lags there as on a socket of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import h11
import trio

from rtcore._engine import DROP, FINISH
from rtcore._ground.asgi import Message, Receive, Scope, Send
from rtcore._ground.numbers import PREFIX
from rtcore._serve.shell import CHUNK, Link

from .scope import OF_THE_LINK, above_of, request_of, said_length

log = logging.getLogger("rtcore.http")

# What stands in front of the messages of an answer: `http.response.start`, and to a refused WebSocket
# `websocket.http.response.start`.
HTTP, REFUSAL = "http.response", "websocket.http.response"
COOKIE_PATH = b"; Path=" + PREFIX.encode()


class Answer:
    """What the core answers, as ASGI's messages. `above` is the path that it is mounted under."""

    def __init__(self, client: h11.Connection, send: Send, kind: str, above: bytes = b"") -> None:
        self._client = client
        self._above = above
        self._send = send
        self._kind = kind
        self.began = False
        self.ended = False

    async def say(self) -> h11.InformationalResponse | None:
        """Say all that came. What comes back is a switch of protocols: the rest is no HTTP.

        Raises:
            h11.RemoteProtocolError: the answer is broken off.

        """
        parts: list[bytes] = []
        while not self.ended:
            event = self._client.next_event()
            if isinstance(event, h11.Response):
                self.began = True
                await self._start(event)
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.ended = True
                await self._body(b"".join(parts), more=False)
                return None
            elif isinstance(event, h11.InformationalResponse):
                if event.status_code == 101:
                    return event
            else:
                break
        if parts:
            await self._body(b"".join(parts), more=True)
        return None

    async def _start(self, event: h11.Response) -> None:
        headers = [
            # The browser sends a cookie where its path fits, and it sees the whole path.
            (name, value.replace(COOKIE_PATH, b"; Path=" + self._above + PREFIX.encode()))
            if name == b"set-cookie"
            else (name, value)
            for name, value in event.headers
            if name not in OF_THE_LINK
        ]
        await self._send({"type": f"{self._kind}.start", "status": event.status_code, "headers": headers})

    async def _body(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": f"{self._kind}.body", "body": body, "more_body": more})


class Exchange:
    """One request and its answer."""

    def __init__(self, link: Link, scope: Scope, receive: Receive, send: Send) -> None:
        self._link = link
        self._scope = scope
        self._receive = receive
        self._client = h11.Connection(h11.CLIENT)
        self._answer = Answer(self._client, send, HTTP, above_of(scope))
        self._first: Message | None = None

    async def run(self) -> None:
        """Carry it to its end, or until the core hands it over.

        Raises:
            h11.LocalProtocolError: it was no request that HTTP/1.1 could say.

        """
        with self._link.scope:
            await self._head()
            if self._link.handed is not None:
                return
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._upwards)
                await self._downwards()
                nursery.cancel_scope.cancel()

    async def receive_again(self) -> Message:
        """ASGI's `receive` for the application that answers instead: messages taken already come first."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await self._receive()

    async def _head(self) -> None:
        chunked, length = False, None
        if not said_length(self._scope):
            # HTTP/2, and chunks: whether there is a body is known only from what comes.
            self._first = await self._receive()
            if self._first["type"] != "http.request":
                self._link.scope.cancel()
                return
            chunked = bool(self._first.get("more_body", False))
            length = len(self._first.get("body", b"")) if not chunked else 0
        request = request_of(self._scope, chunked=chunked, length=length or None)
        await self._link.hear(_bytes(self._client.send(request)))

    async def _upwards(self) -> None:
        more = True
        while True:
            message = await self.receive_again()
            if message["type"] != "http.request":
                # The client is gone. But a server says so after a whole answer too, to whoever still
                # listens, and must not be cancelled in its last `send`.
                if not self._answer.ended:
                    self._link.scope.cancel()
                return
            if not more:
                continue
            try:
                if body := message.get("body", b""):
                    await say(self._link.hear, _bytes(self._client.send(h11.Data(bytes(body)))))
                more = bool(message.get("more_body", False))
                if not more:
                    await self._link.hear(_bytes(self._client.send(h11.EndOfMessage())))
            except h11.LocalProtocolError as error:
                log.debug("a body is not as long as its head says: %s", error)
                self._link.scope.cancel()
                return

    async def _downwards(self) -> None:
        link = self._link
        while not self._answer.ended:
            data = link.take()
            if data:
                self._client.receive_data(data)
            elif link.state & (DROP | FINISH):
                self._client.receive_data(b"")
            else:
                await link.wait()
                continue
            try:
                await self._answer.say()
            except h11.RemoteProtocolError:
                return  # the core ended it in the midst, and so does the server when nothing more comes
            if not data:
                return
            link.taken()


async def say(hear: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
    """Give the core many bytes, as it takes them."""
    for start in range(0, len(data), CHUNK):
        await hear(data[start : start + CHUNK])


def _bytes(data: Any) -> bytes:
    """What h11 has to send. None would mean that the connection is to be closed: not before an answer."""
    return bytes(data or b"")
