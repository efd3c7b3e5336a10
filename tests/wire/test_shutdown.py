"""The end of the server, and the next one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from . import frames
from .conftest import Dial, Servers


@pytest.fixture
def own() -> Iterator[Servers]:
    """A server that this test may end."""
    servers = Servers()
    yield servers
    servers.stop()


def test_everybody_is_told_to_come_back_with_a_delay(dial: Dial, own: Servers) -> None:
    server = own.start(grace_ms=2000, close_ms=300)
    clients = [dial(server).hello() for _ in range(5)]
    server.terminate()
    delays = []
    for client in clients:
        closed = client.expect_bye(4000)
        assert closed.bye is not None
        delays.append(closed.bye["after"])
    assert all(0 <= delay <= 3 for delay in delays)
    assert len(set(delays)) > 1, "all of them at the same time would be a stampede"
    assert server.wait() == 0


def test_a_new_connection_is_not_taken(dial: Dial, own: Servers) -> None:
    server = own.start(grace_ms=2000, close_ms=300)
    ann = dial(server).hello()
    server.terminate()
    ann.expect_bye(4000)
    # Either the server has ended, or it drains still and says so.
    with contextlib.suppress(ConnectionError, AssertionError, TimeoutError):
        response = dial(server).response
        assert response is not None
        assert response.status == 503


def test_it_ends_within_the_grace_whatever_peers_do(dial: Dial, own: Servers) -> None:
    """One never reads, one never answers the close, one is in the middle of a head, one of a frame."""
    server = own.start(grace_ms=1000, close_ms=300)
    bob = dial(server).hello()
    deaf = dial(server, window=8 << 10).hello()
    deaf.join("deep:x")
    bob.emit("say-many", {"room": "deep:x", "count": 500, "size": 4000})
    rude = dial(server, pong=False).hello()
    rude.raw(frames.encode(frames.TEXT, b"x" * 100)[:50])
    head = dial(server, upgrade=False)
    head.raw(b"GET /rt/ws HTTP/1.1\r\nHost:")
    waiting = dial(server).hello()
    waiting.ask("emit", event="wait", data="for ever")
    server.terminate()
    assert server.wait() == 0


def test_a_running_handler_may_finish(dial: Dial, own: Servers) -> None:
    server = own.start(grace_ms=3000, close_ms=300)
    ann = dial(server).hello()
    number = ann.ask("emit", event="echo-async", data="done")
    server.terminate()
    assert ann.result(number) == "done"
    ann.expect_bye(4000)


def test_the_next_server_has_another_epoch(dial: Dial, own: Servers) -> None:
    first = own.start(grace_ms=1000, close_ms=300)
    ann = dial(first).hello()
    ann.join("relay:x")
    first.terminate()
    ann.expect_bye(4000)
    assert first.wait() == 0
    again = dial(own.start(grace_ms=1000, close_ms=300)).hello(**ann.returning())
    assert again.welcome["resumed"] is False
    assert again.welcome["epoch"] != ann.welcome["epoch"]
    assert again.session != ann.session
    gap = again.expect("gap", room="$all")
    assert (gap["from"], gap["reason"]) == (0, "epoch")
