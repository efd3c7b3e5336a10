"""The WebSocket: the core's codec over a Trio stream, permessage-deflate included."""

from __future__ import annotations

import base64
import os
from typing import Final

import trio

from rtcore._ground.peer import BINARY, BROKEN, CLOSE, EVENTS, PING, TEXT, Peer
from rtcore.client.event import events_of
from rtcore.client.packed import pack_frame, packed_events, unpack
from rtcore.client.words import Unreadable, decode, frame, holds_secret

from .link import ABNORMAL, Ended, Hears, Refused
from .refusal import refusal
from .target import Target

JSON: Final = "rtcore.v1.json"
MSGPACK: Final = "rtcore.v1.msgpack"
MOST: Final = 128 << 20
"""Bytes of one message of the server, after inflating: what no server of ours sends."""
CHUNK: Final = 1 << 16
LONGEST_WELCOME: Final = 1 << 20
"""Bytes of a frame before the welcome: what it says of a thousand rooms is a tenth of it."""
COMPRESS_FROM: Final = 1024
GOODBYE: Final = 1.0
"""Seconds for the server to answer a close."""
DEFLATE: Final = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"


def _mask() -> bytes:
    return os.urandom(4)  # RFC 6455 §5.3: what no page that speaks through us could foresee


class WebSocketLink:
    """One WebSocket, after its handshake."""

    def __init__(
        self, stream: trio.abc.Stream, deflate: tuple[bool, bool] | None = None, *, packed: bool = False
    ) -> None:
        self.compressed = deflate is not None
        """Whether permessage-deflate was agreed."""
        self.packed = packed
        """Whether it speaks MessagePack."""
        self._sent = self._received = 0
        self._stream, self._peer = stream, Peer(int(packed), deflate, MOST, COMPRESS_FROM)
        self._out = bytearray()
        self._first = b""
        self._begun = b""
        self._settled = False  # whether the welcome is here, which says what compresses the frames behind it
        self._news = trio.Event()
        self._closing: tuple[int, str] | None = None
        self._ended: Ended | None = None
        self._writing = False
        self._written: trio.Event | None = None  # of who waits for what is half written

    @property
    def sent(self) -> int:
        """Bytes that left."""
        return self._sent

    @property
    def received(self) -> int:
        """Bytes that came."""
        return self._received

    def say(self, messages: tuple[bytes, ...], *, hello: bool) -> None:
        """Into the buffer; the writer takes all of it at once. What holds a token is not compressed."""
        if self._closing is None:
            said = pack_frame(messages) if self.packed else frame(messages)
            self._put(self._peer.write(said, _mask(), not (hello or any(map(holds_secret, messages)))))

    def welcomed(self, session: str, key: str, compress: str | None) -> None:
        """The connection is the session's; what compresses from now on is what the server took."""
        del session, key
        self._settled = True
        try:
            self._peer.agree(compress)
        except ValueError as error:
            self._broken(1002, str(error))

    def shut(self, code: int, reason: str) -> None:
        """A close frame behind what was said."""
        if self._closing is None and self._ended is None:
            self._closing = (code, reason)
            self._put(self._peer.close(code, reason, _mask()))

    def _put(self, data: bytes) -> None:
        self._out += data
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
        while self._writing:  # the last words wait for what is half written
            self._written = self._written or trio.Event()
            await self._written.wait()
        if not self._out:
            return
        data, self._out, self._writing = bytes(self._out), bytearray(), True
        try:
            await self._stream.send_all(data)
            self._sent += len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._ended = self._ended or Ended(ABNORMAL, "the connection broke")
        finally:
            self._writing = False
            if self._written is not None:
                self._written.set()
                self._written = None

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
            data, self._first = self._first, b""
            try:
                data = data or bytes(await self._stream.receive_some(CHUNK))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                self._ended = Ended(ABNORMAL, "the connection broke")
                return
            self._received += len(data)
            hears.alive()
            self.take(data, hears)
            await hears.wants_more()

    def take(self, data: bytes, hears: Hears) -> None:
        """Bytes of the server. Up to the welcome one frame at a time: it says how the others are read."""
        data, self._begun = self._begun + data, b""
        while not self._settled and self._ended is None:
            end = frame_end(data)
            if end is not None and end > LONGEST_WELCOME:
                break  # none of ours; what is wrong with it the codec says
            if end is None or end > len(data):
                self._begun = data
                return
            self._take(data[:end], hears)
            data = data[end:]
        if data and self._ended is None:
            self._take(data, hears)

    def _take(self, data: bytes, hears: Hears) -> None:
        for kind, payload, number in self._peer.take(data):
            try:
                if kind == EVENTS:
                    events = packed_events(payload) if self.packed else events_of(payload)
                    hears.events(events, len(payload) // number)
                elif kind == (BINARY if self.packed else TEXT):
                    hears.messages(unpack(payload) if self.packed else decode(payload))
                elif kind == PING:
                    self._put(self._peer.pong(payload, _mask()))
                elif kind in {TEXT, BINARY}:
                    other = "a text frame, and MessagePack" if self.packed else "a binary frame, and JSON"
                    self._broken(1003, f"{other} was agreed on")
                elif kind == CLOSE:
                    self._closed(number, payload.decode())
                elif kind == BROKEN:
                    self._broken(number, payload.decode())
            except Unreadable as error:
                self._broken(1007, str(error))
            if self._ended is not None:
                return

    def _closed(self, code: int, reason: str) -> None:
        self._ended = Ended(code, reason)
        if self._closing is None:
            # RFC 6455 §5.5.1: answered with the same code.
            self._put(self._peer.close(code, "", _mask()))

    def _broken(self, code: int, reason: str) -> None:
        """What no server should say: closed with a code, and the client comes back."""
        if self._ended is None:
            self.shut(code, reason)
            self._ended = Ended(ABNORMAL, f"the server broke the protocol: {reason}")


def frame_end(data: bytes) -> int | None:
    """Where the first frame of a server's ends, RFC 6455 §5.2; None: that cannot be seen yet."""
    if len(data) < 2:
        return None
    length, head = data[1] & 0x7F, 2
    if length > 125:
        head = 4 if length == 126 else 10
        if len(data) < head:
            return None
        length = int.from_bytes(data[2:head], "big")
    return head + length


async def open_websocket(
    stream: trio.abc.Stream, target: Target, *, compress: bool = True, packed: bool = False
) -> WebSocketLink:
    """The handshake on a stream. `packed`: MessagePack is wanted, if the server speaks it.

    Raises:
        Refused: the answer is another than 101.
        OSError: the connection broke.

    """
    key = base64.b64encode(os.urandom(16)).decode("ascii")
    offers, extensions = [MSGPACK, JSON] if packed else [JSON], DEFLATE if compress else None
    request = Peer.request(target.authority, target.path("ws"), key, offers, extensions)
    more = "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    request = request[:-2] + more.encode("latin-1") + b"\r\n"
    try:
        await stream.send_all(request)
        answer = b""
        while True:
            data = bytes(await stream.receive_some(CHUNK))
            if not data:
                raise OSError("the connection ended during the handshake")
            answer += data
            if (found := Peer.response(answer, key, offers, compress)) is not None:
                break
        status, begins, spoken, deflate = found
        if status != 101:
            raise await _refused(stream, status, answer, begins)
    except ValueError as error:
        raise OSError(f"no WebSocket: {error}") from None
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise OSError(f"no WebSocket: {error}") from None
    link = WebSocketLink(stream, deflate, packed=spoken == MSGPACK)
    link._first = answer[begins:]  # noqa: SLF001 - made here
    return link


async def _refused(stream: trio.abc.Stream, status: int, answer: bytes, begins: int) -> Refused:
    """What the server says instead: its head is read, and what is there of its body."""
    headers: dict[bytes, bytes] = {}
    for line in answer[:begins].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get(b"content-length", b"0")
    wanted = begins + min(CHUNK, int(length) if length.isdigit() and len(length) < 9 else 0)
    while len(answer) < wanted and (data := bytes(await stream.receive_some(CHUNK))):
        answer += data
    return refusal(status, headers, answer[begins:wanted])
