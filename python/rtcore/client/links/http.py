"""HTTP/1.1 by h11 on a Trio stream: one request at a time, the connection kept for the next."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final

import h11
import trio

from rtcore._ground.peer import body_coding, compress, inflate

from .refusal import refusal
from .target import Target

CHUNK: Final = 1 << 16
MOST: Final = 128 << 20
"""Bytes of an answer: what no server of ours sends."""
PIECE: Final = 1 << 20
COMPRESS_FROM: Final = 1024
Headers = dict[bytes, bytes]
Fields = Sequence[tuple[str, str]]
Dial = Callable[[Target], Awaitable[trio.abc.Stream]]


class HttpPeer:
    """One connection to the server, opened when it is needed. It raises `OSError` when it breaks."""

    def __init__(self, target: Target, dial: Dial, alive: Callable[[], None]) -> None:
        self.sent = self.received = 0
        self.packs: str | None = None
        """What bodies are compressed by, once the server has shown that it takes such."""
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
        self,
        method: str,
        path: str,
        *,
        whose: Fields = (),
        body: bytes | None = None,
        codings: Sequence[str] = (),
        secret: bool = False,
    ) -> tuple[int, Headers, bytes]:
        """One request and its whole answer, inflated.

        Args:
            method: `GET` or `POST`.
            path: what is asked for.
            whose: fields of the head that say whose request it is.
            body: JSON.
            codings: what the answer may be compressed by.
            secret: it holds a key or a token, or its answer does: neither is compressed.

        Raises:
            OSError: the connection broke, or the answer is larger than any that a server of ours gives.

        """
        try:
            return await self._ask(method, path, whose, body, () if secret else codings)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            await self.close()
            raise OSError(f"the connection broke: {error}") from None
        except BaseException:
            with trio.CancelScope(shield=True):
                await self.close()  # half an answer is of no use to the next request
            raise

    async def _ask(
        self,
        method: str,
        path: str,
        whose: Fields,
        body: bytes | None,
        codings: Sequence[str] = (),
    ) -> tuple[int, Headers, bytes]:
        status, headers = await self._begin(method, path, whose, body, codings)
        answer = bytearray()
        async for part in self._body():
            answer += part
            if len(answer) > MOST:
                raise OSError(f"an answer of more than {MOST} bytes")
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        else:
            await self.close()
        return status, headers, _plain(headers, bytes(answer))

    async def stream(self, path: str, whose: Fields, codings: Sequence[str] = ()) -> AsyncIterator[bytes]:
        """The body of a GET, as it comes, inflated where it is compressed. Raises `Refused` for another
        answer than 200 with an event stream.
        """
        try:
            known = tuple(each for each in codings if each == "gzip")  # what is flushed for each event
            status, headers = await self._begin("GET", path, whose, None, known)
            if status != 200 or not headers.get(b"content-type", b"").startswith(b"text/event-stream"):
                body = bytearray()
                async for part in self._body():
                    body += part
                    if len(body) > CHUNK:
                        break  # what says why is short
                raise refusal(status, headers, bytes(body))
            unpacked = _Unpacked(headers.get(b"content-encoding", b""))
            async for part in self._body():
                for piece in unpacked.take(part):
                    yield piece
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            raise OSError(f"the event stream broke: {error}") from None
        finally:
            with trio.CancelScope(shield=True):
                await self.close()

    async def _begin(
        self,
        method: str,
        path: str,
        whose: Fields,
        body: bytes | None,
        codings: Sequence[str] = (),
    ) -> tuple[int, Headers]:
        await self.open()
        said = [("Host", self._target.authority), *self._target.headers.items(), *whose]
        if codings:
            said.append(("Accept-Encoding", ", ".join(codings)))
        if body is not None:
            if codings and len(body) >= COMPRESS_FROM and self.packs is not None:
                packed = compress(self.packs, body)
                if len(packed) <= len(body) * 9 // 10:
                    body = packed
                    said.append(("Content-Encoding", self.packs))
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


class _Unpacked:
    """The parts of a body, as they were before they were compressed."""

    def __init__(self, coding: bytes) -> None:
        if coding not in (b"", b"identity", b"gzip"):
            raise OSError(f"an event stream in {coding!r}, which was not asked for")
        self._gzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding == b"gzip" else None

    def take(self, part: bytes) -> Iterator[bytes]:
        """What a part holds, `PIECE` bytes at most at a time. Raises `OSError`."""
        if self._gzip is None:
            yield part
            return
        while part:
            try:
                piece = self._gzip.decompress(part, PIECE)
            except zlib.error as error:
                raise OSError(f"an event stream that cannot be read: {error}") from None
            part = self._gzip.unconsumed_tail
            if piece:
                yield piece


def _plain(headers: Headers, answer: bytes) -> bytes:
    """An answer as it was before the server, or what stands between, compressed it."""
    try:
        coding = body_coding([headers.get(b"content-encoding", b"")])
        return answer if coding is None or not answer else inflate(coding, answer, MOST)
    except ValueError as error:
        raise OSError(f"an answer that cannot be read: {error}") from None
