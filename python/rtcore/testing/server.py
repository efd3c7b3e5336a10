"""A server without sockets: the core over streams in memory, on Trio's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from rtcore._backend.interface import HttpBackend, Peer
from rtcore._data.values import encode
from rtcore._engine import Core, Engine
from rtcore._ground.asgi import ASGI
from rtcore._ground.home import anywhere
from rtcore._serve.assembly import Assembly
from rtcore._serve.given import settled
from rtcore._serve.stop import Stop
from rtcore.config import Config

from .client import WireClient
from .http import Answer, exchange

if TYPE_CHECKING:
    from rtcore.app import App

# Secrets and ids of a test are the same in each run.
_SEED = bytes(range(32))


class MemoryServer:
    """A running server; made by `memory_server`. Plain functions may be called in any thread."""

    def __init__(
        self, app: App, config: Config, mount: ASGI | None, nursery: trio.Nursery, seed: bytes = _SEED
    ) -> None:
        self.config = config
        self._assembly = Assembly(app, config, ["127.0.0.1"], mount, seed)
        self.runtime = self._assembly.runtime
        self._nursery = nursery
        self._http: HttpBackend | None = None
        self._stop, self._ended = Stop(), trio.Event()
        self._ports = iter(range(40_000, 65_536))

    @property
    def core(self) -> Core:
        """The native core, for a look at its counters."""
        return self.runtime.core

    @property
    def _engine(self) -> Engine:
        return self.runtime.engine

    @anywhere
    def stream(self, *, address: str = "127.0.0.1") -> trio.abc.Stream:
        """The client's end of a new connection, on which nothing was said yet."""
        ours, theirs = trio.testing.memory_stream_pair()
        self._accept(theirs, address)
        return ours

    def _accept(self, stream: trio.abc.Stream, address: str = "127.0.0.1") -> None:
        self._nursery.start_soon(self._carry, stream, Peer(address, next(self._ports)))

    async def connect(
        self, *, reading: bool = True, address: str = "127.0.0.1", path: str = "/rt/ws", **options: Any
    ) -> WireClient:
        """A client after the handshake, before `hello`. `options` are those of `WireClient`."""
        self._engine.here("connect")
        client = WireClient(self.stream(address=address), **options)
        await client.open(path=path)
        if reading:
            self._nursery.start_soon(client.read)
        return client

    async def welcomed(self, **fields: Any) -> WireClient:
        """A client that has said `hello` with these fields, and is welcome."""
        client = await self.connect()
        await client.hello(**fields)
        return client

    async def returned(self, client: WireClient, **fields: Any) -> WireClient:
        """The same session on a new connection: resumed from where `client` was."""
        assert client.position is not None, "the client was never welcome, so there is nothing to resume"
        kept = {"session": client.session, "key": client.key, "position": client.position}
        return await self.welcomed(**{**kept, **fields})

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """A request over plain HTTP, on a connection of its own: to the mounted application, or to rtcore.

        A cancel point and a schedule point.

        Args:
            method: such as "GET".
            path: beginning with `/`, the query included.
            json: what the body says, as JSON; None: `body` is the body.
            body: the body in bytes.
            headers: more than `Host`, `Connection` and what the body needs.

        Raises:
            h11.ProtocolError: what was said is no HTTP, or what came is none.

        """
        self._engine.here("request")
        fields = dict(headers)
        if json is not None:
            body = encode(json)
            fields.setdefault("content-type", "application/json")
        return await exchange(self.stream(), method, path, headers=fields, body=body)

    @anywhere
    def shut_down(self) -> None:
        """Tell every session to come back later, as a server does that ends."""
        self._assembly.send_away()

    async def _carry(self, stream: trio.abc.Stream, peer: Peer) -> None:
        assert self._http is not None, "the server does not run yet"
        await self._assembly.shell.alternate(stream, peer, self._http)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`, or cancelled."""
        assembly = self._assembly
        try:
            async with assembly.running(self._stop, assembly.shell.keep_time) as state:
                if state is not None:
                    self._http = assembly.http(state)
                    assembly.carry_streams()
                    async with assembly.hands():
                        task_status.started()
                        await self._stop.asked()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """End the serving within the grace, with what lifespans have after their `yield`. A cancel point."""
        if self._ended.is_set():
            return
        self._engine.here("stop")
        self._stop.ask()
        with trio.move_on_after(max(self.config.grace, 1.0)):
            await self._ended.wait()


@asynccontextmanager
async def memory_server(
    app: App,
    config: Config | None = None,
    *,
    mount: ASGI | None = None,
    seed: bytes = _SEED,
    **settings: object,
) -> AsyncIterator[MemoryServer]:
    """Serve `app` in memory while the block runs.

        async with memory_server(app, limits={"ping_ms": "20 s"}) as server: ...

    The settings are those of `rtcore.serve`; `mount` is an ASGI application beside it, `seed` (32 bytes)
    what secrets, ids and the epoch are made from. With pytest-trio's
    `autojump_clock` (or `mock_clock`) time is the test's. At the end of the block it stops as a server does;
    an exception in the block cancels it.
    """
    config = settled(app, config, mount, settings)
    async with trio.open_nursery() as nursery:
        server = MemoryServer(app, config, mount, nursery, seed)
        await nursery.start(server.run)
        yield server
        await server.stop()
        nursery.cancel_scope.cancel()
