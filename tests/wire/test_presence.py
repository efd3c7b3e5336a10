"""Who is here."""

from __future__ import annotations

from .client import Client
from .conftest import Dial, Servers
from .server import Server


def sessions(members: list[dict[str, object]]) -> set[object]:
    return {member["session"] for member in members}


def test_members_include_oneself(ann: Client, bob: Client, room: str) -> None:
    assert sessions(ann.join(room)["members"]) == {ann.session}
    joined = bob.join(room)
    assert sessions(joined["members"]) == {ann.session, bob.session}
    assert joined["count"] == 2
    assert all({"session", "user"} <= set(member) for member in joined["members"])


def test_joining_and_leaving_are_told(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    told = ann.expect("presence", room=room)
    assert (sessions(told["joined"]), told["left"], told["count"]) == ({bob.session}, [], 2)
    bob.ok("leave", room=room)
    told = ann.expect("presence", room=room)
    assert (told["joined"], sessions(told["left"]), told["count"]) == ([], {bob.session}, 1)


def test_info_comes_from_the_authorizer(ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    ann.join(room)
    bob.join(room, data={"info": {"name": "Bob", "colour": "green"}})
    told = ann.expect("presence", room=room)
    assert told["joined"][0]["info"] == {"name": "Bob", "colour": "green"}


def test_count_counts_sessions_not_users(dial: Dial, auth: Server, room: str) -> None:
    phone, laptop = (dial(auth).hello(token="ann") for _ in range(2))
    phone.join(room)
    joined = laptop.join(room)
    assert joined["count"] == 2
    assert [member["user"] for member in joined["members"]] == ["ann", "ann"]


def test_differences_of_one_window_cancel_out(ann: Client, bob: Client, room: str) -> None:
    """One array, one turn: joined and left at once is nothing to tell."""
    ann.join(room)
    bob.send([{"type": "join", "id": 1, "room": room}, {"type": "leave", "id": 2, "room": room}])
    bob.result(2)
    bob.ids = 2
    # What does show up in the end is the next one who stays.
    bob.emit("echo")
    bob.join(room)
    told = ann.expect("presence", room=room)
    assert told["count"] == 2
    assert sessions(told["joined"]) == {bob.session}
    assert told["left"] == []


def test_several_joins_are_gathered(dial: Dial, ann: Client, room: str) -> None:
    ann.join(room)
    others = [dial().hello() for _ in range(5)]
    for other in others:
        other.send({"type": "join", "room": room})
    seen: set[object] = set()
    while len(seen) < 5:
        told = ann.expect("presence", room=room)
        seen |= sessions(told["joined"])
    assert seen == {other.session for other in others}
    assert told["count"] == 6


def test_above_the_limit_only_the_count_is_told(dial: Dial, special: Servers, room: str) -> None:
    server = special.start(presence_names=3)
    first, *others = (dial(server).hello() for _ in range(5))
    first.join(room)
    for other in others:
        joined = other.join(room)
    assert joined["members"] == []
    assert joined["count"] == 5
    told = first.expect("presence", room=room, count=5)
    assert (told["joined"], told["left"]) == ([], [])


def test_presence_takes_no_numbers(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    before = ann.publish(room, 1)
    bob.join(room)
    told = ann.expect("presence", room=room)
    assert "seq" not in told
    assert ann.publish(room, 2) == before + 1


def test_the_snapshot_of_a_resume_holds_who_is_here_now(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    ann.join(room)
    bob.join(room)
    third = dial().hello()
    third.join(room)
    ann.fence()
    ann.drop()
    third.ok("leave", room=room)
    again = dial().hello(**ann.returning())
    told = again.expect("room", room=room)
    assert sessions(told["members"]) == {ann.session, bob.session}
    assert told["count"] == 2


def test_a_room_without_presence_tells_nobody(ann: Client, bob: Client, name: str) -> None:
    room = f"open:{name}"
    joined = ann.join(room)
    assert not joined.get("members")
    bob.join(room)
    seq = bob.publish(room, 1)
    assert ann.expect("event", room=room)["seq"] == seq
    bob.ok("leave", room=room)
    ann.fence()
    ann.none("presence", room=room)
