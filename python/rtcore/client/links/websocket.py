"""The WebSocket: wsproto over a Trio stream, permessage-deflate included."""

from __future__ import annotations

from typing import Final

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from rtcore.client.words import Unreadable, decode, frame

from .link import ABNORMAL, Ended, Hears, Refused
from .refusal import refusal
from .target import Target

SUBPROTOCOL: Final = "rtcore.v1.json"
MOST: Final = 128 << 20
"""Bytes of one message of the server, after inflating: what no server of ours sends."""
CHUNK: Final = 1 << 16
GOODBYE: Final = 1.0
"""Seconds for the server to answer a close."""


class WebSocketLink:
    """One WebSocket, after its handshake."""

    def __init__(self, stream: trio.abc.Stream, protocol: WSConnection) -> None:
        self.compressed = False
        """Whether permessage-deflate was agreed."""
        self._sent = self._received = 0
        self._stream, self._protocol = stream, protocol
        self._out = bytearray()
        self._news = trio.Event()
        self._closing: tuple[int, str] | None = None
        self._ended: Ended | None = None
        self._text: list[str] = []
        self._binary: list[bytes] = []
        self._size = 0
        self._writing = trio.Lock()

    @property
    def sent(self) -> int:
        """Bytes that left."""
        return self._sent

    @property
    def received(self) -> int:
        """Bytes that came."""
        return self._received

    def say(self, messages: tuple[bytes, ...], *, hello: bool) -> None:  # noqa: ARG002 - the others need it
        """Into the buffer; the writer takes all of it at once."""
        if self._closing is None:
            self._put(TextMessage(data=frame(messages).decode()))

    def welcomed(self, session: str, key: str) -> None:
        """Nothing: the connection is the session's."""

    def shut(self, code: int, reason: str) -> None:
        """A close frame behind what was said."""
        if self._closing is None and self._ended is None:
            self._closing = (code, reason)
            self._put(CloseConnection(code=code, reason=reason[:100]))

    def _put(self, event: TextMessage | CloseConnection | Pong) -> None:
        try:
            self._out += self._protocol.send(event)
        except LocalProtocolError:
            return  # the close is over: nobody hears
        self._news.set()

    async def run(self, hears: Hears) -> Ended:
        """Read and write until it ends."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                await self._read(hears)
                with trio.move_on_after(GOODBYE):
                    await self._flush()
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(self._stream)
        return self._ended or Ended(ABNORMAL, "the connection broke")

    async def _flush(self) -> None:
        async with self._writing:  # the last words wait for what is half written
            if not self._out:
                return
            data, self._out = bytes(self._out), bytearray()
            try:
                await self._stream.send_all(data)
                self._sent += len(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._ended = self._ended or Ended(ABNORMAL, "the connection broke")

    async def _write(self, scope: trio.CancelScope) -> None:
        while self._ended is None:
            if self._out:
                await self._flush()
            elif self._closing is not None:
                break
            else:
                self._news = trio.Event()
                await self._news.wait()
        if self._closing is not None:
            with trio.move_on_after(GOODBYE):
                await trio.sleep_forever()  # the reader ends first, when the server answers
        scope.cancel()

    async def _read(self, hears: Hears) -> None:
        while self._ended is None:
            try:
                data = await self._stream.receive_some(CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                self._ended = Ended(ABNORMAL, "the connection broke")
                return
            self._received += len(data)
            hears.alive()
            self.take(bytes(data), hears)

    def take(self, data: bytes, hears: Hears) -> None:
        """Bytes of the server."""
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                if isinstance(event, TextMessage):
                    self._part(event, hears)
                elif isinstance(event, BytesMessage):
                    self._broken(1003, "a binary frame, and JSON was agreed on")
                elif isinstance(event, Ping):
                    self._put(event.response())
                elif isinstance(event, CloseConnection):
                    answer = event.response()
                    self._ended = Ended(int(event.code), event.reason or "")
                    self._put(answer)
                    return
        except RemoteProtocolError as error:
            self._broken(1002, str(error))

    def _part(self, event: TextMessage, hears: Hears) -> None:
        self._text.append(event.data)
        self._size += len(event.data)
        if self._size > MOST:
            self._broken(1009, f"a message of more than {MOST} bytes")
        elif event.message_finished:
            whole = self._text[0] if len(self._text) == 1 else "".join(self._text)
            self._text, self._size = [], 0
            try:
                hears.messages(decode(whole))
            except Unreadable as error:
                self._broken(1007, str(error))

    def _broken(self, code: int, reason: str) -> None:
        """What no server should say: closed with a code, and the client comes back."""
        if self._ended is None:
            self.shut(code, reason)
            self._ended = Ended(ABNORMAL, f"the server broke the protocol: {reason}")


async def open_websocket(stream: trio.abc.Stream, target: Target, *, compress: bool = True) -> WebSocketLink:
    """The handshake on a stream.

    Raises:
        Refused: the answer is another than 101.
        OSError: the connection broke.

    """
    protocol = WSConnection(ConnectionType.CLIENT)
    offers: list[Extension] = []
    if compress:
        offers.append(PerMessageDeflate(client_no_context_takeover=True, server_no_context_takeover=True))
    extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value in target.headers.items()]
    request = Request(
        host=target.authority,
        target=target.path("ws"),
        extensions=offers,
        subprotocols=[SUBPROTOCOL],
        extra_headers=extra,
    )
    try:
        await stream.send_all(protocol.send(request))
        link = WebSocketLink(stream, protocol)
        body = bytearray()
        status: RejectConnection | None = None
        while True:
            data = await stream.receive_some(CHUNK)
            protocol.receive_data(bytes(data) or None)
            for event in protocol.events():
                if isinstance(event, AcceptConnection):
                    if event.subprotocol not in (SUBPROTOCOL, None):
                        raise Refused(101, None, f"the subprotocol {event.subprotocol!r} was not offered")
                    link.compressed = any(isinstance(each, PerMessageDeflate) for each in event.extensions)
                    return link
                if isinstance(event, RejectConnection):
                    status = event
                    if not event.has_body:
                        raise refusal(event.status_code, dict(event.headers), b"")
                elif isinstance(event, RejectData):
                    body += event.data
                    if event.body_finished or len(body) > CHUNK:
                        assert status is not None  # noqa: S101 - wsproto says the status first
                        raise refusal(status.status_code, dict(status.headers), bytes(body))
            if not data:
                if status is not None:
                    raise refusal(status.status_code, dict(status.headers), bytes(body))
                raise OSError("the connection ended during the handshake")
    except (trio.BrokenResourceError, trio.ClosedResourceError, RemoteProtocolError) as error:
        raise OSError(f"no WebSocket: {error}") from None
