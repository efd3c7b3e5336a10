"""How a client speaks to a Socket.IO server, whatever language that is in."""

from __future__ import annotations

# Engine.IO 4 over WebSocket; `40` asks for the main namespace, and `40{…}` answers; `42[…]` is an event.
LOAD = (
    *("--path", "/socket.io/?EIO=4&transport=websocket"),
    *("--init", "40", "--ready", "40{", "--publish", '42["m","%M"]'),
)
