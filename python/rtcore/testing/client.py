"""A client of the wire for tests: JSON or MessagePack, over any Trio stream."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import wraps
from typing import Any, TypeVar, cast

import msgspec
import trio

from rtcore._ground.home import Home

from .frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Closed,
    Reader,
    close_payload,
    encode,
    read_close,
    upgrade,
)

Said = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
ANYTHING: Any = object()
"""Data of whatever kind."""
# A test that waits longer than this for a message waits for one that does not come.
PATIENCE = 5.0


def at_home(function: F) -> F:
    """A coroutine function of a client that goes on only in the run in which the client was made."""

    @wraps(function)
    async def called(self: WireClient, *args: Any, **kwargs: Any) -> Any:
        if self._home.thread == 0:
            self._home.settle()
        self._home.here(function.__name__)
        return await function(self, *args, **kwargs)

    return cast("F", called)


class WireClient:
    """One WebSocket connection. A task of its own reads, and answers pings unless told not to.

    `heard` has every message in order, whatever the test has taken of it.
    """

    def __init__(self, stream: trio.abc.Stream, *, msgpack: bool = False, answer_pings: bool = True) -> None:
        self.stream = stream
        self.heard: list[Said] = []
        self.session: str | None = None
        self.key: str | None = None
        self.position: str | None = None
        self.subprotocol: str | None = None
        self.closed: Closed | None = None
        self._msgpack = msgpack
        self._answer_pings = answer_pings
        self._reader = Reader(stream)
        self._untaken: deque[Said] = deque()
        self._news = trio.Event()
        self._last_id = 0
        self._home = Home()
        if trio.lowlevel.in_trio_run():
            self._home.settle()

    @at_home
    async def open(
        self, *, path: str = "/rt/ws", host: str = "localhost", headers: Mapping[str, str] = {}
    ) -> None:
        """The handshake. Raises `HandshakeRefused`."""
        name = "rtcore.v1.msgpack" if self._msgpack else "rtcore.v1.json"
        answer = await upgrade(
            self.stream, self._reader, path, host, {"Sec-WebSocket-Protocol": name, **headers}
        )
        self.subprotocol = answer.get("sec-websocket-protocol")

    @at_home
    async def read(self) -> None:
        """Take what comes, until the connection ends. Started by the code that made the connection."""
        try:
            async with aclosing(self._reader.messages()) as messages:
                async for opcode, payload in messages:
                    await self._take(opcode, payload)
        except Closed as closed:
            self.closed = self.closed or closed
            self._tell()

    async def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING and self._answer_pings:
            await self.raw(encode(PONG, payload))
        elif opcode == CLOSE:
            self.closed = read_close(payload)
            self._tell()
            await self.raw(encode(CLOSE, payload))
        elif opcode in (TEXT, BINARY):
            assert (opcode == BINARY) == self._msgpack, f"a frame of the wrong kind: {opcode}"
            said = msgspec.msgpack.decode(payload) if self._msgpack else json.loads(payload)
            for message in said if isinstance(said, list) else [said]:
                if "seq" in message and message["type"] == "event" and self.position is not None:
                    self.position = f"{self.position.split('.')[0]}.{message['seq']}"
                self.heard.append(message)
                self._untaken.append(message)
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    # -- saying

    @at_home
    async def send(self, *messages: Mapping[str, Any]) -> None:
        """Say these: one alone as it is, several as an array, in one frame."""
        said: Any = messages[0] if len(messages) == 1 else list(messages)
        if self._msgpack:
            await self.raw(encode(BINARY, msgspec.msgpack.encode(said)))
        else:
            await self.raw(encode(TEXT, json.dumps(said, separators=(",", ":")).encode()))

    @at_home
    async def raw(self, data: bytes) -> None:
        """Any bytes. To a server that is gone: nothing happens."""
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.lowlevel.checkpoint()

    @at_home
    async def hello(self, **fields: Any) -> Said:
        """Say hello, and give the `welcome`."""
        await self.send({"type": "hello", "v": 1, **fields})
        welcome = await self.expect("welcome")
        self.session, self.key = welcome["session"], welcome["key"]
        self.position = f"{welcome['epoch']}.{welcome['seq']}"
        self._last_id = max(self._last_id, welcome["taken"])
        return welcome

    @at_home
    async def ask(self, kind: str, **fields: Any) -> Any:
        """Make a request with the next id, and give its ack's data. Raises `AssertionError` for an error."""
        answer = await self.answer(await self.begin(kind, **fields))
        assert "error" not in answer, f"{kind} was refused: {answer['error']}"
        return answer.get("data")

    @at_home
    async def begin(self, kind: str, **fields: Any) -> int:
        """Make a request, and give its id."""
        self._last_id += 1
        await self.send({"type": kind, "id": self._last_id, **fields})
        return self._last_id

    @at_home
    async def answer(self, request: int) -> Said:
        """The ack of a request; other messages stay for later."""
        return await self._first(
            lambda said: said["type"] == "ack" and said.get("id") == request, f"ack {request}"
        )

    # -- hearing

    @at_home
    async def receive(self) -> Said:
        """The next message. `live`, which only says that what was missed is over, stays for `until`.

        Raises `Closed`, or `AssertionError` when none comes.
        """
        return await self._first(lambda said: said["type"] != "live", "message")

    @at_home
    async def expect(self, kind: str, **fields: Any) -> Said:
        """The next message, which must be of this type and have these fields. `live` stays, unless wanted."""
        said = await (self._first(lambda _: True, "message") if kind == "live" else self.receive())
        wanted = {"type": kind, **fields}
        assert wanted.items() <= said.items(), f"expected {wanted}, and heard {said}"
        return said

    @at_home
    async def until(self, kind: str, **fields: Any) -> Said:
        """The first message of this type with these fields; others stay for later."""
        wanted = {"type": kind, **fields}
        return await self._first(lambda said: wanted.items() <= said.items(), f"{wanted}")

    @at_home
    async def assert_heard(self, event: str, data: Any = ANYTHING, **fields: Any) -> Said:
        """The first event of this name, which must have these data and fields (`room="tea"`); others stay.

        Raises `AssertionError`, which says what of it is otherwise, or what was heard in its place.
        """
        said = await self.until("event", event=event)
        wanted = fields if data is ANYTHING else {"data": data, **fields}
        wrong = {name: said.get(name) for name, value in wanted.items() if said.get(name) != value}
        assert not wrong, f"{event!r} was heard with {wrong}, and not with {wanted}"
        return said

    @at_home
    async def assert_silent(self, seconds: float = 1.0) -> None:
        """Nothing comes for so many seconds of Trio's clock, but what presence and `live` tell.

        Raises `AssertionError`, which says what came.
        """
        with trio.move_on_after(seconds):
            said = await self._first(lambda said: said["type"] not in {"presence", "live"}, "message")
            raise AssertionError(f"this was heard, and nothing was to be: {said}")

    @at_home
    async def wait_closed(self) -> Closed:
        """How the server closes the connection."""
        while self.closed is None:
            await self._news.wait()
        return self.closed

    async def _first(self, wanted: Any, what: str) -> Said:
        with trio.move_on_after(PATIENCE):
            while True:
                for said in self._untaken:
                    if wanted(said):
                        self._untaken.remove(said)
                        return said
                if self.closed is not None:
                    raise self.closed
                await self._news.wait()
        raise AssertionError(
            f"no {what} came within {PATIENCE:g} s; waiting to be taken: {list(self._untaken)}"
        )

    # -- leaving

    @at_home
    async def close(self, code: int = 1000, reason: str = "") -> Closed:
        """Close in good order, and give how the server answers."""
        await self.raw(encode(CLOSE, close_payload(code, reason)))
        return await self.wait_closed()

    @at_home
    async def cut(self) -> None:
        """Drop the connection without a word, as a broken cable does."""
        await trio.aclose_forcefully(self.stream)


@asynccontextmanager
async def connect_tcp(host: str, port: int, **options: Any) -> AsyncIterator[WireClient]:
    """A client over TCP, after the handshake; `options` are those of `WireClient` and of its `open`."""
    opening = {name: options.pop(name) for name in ("path", "headers") if name in options}
    stream = await trio.open_tcp_stream(host, port)
    client = WireClient(stream, **options)
    try:
        await client.open(host=f"[{host}]:{port}" if ":" in host else f"{host}:{port}", **opening)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.read)
            yield client
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)
