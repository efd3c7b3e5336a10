"""The end of a server, told to everybody in bounded time, however they listen."""

from __future__ import annotations

import pytest
import trio

from .conftest import Dial, Ground
from .http1 import Ended as Cut
from .http_peer import http_at
from .link import Link
from .peer import Peer, told
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

LIMITS = {"grace_ms": 2000, "close_ms": 300}  # what hangs would hang for longer than the test waits


@pytest.mark.parametrize("served", ["plain", "tls"])
async def test_everybody_is_told_to_come_back_with_a_delay(own: Ground, dial: Dial, served: str) -> None:
    server, place = own.server(served, **LIMITS), own.place(served, **LIMITS)
    kinds: list[type[Link]] = [WebSocket, MsgPackSocket, Sse, Polling] * 2
    peers = [await dial(kind, place).hello() for kind in kinds]
    for peer in peers:
        await peer.fence()
    delays = []

    async def listen(peer: Peer) -> None:
        delays.append((await told(peer.link, 4000))["after"])

    async with trio.open_nursery() as nursery:
        for peer in peers:
            nursery.start_soon(listen, peer)
        await trio.testing.wait_all_tasks_blocked(0.05)  # polls are parked
        server.terminate()
    assert server.wait() == 0
    assert all(0 <= delay <= 3 for delay in delays)
    assert len(set(delays)) > 1, "all of them at the same time would be a stampede"


async def test_it_ends_in_time_whatever_peers_do(own: Ground, dial: Dial) -> None:
    """A stream that nobody reads, a body that never comes, a poll of a peer that is gone, a send that
    waits.
    """
    server, place = own.server(**LIMITS), own.place(**LIMITS)
    async with http_at(place) as http:
        bob = await dial(WebSocket, place).hello()
        deaf = await dial(Sse, place.narrow()).hello()
        await deaf.join("deep:x")
        await deaf.fence()
        await bob.emit("say-many", {"room": "deep:x", "count": 500, "size": 4000})
        half = await http.open()
        await half.raw(b"POST /rt/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        idle = await http.open()
        assert (await idle.request("GET", "/rt/none")).status == 404
        one = await http.session()
        poll = await http.open()
        await poll.ask("GET", "/rt/poll?after=0&wait=25", one.fields)
        await one.send({"type": "emit", "id": 1, "event": "wait", "data": "for ever"})
        server.terminate()
        assert await trio.to_thread.run_sync(server.wait) == 0
        with pytest.raises((Cut, trio.BrokenResourceError)):
            await idle.request("GET", "/rt/none")


@pytest.mark.parametrize("kind", [WebSocket, Sse, Polling])
async def test_a_request_that_runs_is_still_answered(own: Ground, dial: Dial, kind: type[Link]) -> None:
    server, place = own.server(**LIMITS), own.place(**LIMITS)
    ann, bob = await dial(kind, place).hello(), await dial(WebSocket, place).hello()
    async with ann.ending():
        number = await ann.ask("emit", event="wait", data="x")
        await bob.emit("open", "x")
        server.terminate()
    assert await ann.result(number) == "x"
    assert ann.ended is not None
    # Between two polls nobody can be told: one that comes when all is done finds a port that is closed.
    assert ann.ended.code == 4000 or (kind is Polling and ann.ended.code == 1006)
