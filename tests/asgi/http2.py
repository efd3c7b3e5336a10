"""An HTTP/2 client on one connection, for tests: h2 and a stream; with WebSockets in it (RFC 8441)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
import trio

from .http1 import PATIENCE, Answer


class Stream(trio.abc.Stream):
    """One stream of the connection: what its peer sends comes out, what is sent goes in."""

    def __init__(self, connection: Http2, number: int) -> None:
        self._connection = connection
        self.number = number
        self.headers: dict[str, str] = {}
        self.data = bytearray()
        self.ended = False
        self.news = trio.Event()

    def tell(self) -> None:
        self.news.set()
        self.news = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while not self.data and not self.ended:
            await self.news.wait()
        data, self.data = bytes(self.data), bytearray()
        await self._connection.acknowledge(self.number, len(data))
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._connection.send(self.number, bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await self._connection.reset(self.number)

    async def head(self) -> int:
        """The status of the answer."""
        with trio.fail_after(PATIENCE):
            while ":status" not in self.headers:
                assert not self.ended, "the stream was reset without an answer"
                await self.news.wait()
        return int(self.headers[":status"])

    async def whole(self) -> Answer:
        """The whole answer."""
        status = await self.head()
        with trio.fail_after(PATIENCE):
            body = b"".join([piece async for piece in self])
        return Answer(status, self.headers, body)


class Http2:
    """Requests beside each other on one connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._streams: dict[int, Stream] = {}
        self._room = trio.Event()
        self._writing = trio.Lock()

    async def ask(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> Answer:
        """One request and its whole answer."""
        return await (await self.begin(method, path, body=body, **headers)).whole()

    async def begin(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> Stream:
        """One request; the body goes without a `content-length` if none is given."""
        fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
        fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
        stream = self._open(fields, end=not body)
        await self._flush()
        if body:
            await self.send(stream.number, body, end=True)
        return stream

    async def websocket(self, path: str, **headers: str) -> Stream:
        """A WebSocket inside, RFC 8441: its frames are what the stream carries."""
        fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http")]
        fields += [(":authority", "localhost"), (":path", path), ("sec-websocket-version", "13")]
        stream = self._open(fields + [(n.replace("_", "-"), v) for n, v in headers.items()], end=False)
        await self._flush()
        return stream

    def _open(self, fields: list[tuple[str, str]], *, end: bool) -> Stream:
        number = self._state.get_next_available_stream_id()
        stream = self._streams[number] = Stream(self, number)
        self._state.send_headers(number, fields, end_stream=end)
        return stream

    async def send(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Data of one stream, as fast as the peer lets it go."""
        while data:
            size = min(self._state.local_flow_control_window(number), self._state.max_outbound_frame_size)
            if size == 0:
                await self._room.wait()
                continue
            self._state.send_data(number, data[:size])
            data = data[size:]
            await self._flush()
        if end:
            self._state.end_stream(number)
            await self._flush()

    async def acknowledge(self, number: int, size: int) -> None:
        """What was read is room for more."""
        if size:
            self._state.acknowledge_received_data(size, number)
        await self._flush()

    async def reset(self, number: int) -> None:
        """Leave a stream."""
        if number in self._streams and not self._streams[number].ended:
            self._state.reset_stream(number, 8)  # CANCEL, RFC 9113 §7
            self._streams[number].ended = True
        await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            if data := self._state.data_to_send():
                await self._stream.send_all(data)

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Take what comes, until cancelled."""
        self._state.initiate_connection()
        await self._flush()
        task_status.started()
        while data := await self._stream.receive_some():
            for event in self._state.receive_data(bytes(data)):
                self._take(event)
            await self._flush()

    def _take(self, event: Any) -> None:
        if isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self._room.set()
            self._room = trio.Event()
        stream = self._streams.get(getattr(event, "stream_id", 0) or 0)
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers.update(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            stream.data += event.data
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            stream.ended = True
        stream.tell()


@asynccontextmanager
async def connect_h2(port: int) -> AsyncIterator[Http2]:
    """A connection with prior knowledge, RFC 9113 §3.3."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream, trio.open_nursery() as nursery:
        client = Http2(stream)
        await nursery.start(client.run)
        yield client
        nursery.cancel_scope.cancel()
