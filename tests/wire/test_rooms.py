"""Joining, leaving, publishing, rights."""

from __future__ import annotations

import pytest

from .client import Client
from .conftest import Dial


def test_members_of_a_relay_room_may_publish(ann: Client, bob: Client, room: str) -> None:
    joined = ann.join(room)
    assert joined["count"] == 1
    assert {"publish", "presence", "history"} <= set(joined["grants"])
    assert isinstance(joined["seq"], int)
    bob.join(room)
    seq = ann.publish(room, {"text": "hi"})
    event = bob.expect("event", room=room)
    assert (event["event"], event["data"], event["seq"]) == ("say", {"text": "hi"}, seq)
    assert event["from"] == {"session": ann.session, "user": None}


def test_others_may_not(ann: Client, bob: Client, room: str) -> None:
    bob.join(room)
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)
    bob.fence()
    assert bob.events(room) == []


def test_after_leaving_one_is_another(ann: Client, room: str) -> None:
    ann.join(room)
    ann.ok("leave", room=room)
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)


def test_elsewhere_the_grants_say_who_may_publish(ann: Client, bob: Client, name: str) -> None:
    room = f"hall:{name}"
    joined = ann.join(room)
    assert "publish" not in joined["grants"]
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)
    bob.emit("say", {"room": room, "data": "from above"})
    event = ann.expect("event", room=room)
    assert event["data"] == "from above"
    assert event["from"] is None


def test_the_authorizer_gives_the_grants(ann: Client, name: str) -> None:
    room = f"guarded:{name}"
    assert ann.join(room, data={"grants": ["history"]})["grants"] == ["history"]
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)


def test_an_authorizer_that_says_no_is_forbidden(ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    bob.emit("deny", room)
    ann.refused("FORBIDDEN", "join", room=room)
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)


@pytest.mark.parametrize("kind", ["join", "publish", "history"])
def test_a_room_that_no_setting_names_is_not_found(ann: Client, name: str, kind: str) -> None:
    fields = {"event": "say", "data": 1} if kind == "publish" else {}
    ann.refused("NOT_FOUND", kind, room=f"unheard-of:{name}", **fields)


@pytest.mark.parametrize("room", ["$all", "$user/ann", "$other"])
@pytest.mark.parametrize("kind", ["join", "publish"])
def test_names_that_begin_with_a_dollar_are_not_for_clients(
    ann: Client, bob: Client, kind: str, room: str
) -> None:
    number = ann.ask(kind, room=room, event="say", data="forged")
    ack = ann.ack(number)
    assert ack["error"]["code"] in ("FORBIDDEN", "NOT_FOUND", "INVALID_MESSAGE"), ack
    bob.fence()
    bob.none("event", room=room)


def test_everything_said_to_all_is_said_in_a_room(ann: Client, bob: Client, name: str) -> None:
    bob.emit("say-all", name)
    for one in (ann, bob):
        event = one.expect("event", room="$all", data=name)
        assert event["from"] is None
        assert isinstance(event["seq"], int)


def test_leaving_a_room_one_is_not_in_is_acked(ann: Client, room: str) -> None:
    ann.ok("leave", room=room)
    ann.join(room)
    ann.ok("leave", room=room)
    ann.ok("leave", room=room)


def test_after_leaving_nothing_new_is_heard(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.ok("leave", room=room)
    bob.publish(room, "unheard")
    ann.fence()
    assert ann.events(room) == []


def test_joining_again_gives_the_present_state_and_no_history(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    seq = bob.publish(room, 1)
    again = ann.join(room, last=10)
    assert again["history"] == []
    assert again["seq"] >= seq
    assert again["count"] == 2
    bob.publish(room, 2)
    ann.fence()
    assert ann.events(room) == [1, 2]


def test_a_join_sent_again_because_it_had_no_ack_has_its_history(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    bob.join(room)
    bob.publish(room, "before")
    number = ann.ask("join", room=room, last=10)
    bob.expect("presence", room=room, count=2)
    ann.drop()
    bob.publish(room, "after")
    again = dial().hello(**ann.returning())
    again.send({"type": "join", "id": number, "room": room, "last": 10})
    joined = again.result(number)
    assert [event["data"] for event in joined["history"]] == ["before"]
    again.fence()
    assert again.events(room) == ["after"]


def test_left_ends_what_is_heard(ann: Client, bob: Client, room: str, name: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.emit("remember-me", name)
    bob.emit("kick-other", [name, room])
    bob.publish(room, "after the end")
    left = ann.expect("left", room=room)
    assert left["reason"] == "asked to leave"
    ann.fence()
    assert ann.events(room) == []
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)


def test_one_who_was_put_out_while_away_hears_nothing_of_it_on_return(
    dial: Dial, ann: Client, bob: Client, room: str, name: str
) -> None:
    """No peer hears what it may not: not in replay either."""
    ann.join(room)
    bob.join(room)
    ann.emit("remember-me", name)
    ann.drop()
    bob.publish(room, "while still a member, but away")
    bob.emit("kick-other", [name, room])
    bob.publish(room, "secret")
    again = dial().hello(**ann.returning())
    again.fence()
    assert "secret" not in again.events(room)
    assert [listed["room"] for listed in again.welcome["rooms"]] == []


def test_narrowed_rights_are_told_and_obeyed(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    ann.emit("grant-me", {"room": room, "grants": ["history"]})
    assert ann.expect("grants", room=room)["grants"] == ["history"]
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)
    assert ann.ok("history", room=room)["history"] == []
    ann.emit("grant-me", {"room": room, "grants": []})
    assert ann.expect("grants", room=room)["grants"] == []
    ann.refused("FORBIDDEN", "history", room=room)


def test_joining_again_gives_back_nothing_that_was_taken(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    ann.join(room)
    ann.emit("grant-me", {"room": room, "grants": ["history"]})
    ann.expect("grants", room=room)
    assert ann.join(room)["grants"] == ["history"]
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1)
    again = dial().hello(**ann.returning())
    assert again.expect("room", room=room)["grants"] == ["history"]
    assert again.join(room)["grants"] == ["history"]


def test_without_the_right_to_presence_nobody_is_seen(ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    joined = ann.join(room, data={"grants": ["publish", "history"]})
    assert not joined.get("members")
    bob.join(room)
    third = ann.publish(room, 1)
    assert bob.expect("event", room=room)["seq"] == third
    bob.ok("leave", room=room)
    ann.fence()
    ann.none("presence", room=room)


def test_presence_that_is_given_begins_with_who_is_there(ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    ann.join(room, data={"grants": ["history"]})
    bob.join(room)
    ann.emit("grant-me", {"room": room, "grants": ["history", "presence"]})
    assert ann.expect("grants", room=room)["grants"] == ["presence", "history"]
    view = ann.expect("room", room=room)
    assert {member["session"] for member in view["members"]} == {ann.session, bob.session}
    bob.ok("leave", room=room)
    left = ann.expect("presence", room=room)
    assert [member["session"] for member in left["left"]] == [bob.session]


def test_the_application_puts_a_session_into_a_room(ann: Client, bob: Client, room: str) -> None:
    ann.emit("put-me", room)
    bob.join(room)
    bob.publish(room, "welcome")
    assert ann.expect("event", room=room)["data"] == "welcome"
    ann.publish(room, "thanks")


def test_an_excluded_session_hears_nothing_live_nor_replayed_nor_in_history(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    ann.join(room)
    bob.join(room)
    ann.emit("say", {"room": room, "data": "all but ann", "mine": True})
    ann.emit("say", {"room": room, "data": "everybody"})
    ann.fence()
    assert ann.events(room) == ["everybody"]
    bob.fence()
    assert bob.events(room) == ["all but ann", "everybody"]
    assert [event["data"] for event in ann.ok("history", room=room)["history"]] == ["everybody"]
    ann.drop()
    again = dial().hello(**{**ann.returning(), "position": ann.at(ann.welcome["seq"])})
    again.fence()
    assert again.events(room) == ["everybody"]


def test_two_rooms_are_two(ann: Client, bob: Client, name: str) -> None:
    one, other = f"relay:{name}.1", f"relay:{name}.2"
    ann.join(one)
    bob.join(one)
    bob.join(other)
    bob.publish(other, "elsewhere")
    ann.fence()
    assert ann.events() == []
    ann.none("event", room=other)
