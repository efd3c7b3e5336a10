"""What an operation waits for: a room that blocks. Bounded, and not said when the time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
import trio.testing

import rtcore
from rtcore._backend.interface import Peer
from rtcore.http_api.faults import Fault
from rtcore.http_api.keys import read_keys
from rtcore.http_api.messages import Publish
from rtcore.http_api.operations import Caller, publish
from rtcore.testing import MemoryServer, WireClient, memory_server

from .app import build


@asynccontextmanager
async def behind() -> AsyncIterator[tuple[MemoryServer, rtcore.App, WireClient]]:
    """A room that blocks, and a member who reads nothing until it is told to."""
    app = build()
    async with memory_server(app, limits={"block_ms": "5 s", "outbox": 2000}) as server:
        ours, theirs = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server._carry, theirs, Peer("127.0.0.1", 20_000))
            client = WireClient(ours)
            await client.open()
            await client.send({"type": "hello", "v": 1}, {"type": "join", "id": 1, "room": "slow:x"})
            await trio.sleep(1)
            yield server, app, client
            nursery.cancel_scope.cancel()


async def fill(app: rtcore.App, patience: float, seen: list[tuple[str, int, bool]]) -> int:
    """Publish until it is not done in time; how many were."""
    (key,) = read_keys(["k"])
    for number in range(300):
        caller = Caller(app, key, trio.current_time() + patience)
        try:
            await publish(
                caller, Publish(room="slow:x", event="n", data=msgspec.Raw(b'"%b"' % (b"x" * 1000)))
            )
        except Fault as fault:
            seen.append((fault.code, fault.status, fault.retry))
            return number
    raise AssertionError("nothing was ever waited for")


async def test_what_a_slow_member_holds_up_is_a_timeout(autojump_clock: trio.testing.MockClock) -> None:
    async with behind() as (server, app, _):
        seen: list[tuple[str, int, bool]] = []
        said = await fill(app, 1.0, seen)
        assert said > 0
        head = server.core.head()
        assert await fill(app, 1.0, seen) == 0
        assert seen == [("TIMEOUT", 504, True)] * 2
        assert server.core.head() == head  # what was not said has no number


async def test_with_more_patience_the_slow_member_is_closed_and_it_is_said(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with behind() as (_, app, _):
        with pytest.raises(AssertionError, match="nothing was ever waited for"):
            await fill(app, 10.0, [])
        assert trio.current_time() >= 5
