"""uvicorn as the peers run it: one process, no log, no ping within a measurement."""

from __future__ import annotations

from typing import Any

from ._python import announce, listener

# The fastest of `websockets`, `websockets-sansio` and `wsproto`, measured with the versions that are pinned.
PROTOCOL = "websockets-sansio"


def serve_asgi(application: Any) -> None:
    """Serve an ASGI application until the process is ended, with uvloop and httptools when they are there."""
    import uvicorn  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]

    listening = listener()
    config = uvicorn.Config(
        application,
        ws=PROTOCOL,
        ws_ping_interval=None,
        access_log=False,
        log_level="warning",
        # The load does not say goodbye: nobody is waited for.
        timeout_graceful_shutdown=1,
    )
    announce(listening)
    uvicorn.Server(config).run(sockets=[listening])
