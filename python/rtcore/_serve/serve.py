"""The server: one nursery that holds the reactor, the HTTP side door, the application and its sessions.

    server nursery           sessions, background tasks, signals
    └── hands                reactor, TLS connections, HTTP requests: what shutdown ends

Shutdown: every session is told to come back later, what runs may finish and is heard, and when the grace is
over (or a second signal comes) what is left is closed. Until then the port stays open for `/healthz`, which
says 503, so that whoever sends clients here sends them elsewhere; every other request is told to come back.
Cancelling `serve` does the last alone. What cannot be cancelled holds `serve` up, as it would any Trio
program; `run` ends the process then.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from rtcore._backend.ends import Parting, bound_unsent
from rtcore._backend.hypercorn import ASGI, HypercornBackend, Peer
from rtcore._backend.places import Handshakes, side_door
from rtcore._config.core import core_settings
from rtcore._engine import CoreEvent
from rtcore._turn.dispatch import Runtime
from rtcore.config import Config
from rtcore.errors import ConfigError
from rtcore.http_api.service import PublishApi
from rtcore.site.router import Router

from .around import lifespan
from .given import settled
from .last_words import into_the_log
from .lifespan import Lifespan, Surroundings
from .listeners import Address, open_listeners, raise_file_limit
from .logs import announce, keep_standard_streams, set_up_logging
from .shell import StreamShell
from .signals import SETTLE, LastResort, hearing
from .stop import Stop, everything_of

if TYPE_CHECKING:
    from rtcore.app import App

log = logging.getLogger("rtcore.serve")


async def serve(
    app: App,
    config: Config | None = None,
    *,
    mount: ASGI | None = None,
    stop: Stop | None = None,
    signals: bool = True,
    last_resort: LastResort | None = None,
    task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED,
    **settings: object,
) -> None:
    """Serve an application until it is told to stop.

        await rtcore.serve(app, port=9000, limits={"ping_ms": "10 s"})

    Args:
        app: the application.
        config: the settings; or give them one by one.
        mount: an ASGI application for every request that is not rtcore's own, its WebSockets included.
        stop: another way to ask for shutdown; a Trio `CancelScope` around the call ends it at once.
        signals: whether SIGTERM, SIGINT and SIGHUP shut the server down. A second one ends it at once, as far
            as what runs can be cancelled; a third acts as if there were no server.
        last_resort: what ends the process when that is not enough; `run` has one.
        task_status: `nursery.start(serve, app)` returns the addresses once the server can be reached.
        **settings: the settings, named and written as in the file.

    Raises:
        UsageError: what is served or mounted is no such application. ConfigError: a setting is unknown or
        wrong. StartError: an address is in use, or the mounted
        application does not start. What a critical background task raises, in an exception group.

    """
    config = settled(app, config, mount, settings)
    context = _tls_context(config)
    raise_file_limit()
    listeners = open_listeners(config.host, config.port)
    try:
        server = _Server(app, config, mount, context, stop or Stop(), last_resort)
        await server.run(listeners, signals, task_status)
    finally:
        for listener in listeners:
            listener.close()


def run(app: App, config: Config | None = None, *, mount: ASGI | None = None, **settings: object) -> None:
    """Serve an application, as a program: `rtcore.run(app, port=9000)`. Returns after a clean shutdown.

    Says on the standard output where it serves, and logs as the configuration says, unless logging is set up
    already. In the main thread it ends the process, with status 0, if something does not end within a second
    after it was cancelled, at a third signal, and at one that comes after it.

    Raises:
        UsageError: what is served or mounted is no such application.
        ConfigError: a setting is unknown or wrong.
        StartError: an address is in use, or the mounted application does not start.

    """
    resort = run_program(app, settled(app, config, mount, settings), mount)
    if resort is not None:
        resort.close()


def run_program(app: App, config: Config, mount: ASGI | None) -> LastResort | None:
    """The same for a program that ends then, too: the last resort is still there, and may be told to wait."""
    keep_standard_streams()
    mine = not logging.root.handlers
    set_up_logging(config.log_level, config.log_format)
    if mine and config.log_format == "json":
        into_the_log()
    here = threading.current_thread() is threading.main_thread()
    resort = LastResort(config.grace) if here else None
    try:
        trio.run(partial(_announced, app, config, mount, resort))
    except BaseException:
        if resort is not None:
            resort.close()
        raise
    return resort


async def _announced(app: App, config: Config, mount: ASGI | None, resort: LastResort | None) -> None:
    async with trio.open_nursery() as nursery:
        serving = partial(serve, app, config, mount=mount, last_resort=resort)
        addresses: list[Address] = await nursery.start(serving)
        if addresses:
            announce(f"rtcore serves {' '.join(map(str, addresses))}")


class _Server:
    """One run of `serve`."""

    def __init__(
        self,
        app: App,
        config: Config,
        mount: ASGI | None,
        context: ssl.SSLContext | None,
        stop: Stop,
        resort: LastResort | None,
    ) -> None:
        self.app = app
        self.config = config
        self.mount = mount
        self.context = context
        self.stop = stop
        self.resort = resort
        self.idle = trio.Event()
        self.handshakes = Handshakes(config.limit("connections"), config.limit("connections_per_address"))
        self.doors: list[trio.CancelScope] = []
        self.started = False
        self.stopping = False

    async def run(
        self, listeners: list[socket.socket], signals: bool, task_status: trio.TaskStatus[list[Address]]
    ) -> None:
        config = self.config
        secure = self.context is not None
        names = [each.getsockname() for each in listeners]
        addresses = [Address(host, port, secure) for host, port, *_ in names]
        self.runtime = Runtime(self.app, core_settings(config, [each.host for each in addresses]))
        self.core = self.runtime.core
        self.shell = StreamShell(self.runtime)
        try:
            stop, patience = self.stop, max(config.grace, 1.0)
            with everything_of(stop), ExitStack() as outer:
                if signals:
                    outer.enter_context(hearing(stop.ask, stop.insist, self.resort))
                async with trio.open_nursery() as nursery, self.runtime.running(nursery):
                    async with Surroundings(stop, patience, self._ending) as around:
                        for function in self.app.lifespans:
                            await around.enter(lifespan(self.app, function))
                        state = {}
                        if self.mount is not None:
                            state = await around.enter(Lifespan(self.mount).running(patience))
                        self.http = self._http_backend(state)
                        await self._serve(listeners, addresses, task_status)
                    self._ending(0)
        finally:
            self.runtime.close()
        if not self.started:  # it was given up
            task_status.started([])

    def _http_backend(self, state: dict[str, Any]) -> HypercornBackend:
        config = self.config
        api = PublishApi(self.app, config)
        return HypercornBackend(
            Router(self.runtime.metrics, self.mount, config, lambda: self.stopping, api),
            state=state,
            max_message=config.limit("max_message"),
            **side_door(config),
            log_access=config.access_log,
            failures=self.runtime.engine.failures,
            parting=Parting.of(config),
        )

    def _ending(self, seconds: float) -> None:
        """What comes next has so long to end."""
        if self.resort is not None:
            self.resort.within(seconds + SETTLE, "all was told to end")

    async def _serve(
        self,
        listeners: list[socket.socket],
        addresses: list[Address],
        task_status: trio.TaskStatus[list[Address]],
    ) -> None:
        async with trio.open_nursery() as self.hands:
            if (
                self.context is not None
            ):  # else no stream waits for anything, and a turn is not held up by asking
                self.runtime.on_output = self._after_output
            self.runtime.hand_over = self._hand_over
            self.runtime.start_background(self.hands)
            self.hands.start_soon(self.runtime.run_reactor)
            try:
                for listener in listeners:
                    self._listen(listener)
                self.started = True
                task_status.started(addresses)
                await self.stop.asked()
                await self._shut_down()
            finally:
                self.http.abort()  # Hypercorn shields its writes
                self.hands.cancel_scope.cancel()

    def _listen(self, listener: socket.socket) -> None:
        if self.context is None:
            self.core.listen(listener.fileno())
            listener.close()  # the core has its own
            return
        door = trio.CancelScope()
        self.doors.append(door)
        accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        self.hands.start_soon(self._accept, accepting, partial(self._secure, self.context), door)

    async def _accept(self, listener: trio.SocketListener, handler: Any, door: trio.CancelScope) -> None:
        with door:
            await trio.serve_listeners(handler, [listener], handler_nursery=self.hands)

    async def _secure(self, context: ssl.SSLContext, tcp: trio.SocketStream) -> None:
        """One TLS connection."""
        bound_unsent(tcp, self.config.limit("kernel_unsent"))
        stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        host = "a peer that is gone"
        try:
            host, port = tcp.socket.getpeername()[:2]
            with self.handshakes.one(host, self.config.limit("hello_ms") / 1000) as patience:
                await stream.do_handshake()
            if patience.cancelled_caught:
                return
            await self.shell.alternate(stream, Peer(host, port, secure=True), self.http)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass
        except* Exception as errors:  # noqa: BLE001 - whatever it is
            failures = self.runtime.engine.failures
            failures.log(log, "TLS", "a TLS connection of %s failed", host, error=errors)
        finally:
            await trio.aclose_forcefully(stream)

    def _hand_over(self, event: CoreEvent) -> None:
        _, fd, _, already, address, port, secure = event
        if fd < 0:
            self.shell.hand_over(event)
            return
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(socket.socket(fileno=fd)))
        self.hands.start_soon(self._foreign, stream, already, Peer(address, port, secure))

    async def _foreign(self, stream: trio.SocketStream, already: bytes, peer: Peer) -> None:
        """One request that is not ours; at its boundary the socket goes back to the core."""
        async with trio.open_nursery() as running:  # the application may go on after its answer
            beyond = await running.start(self.http.serve, stream, already, peer)
            if beyond is not None:
                try:
                    self.core.adopt(stream.socket.fileno(), beyond)
                except OSError as error:  # there is no descriptor left for it
                    log.debug("a connection cannot go back to the core: %s", error)
                stream.socket.close()  # the core has its own descriptor

    def _after_output(self) -> None:
        self.shell.output()
        if self.stopping and self.core.idle():
            self.idle.set()

    async def _shut_down(self) -> None:
        grace = self.config.grace
        if self.resort is not None:
            self.resort.begin()
        with trio.move_on_after(grace) as patience:
            self.stopping = True
            self.runtime.on_output = self._after_output
            self.core.shut_down(round(grace * 1000))
            self.runtime.wake()
            self.hands.start_soon(self.http.drain)
            async with trio.open_nursery() as endings:
                endings.start_soon(self.runtime.stop_handlers, trio.current_time() + grace)
                endings.start_soon(self.http.wait_idle)
                endings.start_soon(self.idle.wait)
        self.core.stop_accepting()
        for door in self.doors:
            door.cancel()
        if patience.cancelled_caught:
            self.core.shut_down(0)  # who still waits for an ack is told that it is over
            self.runtime.finish_turn()
            log.warning("after the grace of %g s something was still running, and was ended", grace)


def _tls_context(config: Config) -> ssl.SSLContext | None:
    if config.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])

    def ask() -> str:  # else the program stops, and waits for somebody at a terminal
        raise ConfigError(
            f"the key {config.key or config.certificate} is encrypted, and cannot be used: write it without "
            "a passphrase (openssl pkey -in KEY -out NEW), readable by the server alone"
        )

    try:
        context.load_cert_chain(config.certificate, config.key, ask)
    except ssl.SSLError as error:
        raise ConfigError(
            f"the certificate {config.certificate} cannot be used: {error.reason or error}"
        ) from None
    except OSError as error:
        names = " or ".join(filter(None, (config.certificate, config.key)))
        raise ConfigError(f"{names} cannot be read: {error.strerror}") from None
    return context
