"""python-socketio, as an ASGI application under uvicorn: the Socket.IO protocol, a room for the fan-out.

Events of one client are handled in order (`async_handlers=False`): with tasks of their own they could
overtake each other. No ping falls within a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._python import PythonPeer
from ._socketio import LOAD
from ._uvicorn import serve_asgi
from .peer import Work


@dataclass(frozen=True)
class _SocketIo(PythonPeer):
    def load(self, work: Work) -> tuple[str, ...]:
        return LOAD


PEER = _SocketIo(
    name="python-socketio",
    title="python-socketio, uvicorn",
    module=__name__,
    packages=("python-socketio", "uvicorn", "websockets"),
    faster=("uvloop", "httptools"),
    deflate=True,
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import socketio  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]

    server: Any = socketio.AsyncServer(
        async_mode="asgi", transports=["websocket"], async_handlers=False, ping_interval=600
    )

    @server.event  # type: ignore[untyped-decorator, unused-ignore]
    async def connect(sid: str, environ: Any) -> None:
        if work == "fanout":
            await server.enter_room(sid, "all")

    @server.event  # type: ignore[untyped-decorator, unused-ignore]
    async def m(sid: str, data: Any) -> None:
        await server.emit("m", data, to=sid if work == "echo" else "all")

    serve_asgi(socketio.ASGIApp(server))
