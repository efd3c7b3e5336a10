"""trio-websocket: WebSocket for Trio, all in Python.

It has no broadcast: each connection is sent to, one after the other, and whoever is slow is waited for. Its
buffer is set to 64 KiB from the default of 4 KiB, which is what it leaves to tune. It knows no compression.
"""

from __future__ import annotations

import contextlib

from ._python import PythonPeer, announce, listener
from .peer import Work

PEER = PythonPeer(
    name="trio-websocket", title="trio-websocket", module=__name__, packages=("trio-websocket", "trio")
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import trio
    import trio_websocket
    from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest

    heard_by: set[WebSocketConnection] = set()

    async def echo(socket: WebSocketConnection) -> None:
        while True:
            await socket.send_message(await socket.get_message())

    async def fanout(socket: WebSocketConnection) -> None:
        heard_by.add(socket)
        try:
            while True:
                message = await socket.get_message()
                for one in tuple(heard_by):
                    with contextlib.suppress(ConnectionClosed):  # it is just leaving
                        await one.send_message(message)
        finally:
            heard_by.discard(socket)

    async def client(request: WebSocketRequest) -> None:
        socket = await request.accept()
        with contextlib.suppress(ConnectionClosed):
            await {"echo": echo, "fanout": fanout}[work](socket)

    async def main() -> None:
        listening = listener()
        listening.setblocking(False)
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listening))]
        server = trio_websocket.WebSocketServer(client, listeners, receive_buffer_size=1 << 16)
        announce(listening)
        await server.run()

    trio.run(main)
