"""What a slow link shows is new: little waits in the kernel, and what is passed over is told."""

import array
import fcntl
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing.frames import TEXT, encode
from tests.patience import PATIENCE

from .conftest import certified, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked in Linux's way")

SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that were written and never sent
BOUND = 16 << 10  # kernel_unsent
SEGMENT = 64 << 10  # what is once begun is filled: at most this much more
HEAD = "GET {} HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


def app() -> rtcore.App:
    made = rtcore.App()
    made.rooms("feed", policy="latest")
    return made


def at_the_server(name: tuple[str, int]) -> int:
    """The descriptor of the server's end, which is in this process too."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            found = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        try:
            if found.getpeername() == name:
                return found.detach()
        except OSError:
            pass
        finally:
            found.close()
    raise AssertionError(f"no socket is connected to {name}")


def unsent(fd: int) -> int:
    """What waits in the kernel and was never sent."""
    count = array.array("i", [0])
    fcntl.ioctl(fd, SIOCOUTQNSD, count)
    return count[0]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("way", ["websocket", "sse"])
async def test_little_waits_unsent_in_the_kernel_and_the_gap_is_told(
    way: str, tls: bool, tmp_path: Path
) -> None:
    """The kernel took megabytes for a peer that reads slowly, and all of it was heard before anything new."""
    settings: dict[str, Any]
    trust: ssl.SSLContext | None
    settings, trust = certified(tmp_path) if tls else ({}, None)
    feed = app()
    async with serving(feed, **settings) as server:
        raw = trio.socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await raw.connect(("127.0.0.1", server.port))
        fd = -1
        stream: trio.abc.Stream = trio.SocketStream(raw)
        if trust is not None:
            stream = trio.SSLStream(stream, trust, server_hostname="127.0.0.1", https_compatible=True)
        try:
            if way == "sse":
                await stream.send_all((HEAD.format("/rt/sse?room=feed") + "\r\n").encode())
            else:
                await stream.send_all((HEAD.format("/rt/ws") + UPGRADE + KEY + "\r\n").encode())
                for message in (b'{"type":"hello"}', b'{"type":"join","id":1,"room":"feed"}'):
                    await stream.send_all(encode(TEXT, message, mask=b"slow"))
            heard = b""
            with trio.fail_after(PATIENCE):
                while b'"type":"ack"' not in heard and (way != "sse" or b"welcome" not in heard):
                    heard += bytes(await stream.receive_some(4096))
            fd = at_the_server(raw.getsockname())
            room, most = feed.room("feed"), 0
            for n in range(500):  # 2 MB, of which nothing is read
                room.publish_nowait("tick", {"n": n, "pad": "x" * 4000})
                await trio.lowlevel.checkpoint()
                most = max(most, unsent(fd))
            assert most <= BOUND + SEGMENT, f"{most} bytes wait unsent in the kernel"
            with trio.fail_after(PATIENCE):
                while b'"n":499,' not in heard:
                    data = bytes(await stream.receive_some(1 << 16))
                    assert data, "the connection ended"
                    heard += data
            assert b'"type":"gap","room":"feed"' in heard
            assert heard.count(b'"pad"') < 200, "what is old was passed over"
        finally:
            if fd >= 0:
                os.close(fd)
            await trio.aclose_forcefully(stream)
