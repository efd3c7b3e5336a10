"""rtcore as an ASGI application: served by another Trio ASGI server, or mounted in an application of yours.

    server nursery of the other server
    ├── lifespan             the core, its reactor (only for its timers), sessions, background tasks
    └── a task a request     the gateway's (`_gateway`)

The core lives as long as the lifespan. A framework starts the lifespans of what is mounted in it only where
it is told to (`Mount` does not tell Starlette and FastAPI), so there is `Served.lifespan` to hand to it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from rtcore._app.registry import registered
from rtcore._gateway.gateway import Gateway
from rtcore._gateway.scope import path_of, raw_path_of
from rtcore._ground.asgi import ASGI, Receive, Scope, Send
from rtcore._ground.groups import leaves
from rtcore._ground.home import Home, on_trio
from rtcore.config import Config
from rtcore.errors import NotServing, UsageError

from .assembly import Assembly
from .stop import Stop

if TYPE_CHECKING:
    from rtcore.app import App

log = logging.getLogger("rtcore.serve")

# Where the scope that the server gave is kept, in the one that our own pages see.
_OUTER = "rtcore.scope"


class Looked(Protocol):
    """What operators look at (`console`), and its life."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        ...

    async def run(self) -> None:
        """From the first who looks until the server ends, or cancelled."""
        ...

    async def leave(self) -> None:
        """Send operators away."""
        ...


class Served:
    """An application of rtcore's as an ASGI application; made by `rtcore.asgi`.

    Called by an ASGI server that knows lifespans it needs nothing else. Where it is mounted in an application
    of yours, that one must run its `lifespan`.
    """

    def __init__(
        self,
        app: App,
        config: Config,
        mount: ASGI | None,
        looked: Callable[[Assembly], Looked] | None = None,
    ) -> None:
        self._app = app
        self._looked = looked
        self._config = config
        self._mount = mount
        self._running: _Running | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI.

        Raises:
            NotServing: the lifespan was not started, or the server is not one on Trio.
            UsageError: this is another run than that of the lifespan.

        """
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] in ("http", "websocket"):
            if self._running is None:
                raise NotServing(_NO_LIFESPAN if on_trio() else _NO_TRIO)
            self._running.home.here("the ASGI application")
            await self._running.gateway(scope, receive, send)
        else:
            raise UsageError(f"there is no ASGI scope {scope['type']!r} that rtcore serves")

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[dict[str, Any] | None]:
        """Within this the application is served; what is given is the lifespan's state of what is mounted.

            site = FastAPI(lifespan=live.lifespan)

        Or, where there is a lifespan already, `async with live.lifespan(): yield` in it. At its end sessions
        are told to come back later, and handlers that run may finish within the grace (`grace_ms`).
        Cancelled, it ends at once.

        Raises:
            NotServing: this is not Trio. UsageError: the application is served already. StartError: what is
            mounted does not start. That, and what a critical background task raises, in an exception group.

        """
        if not on_trio():
            raise NotServing(_NO_TRIO)
        if self._running is not None:
            raise UsageError("this application is being served already: its lifespan runs")
        running = _Running(self._app, self._config, self._mount, self._looked)
        try:
            async with running.run() as state:
                self._running = running
                yield state or None  # an empty one says nothing: frameworks keep what they have
        finally:
            self._running = None

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The lifespan as the server sees it."""
        await receive()
        began = False
        try:
            async with self.lifespan() as state:
                if state and "state" in scope:
                    scope["state"].update(state)
                began = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            log.exception("the application %s", "ended badly" if began else "did not start")
            kind = "shutdown" if began else "startup"
            await send({"type": f"lifespan.{kind}.failed", "message": _all_of(error)})
            if began:
                raise
        else:
            await send({"type": "lifespan.shutdown.complete"})


class _Running:
    """One run of an application below another server."""

    def __init__(
        self,
        app: App,
        config: Config,
        mount: ASGI | None,
        looked: Callable[[Assembly], Looked] | None,
    ) -> None:
        self._assembly = Assembly(app, config, config.host, mount)
        self._assembly.watched = looked is not None
        self._console = None if looked is None else looked(self._assembly)
        self._assembly.console = self._console
        self._state: dict[str, Any] = {}
        self._pages = self._assembly.pages(None if mount is None else partial(self._mounted, mount))
        self.home: Home = self._assembly.runtime.engine
        raws = [raw.path for raw in registered(app).raw_handlers]
        self.gateway = Gateway(self._assembly.shell, raws, self._not_ours)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[dict[str, Any]]:
        """Within this it is served; gives the state of the lifespan of what is mounted."""
        assembly = self._assembly
        async with assembly.running(Stop(), assembly.runtime.run_reactor) as state:
            self._state = state or {}
            assembly.carry_streams()
            async with assembly.hands() as hands:
                if self._console is not None:
                    hands.start_soon(self._console.run)
                yield self._state
                await assembly.drain()
                if self._console is not None:
                    await self._console.leave()
                await assembly.shut_down()

    # -- what is not rtcore's own

    async def _not_ours(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Our pages see the path below where we are mounted."""
        below = {"path": path_of(scope), "raw_path": raw_path_of(scope), _OUTER: scope}
        await self._pages({**scope, **below}, receive, send)

    async def _mounted(self, mount: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
        """What is mounted sees what the server gave, with the state of its own lifespan."""
        outer = scope[_OUTER]
        await mount({**outer, "state": {**outer.get("state", {}), **self._state}}, receive, send)


_NO_LIFESPAN = (
    "rtcore was not started: the server or the application around it has not run its lifespan. Give it to "
    "the outer application, as FastAPI(lifespan=live.lifespan), or serve rtcore.asgi(app) itself"
)
_NO_TRIO = (
    "rtcore runs on Trio, and this server does not: serve it with `hypercorn -k trio` (or another ASGI "
    "server on Trio), or by itself with `rtcore serve`"
)


def _all_of(error: BaseException) -> str:
    """What went wrong, for the server's one line: of a group, each."""
    return "; ".join(str(each) or type(each).__name__ for each in leaves(error))


Served.__module__ = "rtcore"
