"""Socket.IO on Node: its own protocol over WebSocket, a room for the fan-out. See node/socketio.mjs.

It runs on `ws` with bufferutil, as its page on performance recommends. The engines named there beside it,
eiows and uWebSockets.js, do not come ready to run from the registry, and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._node import NodePeer
from ._socketio import LOAD
from .peer import Work


@dataclass(frozen=True)
class _SocketIo(NodePeer):
    def load(self, work: Work) -> tuple[str, ...]:
        return LOAD


PEER = _SocketIo(
    name="socketio",
    title="Socket.IO",
    program="socketio.mjs",
    packages=("socket.io", "bufferutil"),
    deflate=True,
)
