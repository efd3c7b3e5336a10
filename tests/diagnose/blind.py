"""Ten faults, as they come about in the world, under a load that goes well. What they are called stands
nowhere here: `sealed.json` has it, as a digest, so that nobody who mends a rule reads the answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import trio

import rtcore
from rtcore.client import connect
from rtcore.testing import WireClient, connect_tcp
from tests.crash.disk import HANG_SYNC_MS, Disk
from tests.once import once
from tests.patience import PATIENCE
from tests.proxy import Delay, NoUpgrade, Proxy, Stall

HOST = "127.0.0.1"
KEY = "a-key-that-is-long-enough"
BEARER = f"Authorization: Bearer {KEY}\r\n"
BIG = "x" * 100_000


def application() -> rtcore.App:
    """What is served: it does well, until somebody asks for more."""
    app = rtcore.App()
    app.rooms("tea*", relay=True)
    app.rooms("big*", relay=True, bytes=64 << 20)
    app.rooms("short*", relay=True, history=2)
    one = trio.Lock()
    wishes: list[float] = []

    @app.on("say")
    def say(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("report")
    def report(_: rtcore.Session, data: float) -> None:
        wishes.append(data)

    @app.on("query")
    async def query(_: rtcore.Session) -> None:
        async with one:  # a pool of one
            await trio.sleep(0.4)

    @app.on("convert")
    async def convert(_: rtcore.Session) -> None:
        await trio.sleep(0.12)

    @app.on("pay")
    def pay(_: rtcore.Session, data: int) -> None:
        if data % 3 == 0:
            raise ConnectionError("the bank does not answer")

    @app.background
    async def reports(_: rtcore.App) -> None:
        while True:
            await trio.sleep(0.02)
            while wishes:
                time.sleep(wishes.pop())  # noqa: ASYNC251 - that is the fault
                await trio.sleep(0.01)

    return app


class Place(NamedTuple):
    """Where the server is."""

    port: int

    async def diagnosed(self) -> dict[str, Any]:
        """What it says that is wrong."""
        status, _, body = await once(self.port, "/rt/api/diagnose", headers=BEARER)
        assert status == 200, body
        return dict(json.loads(body))

    @asynccontextmanager
    async def clients(self, count: int, port: int | None = None) -> AsyncIterator[list[WireClient]]:
        """So many, each welcome."""
        async with AsyncExitStack() as stack:
            made = [
                await stack.enter_async_context(connect_tcp(HOST, port or self.port)) for _ in range(count)
            ]
            for client in made:
                await client.hello()
            yield made


@asynccontextmanager
async def going_well(place: Place) -> AsyncIterator[None]:
    """A load that nothing is wrong with: requests, and a room that some listen in."""
    async with place.clients(4) as clients, trio.open_nursery() as nursery:
        for client in clients:
            await client.ask("join", room="tea:1")

        async def talk(client: WireClient) -> None:
            number = 0
            while True:
                number += 1
                await client.ask("emit", event="say", data=number)
                await client.ask("publish", room="tea:1", event="said", data=number)
                await trio.sleep(0.02)

        for client in clients:
            nursery.start_soon(talk, client)
        yield
        nursery.cancel_scope.cancel()


Inject = Callable[[Place], Awaitable[None]]
FAULTS: dict[str, tuple[dict[str, Any], Inject]] = {}
"""By what happens: settings of the server, and how it is brought about."""


def fault(what: str, **settings: Any) -> Callable[[Inject], Inject]:
    def register(inject: Inject) -> Inject:
        FAULTS[what] = (settings, inject)
        return inject

    return register


@fault("a report is made now and then, by whoever wrote it without a thread")
async def _(place: Place) -> None:
    async with place.clients(1) as [client]:
        for _ in range(4):
            await client.ask("emit", event="report", data=0.15)
            await trio.sleep(0.2)


@fault("the pool of the database has one connection")
async def _(place: Place) -> None:
    async with place.clients(6) as clients, trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(lambda client=client: client.ask("emit", event="query"))


@fault("the bank does not answer each third time")
async def _(place: Place) -> None:
    async with place.clients(2) as clients:
        for number in range(150):
            client = clients[number % 2]
            await client.answer(await client.begin("emit", event="pay", data=number))


@fault("a lift, in which some phones hear nothing", limits={"outbox": 4096, "kernel_unsent": 4096})
async def _(place: Place) -> None:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy((HOST, place.port), Stall(after=2_000)))
        for _ in range(5):
            deaf = await stack.enter_async_context(connect_tcp(HOST, proxy.address[1]))
            await deaf.hello()
            await deaf.send({"type": "join", "id": 1, "room": "big:1"})
        [speaker] = await stack.enter_async_context(place.clients(1))
        await speaker.ask("join", room="big:1")
        for _ in range(60):
            await speaker.ask("publish", room="big:1", event="said", data=BIG, echo=False)


@fault("a proxy of an office that knows no WebSocket")
async def _(place: Place) -> None:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy((HOST, place.port), NoUpgrade()))
        await stack.enter_async_context(place.clients(12))
        url = f"http://{HOST}:{proxy.address[1]}/rt"
        offices = [await stack.enter_async_context(connect(url)) for _ in range(14)]
        for office in offices:
            await office.ready()
        said = await place.diagnosed()
        assert said["issues"], said  # while they are there
        LATER[place.port] = said


LATER: dict[int, dict[str, Any]] = {}
"""What was said while a fault was there that goes with its clients."""


@fault("a satellite", limits={"ping_ms": 1000})
async def _(place: Place) -> None:
    async with Proxy((HOST, place.port), Delay(0.4)) as proxy, place.clients(3, proxy.address[1]):
        for _ in range(100):
            await trio.sleep(0.1)
            if any(row["count"] >= 6 for row in await _trips(place)):
                return


async def _trips(place: Place) -> list[dict[str, Any]]:
    stats = json.loads((await once(place.port, "/rt/api/stats", headers=BEARER))[2])
    return [row["1m"] for row in stats["latency"]]


@fault("the proxy in front is configured anew, and cuts everybody")
async def _(place: Place) -> None:
    async with AsyncExitStack() as stack:
        gone = []
        for _ in range(60):
            client = await stack.enter_async_context(connect_tcp(HOST, place.port))
            await client.hello()
            gone.append(client)
        for client in gone:
            await client.cut()
        for client in gone:
            back = await stack.enter_async_context(connect_tcp(HOST, place.port))
            await back.hello(session=client.session, key=client.key, position=client.position)


@fault("a phone's clock was set by hand, and the others' were, too")
async def _(place: Place) -> None:
    async with place.clients(18) as clients:  # the clock of each counts once
        for client in clients:
            await client.send({"type": "ping", "time": int((time.time() - 300) * 1000)})
            await client.until("pong")


@fault("a page asks for forty conversions at once")
async def _(place: Place) -> None:
    async with place.clients(1) as [client]:
        asked = [await client.begin("emit", event="convert") for _ in range(30)]
        await trio.sleep(30 * 0.13)  # as long as they take, one after the other
        for request in asked:
            assert "error" not in await client.answer(request)


async def _slow_disk(place: Place) -> None:
    async with place.clients(1) as [client]:
        await client.ask("join", room="kept")
        await client.ask("join", room="tea:1")  # while the disk is waited for, it waits with this one, too
        for number in range(8):
            await client.ask("publish", room="kept", event="said", data=number)


SLOW_DISK = "a disk that others write to"
FAULTS[SLOW_DISK] = ({}, _slow_disk)


@asynccontextmanager
async def kept(folder: Path, disk: Disk | None = None) -> AsyncIterator[Place]:
    """A server in a process of its own, that keeps what is said in this folder."""
    data = folder / "data"
    data.mkdir()
    (listener,) = await trio.open_tcp_listeners(0, host=HOST)
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    command = [sys.executable, "-m", "tests.diagnose.kept", str(port), str(data), KEY]
    env = {**os.environ, **({**disk.preload, **disk.env(data)} if disk else {})}
    process = await trio.lowlevel.open_process(command, env=env)
    try:
        with trio.fail_after(PATIENCE):
            while True:
                try:
                    if (await once(port, "/livez"))[0] == 200:
                        break
                except OSError:
                    await trio.sleep(0.05)
        yield Place(port)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


@asynccontextmanager
async def kept_on_a_slow_disk(folder: Path) -> AsyncIterator[Place]:
    """The same, and its disk takes 400 ms for each sync."""
    disk = Disk(folder)
    async with kept(folder, disk) as place:
        disk.wish(HANG_SYNC_MS, 400)
        try:
            yield place
        finally:
            disk.calm()
