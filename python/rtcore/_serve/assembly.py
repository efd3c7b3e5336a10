"""A server is put together here, once: for `serve`, for `asgi`, and for tests (`rtcore.testing`).

    server nursery           sessions, and the core's turns (`_turn.driving`), which end last
    └── lifespans            of the application, in the order of registration; then of what is mounted
        └── hands            what moves bytes and time, background tasks, HTTP requests: what shutdown ends

Each way to serve adds its own hands: listeners and signals (`serve`), the gateway (`asgi`), streams in memory
(`testing`). What a server is, when it is ready and how it ends is the same for all.

Shutdown: every session is told to come back later, what runs may finish and is heard, and when the grace is
over what is left is ended.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from rtcore._app.registry import registered
from rtcore._backend.hypercorn import HypercornBackend
from rtcore._backend.interface import HttpBackend
from rtcore._config.core import core_settings
from rtcore._engine import VERSION, CoreEvent
from rtcore._ground.asgi import ASGI
from rtcore._ground.numbers import USUAL
from rtcore._turn.dispatch import Runtime
from rtcore._watch.acts import Acts
from rtcore._watch.trails import Trails
from rtcore._watch.watch import Watch
from rtcore.http_api.service import PublishApi
from rtcore.site.router import Router

from .lifespan import Lifespan, Surroundings, of_application
from .shell import StreamShell
from .stop import Stop, everything_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtcore.app import App
    from rtcore.config import Config

log = logging.getLogger("rtcore.serve")


def _nothing(_seconds: float) -> None:
    pass


def _too_late(event: CoreEvent) -> None:
    """A request that is not ours, and nobody is there who would answer it. A stream ends with its task."""
    fd = event[1]
    if fd >= 0:
        os.close(fd)


class Assembly:
    """An application that is served: its core and its turns, streams, pages, lifespans, and its end.

    `addresses` are those on which the server can be reached. `seed` makes it a server of a test: its secrets
    are the same in each run, and its time is Trio's clock's.
    """

    def __init__(
        self,
        app: App,
        config: Config,
        addresses: Sequence[str],
        mount: ASGI | None,
        seed: bytes | None = None,
    ) -> None:
        """Build and start the core.

        Raises:
            ConfigError: a setting is wrong.
            UsageError: a registration of the application is.
            StartError: the folder of what is durable cannot be used.

        """
        settings = core_settings(config, addresses)
        settings.seed = seed
        self.app = app
        self.config = config
        self.mount = mount
        self.runtime = Runtime(app, settings, manual=seed is not None)
        self.core = self.runtime.core
        self.shell = StreamShell(self.runtime)
        self.runtime.hand_over = self.shell.hand_over
        self.stopping = False
        self.draining = False
        self.watch = self._watch()
        self.watched = seed is None
        """Whether it looks at itself now and then; a test's clock would jump from look to look."""
        self.api = PublishApi(app, config, self.watch)
        self.console: ASGI | None = None
        """What the console looks at, said over rtcore; None: it has its page alone."""
        self._idle = trio.Event()
        for kind, text in (self.core.store_health() or {}).get("found", ()):
            logging.getLogger("rtcore.store").warning("%s: %s", kind, text)

    def _watch(self) -> Watch:
        limits = {name: self.config.limit(name) for name in USUAL}
        engine = self.runtime.engine
        engine.trails = Trails(engine)
        clock, wall = self._clocks()
        acts = Acts(self.core, limits, self.config.acts)
        watch = Watch(
            self.core,
            limits,
            data=self.config.data,
            version=VERSION,
            trails=engine.trails,
            acts=acts,
            streams=self.runtime.seen_streams,
            clock=clock,
            wall=wall,
        )
        for name, rule in registered(self.app).rules.items():
            watch.rule(name, rule)
        self.runtime.engine.held.heard = watch.held
        return watch

    def _clocks(self) -> tuple[Callable[[], float], Callable[[], float]]:
        """By which it is said since when; in a test both go as Trio's does."""
        if not self.runtime.manual:
            return time.monotonic, time.time
        began = time.time() - trio.current_time()
        return trio.current_time, lambda: began + trio.current_time()

    # -- its pages

    def pages(self, mounted: ASGI | None) -> Router:
        """What answers requests that are not rtcore's own: our pages, the publish API, what is mounted."""
        look = self.core.store_health
        stopping = lambda: self.stopping or self.draining  # noqa: E731 - asked by each probe
        operators = bool(self.config.api_keys) or registered(self.app).operator is not None
        console = self.console if operators else None
        metrics = self.runtime.metrics
        return Router(metrics, mounted, self.config, stopping, self.api, look, operators, console)

    def http(self, state: Mapping[str, Any]) -> HttpBackend:
        """The HTTP server for them. `state` is that of the lifespan of what is mounted."""
        return HypercornBackend.of(self.config, self.pages(self.mount), state, self.runtime.engine.failures)

    # -- its life

    @asynccontextmanager
    async def running(
        self,
        stop: Stop,
        drive: Callable[[], Awaitable[None]],
        ending: Callable[[float], None] = _nothing,
    ) -> AsyncIterator[dict[str, Any] | None]:
        """Within this the application runs, and what surrounds it has started.

        `drive` moves the core: by its reactor, or by its deadlines alone.

        Gives the state that the lifespan of what is mounted has filled; None if shutdown was asked for before
        all had started. `ending` hears how long (seconds) what ends next may take.

        Raises:
            StartError: what is mounted does not start.
            UsageError: the application is served already, or a lifespan is none.

        """
        state: dict[str, Any] | None = None
        patience = max(self.config.grace, 1.0)
        try:
            with everything_of(stop):
                async with trio.open_nursery() as nursery, self.runtime.running(nursery, drive):
                    async with Surroundings(stop, patience, ending) as around:
                        for function in registered(self.app).lifespans:
                            await around.enter(of_application(self.app, function))
                        found: dict[str, Any] = {}
                        if self.mount is not None:
                            found = await around.enter(Lifespan(self.mount).running(patience))
                        state = found
                        yield state
                    ending(0)
        finally:
            self.runtime.close()
        if state is None:
            yield None

    @asynccontextmanager
    async def hands(self) -> AsyncIterator[trio.Nursery]:
        """Within this peers are served; all that is started in the nursery is cancelled at its end."""
        async with trio.open_nursery() as hands:
            self.runtime.start_background(hands)
            if self.watched:
                hands.start_soon(self.watch.run)
            try:
                yield hands
            finally:
                # The core goes on for those who wait for the disk, and for nobody who comes.
                self.core.stop_accepting()
                self.runtime.hand_over = _too_late
                hands.cancel_scope.cancel()

    def carry_streams(self) -> None:
        """From now on streams may have something due after each turn, and are asked."""
        self.runtime.on_output = self._after_output

    def _after_output(self) -> None:
        self.shell.output()
        if self.stopping and self.core.idle():
            self._idle.set()

    # -- its end

    async def drain(self) -> None:
        """Say to probes that another takes this place, and serve all the same, for `shutdown_delay`.

        So whoever sends clients here has the time to hear of it.
        """
        self.draining = True
        if self.config.shutdown_delay:
            log.info(
                "shuts down in %g s: /readyz says so, and all is served meanwhile", self.config.shutdown_delay
            )
            await trio.sleep(self.config.shutdown_delay)

    def send_away(self) -> None:
        """Tell every session to come back later; who comes now is told so, too."""
        self.stopping = True
        self.carry_streams()
        self.runtime.tick()
        self.core.shut_down(self.config.limit("grace_ms"))
        self.runtime.wake()

    async def shut_down(
        self, *others: Callable[[], Awaitable[None]], then: Callable[[], None] = lambda: None
    ) -> None:
        """Send everybody away, and wait until handlers, connections and `others` are done, or for the grace.

        Then `then` is called, and what is left after the grace is told that it is over.
        """
        grace = self.config.grace
        with trio.move_on_after(grace) as patience:
            self.send_away()
            async with trio.open_nursery() as endings:
                endings.start_soon(self.runtime.stop_handlers, trio.current_time() + grace)
                endings.start_soon(self._idle.wait)
                for other in others:
                    endings.start_soon(other)
        then()
        if patience.cancelled_caught:
            self.core.shut_down(0)  # a client that still waits for an ack is told that it is over
            self.runtime.finish_turn()
            log.warning("after the grace of %g s something was still running, and was ended", grace)
