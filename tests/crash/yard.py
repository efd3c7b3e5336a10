"""A folder on a bad disk, the servers that live in it, and their clients."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final

from tests.contract.http1 import Connection
from tests.contract.link import Place
from tests.contract.peer import Peer
from tests.contract.websocket import WebSocket

from .disk import Disk, forget
from .place import Life, Nest
from .world import LIMITS

AGAIN: Final = {"UNAVAILABLE", "OUTCOME_UNKNOWN"}


class Yard:
    """A folder on a bad disk, the servers that live in it one after the other, and their clients."""

    def __init__(self, folder: Path, nest: Nest, disk: Disk) -> None:
        self.folder, self.nest, self.disk = folder, nest, disk
        self.life: Life | None = None
        self.place: Place | None = None
        self.peers: list[Peer] = []

    @property
    def data(self) -> Path:
        """Where the log is."""
        return self.folder / "data"

    @property
    def log(self) -> str:
        """What the servers have said."""
        return (self.folder / "log").read_text(encoding="utf-8")

    async def start(self) -> None:
        """The next server."""
        self.life = Life(self.nest, self.folder, self.disk.env(self.data, shadow=True), LIMITS)
        self.place = await self.life.reached()

    def kill(self) -> None:
        """`kill -9`."""
        for peer in self.peers:
            peer.drop()
        if self.life is not None:
            self.life.kill()
            self.life = None
        self.disk.calm()

    async def cut(self, dice: random.Random) -> None:
        """The power goes, and what was not synced with it; and it is back."""
        self.kill()
        forget(self.data, dice)
        self.disk.reboot()
        await self.start()

    async def again(self) -> None:
        """`kill -9`, and the next one."""
        self.kill()
        await self.start()

    async def come(self, name: str, *rooms: str) -> Peer:
        """A session in these rooms."""
        assert self.place is not None
        peer = Peer(self.place, WebSocket)
        self.peers.append(peer)
        await peer.hello(token=name)
        for room in rooms:
            await peer.join(room)
        return peer

    async def health(self) -> list[str]:
        """The lines of `/healthz`."""
        assert self.place is not None
        async with await self.place.connect() as stream:
            answer = await Connection(stream, self.place.host).request("GET", "/healthz")
        assert answer.status == 200, "a restart mends no disk"
        return answer.body.decode().splitlines()

    async def kept(self) -> list[Any]:
        """What is kept of the durable room, as somebody reads it who was never there."""
        return await past(await self.come("reader", "full:a"))


async def past(peer: Peer) -> list[Any]:
    """What is kept of the durable room, as this one reads it."""
    page = await peer.ok("history", room="full:a", after=peer.at(0), limit=500)
    assert page["more"] is False
    return [entry["data"] for entry in page["history"]]


async def outcome(peer: Peer, data: object) -> str:
    """Publish in the durable room: "done", or the code of the error: try again, or nobody knows."""
    ack = await peer.ack(await peer.ask("publish", room="full:a", event="say", data=data))
    if "error" not in ack:
        return "done"
    code = str(ack["error"]["code"])
    assert code in AGAIN, ack
    assert ack["error"]["retry"] is (code == "UNAVAILABLE")
    return code
