"""Who is here."""

from __future__ import annotations

from .client import Client
from .conftest import Dial, Servers
from .server import Server


def sessions(members: list[dict[str, object]]) -> set[object]:
    return {member["session"] for member in members}


def others(told: dict[str, object], *but: Client) -> set[object]:
    """Who joined, but for some: the window in which one joined oneself may still be open."""
    return sessions(told["joined"]) - {client.session for client in but}  # type: ignore[arg-type]


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
    assert (others(told, ann), told["left"], told["count"]) == ({bob.session}, [], 2)
    bob.ok("leave", room=room)
    told = ann.expect("presence", room=room)
    assert (told["joined"], sessions(told["left"]), told["count"]) == ([], {bob.session}, 1)


def test_info_comes_from_the_authorizer(ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    ann.join(room)
    bob.join(room, data={"info": {"name": "Bob", "colour": "green"}})
    told = ann.expect("presence", room=room)
    info = {member["session"]: member.get("info") for member in told["joined"]}
    assert info[bob.session] == {"name": "Bob", "colour": "green"}


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
    told = ann.expect("presence", room=room, count=2)
    assert others(told, ann) == {bob.session}
    assert told["left"] == []


def test_several_joins_are_gathered(dial: Dial, ann: Client, room: str) -> None:
    ann.join(room)
    guests = [dial().hello() for _ in range(5)]
    for guest in guests:
        guest.send({"type": "join", "room": room})
    seen: set[object] = set()
    while len(seen) < 5:
        told = ann.expect("presence", room=room)
        seen |= others(told, ann)
    assert seen == {guest.session for guest in guests}
    assert told["count"] == 6


def test_above_the_limit_only_the_count_is_told(dial: Dial, special: Servers, room: str) -> None:
    server = special.start(presence_names=3)
    first, *guests = (dial(server).hello() for _ in range(5))
    first.join(room)
    for guest in guests:
        joined = guest.join(room)
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
