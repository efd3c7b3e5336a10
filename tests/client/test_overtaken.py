"""A join that the server passed over, since it does not know whether it is the newest of its room."""

from __future__ import annotations

from rtcore.client.words import Said

from .hand import Hand


def expired(number: int) -> Said:
    """A join of an earlier life of the server, or one that was overtaken."""
    error = {"code": "ACK_EXPIRED", "message": "a later one was taken", "retry": False}
    return {"type": "ack", "id": number, "error": error}


def test_a_join_of_which_the_server_does_not_know_whether_it_is_the_newest_is_asked_for_anew() -> None:
    """*The server was killed while a join was unanswered: it counts as overtaken, and the room is wanted.*"""
    hand = Hand().welcome()
    reader, number = hand.joining("tea")
    hand.cut()
    hand.welcome(resumed=True, taken=1000, life="l2")
    hand.tell(expired(number))
    hand.clock.time += 0.1
    hand.machine.advance()
    hand.pump()
    assert [said["id"] for said in hand.said if said["type"] == "join"] == [number, number, 1001]
    hand.tell({"type": "ack", "id": 1001, "data": {"seq": 100, "began": 100, "history": []}})
    assert not reader.over
    assert hand.machine.hearing.rooms.make("tea").member


def test_a_join_that_was_overtaken_by_a_leave_of_ours_is_not() -> None:
    hand = Hand().welcome()
    reader, number = hand.joining("tea")
    room = hand.machine.hearing.rooms.make("tea")
    hand.machine.leave(room)
    hand.pump()
    hand.tell(expired(number))
    hand.clock.time += 0.1
    hand.machine.advance()
    hand.pump()
    assert [said["id"] for said in hand.said if said["type"] == "join"] == [number]
    assert reader.over


def test_a_join_that_counts_as_overtaken_goes_again_before_a_leave_that_waits() -> None:
    """*Repeated behind it, the join would bring the session back into a room that the program has left.*"""
    hand = Hand().welcome(limits={"acks": 1})
    _, number = hand.joining("tea")
    room = hand.machine.hearing.rooms.make("tea")
    hand.machine.leave(room)
    hand.request("history", room="tea")
    hand.tell(expired(number))
    said = [(each["type"], each["id"]) for each in hand.said[1:]]
    assert said == [("join", number), ("join", number + 1)]
    hand.tell({"type": "ack", "id": number + 1, "data": {"seq": 100, "began": 100, "history": []}})
    assert [each["type"] for each in hand.said[1:]] == ["join", "join", "leave"]


def test_a_leave_goes_out_under_whoever_is_there() -> None:
    """*Ann's queue is not bob's, but her rooms are his session's: a leave that waits for her never ends.*"""
    hand = Hand().welcome(user="ann")
    hand.join("tea")
    hand.machine.closed(hand.gen, 1006)
    hand.machine.leave(hand.machine.hearing.rooms.make("tea"))
    hand.clock.time = hand.machine.deadline
    hand.machine.advance()
    hand.pump()
    before = len(hand.said)
    hand.welcome(session="s2", user="bob")
    assert [each["type"] for each in hand.said[before:] if each["type"] != "hello"] == ["join", "leave"]


def test_a_leave_that_the_server_puts_off_is_said_again() -> None:
    hand = Hand().welcome()
    hand.join("tea")
    room = hand.machine.hearing.rooms.make("tea")
    leave = hand.machine.leave(room)
    hand.pump()
    busy = {"code": "OVERLOADED", "message": "", "retry": True, "after": 2}
    hand.tell({"type": "ack", "id": leave.id, "error": busy})
    hand.clock.time += 2
    hand.machine.advance()
    hand.pump()
    assert [each["type"] for each in hand.said[-2:]] == ["leave", "leave"]
    hand.tell({"type": "ack", "id": leave.id})
    assert hand.machine.hearing.rooms.get("tea") is None
