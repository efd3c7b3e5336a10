"""How old is what a slow reader sees? A feed of 190 KB/s in a room with `policy="latest"`, read at 60 KB/s.

    python -m bench.age [--seconds 15] [--limit kernel_unsent=0]

Each way (WebSocket, event stream, both by TLS) is played alone, on loopback, with a small receive buffer, as
a slow link has it. An entry's age is the time from when it was said to when all of it was read.
"""

from __future__ import annotations

import argparse
import re
import socket
import ssl
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio
import trustme

import rtcore
from rtcore.testing.frames import TEXT, encode

FEED, SLOW = 190_000, 60_000  # bytes a second
SIZE = 1_000  # of an entry
WINDOW = 8 << 10  # the reader's buffer
WARM = 5.0  # seconds in which the feed outruns the reader
SAID = re.compile(rb'"t":([0-9.]+)')
GAP = b'"type":"gap"'
MASK = b"age!"


def application() -> rtcore.App:
    """One room, and a task that speaks in it."""
    app = rtcore.App()
    app.rooms("feed", policy="latest")

    @app.background
    async def feed(app: rtcore.App) -> None:
        room = app.room("feed")
        began, said = trio.current_time(), 0
        while True:
            while said * SIZE < (trio.current_time() - began) * FEED:
                room.publish_nowait("tick", {"t": trio.current_time(), "pad": "x" * (SIZE - 100)})
                said += 1
            await trio.sleep(0.005)

    return app


class Slow(trio.abc.Stream):
    """A stream that is read no faster than `SLOW`."""

    def __init__(self, inner: trio.SocketStream) -> None:
        self.inner = inner
        self.due = trio.current_time()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.sleep_until(self.due)
        data = bytes(await self.inner.receive_some(2048))
        self.due = max(self.due, trio.current_time() - 0.05) + len(data) / SLOW
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.inner.aclose()


async def by_websocket(stream: trio.abc.Stream) -> None:
    head = "GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    await stream.send_all((head + key).encode())
    await stream.send_all(encode(TEXT, b'{"type":"hello"}', mask=MASK))
    await stream.send_all(encode(TEXT, b'{"type":"join","id":1,"room":"feed"}', mask=MASK))


async def by_event_stream(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"GET /rt/sse?room=feed HTTP/1.1\r\nHost: localhost\r\n\r\n")


async def play(
    port: int,
    trust: ssl.SSLContext | None,
    begin: Callable[[trio.abc.Stream], Awaitable[None]],
    seconds: float,
) -> tuple[list[float], int]:
    """Read for so long; the ages after the warm-up, and how many gaps were told."""
    raw = trio.socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    await raw.connect(("127.0.0.1", port))
    stream: trio.abc.Stream = Slow(trio.SocketStream(raw))
    if trust is not None:
        stream = trio.SSLStream(stream, trust, server_hostname="127.0.0.1", https_compatible=True)
    ages: list[float] = []
    gaps, rest = 0, b""
    try:
        await begin(stream)
        counted = trio.current_time() + WARM
        with trio.move_on_after(WARM + seconds):
            while data := await stream.receive_some(4096):
                whole, _, rest = (rest + data).rpartition(b"pad")
                gaps += whole.count(GAP)
                now = trio.current_time()
                if now > counted:
                    ages += [now - float(said) for said in SAID.findall(whole)]
    finally:
        await trio.aclose_forcefully(stream)
    return ages, gaps


async def main(seconds: float, limits: dict[str, str]) -> None:
    """Play each way and print what was measured."""
    print("| way | median age | oldest | gaps told |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "server.pem"
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        for secure in (None, trust):
            settings: dict[str, Any] = {} if secure is None else {"certificate": str(certificate)}
            serve = partial(rtcore.serve, application(), port=0, signals=False, limits=limits, **settings)
            async with trio.open_nursery() as nursery:
                addresses = await nursery.start(serve)
                for way, begin in (("WebSocket", by_websocket), ("event stream", by_event_stream)):
                    ages, gaps = await play(addresses[0].port, secure, begin, seconds)
                    name = way + (" by TLS" if secure else "")
                    figures = f"{statistics.median(ages):.2f} s | {max(ages):.2f} s | {gaps}"
                    print(f"| {name} | {figures} |", flush=True)
                nursery.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    trio.run(main, given.seconds, dict(each.split("=", 1) for each in given.limit))
