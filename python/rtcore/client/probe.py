"""One connection, looked at closely: what `rtcore doctor` learns from."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from .bell import Bell
from .event import Event
from .links.compressing import ORDER
from .links.link import Ended, Link, Useless
from .links.opening import Dial, Opening
from .links.target import Target
from .words import Said, encode

PATIENCE = 8.0
"""Seconds for an answer."""


class Probe:
    """A link that has said hello. `welcome` is None where none came; `ended` says how it ended, if it did."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.welcome: Said | None = None
        self.heard: list[Said] = []
        self.ended: Ended | None = None
        self.failed: Exception | None = None
        self.bytes_seen = 0
        self._bell = Bell()

    def messages(self, messages: list[Said]) -> None:
        """What comes."""
        for said in messages:
            if said["type"] == "welcome":
                self.welcome = said
                self.link.welcomed(said["session"], said["key"] or "", said.get("compress"))
            self.heard.append(said)
        self._bell.ring()

    def events(self, events: list[Event], size: int) -> None:
        """What a probe does not listen for: it joins nothing."""
        del events, size

    def alive(self) -> None:
        """Bytes came."""
        self.bytes_seen += 1

    async def wants_more(self) -> None:
        """Always."""

    async def run(self) -> None:
        """Until it ends."""
        try:
            self.ended = await self.link.run(self)
        except (OSError, Useless) as error:
            self.failed = error
        self._bell.ring()

    def say(self, said: Said, *, hello: bool = False) -> None:
        """Say this."""
        self.link.say((encode(said),), hello=hello)

    async def until(self, kind: str, patience: float = PATIENCE) -> Said | None:
        """The next message of this kind, or None if none comes in time."""
        with trio.move_on_after(patience):
            while True:
                for said in self.heard:
                    if said["type"] == kind:
                        self.heard.remove(said)
                        return said
                if self.ended is not None or self.failed is not None:
                    return None
                self._bell.silent()
                await self._bell.wait()
        return None

    async def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself in this time."""
        with trio.move_on_after(seconds):
            while self.ended is None and self.failed is None:
                self._bell.silent()
                await self._bell.wait()
            return True
        return False

    async def round_trips(self, count: int) -> list[float]:
        """Seconds that so many pings took, those without an answer left out."""
        found: list[float] = []
        for number in range(count):
            began = time.perf_counter()
            self.say({"type": "ping", "time": number})
            if await self.until("pong") is None:
                break
            found.append(time.perf_counter() - began)
        return found


@asynccontextmanager
async def probe(target: Target, transport: str, *, dial: Dial, hello: dict[str, Any]) -> AsyncIterator[Probe]:
    """Open a transport, say hello and wait for the welcome. Raises as `Opening.open` does."""
    link = await Opening(target, dial=dial).open(transport, known=True)
    looked = Probe(link)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(looked.run)
        said = {"type": "hello", "v": 1, "n": 1, "client": "rtcore-doctor", "compress": ORDER, **hello}
        looked.say(said, hello=True)
        await looked.until("welcome")
        yield looked
        if looked.welcome is not None:
            looked.say({"type": "bye"})
        link.shut(1000, "done")
        await looked.ends_within(1.0)
        nursery.cancel_scope.cancel()


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
