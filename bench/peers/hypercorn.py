"""Hypercorn with its Trio worker, a bare ASGI application on it. It answers an offer of compression.

Its command line would start the worker in a child; `hypercorn.trio.serve` is the same worker in this process.
"""

from __future__ import annotations

from typing import Any, cast

from ._asgi import application
from ._python import PythonPeer, announce, listener
from .peer import Work

PEER = PythonPeer(
    name="hypercorn",
    title="Hypercorn, Trio worker",
    module=__name__,
    packages=("hypercorn", "trio"),
    deflate=True,
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import trio
    from hypercorn.config import Config
    from hypercorn.trio import serve as serve_trio

    listening = listener()
    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.accesslog = None
    config.loglevel = "WARNING"
    # It serves a connection for as long as it lasts.
    config.websocket_ping_interval = None

    async def main() -> None:
        announce(listening)
        await serve_trio(cast("Any", application), config)

    trio.run(main)
