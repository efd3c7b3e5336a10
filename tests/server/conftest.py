"""A server in this process, on a free port, ended with the test."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import trio
import trustme

import rtcore
from rtcore import Address, Stop
from tests.contract.http1 import Connection
from tests.once import once
from tests.patience import PATIENCE


class Running(NamedTuple):
    """A server that can be reached."""

    addresses: list[Address]
    stop: Stop
    ended: trio.Event

    @property
    def port(self) -> int:
        return self.addresses[0].port

    async def get(self, path: str, **request: str) -> tuple[int, str, str]:
        """Status, head and body of one request; what else it has is as `once` says."""
        return await once(self.port, path, **request)


@asynccontextmanager
async def serving(
    app: rtcore.App, *, patience: float = PATIENCE + 10, **settings: Any
) -> AsyncIterator[Running]:
    """Serve while the block runs, then shut down in good order; the whole in bounded time."""
    stop, ended = Stop(), trio.Event()
    with trio.fail_after(patience):
        async with trio.open_nursery() as nursery:
            settings = {"port": 0, "signals": False, **settings}

            async def serve(task_status: trio.TaskStatus[list[Address]]) -> None:
                await rtcore.serve(app, stop=stop, task_status=task_status, **settings)
                ended.set()

            yield Running(await nursery.start(serve), stop, ended)
            stop.ask()


@asynccontextmanager
async def reached(server: Running, trust: ssl.SSLContext | None = None) -> AsyncIterator[Connection]:
    """A connection that is kept; with `trust` by TLS."""
    stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    if trust is not None:
        stream = trio.SSLStream(stream, trust, server_hostname="127.0.0.1", https_compatible=True)
    try:
        yield Connection(stream, f"127.0.0.1:{server.port}")
    finally:
        await trio.aclose_forcefully(stream)


def certified(folder: Path) -> tuple[dict[str, Any], ssl.SSLContext]:
    """Settings with a certificate, and what trusts it."""
    authority = trustme.CA()
    certificate = folder / "server.pem"
    pair = authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem
    pair.write_to_path(str(certificate))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return {"certificate": str(certificate)}, trust
