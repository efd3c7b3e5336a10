"""HTTP/1.1 by h11 on a Trio stream: one request at a time, the connection kept for the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import h11
import trio

from .refusal import refusal
from .target import Target

CHUNK: Final = 1 << 16
MOST: Final = 128 << 20
"""Bytes of an answer: what no server of ours sends."""
Headers = dict[bytes, bytes]
Dial = Callable[[Target], Awaitable[trio.abc.Stream]]


class HttpPeer:
    """One connection to the server, opened when it is needed. It raises `OSError` when it breaks."""

    def __init__(self, target: Target, dial: Dial, alive: Callable[[], None]) -> None:
        self.sent = self.received = 0
        self._target, self._dial, self._alive = target, dial, alive
        self._stream: trio.abc.Stream | None = None
        self._protocol = h11.Connection(h11.CLIENT)

    async def open(self) -> None:
        """Be connected. Raises `OSError`."""
        if self._stream is None or self._protocol.our_state is not h11.IDLE:
            await self.close()
            self._stream = await self._dial(self._target)
            self._protocol = h11.Connection(h11.CLIENT)

    async def close(self) -> None:
        """Close at once."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)

    async def ask(
        self, method: str, path: str, *, authorization: str | None = None, body: bytes | None = None
    ) -> tuple[int, Headers, bytes]:
        """One request and its whole answer."""
        try:
            return await self._ask(method, path, authorization, body)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            await self.close()
            raise OSError(f"the connection broke: {error}") from None
        except BaseException:
            with trio.CancelScope(shield=True):
                await self.close()  # half an answer is of no use to the next request
            raise

    async def _ask(
        self, method: str, path: str, authorization: str | None, body: bytes | None
    ) -> tuple[int, Headers, bytes]:
        status, headers = await self._begin(method, path, authorization, body)
        answer = bytearray()
        async for part in self._body():
            answer += part
            if len(answer) > MOST:
                raise OSError(f"an answer of more than {MOST} bytes")
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        else:
            await self.close()
        return status, headers, bytes(answer)

    async def stream(self, path: str, authorization: str) -> AsyncIterator[bytes]:
        """The body of a GET, as it comes. Raises `Refused` for another answer than 200 with an event
        stream.
        """
        try:
            status, headers = await self._begin("GET", path, authorization, None)
            if status != 200 or not headers.get(b"content-type", b"").startswith(b"text/event-stream"):
                body = bytearray()
                async for part in self._body():
                    body += part
                    if len(body) > CHUNK:
                        break  # what says why is short
                raise refusal(status, headers, bytes(body))
            async for part in self._body():
                yield part
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            raise OSError(f"the event stream broke: {error}") from None
        finally:
            with trio.CancelScope(shield=True):
                await self.close()

    async def _begin(
        self, method: str, path: str, authorization: str | None, body: bytes | None
    ) -> tuple[int, Headers]:
        await self.open()
        said = [("Host", self._target.authority), *self._target.headers.items()]
        if authorization is not None:
            said.append(("Authorization", authorization))
        if body is not None:
            said += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        # Values are Latin-1, of which h11 takes texts only as far as they are ASCII.
        headers = [(name.encode(), value.encode("latin-1")) for name, value in said]
        protocol = self._protocol
        out = protocol.send(h11.Request(method=method, target=path, headers=headers)) or b""
        if body is not None:
            out += protocol.send(h11.Data(data=body)) or b""
        out += protocol.send(h11.EndOfMessage()) or b""
        assert self._stream is not None  # noqa: S101 - `open` has made it
        await self._stream.send_all(out)
        self.sent += len(out)
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event.status_code, {name.lower(): value for name, value in event.headers}
            if not isinstance(event, h11.InformationalResponse):
                raise OSError("the connection ended before an answer")

    async def _body(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise OSError("the connection ended within an answer")

    async def _next(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            if self._stream is None:
                raise OSError("the connection is closed")
            data = bytes(await self._stream.receive_some(CHUNK))
            self.received += len(data)
            if data:
                self._alive()
            self._protocol.receive_data(data)
        return event
