"""socketify: uWebSockets from Python, plain callbacks, its own publish and subscribe for the fan-out.

`max_backpressure` 0 is no limit: with any other, messages to whoever is behind are dropped. Compression is
shared, as its examples have it.
"""

from __future__ import annotations

from typing import Any

from ._python import PythonPeer
from .peer import Work

PEER = PythonPeer(name="socketify", title="socketify", module=__name__, packages=("socketify",), deflate=True)


def serve(work: Work) -> None:
    """Serve until the process is ended."""
    import socketify  # type: ignore[import-not-found, unused-ignore]  # pyright: ignore[reportMissingImports]

    application = socketify.App()

    def joined(socket: Any) -> None:
        socket.subscribe("all")

    def echo(socket: Any, message: Any, opcode: Any) -> None:
        socket.send(message, opcode, compress=True)

    def fanout(socket: Any, message: Any, opcode: Any) -> None:
        application.publish("all", message, opcode, compress=True)

    behaviour: dict[str, Any] = {
        "compression": socketify.CompressOptions.SHARED_COMPRESSOR,
        "max_payload_length": 1 << 20,
        "max_backpressure": 0,
        "idle_timeout": 600,
    }
    application.ws("/echo", {**behaviour, "message": echo})
    application.ws("/fanout", {**behaviour, "open": joined, "message": fanout})
    application.listen(
        socketify.AppListenOptions(port=0, host="127.0.0.1"),
        lambda config: print(f"http://127.0.0.1:{config.port}", flush=True),
    )
    application.run()
