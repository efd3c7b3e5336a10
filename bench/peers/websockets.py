"""websockets: the most used library, on asyncio. Its documented `broadcast` does the fan-out.

`broadcast` writes to each connection's buffer and never waits: nothing is dropped, and what holds memory is
that the publisher waits for its message to arrive. Pings are off: nothing else is asked of a server here.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ._python import PythonPeer, announce, listener, run_asyncio
from .peer import Work

PEER = PythonPeer(
    name="websockets",
    title="websockets",
    module=__name__,
    packages=("websockets",),
    faster=("uvloop",),
    deflate=True,
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    from websockets.asyncio import server

    heard_by: set[server.ServerConnection] = set()

    async def echo(connection: server.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def fanout(connection: server.ServerConnection) -> None:
        heard_by.add(connection)
        try:
            async for message in connection:
                server.broadcast(heard_by, message)
        finally:
            heard_by.discard(connection)

    async def main() -> None:
        listening = listener()
        handler: Any = {"echo": echo, "fanout": fanout}[work]
        async with server.serve(handler, sock=listening, ping_interval=None, backlog=4096):
            announce(listening)
            await asyncio.get_running_loop().create_future()

    run_asyncio(main)
