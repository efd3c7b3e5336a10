"""Serving on ports of one's own: listeners, TLS, signals, and sockets that come and go, around the assembly.

    hands                    reactor, TLS connections, HTTP requests: what shutdown ends

At shutdown (`Assembly.shut_down`) the port stays open for `/healthz`, which says 503, so that whoever sends
clients here sends them elsewhere; every other request is told to come back. When the grace is over, or a
second signal comes, what is left is closed. Cancelling `serve` does the last alone. What cannot be cancelled
holds `serve` up, as it would any Trio program; `run` ends the process then.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from rtcore._backend.ends import bound_unsent
from rtcore._backend.interface import HttpBackend, Peer
from rtcore._backend.places import Handshakes
from rtcore._engine import CoreEvent
from rtcore._ground.asgi import ASGI
from rtcore.config import Config
from rtcore.errors import UsageError

from .assembly import Assembly
from .certificates import Certificates
from .console import Console
from .given import settled
from .headers import Headers, NoHeaderError
from .listeners import Address, raise_file_limit
from .notify import Notifier
from .signals import SETTLE, LastResort, hearing, without_terminal
from .stop import Stop
from .where import Listening, listen, peer_of

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
        task_status: `nursery.start(serve, app)` returns the addresses once the server can be reached.
        **settings: the settings, named and written as in the file.

    Raises:
        UsageError: what is served or mounted is no such application, or this is not Trio. ConfigError: a
        setting is unknown or wrong. StartError: an address is in use, or the mounted
        application does not start. What a critical background task raises, in an exception group.

    """
    try:
        trio.current_time()
    except RuntimeError:
        raise UsageError(
            "rtcore.serve is awaited in a run of Trio, and this is none: write `rtcore.run(app)`, or "
            "`trio.run(main)` around what awaits it. asyncio.run cannot serve it"
        ) from None
    config = settled(app, config, mount, settings)
    await serve_here(app, config, mount, stop or Stop(), signals=signals, task_status=task_status)


async def serve_here(
    app: App,
    config: Config,
    mount: ASGI | None,
    stop: Stop,
    *,
    signals: bool,
    resort: LastResort | None = None,
    task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """`serve`, for what has looked at what it is given. `resort` ends the process where nothing else does."""
    certificates = Certificates(config.certificate, config.key) if config.certificate is not None else None
    raise_file_limit()
    listening = listen(config, certificates is not None)
    try:
        assembly = Assembly(app, config, [each.host for each in listening.addresses], mount)
        server = _Server(assembly, certificates, stop, resort)
        again = server.read_again if certificates is not None and without_terminal() else None
        with hearing(stop.ask, stop.insist, resort, again) if signals else contextlib.nullcontext():
            await server.run(listening, task_status)
    finally:
        listening.close()


class _Server:
    """One run of `serve`: listeners and signals, around what every server is (`assembly`)."""

    http: HttpBackend
    console: Console
    hands: trio.Nursery

    def __init__(
        self, assembly: Assembly, certificates: Certificates | None, stop: Stop, resort: LastResort | None
    ) -> None:
        config = assembly.config
        self.assembly = assembly
        self.config = config
        self.certificates = certificates
        self.notifier = Notifier.here()
        self.status = ""
        self.stop = stop
        self.resort = resort
        self.handshakes = Handshakes(config.limit("connections"), config.limit("connections_per_address"))
        self.doors: list[trio.CancelScope] = []
        self.headers = Headers(config.proxies) if config.proxy_protocol else None

    async def run(
        self,
        listening: Listening,
        task_status: trio.TaskStatus[list[Address]],
    ) -> None:
        """Serve until shutdown is asked for, and through it."""
        drive = self.assembly.runtime.run_reactor
        async with self.assembly.running(self.stop, drive, self._ending) as state:
            if state is not None:
                self.console = self.assembly.console = Console(self.assembly)
                self.http = self.assembly.http(state)
                await self._serve(listening, task_status)
        if state is None:  # it was given up
            task_status.started([])

    def _ending(self, seconds: float) -> None:
        """What comes next has so long to end."""
        if self.resort is not None:
            self.resort.within(seconds + SETTLE, "all was told to end")

    def read_again(self) -> None:
        """SIGHUP: take the certificate as its files have it now."""
        if self.certificates is not None:
            self.notifier.reloading()
            self.certificates.read_again()
            self.notifier.ready(self.status)

    async def _serve(self, listening: Listening, task_status: trio.TaskStatus[list[Address]]) -> None:
        assembly = self.assembly
        assembly.runtime.hand_over = self._hand_over
        if (
            self.certificates is not None
        ):  # else no stream waits for anything, and no turn is held up by asking
            assembly.carry_streams()
        async with assembly.hands() as self.hands:
            try:
                for listener in listening.sockets:
                    self._listen(listener)
                if self.certificates is not None:
                    self.hands.start_soon(self.certificates.watch)
                self.hands.start_soon(self.notifier.keep_alive)
                self.hands.start_soon(self.console.run)
                task_status.started(listening.addresses)
                self.status = f"serves {' '.join(map(str, listening.addresses))}"
                self.notifier.ready(self.status)
                await self.stop.asked()
                self.notifier.stopping()
                await assembly.drain()
                if self.config.reuse_port:  # who comes now is for the server that follows
                    self._close_doors()
                if self.resort is not None:
                    self.resort.begin()
                await assembly.shut_down(self._end_http, self.http.wait_idle, then=self._close_doors)
            finally:
                self.http.abort()  # Hypercorn shields its writes

    async def _end_http(self) -> None:
        """Operators are told to come back, as all sessions are, before their connections are ended."""
        await self.console.leave()
        await self.http.drain()

    def _listen(self, listener: socket.socket) -> None:
        certificates = self.certificates
        if certificates is None:
            self.assembly.core.listen(listener.fileno())
            listener.close()  # the core has its own
            return
        door = trio.CancelScope()
        self.doors.append(door)
        accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        self.hands.start_soon(self._accept, accepting, partial(self._secure, certificates), door)

    async def _accept(self, listener: trio.SocketListener, handler: Any, door: trio.CancelScope) -> None:
        with door:
            await trio.serve_listeners(handler, [listener], handler_nursery=self.hands)

    def _close_doors(self) -> None:
        self.assembly.core.stop_accepting()
        for door in self.doors:
            door.cancel()

    async def _secure(self, certificates: Certificates, tcp: trio.SocketStream) -> None:
        """One TLS connection."""
        bound_unsent(tcp, self.config.limit("kernel_unsent"))
        context = certificates.context
        stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        host = "a peer that is gone"
        try:
            host, port = peer_of(tcp)
            with self.handshakes.one(host, self.config.limit("hello_ms") / 1000) as patience:
                client = None
                if self.headers is not None and self.headers.come_from(host):
                    client = await self.headers.take(tcp)
                    host, port = client or (host, port)
                await stream.do_handshake()
            if patience.cancelled_caught:
                return
            peer = Peer(host, port, secure=True)
            await self.assembly.shell.alternate(stream, peer, self.http, told=client is not None)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass
        except* NoHeaderError as errors:
            log.info("a connection of %s was refused: %s", host, errors.exceptions[0])
        except* Exception as errors:  # noqa: BLE001 - whatever it is
            failures = self.assembly.runtime.engine.failures
            failures.log(log, "TLS", "a TLS connection of %s failed", host, error=errors)
        finally:
            await trio.aclose_forcefully(stream)

    def _hand_over(self, event: CoreEvent) -> None:
        _, fd, _, already, address, port, secure, told = event
        if fd < 0:
            self.assembly.shell.hand_over(event)
            return
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(socket.socket(fileno=fd)))
        self.hands.start_soon(self._foreign, stream, already, Peer(address, port, secure), told)

    async def _foreign(
        self, stream: trio.SocketStream, already: bytes, peer: Peer, told: tuple[str, int, bool] | None
    ) -> None:
        """One request that is not ours; at its boundary the socket goes back to the core."""
        async with trio.open_nursery() as running:  # the application may go on after its answer
            beyond = await running.start(self.http.serve, stream, already, peer)
            if beyond is not None:
                try:
                    self.assembly.core.adopt(stream.socket.fileno(), beyond, told)
                except OSError as error:  # there is no descriptor left for it
                    log.debug("a connection cannot go back to the core: %s", error)
                stream.socket.close()  # the core has its own descriptor
