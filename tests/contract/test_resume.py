"""Coming back on the same transport: the session, its position, both ways."""

from __future__ import annotations

import pytest

from .conftest import BRISK, Dial, Ground, Way
from .peer import Peer
from .websocket import WebSocket


async def test_it_is_the_same_session_and_misses_nothing(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(2)]
    for each in rooms:
        await ann.join(each)
        await bob.join(each)
    await bob.publish(rooms[0], "heard")
    await ann.expect("event", data="heard")
    before, at = dict(ann.welcome), ann.position
    ann.drop()
    for n in range(20):
        await bob.publish(rooms[n % 2], n)
    ann.heard.clear()
    await ann.come_back()
    assert ann.welcome["resumed"] is True
    assert (ann.session, ann.welcome["key"]) == (before["session"], before["key"])
    assert ann.welcome["seq"] == at
    assert ann.welcome["head"] >= at + 20
    assert {(listed["room"], listed["complete"]) for listed in ann.welcome["rooms"]} == {
        (r, True) for r in rooms
    }
    await ann.fence()
    kinds = [m["type"] for m in ann.heard if m["type"] in ("welcome", "room", "event")]
    assert kinds[:3] == ["welcome", "room", "room"]
    missed = [(m["room"], m["data"]) for m in ann.heard if m["type"] == "event" and m.get("room") in rooms]
    assert missed == [(rooms[n % 2], n) for n in range(20)]
    ann.none("gap")


async def test_it_works_when_nothing_was_received_yet(
    way: Way, dial: Dial, ann: Peer, bob: Peer, room: str
) -> None:
    """`welcome` itself carries a position; without one it goes on from where the session began."""
    await ann.join(room)
    await bob.join(room)
    fields = ann.returning()
    for n in range(3):
        await bob.publish(room, n)
    ann.drop()
    again = await dial().hello(session=fields["session"], key=fields["key"])
    assert again.welcome["resumed"] is True
    assert again.welcome["seq"] == ann.welcome["seq"]
    await again.fence()
    assert again.events(room) == [0, 1, 2]
    again.drop()
    again = await dial().hello(**fields)
    await again.fence()
    assert again.events(room) == [0, 1, 2]


async def test_what_was_said_to_it_alone_and_to_all_is_made_up_for(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    await ann.emit("remember-me", name)
    ann.drop()
    for n in range(3):
        await bob.emit("tell-other", [name, n])
    await bob.emit("say-all", name)
    await ann.come_back()
    await ann.fence()
    assert [m["data"] for m in ann.heard if m.get("event") == "told"] == [0, 1, 2]
    assert [m["data"] for m in ann.heard if m.get("room") == "$all" and m["data"] == name] == [name]


@pytest.mark.parametrize("position", ["zz9zz.1", "{epoch}.{future}", "nonsense", "", "{epoch}.-1"])
async def test_a_position_that_says_nothing_is_a_gap_that_says_so(
    way: Way, ann: Peer, bob: Peer, room: str, position: str
) -> None:
    """Of another epoch, of the future, or unreadable."""
    await ann.join(room)
    await bob.join(room)
    ann.drop()
    await ann.come_back(position=position.format(epoch=ann.welcome["epoch"], future=2**50))
    assert ann.welcome["resumed"] is True
    await ann.fence()
    gaps = {m.get("room"): m for m in ann.heard if m["type"] == "gap"}
    assert {room, None, "$all"} <= set(gaps)
    assert all((m["from"], m["reason"]) == (0, "epoch") for m in gaps.values())
    await bob.publish(room, "on we go")
    await ann.expect("event", room=room, data="on we go")


async def test_taken_is_told_and_a_request_is_done_once_over_a_drop(way: Way, ann: Peer, name: str) -> None:
    await ann.say({"type": "emit", "id": 40, "event": "count", "data": name})
    assert await ann.result(40) == 1
    ann.drop()
    await ann.come_back()
    assert ann.welcome["taken"] == 40
    await ann.say({"type": "emit", "id": 40, "event": "count", "data": name})
    assert await ann.result(40) == 1
    ann.ids = 40
    assert await ann.emit("counted", name) == 1


async def test_a_running_request_is_acked_after_the_return(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    message = {"type": "emit", "id": ann.next_id(), "event": "count-wait", "data": name}
    await ann.say(message)
    while await bob.emit("counted", name) == 0:
        pass
    ann.drop()
    await ann.come_back()
    await ann.say(message)
    await bob.emit("open", name)
    assert await ann.result(message["id"]) == 1
    assert await ann.emit("counted", name) == 1


async def test_a_request_of_the_server_comes_again_with_its_id(way: Way, ann: Peer) -> None:
    message = {"type": "emit", "id": ann.next_id(), "event": "ask", "data": {"event": "question", "data": 17}}
    await ann.say(message)
    question = await ann.expect("request")
    ann.drop()
    await ann.come_back()
    assert (await ann.expect("request"))["id"] == question["id"]
    await ann.say({"type": "reply", "id": question["id"], "data": "answer"})
    await ann.say(message)
    assert await ann.result(message["id"]) == "answer"


async def test_each_room_is_authorized_again(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    room = f"guarded:{name}"
    await ann.join(room)
    await bob.join(room)
    ann.drop()
    await bob.emit("deny", room)
    await bob.publish(room, "not for ann")
    await ann.come_back()
    assert ann.welcome["resumed"] is True
    await bob.publish(room, "nor this")
    await ann.fence()
    assert ann.events(room) == []
    await ann.refused("FORBIDDEN", "publish", room=room, event="say")


async def test_bye_ends_the_session_at_once(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await ann.bye()
    await ann.come_back()
    assert ann.welcome["resumed"] is False
    assert (await bob.join(room))["count"] == 1


async def test_an_end_by_the_application_is_told_and_final(way: Way, ann: Peer) -> None:
    async with ann.ending():
        await ann.say({"type": "emit", "event": "end-me", "data": "enough for today"})
    assert ann.ended is not None
    assert ann.ended.bye is not None
    assert ann.ended.bye["code"] == 4503
    assert "enough for today" in ann.ended.bye["reason"]
    await ann.come_back()
    assert ann.welcome["resumed"] is False


async def test_who_returns_within_the_window_returns_and_later_not(
    way: Way, ground: Ground, dial: Dial, name: str
) -> None:
    place = ground.place(way.served, **BRISK)
    ann, bob = await dial(place=place).hello(), await dial(WebSocket, place).hello()
    await ann.emit("remember-me", name)
    ann.drop()
    while await bob.emit("is-connected", name):
        pass
    await ann.come_back()
    assert ann.welcome["resumed"] is True
    await ann.join(f"relay:{name}")
    await bob.join(f"relay:{name}")
    ann.drop()
    while (await bob.expect("presence", room=f"relay:{name}"))["count"] > 1:
        pass
    await ann.come_back()
    assert ann.welcome["resumed"] is False


@pytest.mark.parametrize("way", ["websocket", "sse", "polling", "wss", "polling-asgi"], indirect=True)
async def test_a_restart_is_a_new_epoch_and_a_gap(way: Way, own: Ground, dial: Dial) -> None:
    limits = {"grace_ms": 1000, "close_ms": 300}
    first = own.server(way.served, **limits)
    ann = await dial(place=own.place(way.served, **limits)).hello()
    await ann.join("relay:x")
    async with ann.ending():
        first.terminate()
    assert ann.ended is not None
    if way.served != "asgi":  # a server around rtcore ends connections before it tells rtcore that it ends
        assert ann.ended.bye is not None
        assert ann.ended.bye["code"] == 4000
        assert 0 <= ann.ended.bye["after"] <= 2
    assert first.wait() == 0
    epoch = ann.welcome["epoch"]
    await ann.come_back(place=own.place(way.served, **limits))
    assert ann.welcome["resumed"] is False
    assert ann.welcome["epoch"] != epoch
    gap = await ann.expect("gap", room="$all")
    assert (gap["from"], gap["reason"]) == (0, "epoch")
