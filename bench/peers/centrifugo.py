"""Centrifugo: a server in Go that speaks its own protocol, here as JSON over WebSocket.

Fan-out alone: to answer a client's message it asks a backend, which would be measured with it.

CENTRIFUGO names its binary (6 or newer). It runs on one thread (GOMAXPROCS=1), with its memory engine, no
history and no presence. A client of it that is slow is disconnected when its queue is full; the queue is
made large enough that none is here. The client's commands go as one frame each; the server may put several
messages in one frame.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from ._python import listener
from .peer import BUILT, Peer, Work

START = 20  # seconds it may take to listen


def _binary() -> str | None:
    """Where it is, if it is anywhere."""
    named = os.environ.get("CENTRIFUGO")
    return shutil.which(named) if named else None


@dataclass(frozen=True)
class _Centrifugo(Peer):
    def missing(self) -> str | None:
        named = os.environ.get("CENTRIFUGO")
        if not named:
            return "CENTRIFUGO does not name its binary. Remedy: CENTRIFUGO=/path/to/centrifugo"
        return None if _binary() else f"CENTRIFUGO names {named}, which is no program"

    def command(self, work: Work) -> list[str]:
        return [sys.executable, "-m", "bench.peers._serve", __name__, work]

    def version(self) -> str:
        if not (binary := _binary()):
            return ""
        said = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
        return said.removeprefix("Centrifugo").strip()

    def load(self, work: Work) -> tuple[str, ...]:
        return (
            *("--path", "/connection/websocket"),
            *("--init", '{"id":1,"connect":{}}', "--init", '{"id":2,"subscribe":{"channel":"all"}}'),
            *("--ready", '"id":2,"subscribe"'),
            *("--publish", '{"id":%I,"publish":{"channel":"all","data":"%M"}}'),
        )


PEER = _Centrifugo(
    name="centrifugo", title="Centrifugo", language="Go", works=frozenset({"fanout"}), deflate=True
)


def _config(port: int) -> dict[str, object]:
    return {
        "http_server": {"address": "127.0.0.1", "port": port},
        "log": {"level": "error"},
        "client": {
            "allowed_origins": ["*"],
            # Anyone may connect, subscribe and publish, without a token.
            "insecure": True,
            "queue_max_size": 1 << 30,
            # No ping within a measurement.
            "ping_interval": "600s",
            "pong_timeout": "60s",
        },
        "websocket": {"compression": True},
    }


def serve(work: Work) -> None:
    """Become Centrifugo: this process is replaced by it, and a child says when it listens."""
    binary = _binary()
    assert binary is not None, "`missing` was not asked"
    with listener() as free:
        port = free.getsockname()[1]
    BUILT.mkdir(parents=True, exist_ok=True)
    path = BUILT / "centrifugo.json"
    path.write_text(json.dumps(_config(port), indent=1))
    if os.fork():
        os.execve(binary, [binary, "-c", str(path)], {**os.environ, "GOMAXPROCS": "1"})
    end = time.monotonic() + START
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            print(f"http://127.0.0.1:{port}", flush=True)
            break
    os._exit(0)
