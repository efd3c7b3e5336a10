"""An answer over HTTP/2 that ends only when the request has.

RFC 9113 §8.1 lets a server answer a request, and end the stream, before it has all of its body; the client
may send on for a while. Hypercorn 0.18 forgets a stream with its answer, and what still comes for it ends
the whole server (a `KeyError` of its `H2Protocol`). So the last word of an answer waits for the last word of
its request, for a while.
"""

from __future__ import annotations

import trio

from rtcore._ground.asgi import Message, Receive, Scope, Send
from rtcore._ground.numbers import FIXED, USUAL

# How long an answer waits for more of a body that nobody reads, and for all of it (s). A client that is
# refused stops soon; one that does not may take as long as any body.
PATIENCE, WHOLE = FIXED["LINGERING_MS"] / 1000, USUAL["parting_ms"] / 1000


class Lingering:
    """ASGI's `receive` and `send` of one request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._whole = False
        self._waiting: trio.CancelScope | None = None

    async def receive(self) -> Message:
        """The same, and it is known when the request is over."""
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._whole = True
            if self._waiting is not None:
                self._waiting.cancel()
        return message

    async def send(self, message: Message) -> None:
        """The same, but that the end of an answer waits. What comes of the body meanwhile is dropped."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            end = trio.current_time() + WHOLE
            with trio.move_on_at(end) as self._waiting:
                while not self._whole:
                    self._waiting.deadline = min(end, trio.current_time() + PATIENCE)
                    await self.receive()
        await self._send(message)


def lingering(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """`receive` and `send` for a request: as they are in HTTP/1.1, where a connection is closed instead."""
    if scope["type"] != "http" or str(scope.get("http_version", "1.1")).startswith("1"):
        return receive, send
    both = Lingering(receive, send)
    return both.receive, both.send
