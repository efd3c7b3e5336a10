"""The rulings on coming back and on keys, of the machine alone: its clock is the test's."""

from __future__ import annotations

import random
from collections import deque

from rtcore.client.coming import Comeback
from rtcore.client.errors import MaybeDone
from rtcore.client.event import Gap
from rtcore.client.handle import Sent
from rtcore.client.hearing import Hearing
from rtcore.client.reader import Reader
from rtcore.client.words import data_of
from tests.client.model import Rig

from .hand import Hand, event, taken


class Highest(random.Random):
    """Dice that always show the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


def emit(rig: Rig, name: str):
    request = rig.machine.request("emit", {"event": "count", "data": data_of(name)})
    rig.pump()
    return request


def test_a_key_is_given_to_what_is_queued_while_away_and_not_to_what_goes_out_at_once() -> None:
    """*A key for each would use up the user's 4,096 an hour at 1.2 a second.*"""
    rig = Rig(1, "ann")
    rig.settle()
    assert emit(rig, "at once").key is None
    rig.settle()
    rig.cut()
    queued = emit(rig, "later")
    assert queued.key == queued.name
    assert queued.automatic


def test_the_wait_begins_at_its_first_length_again_only_after_ten_seconds_live() -> None:
    """*Slow consumer, `disconnect` room: 4002 in a loop.*"""
    comeback, now, waits = Comeback(Highest(), None), 0.0, []
    for _ in range(7):
        assert comeback.away(now, None, counts=True)
        waits.append(comeback.due - now)
        now = comeback.due
        comeback.live(now)
        now += 9
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    now += 2
    comeback.away(now, None, counts=True)
    assert comeback.due - now == 1


def test_try_now_never_goes_before_the_time_that_the_server_named() -> None:
    comeback = Comeback(Highest(), None)
    comeback.away(100.0, 20.0, counts=True)
    comeback.try_now(101.0)
    assert comeback.due == 120.0
    comeback.away(200.0, None, counts=True)
    comeback.try_now(200.1)
    assert comeback.due == 200.1


def test_a_request_that_was_the_first_unanswered_at_five_closes_may_have_been_done() -> None:
    rig = Rig(1, "ann")
    rig.settle()
    request = emit(rig, "poison")
    sending = rig.machine.sending
    for count in range(1, 6):
        assert not request.ended, f"it ended after {count - 1} closes"
        sending.open = True  # a welcome, and nothing more
        sending.closed()
    assert isinstance(request.error, MaybeDone)
    assert request.error.maybe_done
    assert Sent(request, print, print).maybe_done, "its handle says the same as its error"


def test_a_new_epoch_owes_each_room_one_gap() -> None:
    hearing = Hearing(deque())
    hearing.begin("k1", 5)
    room = hearing.rooms.make("tea")
    room.member = True
    reader = Reader("tea")
    room.readers.append(reader)
    hearing.begin("k2", 3)
    hearing.begin("k3", 1)
    room.member = False
    room.joined({"seq": 2, "began": 2}, again=False)
    assert reader.take() == Gap(0, 2, "epoch", "tea")
    assert reader.take() is None


def test_a_server_that_starts_anew_while_its_rooms_are_joined_again_owes_them_the_gap_all_the_same() -> None:
    """*A second session of the same epoch, its join unanswered, and then a new epoch: all is gone.*"""
    hand = Hand().welcome()
    reader = hand.join("tea")
    hand.tell(event(101))
    hand.cut()
    hand.welcome(session="s2")
    hand.tell(event(102))
    hand.cut()
    hand.welcome(session="s3", epoch="k2", seq=3)
    number = next(said["id"] for said in reversed(hand.said) if said["type"] == "join")
    hand.tell({"type": "ack", "id": number, "data": {"seq": 3, "began": 3, "history": []}}, event(4))
    assert taken(reader) == [101, (0, 3), 4]
