"""Words about a stay in a room: another stay overtook them, or they the ack of the join that began it."""

from __future__ import annotations

import pytest

from rtcore.client.reader import Reader
from rtcore.client.words import Said

from .hand import Hand


def joined(number: int, *grants: str) -> Said:
    """The ack of a join."""
    data = {"seq": 100, "began": 100, "history": [], "grants": list(grants or ("publish", "history"))}
    return {"type": "ack", "id": number, "data": data}


def left(number: int | None) -> Said:
    """The application took the session out, and had taken this join last."""
    return {
        "type": "left",
        "room": "tea",
        "reason": "enough",
        **({} if number is None else {"id": number}),
    }


def grants(number: int, *words: str) -> Said:
    """What it may is another."""
    return {"type": "grants", "room": "tea", "grants": list(words), "id": number}


def shown(number: int | None) -> Said:
    """The room as it is: after a change of rights, or because the application put the session in."""
    members = [{"session": "s9", "user": None}]
    said = {
        "type": "room",
        "room": "tea",
        "seq": 101,
        "began": 100,
        "members": members,
        "grants": ["history"],
    }
    return said if number is None else {**said, "id": number}


def inside(hand: Hand) -> bool:
    """Whether the client believes that it is in the room."""
    state = hand.machine.hearing.rooms.get("tea")
    return state is not None and state.member


def twice(hand: Hand) -> tuple[int, Reader, int]:
    """The client joins, leaves, and asks to be let in again: the first join, what hears now, the second."""
    hand.join()
    first = hand.said[-1]["id"]
    number = hand.request("leave", room="tea").id
    hand.tell({"type": "ack", "id": number, "data": None})
    hand.machine.hearing.rooms.forget("tea")
    return first, *hand.joining("tea")


def test_left_of_an_earlier_stay_that_comes_behind_the_ack_of_a_later_join_ends_nothing() -> None:
    """*Over plain HTTP the ack comes by one connection and `left` by another, and is the slower.*"""
    hand = Hand().welcome()
    first, reader, second = twice(hand)
    hand.tell(joined(second), grants(first, "history"), left(first))
    state = hand.machine.hearing.rooms.make("tea")
    assert inside(hand)
    assert not reader.over
    assert state.grants == ("publish", "history")
    hand.tell(left(second))
    assert not inside(hand)
    assert reader.over


def test_left_of_an_earlier_stay_does_not_end_the_one_that_is_asked_for() -> None:
    hand = Hand().welcome()
    first, reader, second = twice(hand)
    hand.tell(left(first))
    assert not reader.over
    hand.tell(joined(second))
    assert inside(hand)
    assert not reader.over


def test_left_that_overtakes_the_ack_of_its_join_is_done_behind_it() -> None:
    hand = Hand().welcome()
    reader, number = hand.joining("tea")
    hand.tell(left(number))
    hand.tell(joined(number))
    assert not inside(hand)
    assert reader.over


def test_grants_that_overtake_the_ack_of_their_join_are_newer_than_it() -> None:
    hand = Hand().welcome()
    _, number = hand.joining("tea")
    hand.tell(grants(number, "presence"))
    hand.tell(joined(number))
    assert hand.machine.hearing.rooms.make("tea").grants == ("presence",)


@pytest.mark.parametrize("says_which", [True, False])
def test_who_was_put_back_behind_a_left_that_waits_is_in_it(says_which: bool) -> None:
    hand = Hand().welcome()
    _, number = hand.joining("tea")
    hand.tell(left(number), shown(number if says_which else None))
    hand.tell(joined(number))
    assert inside(hand)


def test_room_of_an_earlier_stay_that_comes_behind_the_ack_of_a_later_join_changes_nothing() -> None:
    hand = Hand().welcome()
    first, _, second = twice(hand)
    hand.tell(joined(second), shown(first))
    state = hand.machine.hearing.rooms.make("tea")
    assert (state.grants, state.members) == (("publish", "history"), {})
    hand.tell(shown(second))
    assert (state.grants, list(state.members)) == (("history",), ["s9"])


def test_room_that_overtakes_the_ack_of_its_join_is_newer_than_it() -> None:
    """And what was said of rights before it, is older, though it waits as well."""
    hand = Hand().welcome()
    _, number = hand.joining("tea")
    hand.tell(grants(number, "publish"), shown(number))
    state = hand.machine.hearing.rooms.make("tea")
    assert not state.members
    hand.tell(joined(number))
    assert (state.grants, list(state.members)) == (("history",), ["s9"])


def test_grants_behind_a_room_that_waits_are_the_newest() -> None:
    hand = Hand().welcome()
    _, number = hand.joining("tea")
    hand.tell(grants(number, "presence"), shown(number), grants(number, "publish"))
    hand.tell(joined(number))
    assert hand.machine.hearing.rooms.make("tea").grants == ("publish",)


def test_after_a_return_a_left_is_believed_whatever_was_acknowledged_before() -> None:
    """*The server was killed: of a join again it may have only the first on disk.*"""
    hand = Hand().welcome()
    first, _, second = twice(hand)
    hand.tell(joined(second))
    hand.cut()
    hand.welcome(resumed=True, taken=1000, life="l2", rooms=[{"room": "tea", "seq": 100}])
    assert inside(hand)
    hand.tell(left(first))
    assert not inside(hand)


def test_a_left_that_does_not_say_of_which_stay_is_believed() -> None:
    """A server of before that."""
    hand = Hand().welcome()
    reader = hand.join()
    hand.tell(left(None))
    assert not inside(hand)
    assert reader.over
