"""A join that the server passed over, since it does not know whether it is the newest of its room."""

from __future__ import annotations

from rtcore.client.words import Said

from .test_said import Hand


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
    hand.request("leave", room="tea")
    hand.tell(expired(number))
    hand.clock.time += 0.1
    hand.machine.advance()
    hand.pump()
    assert [said["id"] for said in hand.said if said["type"] == "join"] == [number]
    assert reader.over
