"""aiohttp on asyncio. It has no broadcast: each connection is sent to, one after the other.

Whoever is slow is waited for. No heartbeat is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ._python import PythonPeer, announce, listener, run_asyncio
from .peer import Work

if TYPE_CHECKING:
    from aiohttp import web

PEER = PythonPeer(
    name="aiohttp", title="aiohttp", module=__name__, packages=("aiohttp",), faster=("uvloop",), deflate=True
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    from aiohttp import WSMsgType, web

    heard_by: set[web.WebSocketResponse] = set()

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    async def fanout(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard_by.add(socket)
        try:
            async for message in socket:
                for one in tuple(heard_by):
                    with contextlib.suppress(ConnectionError):  # it is just leaving
                        if message.type is WSMsgType.TEXT:
                            await one.send_str(message.data)
                        elif message.type is WSMsgType.BINARY:
                            await one.send_bytes(message.data)
        finally:
            heard_by.discard(socket)
        return socket

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/echo", echo)
        application.router.add_get("/fanout", fanout)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        listening = listener()
        await web.SockSite(runner, listening, backlog=4096).start()
        announce(listening)
        await asyncio.get_running_loop().create_future()

    run_asyncio(main)
