"""Who is here: a snapshot with the join and with the resume, then differences, applied as sets."""

from __future__ import annotations

from .conftest import BRISK, Dial, Ground, Way
from .link import Message
from .peer import Peer
from .polling import Polling
from .sse import Sse
from .websocket import WebSocket


class Here:
    """What one peer knows of who is in a room."""

    def __init__(self, peer: Peer, room: str, members: list[Message]) -> None:
        self.peer, self.room = peer, room
        self.sessions = {member["session"] for member in members}
        self.changes: list[Message] = []

    async def becomes(self, *peers: Peer) -> None:
        """Wait until exactly these are here."""
        expected = {peer.session for peer in peers}
        while self.sessions != expected:
            message = await self.peer.expect("presence", room=self.room)
            self.sessions -= {member["session"] for member in message["left"]}
            self.sessions |= {member["session"] for member in message["joined"]}
            self.changes.append(message)
            assert message["count"] == len(self.sessions), (message, self.sessions)


async def test_who_comes_and_who_goes_is_told(way: Way, dial: Dial, ann: Peer, bob: Peer, room: str) -> None:
    seen = Here(bob, room, (await bob.join(room))["members"])
    here = Here(ann, room, (await ann.join(room))["members"])
    await here.becomes(ann, bob)
    await seen.becomes(ann, bob)
    third = await dial().hello()
    await third.join(room)
    await here.becomes(ann, bob, third)
    await third.ok("leave", room=room)
    await here.becomes(ann, bob)
    await ann.bye()
    await seen.becomes(bob)


async def test_a_short_drop_is_heard_by_nobody(way: Way, dial: Dial, ann: Peer, bob: Peer, room: str) -> None:
    seen = Here(bob, room, (await bob.join(room))["members"])
    await ann.join(room)
    await seen.becomes(ann, bob)
    seen.changes.clear()
    ann.drop()
    await ann.come_back()
    third = await dial().hello()
    await third.join(room)
    await seen.becomes(ann, bob, third)
    assert [message["left"] for message in seen.changes] == [[]]
    assert await ann.emit("echo", 1) == 1


async def test_moving_is_heard_by_nobody(way: Way, dial: Dial, ann: Peer, bob: Peer, room: str) -> None:
    seen = Here(bob, room, (await bob.join(room))["members"])
    await ann.join(room)
    await seen.becomes(ann, bob)
    seen.changes.clear()
    for kind in (WebSocket, Sse, Polling, way.link):
        await ann.move(kind)
        told = await ann.expect("room", room=room)
        assert {member["session"] for member in told["members"]} == {ann.session, bob.session}
    third = await dial().hello()
    await third.join(room)
    await seen.becomes(ann, bob, third)
    assert all(message["left"] == [] for message in seen.changes)


async def test_after_the_window_one_is_gone(way: Way, ground: Ground, dial: Dial, room: str) -> None:
    place = ground.place(way.served, **BRISK)
    ann, bob = await dial(place=place).hello(), await dial(WebSocket, place).hello()
    seen = Here(bob, room, (await bob.join(room))["members"])
    await ann.join(room)
    await seen.becomes(ann, bob)
    ann.drop()
    await seen.becomes(bob)
    await ann.come_back()
    assert ann.welcome["resumed"] is False
