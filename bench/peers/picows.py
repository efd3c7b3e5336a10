"""picows: WebSocket in Cython on asyncio, with plain callbacks. The fastest of the Python libraries.

It keeps what a socket does not take in its transport, and drops nothing. It knows no compression.
"""

from __future__ import annotations

from typing import Any

from ._python import PythonPeer, announce, listener, run_asyncio
from .peer import Work

PEER = PythonPeer(name="picows", title="picows", module=__name__, packages=("picows",), faster=("uvloop",))


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import picows  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]

    kinds = (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY)
    heard_by: set[Any] = set()

    class Echo(picows.WSListener):  # type: ignore[misc, unused-ignore]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type in kinds:
                transport.send(frame.msg_type, frame.get_payload_as_memoryview())

    class Fanout(picows.WSListener):  # type: ignore[misc, unused-ignore]
        def on_ws_connected(self, transport: Any) -> None:
            heard_by.add(transport)

        def on_ws_disconnected(self, transport: Any) -> None:
            heard_by.discard(transport)

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type in kinds:
                kind, payload = frame.msg_type, frame.get_payload_as_bytes()
                for one in heard_by:
                    one.send(kind, payload)

    async def main() -> None:
        listening = listener()
        made = {"echo": Echo, "fanout": Fanout}[work]
        server = await picows.ws_create_server(lambda _request: made(), sock=listening, backlog=4096)
        announce(listening)
        await server.serve_forever()

    run_asyncio(main)
