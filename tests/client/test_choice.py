"""Which transport is tried, and when: by what is measured, down; by trying, up; and as the server advises."""

from __future__ import annotations

from itertools import pairwise

from rtcore.client.choice import DWELL, STEADY, Choice, Worked
from rtcore.client.moving import PATIENCE


def test_pings_without_an_answer_are_loss_and_move_it_too() -> None:
    choice = Choice()
    choice.worked("websocket", 0.0)
    moves = [choice.measured(0.01, 0.1, DWELL + second) for second in range(STEADY)]
    assert moves == [None, None, "sse"]


def test_the_way_up_is_tried_after_the_dwell_which_doubles_at_each_fall() -> None:
    """*Not by the figures of the worse transport: it may be as slow, since the network is.*"""
    choice, now, waits = Choice(), 0.0, []
    for _ in range(4):
        choice.worked("websocket", now)
        now += DWELL
        while choice.measured(3.0, 0.0, now) is None:
            now += 25
        choice.worked("sse", now)
        began, now = now, choice.try_at
        assert choice.to_try(now - 0.1) is None
        assert choice.to_try(now) == "websocket"
        waits.append(now - began)
    assert waits == [120, 240, 480, 960]


def test_at_most_one_move_a_minute_though_the_way_up_or_down_is_not_open() -> None:
    """*A try asks `authenticate` and every authorizer again, as a move does.*"""
    choice = Choice()
    choice.failed("websocket", 0.0)
    choice.worked("sse", 0.0)
    tries = []
    for _ in range(8):
        tries.append(now := choice.try_at)
        assert choice.to_try(now) == "websocket"
        choice.failed("websocket", now + PATIENCE)
    assert min(later - one for one, later in pairwise(tries)) >= DWELL
    choice = Choice()
    choice.worked("websocket", 0.0)
    falls = [second for second in range(60, 360) if choice.measured(3.0, 0.0, float(second)) == "sse"]
    assert falls == [60 + STEADY - 1, 120 + STEADY - 1, 180 + STEADY - 1, 240 + STEADY - 1, 300 + STEADY - 1]


def test_what_worked_is_tried_first_by_the_next_client_of_the_server() -> None:
    """*Behind a proxy that eats WebSockets each new client waited five seconds.*"""
    memory = Worked()
    first = Choice(server="https://a/rt", memory=memory)
    assert first.next(0.0) == "websocket"
    first.failed("websocket", 5.0)
    first.worked("sse", 6.0)
    again = Choice(server="https://a/rt", memory=memory)
    assert again.next(10.0) == "sse"
    again.worked("sse", 10.0)
    assert again.to_try(10.0 + DWELL) == "websocket", "and the better one is tried from there"
    assert Choice(server="https://b/rt", memory=memory).next(10.0) == "websocket"
    assert Choice("polling", server="https://a/rt", memory=memory).next(10.0) == "polling"


def test_what_the_server_advises_is_tried_when_a_move_may_be() -> None:
    """*A hint, never an order: not within a minute of the last move, and nothing that may not be used.*"""
    choice = Choice()
    choice.worked("websocket", 0.0)
    for name in ("websocket", "carrier pigeon", None):
        choice.advised(name)
        assert choice.try_at == float("inf")
    choice.advised("polling")
    assert (choice.try_at, choice.to_try(DWELL - 1), choice.to_try(DWELL)) == (DWELL, None, "polling")
    choice.worked("polling", DWELL)
    assert choice.to_try(DWELL * 3 - 1) is None, "not back up before the dwell, as after any fall"
    choice.advised("sse")
    assert choice.to_try(DWELL * 2) == "sse", "the way up waits for no dwell where the server says so"
    choice.failed("sse", DWELL * 2 + PATIENCE)
    assert choice.try_at >= DWELL * 3, "and what was advised once is not tried for ever"


def test_an_advice_is_of_the_connection_on_which_it_was_said() -> None:
    choice = Choice()
    choice.worked("websocket", 0.0)
    choice.advised("sse")
    assert choice.next(1.0) == "websocket"
    choice.worked("websocket", 1.0)
    assert choice.try_at == float("inf")
