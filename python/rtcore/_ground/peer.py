"""The core's codec of a client's WebSocket, and what compresses: all that a client program uses of the core,
and no engine.
"""

from __future__ import annotations

from typing import Final

from rtcore import _core

Peer = _core.Peer
Ready = _core.Ready
compress = _core.compress
inflate = _core.inflate
accepted_coding = _core.accepted_coding
body_coding = _core.body_coding
Inflated = _core.Inflated

EVENTS: Final = _core.PEER_EVENTS
TEXT: Final = _core.PEER_TEXT
BINARY: Final = _core.PEER_BINARY
PING: Final = _core.PEER_PING
PONG: Final = _core.PEER_PONG
CLOSE: Final = _core.PEER_CLOSE
BROKEN: Final = _core.PEER_BROKEN
