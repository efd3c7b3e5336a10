"""granian, a bare ASGI application on it: its WebSocket is in Rust, and knows no compression.

It is three threads and more in two processes whatever it is told: a parent that only waits, and one worker
with one runtime thread beside Python's. CPU time is that of both together.
"""

from __future__ import annotations

import os
from typing import Any

from ._python import PythonPeer, listener
from .peer import Work

PEER = PythonPeer(name="granian", title="granian", module=__name__, packages=("granian",), faster=("uvloop",))


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import granian  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]
    from granian.constants import (  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]
        Interfaces,
    )

    # It makes its own socket: take a free port, and let go of it.
    with listener() as free:
        port = free.getsockname()[1]
    os.environ["PEER_PORT"] = str(port)
    server: Any = granian.Granian(
        "bench.peers._asgi:application",
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        runtime_threads=1,
        backlog=4096,
        # Each connection counts as one request for as long as it lasts.
        backpressure=100_000,
        log_access=False,
        log_level="warning",
        workers_kill_timeout=1,
    )
    server.serve()
