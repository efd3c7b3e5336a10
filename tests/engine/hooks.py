"""Every place where an application's function is called: how it is reached, and what its peer is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import trio

import rtcore
from rtcore.testing import Closed, MemoryServer
from rtcore.testing.frames import TEXT, Reader, encode, upgrade

Give: TypeAlias = Callable[[], Any]
"""What the function does: it raises, or gives a value."""
Told: TypeAlias = "str | int | None"
"""A code of an error, a close code or an HTTP status; None: nobody is told anything."""
Reach: TypeAlias = Callable[[MemoryServer], Awaitable[Told]]


async def emit(server: MemoryServer) -> Told:
    client = await server.welcomed()
    return code_of(await client.answer(await client.begin("emit", event="x")))


async def join(server: MemoryServer) -> Told:
    client = await server.welcomed()
    return code_of(await client.answer(await client.begin("join", room="s")))


async def hello(server: MemoryServer) -> Told:
    client = await server.connect()
    await client.send({"type": "hello", "token": "boom"})
    return (await client.wait_closed()).code


async def renew(server: MemoryServer) -> Told:
    client = await server.welcomed(token="fine")
    return code_of(await client.answer(await client.begin("auth", token="boom")))


async def ask_again(server: MemoryServer) -> Told:
    """A renewal asks about the rooms again: who fails is put out, and the renewal is done."""
    client = await server.welcomed(token="fine")
    await client.ask("join", room="s")
    await client.ask("auth", token="fine")
    return str((await client.until("left", room="s"))["type"])


async def down(server: MemoryServer) -> Told:
    client = await server.welcomed()
    return code_of(await client.until("end", id=await client.begin("open", stream="x", credit=5)))


async def down_cancelled(server: MemoryServer) -> Told:
    client = await server.welcomed()
    stream = await client.begin("open", stream="x", credit=5)
    await client.until("item", id=stream)
    await client.send({"type": "cancel", "id": stream})
    await client.ask("emit", event="ok")
    return None


async def up(server: MemoryServer) -> Told:
    client = await server.welcomed()
    stream = await client.begin("open", stream="x", up=True)
    await client.until("credit", id=stream)
    await client.send({"type": "item", "id": stream, "n": 0, "data": 1})
    return code_of(await client.until("end", id=stream))


async def leave(server: MemoryServer) -> Told:
    client = await server.welcomed()
    await client.send({"type": "bye"})
    await client.wait_closed()
    return None


async def come(server: MemoryServer) -> Told:
    client = await server.welcomed()
    await client.ask("emit", event="ok")
    return None


async def raw(server: MemoryServer) -> Told:
    client = await server.connect(path="/x")
    await client.raw(encode(TEXT, b"x"))
    return (await client.wait_closed()).code


async def get(server: MemoryServer) -> Told:
    stream = server.stream()
    await stream.send_all(b"GET /boom HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b""
    while data := await stream.receive_some():
        answer += data
    await stream.aclose()
    return int(answer.split()[1])


async def site_socket(server: MemoryServer) -> Told:
    stream = server.stream()
    reader = Reader(stream)
    await upgrade(stream, reader, "/socket", "localhost", {})
    await stream.send_all(encode(TEXT, b"x"))
    try:
        async for _ in reader.messages():
            pass
    except Closed as closed:
        return closed.code
    finally:
        await trio.aclose_forcefully(stream)
    return None


def code_of(said: dict[str, Any]) -> str | None:
    return said["error"]["code"] if "error" in said else None


class Hook:
    """One place: `made` registers a function there that does `give`; `reach` has it called.

    `closes`: the close code or the status that stands for `INTERNAL`, `refused` for `FORBIDDEN`. `nursery`:
    the application has one of Trio's own there; `scope`: a cancel scope, which takes
    any `Cancelled` for its own.
    """

    def __init__(
        self,
        made: Callable[[rtcore.App, Give], Any],
        reach: Reach,
        closes: int | None = None,
        *,
        refused: int | None = None,
        nursery: bool = False,
        scope: bool = False,
    ) -> None:
        self.made = made
        self.reach = reach
        self.closes = closes
        self.refused = closes if refused is None else refused
        self.nursery = nursery
        self.scope = scope or nursery


def on(app: rtcore.App, give: Give) -> None:
    app.on("x")(lambda session: give())


def on_later(app: rtcore.App, give: Give, *, waits: bool = True, **options: Any) -> None:
    @app.on("x", **options)
    async def x(session: rtcore.Session) -> Any:
        if waits:
            await trio.sleep(0.01)
        return give()


def on_finally(app: rtcore.App, give: Give) -> None:
    @app.on("x")
    async def x(session: rtcore.Session) -> Any:
        try:
            await trio.sleep(0.01)
            raise LookupError("first")
        finally:
            give()


def on_nursery(app: rtcore.App, give: Give) -> None:
    async def task() -> None:
        await trio.sleep(0.01)
        give()

    @app.on("x")
    async def x(session: rtcore.Session) -> Any:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task)


def session_nursery(app: rtcore.App, give: Give) -> None:
    async def task() -> None:
        await trio.sleep(0.01)
        give()

    app.on_connect(lambda session: session.nursery.start_soon(task))


def session_nursery_start(app: rtcore.App, give: Give) -> None:
    async def task(task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(0.01)
        give()
        task_status.started()

    @app.on("x")
    async def x(session: rtcore.Session) -> None:
        await session.nursery.start(task)


def authenticate(app: rtcore.App, give: Give) -> None:
    app.authenticate(lambda hello: give() if hello.token == "boom" else rtcore.User("ann"))


def authenticate_later(app: rtcore.App, give: Give) -> None:
    @app.authenticate
    async def who(hello: rtcore.Hello) -> Any:
        await trio.sleep(0.01)
        return give() if hello.token == "boom" else rtcore.User("ann")


def authorize(app: rtcore.App, give: Give) -> None:
    app.authorize("s")(lambda session, join: give())


def authorize_later(app: rtcore.App, give: Give) -> None:
    @app.authorize("s")
    async def may(session: rtcore.Session, join: rtcore.Join) -> Any:
        await trio.sleep(0.01)
        return give()


def again(app: rtcore.App, give: Give) -> None:
    app.authenticate(lambda hello: rtcore.User("ann"))
    app.authorize("s")(lambda session, join: give() if join.resuming else True)


def again_later(app: rtcore.App, give: Give) -> None:
    app.authenticate(lambda hello: rtcore.User("ann"))

    @app.authorize("s")
    async def may(session: rtcore.Session, join: rtcore.Join) -> Any:
        await trio.sleep(0.01)
        return give() if join.resuming else True


def coroutine(register: Callable[[rtcore.App, Any], Any]) -> Callable[[rtcore.App, Give], Any]:
    """A hook whose function is a coroutine with one argument."""

    def made(app: rtcore.App, give: Give) -> None:
        async def function(_: Any) -> None:
            await trio.sleep(0.01)
            give()

        register(app, function)

    return made


def stream(app: rtcore.App, give: Give) -> None:
    @app.stream("x")
    async def x(session: rtcore.Session) -> AsyncIterator[Any]:
        yield 1
        yield give()


def stream_finally(app: rtcore.App, give: Give) -> None:
    @app.stream("x")
    async def x(session: rtcore.Session) -> AsyncIterator[Any]:
        try:
            while True:
                yield 1
                await trio.sleep(0.01)
        finally:
            give()


def stream_up(app: rtcore.App, give: Give) -> None:
    @app.stream("x")
    async def x(session: rtcore.Session, items: rtcore.Items[Any]) -> Any:
        await anext(items)
        return give()


def raw_plain(app: rtcore.App, give: Give) -> None:
    app.websocket("/x")(lambda socket, message: give())


def raw_later(app: rtcore.App, give: Give) -> None:
    @app.websocket("/x")
    async def x(socket: rtcore.RawSocket) -> None:
        async for _ in socket:
            give()


HOOKS: Final[dict[str, Hook]] = {
    "a plain handler": Hook(on, emit),
    "a coroutine handler": Hook(lambda app, give: on_later(app, give, waits=False), emit),
    "a coroutine handler after a wait": Hook(on_later, emit),
    "a handler with concurrency": Hook(lambda app, give: on_later(app, give, concurrency=4), emit),
    "a handler's finally": Hook(on_finally, emit),
    "a nursery in a handler": Hook(on_nursery, emit, nursery=True),
    "a task of session.nursery": Hook(session_nursery, come),
    "session.nursery.start": Hook(session_nursery_start, emit),
    "authenticate": Hook(authenticate, hello, 1011, refused=4502),
    "authenticate, a coroutine": Hook(authenticate_later, hello, 1011, refused=4502),
    "a renewal": Hook(authenticate, renew),
    "a renewal, a coroutine": Hook(authenticate_later, renew),
    "authorize": Hook(authorize, join),
    "authorize, a coroutine": Hook(authorize_later, join),
    "authorize again": Hook(again, ask_again),
    "authorize again, a coroutine": Hook(again_later, ask_again),
    "state": Hook(lambda app, give: app.state("s")(lambda room: give()), join),
    "on_connect": Hook(lambda app, give: app.on_connect(lambda session: give()), come),
    "on_connect, a coroutine": Hook(coroutine(lambda app, function: app.on_connect(function)), come),
    "on_disconnect": Hook(lambda app, give: app.on_disconnect(lambda session: give()), leave),
    "on_disconnect, a coroutine": Hook(coroutine(lambda app, function: app.on_disconnect(function)), leave),
    "a stream": Hook(stream, down),
    "a stream's finally": Hook(stream_finally, down_cancelled, scope=True),
    "a stream up": Hook(stream_up, up),
    "a raw socket": Hook(raw_later, raw, 1011),
    "a plain raw socket": Hook(raw_plain, raw, 1011),
    "the mounted application": Hook(lambda app, give: None, get, 500),
    "the mounted application's WebSocket": Hook(lambda app, give: None, site_socket, 1006),
}


def site(give: Give) -> Any:
    """The mounted application: it fails at `/boom` and in WebSockets."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            give()
        elif scope["path"] == "/boom":
            give()
        body = json.dumps("ok").encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return serve
