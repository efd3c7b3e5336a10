"""The gateway: the core's transports for requests that another ASGI server has read.

Each request under the prefix becomes a connection of the same core: its head is written again from the
scope, the core answers in HTTP/1.1 or with a WebSocket, and the answer is read back into ASGI's messages.

    ASGI server ──scope, receive──▶ h11, wsproto ──bytes──▶ Link ──▶ core
    ASGI server ◀──send──────────── h11, wsproto ◀──bytes── Link ◀── core

So heads, origins, limits and rights are judged by the one implementation that there is, whatever stands
before it. It costs what ASGI costs: some tasks and messages for each request, where a socket of the core's
own has none.
"""

from __future__ import annotations

import json
from collections.abc import Collection

import h11
import trio

from rtcore._ground.asgi import ASGI, Receive, Scope, Send
from rtcore._ground.numbers import LIVE, PREFIX
from rtcore._serve.shell import StreamShell

from .http import Exchange
from .linger import lingering
from .scope import path_of, peer_of
from .websocket import Socket

# An rtcore of its own, which judges what comes to it.
_CONSOLE = f"{LIVE}/"


class Gateway:
    """An ASGI application for what is rtcore's own; `beside` answers everything else.

    `raws` are the paths of raw sockets.
    """

    def __init__(self, shell: StreamShell, raws: Collection[str], beside: ASGI) -> None:
        self._shell = shell
        self._raws = frozenset(raws)
        self._beginnings = tuple(path.removesuffix("*") for path in raws if path.endswith("/*"))
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for the scopes `http` and `websocket`.

        Raises only what `beside` raises, and what the server's own `send` and `receive` do when they are used
        wrongly.
        """
        receive, send = lingering(scope, receive, send)
        path = path_of(scope)
        if not self._is_raw(path) and (not path.startswith(PREFIX) or path.startswith(_CONSOLE)):
            await self._beside(scope, receive, send)
            return
        handed = None
        try:
            handed = await self._ours(scope, receive, send)
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client is gone: ASGI lets `send` say so
        if handed is not None:
            await self._beside(scope, handed, send)

    def _is_raw(self, path: str) -> bool:
        """Whether a raw socket is there, or begins so and the path goes on: as the core judges it."""
        return path in self._raws or any(
            path.startswith(begin) and len(path) > len(begin) for begin in self._beginnings
        )

    async def _ours(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer it. What comes back is a request that the core has handed over: `beside` goes on with it."""
        with self._shell.link(peer_of(scope)) as link:
            if link is None:
                # On a socket of its own it would be closed without a word; here there is one.
                await _refuse(scope, send, 503, "OVERLOADED", "too many connections: come back in 5 s")
                return None
            try:
                if scope["type"] == "websocket":
                    await Socket(link, scope, receive, send).run()
                    return None
                exchange = Exchange(link, scope, receive, send)
                await exchange.run()
            except h11.LocalProtocolError as error:
                await _refuse(scope, send, 400, "INVALID_MESSAGE", f"this is no HTTP request: {error}")
                return None
            return None if link.handed is None else exchange.receive_again


async def _refuse(scope: Scope, send: Send, status: int, code: str, message: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013 if status == 503 else 1002})
        return
    body = json.dumps({"code": code, "message": message}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *([(b"retry-after", b"5")] if status == 503 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
