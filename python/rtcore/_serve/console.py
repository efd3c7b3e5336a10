"""What the console looks at, said over rtcore itself: in an application of its own, with a core of its own.

    /rt/console/live/rt/ws ──▶ Router ──▶ Console ──▶ gateway ──▶ core of the console
                                             │ asks
                                             ▼
                                 the server that is looked at

Only operators may be in it. So an operator is no session of the application that is looked at: he is in none
of its figures, no handler of it hears him, and its sessions reach nothing here. It begins with the first who
looks; while nobody does, no figure is made.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from rtcore._ground.asgi import Receive, Scope, Send
from rtcore.app import App
from rtcore.auth import Hello, Join, User
from rtcore.entry import Heard
from rtcore.errors import NotServing, Refuse
from rtcore.http_api.faults import Fault

from .served import Served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rtcore.session import Session

    from .assembly import Assembly

log = logging.getLogger("rtcore.serve")

FIGURES: Final = "figures"
"""The room in which figures and diagnosis are said."""
EVERY: Final = 2.0
"""Seconds between two of them."""
RENEW: Final = 300.0
"""Seconds after which an operator is asked again who he is: one whose rights were taken sees no more then."""
FAREWELL: Final = 1.0
"""Seconds that operators have to leave by themselves."""
AT_ONCE: Final = 8
"""Questions of one operator that run at a time: a profile of a minute holds up no table."""


class Console:
    """An ASGI application, below `/rt/console/live`; `run` is its life."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._wanted, self._ready, self._over, self._ended = (trio.Event() for _ in range(4))
        self._served: Served | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. Raises NotServing: the server ends."""
        self._wanted.set()
        await self._ready.wait()
        if self._served is None:
            raise NotServing("the server ends, and its console with it")
        await self._served(scope, receive, send)

    async def run(self) -> None:
        """From the first who looks until the server ends, or cancelled."""
        try:
            await self._wanted.wait()
            if self._over.is_set():
                return
            # What it listens on, and who stands before it, is as the server has it; what it keeps is not.
            config = msgspec.structs.replace(
                self._assembly.config, data=None, api_keys=(), metrics=False, demo=False, shutdown_delay=0.0
            )
            served = Served(application(self._assembly), config, None)
            async with served.lifespan():
                self._served = served
                self._ready.set()
                await self._over.wait()
        finally:
            self._served = None
            self._ready.set()
            self._ended.set()

    async def leave(self) -> None:
        """Send operators away, and wait until they are, or for a moment. A cancel point."""
        self._over.set()
        self._wanted.set()
        with trio.move_on_after(FAREWELL):
            await self._ended.wait()


def application(assembly: Assembly) -> App:
    """What is said to operators of a server, and what they may ask."""
    app = App()
    app.rooms(FIGURES, history=1, presence=False)

    @app.authenticate
    async def who(hello: Hello) -> User | None:
        try:
            name = await assembly.api.looker((hello.token or "").encode())
        except Fault as fault:
            raise Refuse("FORBIDDEN" if fault.code == "FORBIDDEN" else "UNAUTHORIZED", str(fault)) from None
        return User(name[:200] or "operator", expires=time.time() + RENEW)

    @app.authorize()
    def may(_: Session, join: Join) -> bool:
        return join.room == FIGURES

    @app.on("look", concurrency=AT_ONCE)
    async def look(_: Session, data: dict[str, Any]) -> Any:
        query = {str(name): str(value) for name, value in data.items()}
        return await _asked(assembly, query.pop("what", ""), query)

    @app.stream("listen")
    async def listen(_: Session, data: str) -> AsyncIterator[dict[str, Any]]:
        async for heard in assembly.app.room(data).listen():
            yield _told(heard)

    @app.background
    async def tell(_: App) -> None:
        room = app.room(FIGURES)
        while True:
            await trio.sleep(EVERY)
            if room.members():
                room.publish_nowait("figures", figures(assembly))

    return app


def figures(assembly: Assembly) -> dict[str, Any]:
    """What is measured, and what is wrong."""
    return assembly.watch.figures()


async def _asked(assembly: Assembly, what: str, query: dict[str, str]) -> Any:
    if what == FIGURES:
        return figures(assembly)
    try:
        return await assembly.api.look(what, query)
    except Fault as fault:
        raise Refuse(fault.code, str(fault)) from None


def _told(heard: Any) -> dict[str, Any]:
    if not isinstance(heard, Heard):
        return {"gap": heard.reason}
    return {
        "event": heard.event, "data": heard.data, "time": heard.time, "seq": heard.seq,
        "user": heard.user, "session": heard.session,
    }  # fmt: skip
