"""A server in memory, on a clock that jumps, and clients of it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

import rtcore
from rtcore.client import Client, connect
from rtcore.testing import MemoryServer, memory_server

WALL = 1_790_000_000_000


class Message(msgspec.Struct):
    room: str
    text: str


def make_app() -> rtcore.App:
    """What the tests of the client speak to."""
    app = rtcore.App()
    app.rooms("tea*", relay=True, history=4096)
    app.rooms("small", relay=True, history=4)
    app.rooms("quiet*")
    app.done = []  # type: ignore[attr-defined]
    app.gate = trio.Event()  # type: ignore[attr-defined]

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User | None:
        if hello.token is None:
            return rtcore.ANONYMOUS
        return rtcore.User(hello.token) if hello.token.isalpha() else None

    @app.authorize("quiet*")
    async def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        return session.user == "ann"

    @app.on("chat:message")
    async def chat(session: rtcore.Session, message: Message) -> dict[str, Any]:
        entry = await app.room(message.room).publish("chat:message", message)
        return {"id": str(entry.position)}

    @app.on("count")
    async def count(session: rtcore.Session, what: Any) -> int:
        app.done.append(what)  # type: ignore[attr-defined]
        return len(app.done)  # type: ignore[attr-defined]

    @app.on("slow")
    async def slow(session: rtcore.Session, what: Any) -> str:
        app.done.append(what)  # type: ignore[attr-defined]
        await app.gate.wait()  # type: ignore[attr-defined]
        return "through"

    @app.on("no")
    async def no(session: rtcore.Session) -> None:
        raise rtcore.Refuse("NO", "not this", {"why": 1})

    @app.on("ask")
    async def ask(session: rtcore.Session, event: str) -> Any:
        try:
            return await session.request(event, {"really": True})
        except rtcore.RemoteError as error:
            return error.code

    @app.stream("answer")
    async def answer(session: rtcore.Session, question: dict[str, Any]):
        for number in range(question["count"]):
            yield number

    @app.stream("upload")
    async def upload(session: rtcore.Session, data: Any, items: rtcore.Items[Any]) -> list[Any]:
        taken = []
        if data == "no":
            raise rtcore.Refuse("NO", "not this")
        async for item in items:
            taken.append(item)
            if data == "slow":
                await trio.sleep(1)
            if item == "enough":
                break
        return taken

    return app


class Net:
    """The way to the server: what is dialled is kept, so that a test may cut it."""

    def __init__(self, server: MemoryServer) -> None:
        self.server = server
        self.streams: list[trio.abc.Stream] = []
        self.down = False
        self.clients = 0
        self.wall_offset = 0

    async def dial(self, _: Any) -> trio.abc.Stream:
        """A new connection, unless the network is down."""
        await trio.lowlevel.checkpoint()
        if self.down:
            raise OSError("the network is down")
        stream = self.server.stream()
        self.streams.append(stream)
        return stream

    async def cut(self) -> None:
        """Every connection breaks."""
        for stream in self.streams:
            await trio.aclose_forcefully(stream)
        self.streams.clear()

    def wall(self) -> int:
        """The wall's clock goes with Trio's."""
        return WALL + self.wall_offset + int(trio.current_time() * 1000)

    def client(self, **options: Any) -> AbstractAsyncContextManager[Client]:
        """A client of the server."""
        self.clients += 1
        return connect("http://localhost/rt", dial=self.dial, wall=self.wall, seed=self.clients, **options)


@pytest.fixture
def app() -> rtcore.App:
    return make_app()


@pytest.fixture
async def net(app: rtcore.App):
    async with memory_server(app) as server:
        yield Net(server)
