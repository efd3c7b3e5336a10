"""Rooms: who hears what, what is kept, and what rights do."""

from __future__ import annotations

import trio

from tests.patience import PATIENCE

from .conftest import Dial, Ground, Way
from .peer import Peer
from .websocket import WebSocket


async def test_what_is_said_in_a_room_is_heard_by_its_members(
    way: Way, ann: Peer, bob: Peer, room: str
) -> None:
    joined = await ann.join(room)
    assert [member["session"] for member in joined["members"]] == [ann.session]
    assert joined["count"] == 1
    assert {"publish", "presence", "history"} <= set(joined["grants"])
    await bob.join(room)
    seq = await bob.publish(room, {"text": "tea ☕"})
    event = await ann.expect("event", room=room)
    assert (event["event"], event["data"], event["seq"]) == ("say", {"text": "tea ☕"}, seq)
    assert event["from"]["session"] == bob.session
    assert isinstance(event["time"], int)
    mine = await ann.publish(room, "mine")
    assert (await bob.expect("event", room=room, seq=mine))["from"]["session"] == ann.session


async def test_one_hears_oneself_unless_one_says_no(way: Way, ann: Peer, room: str) -> None:
    await ann.join(room)
    await ann.publish(room, "heard")
    await ann.publish(room, "not heard", echo=False)
    await ann.fence()
    assert ann.events(room) == ["heard"]


async def test_the_application_may_leave_one_out(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await bob.join(room)
    await ann.emit("say", {"room": room, "data": "for others", "mine": True})
    await bob.expect("event", room=room, data="for others")
    await ann.fence()
    assert ann.events(room) == []
    # Replay obeys it too.
    ann.drop()
    began = ann.welcome["seq"]
    await ann.come_back(position=ann.at(began))
    await ann.fence()
    assert ann.events(room) == []


async def test_a_volatile_event_is_heard_and_not_kept(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await bob.join(room)
    with trio.fail_after(PATIENCE):
        while (
            event := ann.find("event", room=room, event="cursor")
        ) is None:  # between two polls nobody listens
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ann.listen, 0.05)
                await bob.ok("publish", room=room, event="cursor", data=1, volatile=True)
    assert "seq" not in event
    again = await ann.ok("history", room=room)
    assert again["history"] == []


async def test_history_is_told_with_the_join_and_on_request(
    way: Way, ann: Peer, bob: Peer, room: str
) -> None:
    await bob.join(room)
    numbers = [await bob.publish(room, n) for n in range(6)]
    joined = await ann.join(room, last=2)
    assert [entry["data"] for entry in joined["history"]] == [4, 5]
    page = await ann.ok("history", room=room, after=ann.at(numbers[1]), limit=3)
    assert [entry["seq"] for entry in page["history"]] == numbers[2:5]
    assert (page["complete"], page["more"]) == (True, True)
    await ann.refused("INVALID_MESSAGE", "join", room=room, last=2, since=ann.at(0))


async def test_since_a_position_all_that_is_missing_comes(
    way: Way, dial: Dial, ann: Peer, bob: Peer, room: str
) -> None:
    await bob.join(room)
    numbers = [await bob.publish(room, n) for n in range(5)]
    joined = await ann.join(room, since=bob.at(numbers[1]))
    assert [entry["data"] for entry in joined["history"]] == [2, 3, 4]
    assert joined["complete"] is True


async def test_to_a_user_is_to_each_of_its_sessions_and_to_all_is_to_everybody(
    way: Way, ground: Ground, dial: Dial, name: str
) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    one, two = await dial(place=place).hello(token=name), await dial(WebSocket, place).hello(token=name)
    other = await dial(place=place).hello(token="other")
    await other.emit("say-user", [name, "hello"])
    await other.emit("say-all", name)
    for peer in (one, two):
        assert (await peer.expect("event", room=f"$user/{name}"))["data"] == "hello"
        await peer.expect("event", room="$all", data=name)
    await other.fence()
    other.none("event", room=f"$user/{name}")
    await other.expect("event", room="$all", data=name)


async def test_after_leaving_nothing_more_comes(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await bob.join(room)
    await ann.ok("leave", room=room)
    await bob.publish(room, "unheard")
    await ann.fence()
    assert ann.events(room) == []
    await ann.refused("FORBIDDEN", "publish", room=room, event="say")
    await ann.ok("leave", room=room)
    joined = await ann.join(room)
    assert joined.get("history", []) == []


async def test_left_says_why_and_is_the_end(way: Way, ann: Peer, bob: Peer, room: str, name: str) -> None:
    await ann.join(room)
    await bob.join(room)
    await ann.emit("remember-me", name)
    await bob.publish(room, "before")
    await ann.expect("event", room=room, data="before")  # what is still queued then is not heard any more
    await bob.emit("kick-other", [name, room])
    await bob.publish(room, "after")
    left = await ann.expect("left", room=room)
    assert left["reason"] == "asked to leave"
    await ann.fence()
    assert ann.events(room) == []
    ann.drop()
    await ann.come_back()
    assert ann.welcome["rooms"] == []


async def test_narrowed_rights_act_at_once(way: Way, ann: Peer, bob: Peer, room: str, name: str) -> None:
    await ann.join(room)
    await ann.emit("remember-me", name)
    await bob.emit("grant-other", {"name": name, "room": room, "grants": ["history"]})
    assert (await ann.expect("grants", room=room))["grants"] == ["history"]
    await ann.refused("FORBIDDEN", "publish", room=room, event="say")
    await bob.emit("grant-other", {"name": name, "room": room, "grants": ["publish", "presence"]})
    await ann.expect("grants", room=room)
    await ann.publish(room, 1)
    await ann.refused("FORBIDDEN", "history", room=room)


async def test_what_the_authorizer_says_holds(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    room = f"guarded:{name}"
    joined = await ann.join(room, data={"grants": ["history", "presence"], "info": {"seat": 4}})
    assert set(joined["grants"]) == {"history", "presence"}
    assert joined["members"][0]["info"] == {"seat": 4}
    await ann.refused("FORBIDDEN", "publish", room=room, event="say")
    await bob.emit("deny", room)
    await bob.refused("FORBIDDEN", "join", room=room)
    await bob.refused("NOT_FOUND", "join", room=f"nowhere:{name}")


async def test_a_join_brings_the_state_of_the_room(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    """What comes later with a number up to `seq` is in the state already."""
    room = f"doc:{name}"
    for _ in range(3):
        await bob.emit("bump", room)
    joined = await ann.join(room)
    assert joined["state"] == {"bumps": 3}
    await bob.emit("bump", room)
    event = await ann.expect("event", room=room)
    assert event["data"] == 4
    assert event["seq"] > joined["seq"]
