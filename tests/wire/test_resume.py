"""Coming back: the session, its position, both ways."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.patience import PATIENCE

from . import frames
from .client import Client
from .conftest import Dial
from .server import Server


def test_with_session_and_key_it_is_the_same_session(dial: Dial, ann: Client, room: str) -> None:
    joined = ann.join(room)
    ann.drop()
    again = dial().hello(**ann.returning())
    assert again.welcome["resumed"] is True
    assert again.session == ann.session
    assert again.welcome["key"] == ann.welcome["key"]
    assert again.welcome["epoch"] == ann.welcome["epoch"]
    assert [listed["room"] for listed in again.welcome["rooms"]] == [room]
    told = again.expect("room", room=room)
    assert told["count"] == joined["count"] == 1
    assert [member["session"] for member in told["members"]] == [ann.session]
    assert set(told["grants"]) == set(joined["grants"])


def test_what_was_missed_comes_in_order_and_once(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(2)]
    for one in (ann, bob):
        for each in rooms:
            one.join(each)
    bob.publish(rooms[0], "heard")
    ann.expect("event", data="heard")
    ann.drop()
    for n in range(20):
        bob.publish(rooms[n % 2], n)
    again = dial().hello(**ann.returning())
    assert again.welcome["seq"] == ann.position
    assert again.welcome["head"] >= ann.position + 20  # type: ignore[operator]
    assert all(listed["complete"] is True for listed in again.welcome["rooms"])
    again.fence()
    missed = [m for m in again.heard if m["type"] == "event" and m.get("room") in rooms]
    assert [(m["room"], m["data"]) for m in missed] == [(rooms[n % 2], n) for n in range(20)]
    again.none("gap")


def test_welcome_comes_first_then_rooms_then_the_past(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    rooms = {f"relay:{name}.{n}" for n in range(3)}
    for each in rooms:
        ann.join(each)
        bob.join(each)
    ann.drop()
    for each in rooms:
        bob.publish(each, "missed")
    again = dial().hello(**ann.returning())
    again.fence()
    kinds = [m["type"] for m in again.heard if m["type"] != "presence"]
    assert kinds[:7] == ["welcome", *["room"] * 3, *["event"] * 3]
    assert {m["room"] for m in again.heard if m["type"] == "room"} == rooms


def test_without_a_position_it_goes_on_from_where_the_session_began(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    ann.join(room)
    bob.join(room)
    for n in range(3):
        bob.publish(room, n)
    ann.fence()
    ann.drop()
    fields = ann.returning()
    del fields["position"]
    again = dial().hello(**fields)
    assert again.welcome["resumed"] is True
    assert again.welcome["seq"] == ann.welcome["seq"]
    again.fence()
    assert again.events(room) == [0, 1, 2]


def test_no_room_is_fed_from_before_it_began_for_the_session(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    bob.join(room)
    bob.publish(room, "before")
    ann.join(room)
    bob.publish(room, "after")
    ann.fence()
    ann.drop()
    fields = {**ann.returning(), "position": ann.at(ann.welcome["seq"])}
    again = dial().hello(**fields)
    again.fence()
    assert again.events(room) == ["after"]
    again.none("gap")


def test_what_was_said_to_this_session_alone_is_made_up_for(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    ann.emit("remember-me", name)
    ann.drop()
    for n in range(3):
        bob.emit("tell-other", [name, n])
    again = dial().hello(**ann.returning())
    again.fence()
    told = [m for m in again.heard if m.get("event") == "told"]
    assert [m["data"] for m in told] == [0, 1, 2]
    assert all("room" not in m and isinstance(m["seq"], int) for m in told)


def test_what_was_said_to_all_is_made_up_for(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    ann.drop()
    bob.emit("say-all", name)
    again = dial().hello(**ann.returning())
    assert again.expect("event", room="$all", data=name)["from"] is None


def test_a_wrong_key_and_an_unknown_session_look_the_same(dial: Dial, ann: Client, room: str) -> None:
    """Resumes with another's key: neither gets in nor learns that the session exists."""
    ann.join(room)
    answers = []
    for fields in (
        {"session": ann.session, "key": "wrong"},
        {"session": ann.session, "key": dial().hello().welcome["key"]},
        {"session": "unknown", "key": ann.welcome["key"]},
        {"session": ann.session},
        {"session": ann.session, "key": ""},
    ):
        other = dial().hello(**fields)
        assert other.session != ann.session
        answers.append(
            (other.welcome["resumed"], other.welcome["rooms"], other.welcome["taken"], sorted(other.welcome))
        )
    assert all(answer == (False, [], 0, sorted(ann.welcome)) for answer in answers)
    assert ann.emit("echo", "undisturbed") == "undisturbed"


def test_in_a_fresh_session_the_position_still_counts_for_all(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    bob.emit("say-all", name)
    other = dial().hello(session="unknown", key="unknown", position=ann.at(ann.welcome["seq"]))
    assert other.welcome["resumed"] is False
    assert other.expect("event", room="$all", data=name)


@pytest.mark.parametrize(
    "position", ["zz9zz.1", "{epoch}.{future}", "nonsense", "", "{epoch}.", "{epoch}.-1", "{epoch}.1x"]
)
def test_a_position_of_another_epoch_of_the_future_or_unreadable_is_a_gap(
    dial: Dial, ann: Client, bob: Client, name: str, position: str
) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(2)]
    for each in rooms:
        ann.join(each)
    ann.drop()
    said = position.format(epoch=ann.welcome["epoch"], future=2**50)
    again = dial().hello(**{**ann.returning(), "position": said})
    assert again.welcome["resumed"] is True
    again.fence()
    gaps = {m.get("room"): m for m in again.heard if m["type"] == "gap"}
    assert {*rooms, None, "$all"} <= set(gaps)
    assert all((m["from"], m["reason"]) == (0, "epoch") for m in gaps.values())
    # From here on it is an ordinary session.
    bob.join(rooms[0])
    bob.publish(rooms[0], "on we go")
    assert again.expect("event", room=rooms[0], data="on we go")["seq"] > again.welcome["seq"]


def test_taken_is_the_highest_id_used(dial: Dial, ann: Client) -> None:
    ann.emit("echo", 1)
    ann.send({"type": "emit", "id": 40, "event": "echo", "data": 2})
    ann.result(40)
    ann.drop()
    assert dial().hello(**ann.returning()).welcome["taken"] == 40


def test_a_request_sent_again_after_the_resume_is_not_done_again(dial: Dial, ann: Client, name: str) -> None:
    number = ann.ask("emit", event="count", data=name)
    assert ann.result(number) == 1
    ann.drop()
    again = dial().hello(**ann.returning())
    again.send({"type": "emit", "id": number, "event": "count", "data": name})
    assert again.result(number) == 1
    assert again.emit("counted", name) == 1


def test_a_running_request_sent_again_gets_its_ack_when_it_is_done(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    number = ann.ask("emit", event="count-wait", data=name)
    while bob.emit("counted", name) == 0:
        pass
    ann.drop()
    again = dial().hello(**ann.returning())
    again.send({"type": "emit", "id": number, "event": "count-wait", "data": name})
    bob.emit("open", name)
    assert again.result(number) == 1
    assert again.emit("counted", name) == 1
    again.none("ack", id=number)


def test_a_request_that_never_arrived_is_done_on_resume(dial: Dial, ann: Client, name: str) -> None:
    """Cut in the middle of a frame: half a message is none."""
    whole = frames.encode(frames.TEXT, ann.encode({"type": "emit", "id": 1, "event": "count", "data": name}))
    ann.raw(whole[:-3])
    ann.drop()
    again = dial().hello(**ann.returning())
    assert again.welcome["taken"] == 0
    again.send({"type": "emit", "id": 1, "event": "count", "data": name})
    assert again.result(1) == 1


def test_a_request_of_the_server_without_a_reply_comes_again_with_its_id(dial: Dial, ann: Client) -> None:
    number = ann.ask("emit", event="ask", data={"event": "question", "data": 17})
    question = ann.expect("request")
    assert (question["event"], question["data"]) == ("question", 17)
    ann.drop()
    again = dial().hello(**ann.returning())
    assert again.expect("request")["id"] == question["id"]
    again.send({"type": "reply", "id": question["id"], "data": "answer"})
    again.send({"type": "emit", "id": number, "event": "ask", "data": {"event": "question", "data": 17}})
    assert again.result(number) == "answer"


def test_the_older_connection_is_told_4500_and_closed(dial: Dial, ann: Client) -> None:
    again = dial().hello(**ann.returning())
    assert again.welcome["resumed"] is True
    ann.expect_bye(4500)
    ann.ended()
    assert again.emit("echo", 1) == 1


def test_the_older_connection_is_closed_even_if_it_does_not_answer(dial: Dial, ann: Client) -> None:
    """A half-open peer, superseded: the socket must not stay."""
    dial().hello(**ann.returning())
    frame = ann.next_frame()
    while frame.opcode != frames.CLOSE:
        frame = ann.next_frame()
    end = time.monotonic() + PATIENCE
    while ann.more(end):
        pass


def test_what_still_arrives_on_the_older_connection_is_ignored(dial: Dial, ann: Client, name: str) -> None:
    again = dial().hello(**ann.returning())
    with contextlib.suppress(OSError):
        ann.send({"type": "emit", "id": 1, "event": "count", "data": name})
    ann.expect_close()
    assert again.emit("counted", name) == 0


def test_acks_go_to_the_newest_connection(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    number = ann.ask("emit", event="wait", data=name)
    while not bob.emit("log", name):
        pass
    again = dial().hello(**ann.returning())
    bob.emit("open", name)
    assert again.result(number) == name


def test_a_join_that_waits_for_the_application_is_answered_on_the_newest(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    room = f"gated:{name}"
    number = ann.ask("join", room=room)
    while not bob.emit("log", room):
        pass
    ann.drop()
    again = dial().hello(**ann.returning())
    again.send({"type": "join", "id": number, "room": room})
    bob.emit("open", room)
    assert again.result(number)["count"] == 1
    again.ids = number
    assert again.publish(room, 1) > 0


def test_of_three_connections_the_last_one_has_the_session(dial: Dial, ann: Client) -> None:
    second = dial().hello(**ann.returning())
    third = dial().hello(**ann.returning())
    ann.expect_bye(4500)
    second.expect_bye(4500)
    assert third.emit("whoami")["id"] == ann.session


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 3000, 4999])
def test_whatever_the_close_code_the_session_waits(dial: Dial, ann: Client, code: int | None) -> None:
    ann.raw(frames.close(code))
    ann.expect_close()
    assert dial().hello(**ann.returning()).welcome["resumed"] is True


def test_a_broken_frame_ends_the_connection_and_not_the_session(dial: Dial, ann: Client) -> None:
    ann.raw(frames.encode(0x3))
    ann.expect_bye(1002)
    assert dial().hello(**ann.returning()).welcome["resumed"] is True


def test_bye_ends_the_session_at_once(dial: Dial, ann: Client, bob: Client, room: str) -> None:
    bob.join(room)
    ann.join(room)
    bob.expect("presence", room=room)
    ann.send({"type": "bye"})
    assert ann.expect_close().code == 1000
    gone = bob.expect("presence", room=room)
    assert [member["session"] for member in gone["left"]] == [ann.session]
    assert dial().hello(**ann.returning()).welcome["resumed"] is False


def test_an_end_by_the_application_is_4503_and_final(dial: Dial, ann: Client) -> None:
    ann.ask("emit", event="end-me", data="enough for today")
    closed = ann.expect_bye(4503)
    assert "enough for today" in closed.bye["reason"]  # type: ignore[index]
    assert dial().hello(**ann.returning()).welcome["resumed"] is False


def test_after_the_window_the_session_is_gone_and_its_rooms_hear_it(
    dial: Dial, quick: Server, room: str
) -> None:
    ann, bob = dial(quick).hello(), dial(quick).hello()
    bob.join(room)
    ann.join(room)
    bob.expect("presence", room=room)
    ann.drop()
    bob.expect("presence", room=room, count=1)
    again = dial(quick).hello(**ann.returning())
    assert again.welcome["resumed"] is False


def test_a_short_drop_is_heard_by_nobody(dial: Dial, ann: Client, bob: Client, room: str) -> None:
    bob.join(room)
    ann.join(room)
    bob.expect("presence", room=room, count=2)
    ann.drop()
    again = dial().hello(**ann.returning())
    third = dial().hello()
    third.join(room)
    told = bob.expect("presence", room=room)
    assert [member["session"] for member in told["joined"]] == [third.session]
    assert (told["left"], told["count"]) == ([], 3)
    assert again.emit("echo", 1) == 1


def test_each_room_is_authorized_again(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    room = f"guarded:{name}"
    ann.join(room)
    bob.join(room)
    ann.drop()
    bob.emit("deny", room)
    bob.publish(room, "not for ann")
    again = dial().hello(**ann.returning())
    assert again.welcome["resumed"] is True
    again.fence()
    assert again.events(room) == []
    bob.publish(room, "nor this")
    again.fence()
    assert again.events(room) == []
    again.refused("FORBIDDEN", "publish", room=room, event="say")


def test_a_half_open_peer_leaves_its_session_to_the_window(dial: Dial, quick: Server) -> None:
    """The peer is gone without a packet: found within ping and silence; the session can be resumed after."""
    ann = dial(quick, pong=False).hello()
    ann.expect_bye(4001)
    assert dial(quick).hello(**ann.returning()).welcome["resumed"] is True
