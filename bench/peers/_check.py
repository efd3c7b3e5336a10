"""Start a peer and see that it does its work: everyone hears everything, as it was said and in order.

Half of the clients offer permessage-deflate and half do not, so that `Peer.deflate` is checked too and a
mixed audience is served. The client is websockets on Trio; a peer that is measured never sees it.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import trio
from websockets.trio.client import ClientConnection, connect

from .peer import BUILT, ROOT, Peer, Work

CONNECTIONS = 20
EACH = 10  # messages of each connection: 200 in all
PATIENCE = 30  # seconds for the whole of a check, and for the start
GRACE = 5  # seconds from SIGTERM to the end
# Every tenth message is long enough to be compressed by those that compress at all.
SHORT, LONG = 100, 3000
MARK = re.compile(r"@@([0-9a-f]{4})([0-9a-f]{12})@@")
# The number of the message by which a client learns that it is heard, itself included.
PROBE = 0xFFFF


class FailedError(Exception):
    """It does not do its work, and how."""


@dataclass(frozen=True)
class Manner:
    """The load generator's arguments, read: how a client of this peer speaks."""

    path: str = "/"
    init: tuple[str, ...] = ()
    ready: str | None = None
    publish: str = "%M"

    @classmethod
    def of(cls, load: tuple[str, ...]) -> Manner:
        """Read them. `--member` is `--init` here: everyone publishes."""
        given = list(zip(load[::2], load[1::2], strict=True))
        single = dict(given)
        return cls(
            path=single.get("--path", "/"),
            init=tuple(text for option, text in given if option in ("--init", "--member")),
            ready=single.get("--ready"),
            publish=single.get("--publish", "%M"),
        )


def payload(sender: int, number: int) -> str:
    """What one says: a mark, and a length that is not always the same."""
    length = LONG if number % EACH == EACH - 1 else SHORT
    return f"@@{sender:04x}{number:012x}@@".ljust(length, "abcdefgh"[sender % 8])


@dataclass
class Client:
    """One connection: what it has heard, by who said it."""

    number: int
    manner: Manner
    work: Work
    heard: dict[int, int] = field(default_factory=dict)
    ready: trio.Event = field(default_factory=trio.Event)
    joined: trio.Event = field(default_factory=trio.Event)

    @property
    def wanted(self) -> int:
        """How many it must hear in all."""
        return EACH if self.work == "echo" else EACH * CONNECTIONS

    def said(self, number: int) -> str:
        """A message of its own on the wire."""
        text = self.manner.publish.replace("%I", str(1000 + number))
        return text.replace("%M", payload(self.number, number))

    def take(self, message: str | bytes) -> None:
        """Hold what came against what must come."""
        if not isinstance(message, str):
            raise FailedError(f"connection {self.number} was sent a binary frame; text was said")
        if self.manner.ready is not None and self.manner.ready in message:
            self.ready.set()
        for mark in MARK.finditer(message):
            sender, number = int(mark[1], 16), int(mark[2], 16)
            if self.work == "echo" and sender != self.number:
                raise FailedError(f"connection {self.number} was sent the echo of {sender}")
            if number == PROBE:
                if sender == self.number:
                    self.joined.set()
                continue
            if number != (due := self.heard.get(sender, 0)):
                raise FailedError(f"connection {self.number} heard {number} of {sender}; {due} was due")
            whole = payload(sender, number)
            if message != whole if self.manner.publish == "%M" else whole not in message:
                raise FailedError(f"connection {self.number} heard {number} of {sender} not as it was said")
            self.heard[sender] = due + 1

    async def listen(self, socket: ClientConnection) -> None:
        """Until it has heard all; what is more than that is out of order, and fails."""
        while sum(self.heard.values()) < self.wanted:
            self.take(await socket.recv())


async def _speak(client: Client, peer: Peer, url: str, all_joined: trio.Event, joined: list[int]) -> None:
    """The life of one connection."""
    compression = "deflate" if client.number % 2 else None
    async with connect(
        url, compression=compression, proxy=None, ping_interval=None, close_timeout=1
    ) as socket:
        agreed = bool(socket.protocol.extensions)
        if compression and agreed != peer.deflate:
            raise FailedError(f"permessage-deflate agreed on: {agreed}; its file says {peer.deflate}")
        if not compression and agreed:
            raise FailedError("it agrees on permessage-deflate that was not offered")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.listen, socket)
            for text in client.manner.init:
                await socket.send(text)
            if client.manner.ready is not None:
                await client.ready.wait()
            # Open is not joined: a server may answer first, and add the connection later.
            await socket.send(client.said(PROBE))
            await client.joined.wait()
            joined.append(client.number)
            if len(joined) == CONNECTIONS:
                all_joined.set()
            await all_joined.wait()
            for number in range(EACH):
                await socket.send(client.said(number))
        # Nobody leaves before all have heard all: a leaver's socket is no part of the check.
        joined.remove(client.number)
        while joined:
            await trio.lowlevel.checkpoint()


@contextlib.asynccontextmanager
async def started(peer: Peer, work: Work) -> AsyncIterator[int]:
    """The peer's server until the block ends. Gives the port that it says."""
    BUILT.mkdir(parents=True, exist_ok=True)
    log = BUILT / f"{peer.name}.log"
    with log.open("wb") as errors:
        process = await trio.lowlevel.open_process(
            peer.command(work), cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    assert process.stdout is not None
    try:
        seen = ""
        with trio.move_on_after(PATIENCE):
            async for chunk in process.stdout:
                seen += chunk.decode(errors="replace")
                if match := re.search(r"http://127\.0\.0\.1:(\d+)\n", seen):
                    yield int(match[1])
                    return
        raise FailedError(f"it did not say where it listens: {(seen + _tail(log)) or 'it says nothing'}")
    finally:
        with trio.CancelScope(shield=True):
            await _ended(process)


async def _ended(process: trio.Process) -> None:
    """End it, with its children, and see that it ends when it is asked to."""
    process.terminate()
    with trio.move_on_after(GRACE):
        await process.wait()
        return
    process.send_signal(signal.SIGKILL)
    await process.wait()
    raise FailedError(f"it did not end within {GRACE} s of SIGTERM")


def _tail(log: Path) -> str:
    """The end of what it logged."""
    return log.read_text(errors="replace")[-1500:]


async def run(peer: Peer, work: Work) -> None:
    """Check one work of one peer. Raises `FailedError`."""
    manner = Manner.of(peer.load(work))
    all_joined, joined = trio.Event(), list[int]()
    clients = [Client(number, manner, work) for number in range(CONNECTIONS)]
    async with started(peer, work) as port:
        try:
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    for client in clients:
                        url = f"ws://127.0.0.1:{port}{manner.path}"
                        nursery.start_soon(_speak, client, peer, url, all_joined, joined)
        except* FailedError as failures:
            raise _first(failures) from None
        except* trio.TooSlowError:
            heard = sum(sum(client.heard.values()) for client in clients)
            wanted = sum(client.wanted for client in clients)
            raise FailedError(f"after {PATIENCE} s {heard} of {wanted} deliveries were heard") from None
        except* Exception as broken:  # noqa: BLE001 - whatever breaks is told
            raise FailedError(
                f"a connection broke: {_first(broken)!r}; it logged: {_tail(BUILT / f'{peer.name}.log')}"
            ) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One that tells what happened: the others follow from it."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def check(peer: Peer, out: IO[str]) -> bool:
    """Check every work of a peer, and say how it went."""
    good = True
    for work in sorted(peer.works):
        out.write(f"{peer.name} {work} … ")
        out.flush()
        begin = time.monotonic()
        try:
            trio.run(run, peer, work)
        except FailedError as failure:
            good = False
            out.write(f"FAILED: {failure}\n")
        else:
            heard = CONNECTIONS * EACH * (1 if work == "echo" else CONNECTIONS)
            out.write(f"ok: {heard} deliveries in order, {time.monotonic() - begin:.1f} s\n")
    return good
