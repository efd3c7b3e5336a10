"""ws: the usual library on Node, with bufferutil, the add-on that its documentation recommends for speed.

A socket keeps what the kernel does not take, and drops nothing. The program is node/ws.mjs.
"""

from __future__ import annotations

from ._node import NodePeer

PEER = NodePeer(name="ws", title="ws", program="ws.mjs", packages=("ws", "bufferutil"), deflate=True)
