"""The WebSocket of `trio-websocket`, for who wants it: `transport="trio-websocket"`.

It is hardened where the library would lose what its user has, or end its user's nursery without a word:

- It has a nursery of its own, and a `Cancelled` that comes out of that though nobody cancelled is a broken
  connection.
- What comes is taken at once into a queue of ours: a slow consumer does not keep pings from being answered.
- A frame that was begun is written to its end: a half one would make rubbish of all that follows. Cancelled,
  the stream is closed first, and then the write fails.
- Nobody waits for a close that does not come.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from typing import TYPE_CHECKING, Final

import trio

from rtcore._ground.peer import compress, inflate
from rtcore.client.errors import WrongURL
from rtcore.client.packed import pack_frame
from rtcore.client.packed import unpack as unpack_frame
from rtcore.client.words import Said, Unreadable, decode, frame, holds_secret

from .link import ABNORMAL, Ended, Hears, Refused
from .refusal import refusal
from .target import Target
from .websocket import CHUNK, COMPRESS_FROM, GOODBYE, JSON, MOST, MSGPACK

if TYPE_CHECKING:
    from trio_websocket import WebSocketConnection

NAME: Final = "trio-websocket"
QUEUE: Final = 1024
"""Messages that wait here for a slow consumer; then no more is read."""
DEADLINE: Final = 5.0
"""Seconds for the handshake."""
MARK: Final = 0xC1
NUMBERS: Final = {"gzip": 1, "br": 2, "lz4": 3, "zstd": 4}
_CLOSES: Final = {"FORBIDDEN": 4502, "FORBIDDEN_ORIGIN": 4502}


class TrioSocketLink:
    """One WebSocket of the library, from its handshake on."""

    def __init__(self, stream: trio.abc.Stream, target: Target, *, packed: bool) -> None:
        self.packed = packed
        """Whether MessagePack is wanted; then, whether it is spoken."""
        self._stream, self._target = stream, target
        self._sent = self._received = 0
        self._out: deque[bytes | str] = deque()
        self._held: list[tuple[tuple[bytes, ...], bool]] = []
        self._open = False
        self._agreed: str | None = None
        self._news = trio.Event()
        self._closing: tuple[int, str] | None = None
        self._ended: Ended | None = None

    @property
    def sent(self) -> int:
        """Bytes of messages that left."""
        return self._sent

    @property
    def received(self) -> int:
        """Bytes of messages that came."""
        return self._received

    def say(self, messages: tuple[bytes, ...], *, hello: bool) -> None:
        """With the next write. What is said before the handshake is over waits for what that agrees on."""
        if not self._open:
            self._held.append((messages, hello))
        elif self._closing is None:
            self._out.append(self._framed(messages, secret=hello or any(map(holds_secret, messages))))
        self._news.set()

    def _framed(self, messages: tuple[bytes, ...], *, secret: bool) -> bytes | str:
        said = pack_frame(messages) if self.packed else frame(messages)
        if self._agreed is not None and not secret and len(said) >= COMPRESS_FROM:
            squeezed = compress(self._agreed, said)
            if len(squeezed) <= len(said) * 9 // 10:
                return bytes([MARK, NUMBERS[self._agreed]]) + squeezed
        return said if self.packed else said.decode()

    def welcomed(self, session: str, key: str, compress: str | None) -> None:
        """The connection is the session's; what compresses from now on is what the server took."""
        del session, key
        self._agreed = compress if compress in NUMBERS else None

    def shut(self, code: int, reason: str) -> None:
        """A close frame behind what was said."""
        if self._closing is None:
            self._closing = (code, reason)
            self._news.set()

    async def run(self, hears: Hears) -> Ended:
        """Shake hands, read and write until it ends."""
        try:
            await self._run(hears)
        except trio.Cancelled:
            if trio.current_effective_deadline() == -math.inf:
                raise
            self._end(ABNORMAL, "the connection broke")  # the library's own, which nobody asked for
        finally:
            await trio.aclose_forcefully(self._stream)
        return self._ended or Ended(ABNORMAL, "the connection broke")

    async def _run(self, hears: Hears) -> None:
        from trio_websocket import HandshakeError

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_stream)
                try:
                    socket = await self._shake(nursery)
                except Refused as error:
                    code = _CLOSES.get(error.code or "", ABNORMAL)
                    self._end(code, str(error), error.after)
                except (HandshakeError, OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
                    self._end(ABNORMAL, f"no WebSocket: {str(error) or 'no answer in time'}")
                else:
                    await self._talk(nursery, socket, hears)
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # What the library's own tasks raise when the other side breaks off.
            _, rest = group.split(Exception)
            if rest is not None:
                raise rest from None
            self._end(ABNORMAL, f"the connection broke: {group.exceptions[0]!r:.200}")

    async def _keep_stream(self) -> None:
        """Cancelled, the stream is closed at once: a shielded write ends by that."""
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(self._stream)

    async def _shake(self, nursery: trio.Nursery) -> WebSocketConnection:
        from trio_websocket import ConnectionRejected, wrap_client_stream

        headers = [(name.encode(), value.encode("latin-1")) for name, value in self._target.headers.items()]
        try:
            with trio.fail_after(DEADLINE):
                socket = await wrap_client_stream(
                    nursery,
                    self._stream,  # type: ignore[arg-type] # any stream will do
                    self._target.authority,
                    self._target.path("ws"),
                    subprotocols=[MSGPACK, JSON] if self.packed else [JSON],
                    extra_headers=headers,
                    message_queue_size=1,
                    max_message_size=MOST,
                    receive_buffer_size=CHUNK,
                )
        except ConnectionRejected as error:
            raise refusal(error.status_code, dict(error.headers or ()), bytes(error.body or b"")) from None
        self.packed, self._open = socket.subprotocol == MSGPACK, True
        for messages, hello in self._held:
            self.say(messages, hello=hello)
        self._held.clear()
        return socket

    async def _talk(self, nursery: trio.Nursery, socket: WebSocketConnection, hears: Hears) -> None:
        send, receive = trio.open_memory_channel[bytes | str](QUEUE)
        nursery.start_soon(self._drain, socket, send)
        nursery.start_soon(self._write, socket)
        async with receive:
            async for message in receive:
                hears.alive()
                self._take(message, hears)
                if self._ended is not None:
                    return
                await hears.wants_more()

    async def _drain(self, socket: WebSocketConnection, into: trio.MemorySendChannel[bytes | str]) -> None:
        from trio_websocket import ConnectionClosed

        async with into:
            while True:
                try:
                    message = await socket.get_message()
                except ConnectionClosed as error:
                    code = error.reason.code if error.reason is not None else ABNORMAL
                    self._end(code, (error.reason.reason if error.reason is not None else None) or "")
                    return
                self._received += len(message)
                await into.send(message)

    async def _write(self, socket: WebSocketConnection) -> None:
        from trio_websocket import ConnectionClosed

        with contextlib.suppress(ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            while self._out or self._closing is None:
                if not self._out:
                    self._news = trio.Event()
                    await self._news.wait()
                    continue
                message = self._out.popleft()
                with trio.CancelScope(shield=True):
                    await socket.send_message(message)
                self._sent += len(message)
            with trio.move_on_after(GOODBYE):
                await socket.aclose(self._closing[0], self._closing[1])
        self._end(*(self._closing or (ABNORMAL, "the connection broke")))
        await trio.aclose_forcefully(self._stream)

    def _take(self, message: bytes | str, hears: Hears) -> None:
        try:
            if isinstance(message, bytes) and message[:1] == bytes([MARK]):
                hears.messages(self._inflated(message))
            elif isinstance(message, bytes) != self.packed:
                other = "a text frame, and MessagePack" if self.packed else "a binary frame, and JSON"
                self._broken(1003, f"{other} was agreed on")
            else:
                hears.messages(unpack_frame(message) if isinstance(message, bytes) else decode(message))
        except (Unreadable, ValueError) as error:
            self._broken(1007, str(error))

    def _inflated(self, message: bytes) -> list[Said]:
        if self._agreed is None or len(message) < 2 or message[1] != NUMBERS[self._agreed]:
            raise Unreadable("a compressed frame, and nothing of the kind was agreed on")
        plain = inflate(self._agreed, message[2:], MOST)
        return unpack_frame(plain) if self.packed else decode(plain)

    def _broken(self, code: int, reason: str) -> None:
        """What no server should say: closed with a code, and the client comes back."""
        self.shut(code, reason)
        self._end(ABNORMAL, f"the server broke the protocol: {reason}")

    def _end(self, code: int, reason: str, after: float | None = None) -> None:
        self._ended = self._ended or Ended(code, reason, after)


def looked_for() -> None:
    """See that the package is there.

    Raises:
        WrongURL: it is not; the text says how it is had.

    """
    try:
        import trio_websocket  # noqa: F401 - it is optional
    except ImportError:
        raise WrongURL(
            f'the transport {NAME!r} needs a package that is not there: pip install "rtcore[trio-websocket]"'
        ) from None
