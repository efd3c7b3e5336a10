"""The application layer over the real core: in memory, on a clock that jumps, with both ways of waking."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
import trio
import trio.testing

from rtcore._backend.interface import Peer
from rtcore.testing import MemoryServer


@pytest.fixture(params=["direct", "reschedule"], autouse=True)
def step(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs with the direct step and with plain reschedule: the behaviour is the same."""
    monkeypatch.setenv("RTCORE_STEP", request.param)
    return str(request.param)


@pytest.fixture
def narrow() -> Callable[[MemoryServer], trio.abc.Stream]:
    """A connection that holds nothing on its way: what its client does not read stays with the server."""
    ports = count(20_000)

    def connect(server: MemoryServer) -> trio.abc.Stream:
        ours, theirs = trio.testing.lockstep_stream_pair()
        server._nursery.start_soon(server._carry, theirs, Peer("127.0.0.1", next(ports)))
        return ours

    return connect
