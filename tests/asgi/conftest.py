"""rtcore below another ASGI server: Hypercorn's Trio worker in this process, on a free port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio import serve as hypercorn

import rtcore
from rtcore.errors import Refuse
from tests.once import once
from tests.patience import PATIENCE


class Outer(NamedTuple):
    """The other server."""

    port: int
    stop: trio.Event

    async def get(self, path: str, **request: str) -> tuple[int, str, str]:
        """Status, head and body of one request; what else it has is as `once` says."""
        return await once(self.port, path, **request)


@asynccontextmanager
async def below_hypercorn(site: Any, **settings: Any) -> AsyncIterator[Outer]:
    """Serve an ASGI application by `hypercorn -k trio` while the block runs, then shut it down."""
    config = HypercornConfig()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 1.0
    for name, value in settings.items():
        setattr(config, name, value)
    stop = trio.Event()
    with trio.fail_after(PATIENCE + 10):
        async with trio.open_nursery() as nursery:
            serving = partial(hypercorn, site, config, shutdown_trigger=stop.wait, mode="asgi")
            binds = await nursery.start(serving)
            yield Outer(int(binds[0].rpartition(":")[2]), stop)
            stop.set()


def chat() -> rtcore.App:
    """The application of these tests."""
    app = rtcore.App()
    app.rooms("tea", relay=True, history=1000)

    @app.on("echo")
    async def echo(session: rtcore.Session, data: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return data

    @app.on("no")
    def no(session: rtcore.Session) -> None:
        raise Refuse("NO_TEA", "there is none")

    @app.on("out")
    async def out(session: rtcore.Session) -> None:
        await session.close("enough")

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        async for message in socket:
            if message == "close":
                await socket.close(4321, "as told")
                return
            await socket.send(message)

    return app
