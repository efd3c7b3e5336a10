"""uvicorn, a bare ASGI application on it, uvloop beneath it. Its WebSocket protocol: see _uvicorn.py."""

from __future__ import annotations

from ._asgi import application
from ._python import PythonPeer
from ._uvicorn import serve_asgi
from .peer import Work

PEER = PythonPeer(
    name="uvicorn",
    title="uvicorn",
    module=__name__,
    packages=("uvicorn", "websockets"),
    faster=("uvloop", "httptools"),
    deflate=True,
)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    serve_asgi(application)
