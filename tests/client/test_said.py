"""The rulings on what a client takes in and gives out, of the machine alone: the test is the server."""

from __future__ import annotations

import pytest

from rtcore.client.attempt import WELCOME
from rtcore.client.effects import Welcomed, Write
from rtcore.client.errors import LeftRoom, MaybeDone, TooLarge
from rtcore.client.states import State
from rtcore.client.words import data_of

from .hand import Hand, Said, event, taken


def test_only_welcome_and_events_move_the_position() -> None:
    """*The `seq` of an ack and a gap's `to` never do: acks overtake waiting entries, and would skip them.*"""
    hand = Hand().welcome()
    hand.join()
    hand.request("publish", room="tea", event="say", data=data_of(1))
    hand.tell({"type": "ack", "id": hand.said[-1]["id"], "data": {"seq": 140}})
    hand.tell({"type": "gap", "room": "tea", "from": 101, "to": 120, "reason": "ring"})
    hand.tell({"type": "live", "seq": 150})
    assert hand.machine.hearing.position == "k1.100"
    hand.tell(event(121))
    assert hand.machine.hearing.position == "k1.121"


def test_an_event_that_is_not_above_the_position_is_dropped() -> None:
    """*Make before break: 101-103 still come on the old transport; the new one begins at 101.*"""
    hand = Hand().welcome()
    reader = hand.join()
    hand.tell(event(101), event(102), event(103))
    hand.tell(event(101), event(102), event(104))
    assert taken(reader) == [101, 102, 103, 104]


def test_a_gap_that_is_told_at_each_return_is_given_once() -> None:
    """*A gap is told again at each return until an event passes it.*"""
    hand = Hand().welcome()
    reader = hand.join()
    gap = {"type": "gap", "room": "tea", "from": 101, "to": 110, "reason": "ring"}
    hand.tell(gap)
    hand.tell(gap)
    hand.tell({**gap, "to": 115})
    assert taken(reader) == [(101, 110), (111, 115)]


def test_events_that_come_before_the_ack_of_their_join_wait_for_it() -> None:
    """*A room's event at or below `began` is dropped; one above it is never. History first.*"""
    hand = Hand().welcome()
    reader, number = hand.joining()
    hand.tell(event(103), event(104))
    assert taken(reader) == []
    history = [event(101), event(102)]
    hand.tell({"type": "ack", "id": number, "data": {"seq": 110, "began": 102, "history": history}})
    hand.tell(event(105))
    assert taken(reader) == [101, 102, 103, 104, 105]


def test_what_is_in_the_ack_of_a_join_does_not_come_again_as_an_event() -> None:
    """*Not dropping doubles them after leave and join; dropping up to `seq` loses entries.*"""
    hand = Hand().welcome()
    reader, number = hand.joining()
    hand.tell(event(102), event(103))
    history = [event(101), event(102)]
    hand.tell({"type": "ack", "id": number, "data": {"seq": 103, "began": 102, "history": history}})
    assert taken(reader) == [101, 102, 103]


def test_a_welcome_that_does_not_come_in_time_is_given_up() -> None:
    """*101 came, `authenticate` hangs or a proxy holds the stream: no deadline.*"""
    hand = Hand()
    hand.machine.opened(hand.gen, None)
    hand.pump()
    first = hand.gen
    hand.clock.time += WELCOME - 0.1
    hand.machine.advance()
    assert hand.machine.state is State.WELCOMING
    hand.clock.time += 0.2
    hand.machine.advance()
    hand.pump()
    assert hand.shut == [1000]
    assert hand.machine.state is not State.WELCOMING
    hand.tell({"type": "welcome", "session": "late", "key": "k", "resumed": True}, gen=first)
    assert hand.machine.who.session is None, "what an older connection says is not heard"
    assert not [each for each in hand.said if each["type"] == "bye"]


def test_a_fresh_session_that_comes_too_late_is_ended_and_not_left_to_its_window() -> None:
    """*The answer to a POST arrives after the attempt was given up: a session that nobody will speak in.*"""
    hand = Hand("polling")
    hand.machine.opened(hand.gen, None)
    hand.pump()
    first = hand.gen
    hand.clock.time += WELCOME + 0.1
    hand.machine.advance()
    late = {"type": "welcome", "session": "late", "key": "k", "resumed": False}
    hand.machine.heard(first, [late])
    told = [each for each in hand.machine.effects if isinstance(each, Welcomed | Write)]
    assert told == [Welcomed(first, "late", "k", None), Write(first, (b'{"type":"bye"}',))]
    assert hand.machine.who.session is None


def test_a_pong_says_that_a_request_was_accepted() -> None:
    """*A handler of 10 s is accepted only when it is applied: nothing on the wire said so before the ack.*"""
    hand = Hand().welcome()
    first, second = hand.emit(1), hand.emit(2)
    hand.machine.ping()
    hand.pump()
    assert not first.accepted
    hand.tell({"type": "pong", "time": hand.said[-1]["time"], "server": 0, "taken": first.id})
    assert first.accepted
    assert not second.accepted
    assert not first.ended


def test_a_server_that_began_anew_says_of_no_request_that_it_was_accepted() -> None:
    """*Emit 1 is lost with the server; its next life says taken 65,536, since it cannot know.*"""
    hand = Hand().welcome()
    first = hand.emit(1)
    hand.cut()
    hand.welcome(resumed=True, taken=65_536, life="l2")
    assert not first.accepted
    hand.machine.ping()
    hand.pump()
    hand.tell({"type": "pong", "time": hand.said[-1]["time"], "server": 0, "taken": 65_536})
    assert not first.accepted
    second = hand.emit(2)
    assert second.id > 65_536
    hand.machine.ping()
    hand.pump()
    hand.tell({"type": "pong", "time": hand.said[-1]["time"], "server": 0, "taken": second.id})
    assert second.accepted


def test_nothing_follows_a_hello_that_names_a_session_until_its_welcome_is_here() -> None:
    """*Resume with 5, 6 in the same packet; the session is gone: the server takes them as new requests.*"""
    hand = Hand().welcome()
    hand.emit(1)
    hand.cut()
    before = len(hand.said)
    hand.machine.opened(hand.gen, None)
    hand.pump()
    hand.emit(2)
    assert [said["type"] for said in hand.said[before:]] == ["hello"]


def test_what_was_written_goes_again_before_anything_new_and_in_its_order() -> None:
    """*8 is new and goes first, then 5 again: `ACK_EXPIRED`, a lost message.*"""
    hand = Hand().welcome()
    for number in range(3):
        hand.emit(number)
    hand.cut()
    hand.emit(3)
    before = len(hand.said)
    hand.welcome(resumed=True, taken=2)
    ids = [said["id"] for said in hand.said[before:] if said["type"] == "emit"]
    assert ids == [1, 2, 3, 4]


def test_ids_go_on_above_what_the_server_has_taken() -> None:
    hand = Hand().welcome()
    hand.emit()
    hand.cut()
    hand.welcome(resumed=True, taken=7)
    hand.emit()
    assert hand.said[-1]["id"] == 8


@pytest.mark.parametrize(
    ("fields", "again"),
    [
        ({}, True),
        ({"user": "bob"}, False),
        ({"life": "l2"}, False),
        ({"user": None}, False),
    ],
)
def test_what_was_written_in_a_session_that_is_gone_goes_again_only_if_its_key_still_counts(
    fields: Said, again: bool
) -> None:
    """*An anonymous session's keys die with it; a restart may have lost them; another user has others.*"""
    hand = Hand().welcome()
    hand.cut()
    request = hand.emit("queued while away, so it has a key")
    assert request.key is not None
    hand.welcome(resumed=True)
    assert hand.said[-1]["key"] == request.key
    hand.cut()
    before = len(hand.said)
    hand.welcome(session="s2", **fields)
    sent = [said for said in hand.said[before:] if said["type"] == "emit"]
    assert bool(sent) is again
    assert isinstance(request.error, MaybeDone) is not again


def test_a_request_without_a_key_in_a_session_that_is_gone_may_have_been_done() -> None:
    hand = Hand().welcome()
    request = hand.emit()
    hand.cut()
    hand.welcome(session="s2")
    assert isinstance(request.error, MaybeDone)


def test_a_room_that_nobody_wants_is_left_and_one_that_is_missing_is_told() -> None:
    """*A room in `welcome.rooms` that nobody wants is left; a wanted one that is missing is told `left`.*"""
    hand = Hand().welcome()
    reader = hand.join("tea")
    hand.cut()
    before = len(hand.said)
    hand.welcome(resumed=True, rooms=[{"room": "coffee", "seq": 100}])
    assert [said["room"] for said in hand.said[before:] if said["type"] == "leave"] == ["coffee"]
    assert isinstance(reader.ended, LeftRoom)


def test_a_room_that_is_missing_while_its_join_is_unanswered_is_joined_again() -> None:
    """*Unless its join is still unanswered: then the join goes again.*"""
    hand = Hand().welcome()
    reader, number = hand.joining("tea")
    hand.cut()
    before = len(hand.said)
    hand.welcome(resumed=True, taken=number)
    assert [said["id"] for said in hand.said[before:] if said["type"] == "join"] == [number]
    assert not reader.over


def test_presence_of_an_older_connection_is_not_heard_after_a_welcome() -> None:
    """*A server's request and a join are matched by generation.*"""
    hand = Hand().welcome()
    hand.join("tea", members=[{"session": "s1", "user": "ann"}], count=1)
    old = hand.gen
    hand.cut()
    hand.welcome(resumed=True, rooms=[{"room": "tea", "seq": 100}])
    room = hand.machine.hearing.rooms.get("tea")
    assert room is not None
    hand.tell(
        {"type": "presence", "room": "tea", "joined": [{"session": "s9"}], "left": [], "count": 9}, gen=old
    )
    assert room.count != 9


def test_a_question_that_comes_again_is_answered_the_same_and_of_another_life_asked_anew() -> None:
    """*Restart, resume: "delete?" comes as id 3 and is answered with the kept "yes" of the old 3.*"""
    hand = Hand().welcome()
    question = {"type": "request", "id": 3, "event": "delete?", "data": 1}
    hand.tell(question)
    hand.machine.reply(3, {"data": "yes"})
    hand.pump()
    hand.tell(question)
    assert [said["data"] for said in hand.said if said["type"] == "reply"] == ["yes", "yes"]
    assert len(hand.asked) == 1
    hand.cut()
    hand.welcome(resumed=True, life="l2")
    hand.tell(question)
    assert len(hand.asked) == 2


def test_a_client_paces_itself_by_the_limit_and_an_array_counts_each() -> None:
    """*4004, back, the same burst again, 4004.*"""
    hand = Hand().welcome(limits={"messages_per_second": 10})
    for number in range(30):
        hand.emit(number)
    assert len([said for said in hand.said if said["type"] == "emit"]) <= 10
    hand.clock.time += 1
    hand.machine.advance()
    hand.pump()
    assert len([said for said in hand.said if said["type"] == "emit"]) <= 20


def test_limits_of_the_newest_welcome_judge_a_request_when_it_is_written() -> None:
    """*Over them it alone fails, and an array is cut to fit.*"""
    hand = Hand().welcome()
    hand.cut()
    small = [hand.emit("x" * 100) for _ in range(20)]
    large = hand.emit("x" * 3000)
    before = len(hand.frames)
    hand.welcome(resumed=True, limits={"max_message": 1000})
    assert isinstance(large.error, TooLarge)
    assert not any(request.ended for request in small)
    sizes = [len(data_of(frame)) for frame in hand.frames[before:] if frame[0]["type"] == "emit"]
    assert sizes
    assert max(sizes) <= 1000


def test_at_most_so_many_requests_wait_for_their_acks() -> None:
    """*128 acks of 2 KB fill the 256 KiB: of 256 requests in flight at a drop half come back as expired.*"""
    hand = Hand().welcome(limits={"acks": 4})
    for number in range(10):
        hand.emit(number)
    assert len([said for said in hand.said if said["type"] == "emit"]) == 4
    hand.tell({"type": "ack", "id": 1, "data": None}, {"type": "ack", "id": 2, "data": None})
    sent = [said for said in hand.said if said["type"] == "emit"]
    assert len(sent) == 6
    assert sent[-1]["acked"] == 2


def test_what_is_measured_begins_anew_with_each_connection() -> None:
    """*What is measured is of the transport in use.* Loss is pings without a pong among the last 20."""
    hand = Hand().welcome()
    pulse = hand.machine.pulse
    assert pulse is not None
    for number in range(10):
        hand.machine.ping()
        hand.pump()
        hand.clock.time += 0.1
        if number % 2:
            hand.tell({"type": "pong", "time": hand.said[-1]["time"], "server": 0})
    assert pulse.loss == pytest.approx(0.5)
    assert pulse.smoothed == pytest.approx(0.1, abs=0.01)
    hand.cut()
    hand.welcome(resumed=True)
    assert hand.machine.pulse is not None
    assert hand.machine.pulse.loss == 0
    assert hand.machine.pulse.smoothed is None
