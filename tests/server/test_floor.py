"""A disk with less free than is left free on purpose: a small one, in a mount namespace of the server's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.contract.http1 import Connection
from tests.contract.link import Place
from tests.contract.peer import Peer
from tests.contract.websocket import WebSocket
from tests.wire.server import Server

MIB: Final = 1 << 20
SIZE: Final = 96 * MIB
FLOOR: Final = 64 * MIB
MOUNT: Final = f'mount -t tmpfs -o size={SIZE} rtcore "$0" && exec "$@"'
NAMESPACE: Final = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT)
BY: Final = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


def can(folder: Path) -> bool:
    """Whether a file system can be mounted here without being root."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, folder, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    """A server whose data is on a disk of 96 MiB, which nobody else sees."""
    data = tmp_path / "data"
    data.mkdir()
    if not can(data):
        pytest.skip("needs user namespaces of Linux, to mount a small disk")
    by = ("-c", BY, *NAMESPACE, str(data), sys.executable, "-m", "rtcore", "serve")
    server = Server("app_durable", ("--data", str(data)), by=by)
    try:
        yield server
    finally:
        server.stop()


def inside(server: Server, data: Path) -> Path:
    """The folder as the server sees it."""
    return Path(f"/proc/{server.process.pid}/root{data}")


async def code(peer: Peer, kind: str, **fields: object) -> tuple[str, str]:
    """The code and the words of the error that answers this; done, if there is none."""
    error = (await peer.ack(await peer.ask(kind, **fields))).get("error", {})
    return error.get("code", "done"), error.get("message", "")


async def health(server: Server) -> tuple[int, str]:
    """What is said at `/healthz`."""
    place = Place(server.address)
    async with await place.connect() as stream:
        answer = await Connection(stream, place.host).request("GET", "/healthz")
    return answer.status, answer.body.decode()


async def test_below_the_floor_durable_publishes_are_refused_and_readers_go_on(
    small: Server, tmp_path: Path
) -> None:
    disk = inside(small, tmp_path / "data")
    free = os.statvfs(disk)
    assert FLOOR < free.f_bavail * free.f_frsize < SIZE, "a disk of its own"
    ann, bob = Peer(Place(small.address), WebSocket), Peer(Place(small.address), WebSocket)
    try:
        for peer, name in ((ann, "ann"), (bob, "bob")):
            await peer.hello(token=name)
            for room in ("orders:a", "relay:a"):
                await peer.join(room)
        assert (await code(ann, "publish", room="orders:a", event="say", data=1))[0] == "done"
        assert (await health(small))[1].startswith("ok")
        filler = disk / "filler"
        filler.write_bytes(bytes(SIZE - FLOOR))
        refused, told = await code(ann, "publish", room="orders:a", event="say", data=2)
        assert refused == "UNAVAILABLE"
        assert "(full)" in told
        assert "log.db" not in told, "where it is, and how full, is for who runs the server"
        assert (await code(ann, "join", room="orders:b"))[0] == "UNAVAILABLE"
        status, said = await health(small)
        assert (status, "degraded" in said, f"{FLOOR} are kept free" in said) == (200, True, True)
        page = await bob.ok("history", room="orders:a", after=bob.at(0), limit=9)
        assert [entry["data"] for entry in page["history"]] == [1]
        assert (await code(ann, "publish", room="relay:a", event="say", data=3))[0] == "done"
        await bob.expect("event", room="relay:a", data=3)
        bob.drop()
        await bob.come_back(token="bob")
        assert bob.welcome["resumed"] is True
        assert (await code(bob, "leave", room="orders:a"))[0] == "done", (
            "what makes the log no larger is taken"
        )
        filler.unlink()
        assert (await code(ann, "publish", room="orders:a", event="say", data=4))[0] == "done"
        assert (await health(small))[1].startswith("ok")
    finally:
        ann.close()
        bob.close()
